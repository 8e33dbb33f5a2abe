"""Vital signs over time, and entries by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.entry import MOST_BACK_US, checked
from api.errors import Rejected
from api.series import whole_hours, windows
from tests.unit.api.site import START, Site
from vigil.domain.people import Binding
from vigil.domain.quality import Quality
from vigil.domain.readings import Stream
from vigil.domain.scores import Band, Coverage, CoverageState, Score, ScorePart, ScoreStatus
from vigil.domain.times import DAY, HOUR, MINUTE, SECOND, to_iso

PATH = "/api/v1/patients/p-1/vitals"


def test_a_short_range_is_raw(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [95, float("nan"), 97], start=START, quality=Quality.MOTION)
    site.clock.advance(10)
    body = site.get(f"{PATH}?vital=spo2").json()
    assert (body["unit"], body["from"], body["to"]) == (
        "%",
        to_iso(START + 10 * SECOND + 1 - HOUR),
        to_iso(START + 10 * SECOND),
    )
    (stream,) = body["streams"]
    assert (stream["device_id"], stream["points"], stream["truncated"]) == ("w-1", None, False)
    assert [(one["value"], one["quality"], one["ordinal"]) for one in stream["raw"]] == [
        (95, 1, 1),
        (None, 1, 2),
        (97, 1, 3),
    ]


def test_a_long_range_is_thinned_and_keeps_the_dip(site: Site) -> None:
    site.admit("p-1", "w-1")
    values = np.full(2000, 96.0)
    values[700] = 71.0
    site.store("w-1", "spo2", values.tolist(), start=START)
    site.clock.advance(2000)
    body = site.get(f"{PATH}?vital=spo2&points=20").json()
    points = body["streams"][0]["points"]
    assert body["streams"][0]["raw"] is None
    assert len(points) <= 20
    assert min(point["min"] for point in points) == 71
    assert sum(point["count"] for point in points) == 2000


def test_raw_may_be_asked_for_and_says_when_it_is_cut(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [90, 91, 92, 93], start=START)
    site.clock.advance(10)
    stream = site.get(f"{PATH}?vital=spo2&points=3&raw=true").json()["streams"][0]
    assert ([one["value"] for one in stream["raw"]], stream["truncated"]) == ([91, 92, 93], True)


def test_several_vitals_come_as_a_list_and_none_means_all(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [95])
    site.store("w-1", "heart_rate", [70])
    site.clock.advance(1)
    asked = site.get(f"{PATH}?vital=spo2&vital=body_temp").json()["series"]
    assert [(one["vital"], len(one["streams"])) for one in asked] == [("spo2", 1), ("body_temp", 0)]
    assert [one["vital"] for one in site.get(PATH).json()["series"]] == ["heart_rate", "spo2"]


def test_only_what_was_measured_inside_the_binding_is_his(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.admit("p-2")
    site.store("w-1", "spo2", [90, 91, 92, 93], start=START, step_s=60)
    site.records.bind("w-1", "p-2", START + 2 * MINUTE)
    site.clock.advance(600)

    def values(patient_id: str, query: str = "") -> list[float]:
        streams = site.get(f"/api/v1/patients/{patient_id}/vitals?vital=spo2{query}").json()["streams"]
        return [one["value"] if "value" in one else one["last"] for s in streams for one in (s["raw"] or s["points"])]

    assert values("p-1") == [90, 91]
    assert values("p-2") == [92, 93]
    assert values("p-1", "&points=1") == [91]
    assert values("p-1", f"&from={to_iso(START + MINUTE)}&to={to_iso(START + HOUR)}") == [91]


def test_a_long_chart_is_made_of_whole_hours_and_outlives_its_readings(site: Site) -> None:
    site.admit("p-1", "w-1")
    begun, hours = START // DAY * DAY, 60 * 24
    site.store("w-1", "spo2", [90.0 + hour % 7 for hour in range(hours)], start=begun + MINUTE, step_s=3600)
    since, until = begun + 90 * MINUTE, begun + 50 * DAY
    asked = f"{PATH}?vital=spo2&from={to_iso(since)}&to={to_iso(until)}&points=102"

    def answered() -> list[dict[str, Any]]:
        (stream,) = site.get(asked).json()["streams"]
        return list(stream["points"])

    before = answered()
    assert len(before) <= 102
    assert [one["at"][14:] for one in before[1:]] == ["00:00.000Z"] * (len(before) - 1)
    assert sum(one["count"] for one in before) == 50 * 24 - 2
    site.readings.close_days(begun + 60 * DAY)
    assert answered() == before
    site.readings.forget_days(begun + 60 * DAY)
    assert answered() == before
    assert site.get(f"{asked}&raw=true").json()["streams"] == []


@given(st.integers(0, 400 * 24 * 60), st.integers(1, 366 * 24 * 60), st.integers(1, 600))
def test_the_buckets_of_a_long_chart_cover_it_and_are_not_too_many(since: int, length: int, points: int) -> None:
    start, end = since * MINUTE + 1, (since + length) * MINUTE
    cuts = whole_hours(start, end, points)
    assert [cuts[0][0], *(cut[1] for cut in cuts)] == [*(cut[0] for cut in cuts), end]
    assert 0 < sum(cut[2] for cut in cuts) <= points
    whole = all(cut[2] == 1 or (cut[1] - cut[0]) % (cut[2] * HOUR) == 0 for cut in cuts)
    assert whole or cuts == [(start, end, points)]


@given(
    st.lists(st.tuples(st.integers(0, 50), st.one_of(st.none(), st.integers(0, 50))), max_size=5),
    st.integers(0, 50),
    st.integers(0, 50),
)
def test_windows_hold_exactly_the_bound_times(spans: list[tuple[int, int | None]], start: int, end: int) -> None:
    bindings = [Binding(n, "w", "p", since, until) for n, (since, until) in enumerate(spans)]
    found = windows(Stream(0, "w", 0, ""), bindings, start, end)
    for at in range(52):
        inside = any(since <= at < until for since, until in found)
        assert inside == (start <= at < end and any(one.covers(at) for one in bindings))
    assert windows(Stream(0, "other", 0, ""), bindings, start, end) == []


@pytest.mark.parametrize(
    "query",
    [
        "vital=pulse",
        "points=0",
        "points=5001",
        "from=yesterday",
        "from=2026-01-01T00:00:00",
        "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "from=2024-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
        "from=0001-01-01T00:00:00Z",
        "to=9999-12-31T23:59:59-12:00",
        "to=0001-01-01T00:00:00Z",
    ],
)
def test_questions_that_cannot_be_answered(site: Site, query: str) -> None:
    site.admit("p-1")
    answer = site.get(f"{PATH}?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_offset_whose_plus_became_a_space_is_understood(site: Site) -> None:
    site.admit("p-1")
    answer = site.get(f"{PATH}?vital=spo2&from=2026-01-01T00:00:00+01:00")
    assert answer.json()["from"] == "2025-12-31T23:00:00.000Z"


def test_scores_and_coverage(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [95.0])
    site.store("w-1", "heart_rate", [70.0], seq=4)
    site.readings.append_scores(
        [Score("news2", "p-1", START, ScoreStatus.NOT_APPLICABLE, None, None, None, None, False, ())]
    )
    site.bus.board.put_coverage(Coverage("p-1", CoverageState.PARTLY, START, "no blood pressure"))
    site.clock.advance(1)
    (item,) = site.get("/api/v1/patients/p-1/scores").json()["items"]
    assert (item["at"], item["status"], item["total"]) == (to_iso(START), "not_applicable", None)
    assert site.get("/api/v1/patients/p-1/coverage").json() == {
        "state": "partly",
        "since_at": to_iso(START),
        "why": "no blood pressure",
        "zh": None,
        "until_at": None,
        "devices": [
            {
                "device_id": "w-1",
                "last_received_at": to_iso(START + 120_000),
                "last_valid_at": to_iso(START),
                "unproven": False,
            }
        ],
    }


def test_long_times_are_told_by_the_worst_score_of_each_span(site: Site) -> None:
    site.admit("p-1")
    totals = [1, 7, 0, 3]
    site.readings.append_scores(
        [
            Score("news2", "p-1", START + at * SECOND, ScoreStatus.COMPLETE, total, total, total, None, False, ())
            for at, total in enumerate(totals)
        ]
    )
    span = {"from": to_iso(START), "to": to_iso(START + len(totals) * SECOND)}
    for points, worst in ((4, totals), (2, [7, 3]), (1, [7])):
        items = site.get("/api/v1/patients/p-1/scores", params={**span, "points": points}).json()["items"]
        assert [one["total"] for one in items] == worst


def test_the_scores_of_now_say_what_to_ask_for(site: Site) -> None:
    site.admit("p-1")
    assert site.get("/api/v1/patients/p-1/scores/current").json() == {"news2": None, "ask_for": [], "others": []}
    known: dict[str, float | str] = {
        "resp_rate": 22.0,
        "heart_rate": 110.0,
        "bp_sys": 100.0,
        "body_temp": 38.5,
        "consciousness": "GCS 14",
    }
    points = {"resp_rate": 2, "heart_rate": 1, "bp_sys": 2, "body_temp": 1, "consciousness": 3}
    parts = tuple(ScorePart(name, value, points[name], START, 40.0) for name, value in known.items())
    missing = ("spo2", "oxygen")
    score = Score("news2", "p-1", START, ScoreStatus.PARTIAL, None, 9, 14, Band.HIGH, True, parts, missing)
    site.bus.board.put_score(score)
    found = site.get("/api/v1/patients/p-1/scores/current").json()
    assert found["ask_for"] == ["spo2", "oxygen"]
    others = {each.pop("name"): each for each in found["others"]}
    assert {name: (each["value"], each["raised"]) for name, each in others.items()} == {
        "mews": (None, True),
        "qsofa": (3.0, True),
        "shock_index": (1.1, True),
    }
    assert (others["mews"]["lower"], others["mews"]["upper"]) == (
        7,
        9,
    )  # pressure 1, heart 1, breathing 2, temperature 2, not alert 1 to 3
    assert {each["oldest_s"] for each in others.values()} == {40.0}
    assert others["mews"]["missing"] == ["consciousness"]


def test_scores_for_adults_are_not_made_of_a_child(site: Site) -> None:
    site.admit("p-1")
    why = "NEWS2 is for adults: age 9"
    score = Score("news2", "p-1", START, ScoreStatus.NOT_APPLICABLE, None, None, None, None, False, (), (), why)
    site.bus.board.put_score(score)
    found = site.get("/api/v1/patients/p-1/scores/current").json()
    assert (found["news2"]["why"], found["ask_for"], found["others"]) == (why, [], [])


OBSERVE = "/api/v1/patients/p-1/observations"


def test_an_entry_reaches_ingest_with_codes_and_one_time(site: Site) -> None:
    site.admit("p-1")
    values = [
        {"vital": "consciousness", "value": "v"},
        {"vital": "o2_flow", "value": 2},
        {"vital": "resp_rate", "value": 18},
    ]
    answer = site.post(OBSERVE, {"values": values})
    assert (answer.status_code, answer.json()) == (201, {"ordinals": [1, 2, 3]})
    (entry,) = site.entries
    assert (entry.patient_id, entry.actor) == ("p-1", "Li Na")
    assert list(entry.values) == [("consciousness", 2.0, START), ("o2_flow", 2, START), ("resp_rate", 18, START)]
    site.post(OBSERVE, {"values": values[1:], "measured_at": "2025-12-31T23:00:00Z"})
    assert site.entries[1].values[0] == ("o2_flow", 2, START - HOUR)


def test_every_bad_value_of_an_entry_is_listed_and_none_repeated(site: Site) -> None:
    site.admit("p-1")
    bad = [
        {"vital": "consciousness", "value": "Z"},
        {"vital": "o2_flow", "value": 81},
        {"vital": "rssi", "value": -60},
        {"vital": "mood", "value": 1},
        {"vital": "spo2", "value": "98"},
        {"vital": "spo2", "value": 4711},
    ]
    answer = site.post(OBSERVE, {"values": bad, "measured_at": "2026-01-02T00:00:00Z"})
    assert answer.status_code == 422
    reasons = [one["message"] for one in answer.json()["errors"]]
    assert reasons == [
        "measured_at: lies in the future",
        "values.0: must be one letter of ACVPU",
        "values.1: must be from 0 to 80 L/min",
        "values.2: only a device can report this",
        "values.3: no vital sign has this name",
        "values.4: must be a number in %",
        "values.5: must be from 0 to 100 %",
    ]
    assert "4711" not in answer.text
    assert site.entries == []


def test_entries_that_contradict_themselves() -> None:
    with pytest.raises(Rejected, match="given twice"):
        checked([("spo2", 97), ("spo2", 96)], START, START)
    with pytest.raises(Rejected, match="bp_sys: must be above bp_dia"):
        checked([("bp_sys", 80), ("bp_dia", 80)], START, START)
    with pytest.raises(Rejected, match="24 h"):
        checked([("spo2", 97)], START - MOST_BACK_US - 1, START)
    assert checked([("bp_sys", 81), ("bp_dia", 80)], START - DAY, START)[0] == ("bp_sys", 81, START - DAY)


@pytest.mark.parametrize(
    "content",
    [
        b'{"values": []}',
        b'{"values": [{"vital": "spo2", "value": true}]}',
        b'{"values": [{"vital": "spo2", "value": NaN}]}',
        b"[",
        b"",
    ],
)
def test_an_entry_that_does_not_fit_is_refused(site: Site, content: bytes) -> None:
    site.admit("p-1")
    answer = site.call("POST", OBSERVE, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert site.entries == []


def test_nobody_enters_values_for_a_stranger_or_a_discharged_person(site: Site) -> None:
    body = {"values": [{"vital": "spo2", "value": 97}]}
    assert site.post(OBSERVE, body).status_code == 404
    site.admit("p-1", discharged_at=START)
    assert site.post(OBSERVE, body).status_code == 422

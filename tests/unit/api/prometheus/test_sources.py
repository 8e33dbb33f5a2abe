"""Which samples there are: usable, fresh, and of the one who wore the device; scores and alerts as they were judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.unit.api.prometheus.test_answers import PROM, T0, ask, refused
from tests.unit.api.site import START, Site
from vigil.domain.alerts import Priority
from vigil.domain.lifecycle import Ended, Stamp
from vigil.domain.people import Device
from vigil.domain.quality import Quality
from vigil.domain.scores import Score, ScoreStatus
from vigil.domain.times import MINUTE, SECOND


def values(site: Site, query: str, start: float, end: float, step: float) -> dict[str, list[tuple[float, float]]]:
    """By patient: (seconds since the start of the test, value)."""
    asked = {"query": query, "start": T0 + start, "end": T0 + end, "step": step}
    answer = site.get(f"{PROM}/query_range", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, list[tuple[float, float]]] = {}
    for one in answer.json()["data"]["result"]:
        points = [(at - T0, float(value)) for at, value in one["values"]]
        found.setdefault(one["metric"].get("patient", ""), []).extend(points)
    return found


def now(site: Site, query: str, **more: Any) -> dict[str, str]:
    return {one["metric"].get("patient", ""): one["value"][1] for one in ask(site, query, **more)}


@pytest.mark.parametrize(
    ("vital", "metric", "fresh_s"),
    [
        ("heart_rate", "vital_heart_rate_per_minute", 300),
        ("bp_sys", "vital_bp_mmhg", 1800),
        ("body_temp", "vital_temperature_celsius", 7200),
        ("gcs", "vital_glasgow_coma_scale", 43_200),
    ],
)
def test_a_value_ends_when_it_is_stale(site: Site, vital: str, metric: str, fresh_s: int) -> None:
    """From memory at this moment, and from the store for a moment in the past: both the same."""
    site.admit("p-1", "w-1")
    site.store("w-1", vital, [15])
    site.clock.advance(fresh_s - 0.001)
    assert now(site, metric) == {"p-1": "15"}
    site.clock.advance(0.001)
    assert now(site, metric) == {}
    assert now(site, f"{metric} offset 1ms") == {"p-1": "15"}
    points = values(site, metric, -60, fresh_s + 120, 60)["p-1"]
    assert [at for at, _ in points] == list(range(0, fresh_s, 60))
    site.store("w-1", vital, [14])
    assert now(site, metric, time=T0 + fresh_s - 0.001) == {"p-1": "15"}
    assert now(site, metric, time=T0 + fresh_s) == {"p-1": "14"}


def test_a_device_with_its_own_interval_has_its_own_limit(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.records.put_device(Device("w-1", "patch-2", {"heart_rate": 600.0}))
    site.store("w-1", "heart_rate", [70])
    site.clock.advance(1199)
    assert now(site, "vital_heart_rate_per_minute") == {"p-1": "70"}
    site.clock.advance(1)
    assert now(site, "vital_heart_rate_per_minute") == {}


def test_unusable_values_are_left_out_unless_asked_for(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [95, 94], start=START)
    site.store("w-1", "spo2", [70], start=START + 2 * SECOND, quality=Quality.MOTION)
    site.store("w-1", "spo2", [float("nan")], start=START + 3 * SECOND, quality=Quality.NO_VALUE)
    site.clock.advance(3)
    assert now(site, "vital_spo2_percent") == {"p-1": "94"}
    assert now(site, "count_over_time(vital_spo2_percent[1m])") == {"p-1": "2"}
    assert now(site, 'count_over_time(vital_spo2_percent{quality="all"}[1m])') == {"p-1": "4"}
    (found,) = ask(site, 'vital_spo2_percent{quality="all"}')
    assert (found["metric"]["quality"], found["value"][1]) == ("all", "NaN")
    assert now(site, 'vital_spo2_percent{quality=~".*"}') == {"p-1": "94"}
    assert now(site, 'vital_spo2_percent{quality!="all"}') == {"p-1": "94"}
    assert now(site, 'vital_spo2_percent{quality="good"}') == {}
    match = {"match[]": 'vital_spo2_percent{quality="all"}'}
    assert site.get(f"{PROM}/label/quality/values", params=match).json()["data"] == ["all"]
    assert site.get(f"{PROM}/label/quality/values").json()["data"] == []


def test_gaps_stay_gaps(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [95], start=START)
    site.store("w-1", "spo2", [94], start=START + 20 * MINUTE)
    site.clock.advance(1800)
    assert values(site, "avg_over_time(vital_spo2_percent[5m])", 0, 1800, 300)["p-1"] == [(0, 95), (1200, 94)]


def test_each_value_counts_for_who_wore_the_device(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.admit("p-2", ward="south")
    site.store("w-1", "spo2", [90, 91, 92, 93], start=START, step_s=60)
    site.records.bind("w-1", "p-2", START + 2 * MINUTE)
    site.clock.advance(200)
    found = values(site, "vital_spo2_percent", 0, 600, 60)
    assert [value for _, value in found["p-1"]] == [90] + [91] * 5
    assert [value for _, value in found["p-2"]] == [92] + [93] * 5
    assert now(site, "vital_spo2_percent") == {"p-1": "91", "p-2": "93"}
    assert now(site, 'vital_spo2_percent{ward="south"}') == {"p-2": "93"}
    site.records.discharge("p-2", site.clock.now_us())
    assert now(site, "last_over_time(vital_spo2_percent[5m])") == {"p-1": "91", "p-2": "93"}


def test_of_two_values_for_one_moment_the_last_stored_counts_once(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [90])
    site.store("w-1", "spo2", [95])
    assert now(site, "sum_over_time(vital_spo2_percent[1m])") == {"p-1": "95"}
    assert now(site, "vital_spo2_percent") == {"p-1": "95"}


def test_a_panel_draws_the_stored_points_exactly(site: Site) -> None:
    """Acceptance test 2 of the reference page."""
    site.admit("p-1", "w-1")
    stored = np.random.default_rng(3).integers(60, 100, 1200)
    site.store("w-1", "heart_rate", stored.tolist(), start=START)
    site.clock.advance(1200)
    points = values(site, "avg_over_time(vital_heart_rate_per_minute[5m])", 299, 1199, 60)["p-1"]
    assert [value for _, value in points] == pytest.approx(
        [float(stored[end - 299 : end + 1].mean()) for end in range(299, 1200, 60)]
    )


def score(at: int, total: int | None, lower: int | None, upper: int | None, patient: str = "p-1") -> Score:
    status = ScoreStatus.COMPLETE if total is not None else ScoreStatus.PARTIAL
    return Score("news2", patient, at, status, total, lower, upper, None, False, ())


def test_a_score_has_a_value_while_it_is_complete_and_bounds_all_the_time(site: Site) -> None:
    site.admit("p-1")
    scores = [score(START, 5, 5, 5), score(START + MINUTE, None, 4, 7), score(START + 2 * MINUTE, 6, 6, 6)]
    site.readings.append_scores(scores)
    site.clock.advance(600)
    assert values(site, "score_news2", 0, 600, 60) == {"p-1": [(0, 5), (120, 6), (180, 6), (240, 6)]}
    assert values(site, "score_news2_lower", 0, 120, 60) == {"p-1": [(0, 5), (60, 4), (120, 6)]}
    assert values(site, "score_news2_upper", 60, 60, 60) == {"p-1": [(60, 7)]}
    assert now(site, "score_news2") == {}
    assert now(site, "max_over_time(score_news2[10m])") == {"p-1": "6"}


def test_the_score_of_now_comes_from_memory(site: Site) -> None:
    site.admit("p-1")
    site.admit("p-2")
    site.bus.board.put_score(score(START - MINUTE, 3, 3, 3))
    site.bus.board.put_score(score(START, None, 2, 8, "p-2"))
    assert now(site, "score_news2") == {"p-1": "3"}
    assert now(site, "score_news2_upper - score_news2_lower") == {"p-1": "0", "p-2": "6"}
    site.clock.advance(120)
    assert now(site, "score_news2") == {}


def test_alerts_are_counted_as_they_stood(site: Site) -> None:
    site.admit("p-1")
    site.admit("p-2")
    first = site.raise_alert("p-1")
    site.clock.advance(60)
    site.raise_alert("p-2", "rate.heart_rate", Priority.HIGH)
    site.clock.advance(60)
    site.happen(first, Ended(Stamp("ordinal:90", site.clock.now_us()), site.clock.now_us()))
    site.clock.advance(60)
    assert values(site, "alert_active", 0, 180, 30) == {
        "p-1": [(0, 1), (30, 1), (60, 1), (90, 1)],
        "p-2": [(60, 1), (90, 1), (120, 1), (150, 1), (180, 1)],
    }
    assert values(site, "sum(alert_active)", 0, 180, 60)[""] == [(0, 1), (60, 2), (120, 1), (180, 1)]
    (found,) = ask(site, 'alert_active{priority="high"}')
    assert found["metric"] == {
        "__name__": "alert_active",
        "kind": "physiological",
        "patient": "p-2",
        "priority": "high",
        "rule": "rate.heart_rate",
        "ward": "north",
    }
    assert now(site, 'alert_active{patient="p-1"}') == {}
    assert now(site, "count_over_time(alert_active[3m])") == {"p-1": "7", "p-2": "9"}
    match = {"match[]": 'alert_active{ward="north"}'}
    assert site.get(f"{PROM}/label/patient/values", params=match).json()["data"] == ["p-1", "p-2"]


def test_more_histories_than_one_query_may_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.prometheus.judged.MOST_HISTORIES", 1)
    site.admit("p-1")
    site.admit("p-2")
    asked = {"query": "score_news2", "time": T0 - 600}
    assert "at most 1" in refused(site.get(f"{PROM}/query", params=asked), 422, "execution")
    assert now(site, "score_news2") == {}
    for patient_id in ("p-1", "p-2"):
        alert = site.raise_alert(patient_id)
        site.clock.advance(1)
        site.happen(alert, Ended(Stamp(f"ordinal:{patient_id}", site.clock.now_us()), site.clock.now_us()))
    answer = site.get(f"{PROM}/query?query=count_over_time(alert_active[1m])")
    assert "more than 1 alerts" in refused(answer, 422, "execution")


def each(site: Site, query: str) -> list[tuple[str, str, str]]:
    found = ((one["metric"]["patient"], one["metric"]["device"], one["value"][1]) for one in ask(site, query))
    return sorted(found)


def test_memory_and_store_say_the_same(site: Site) -> None:
    """The newest value of now is answered from memory, the same question with a window from the store: with devices that change
    hands, pauses, unusable values, and values that come late."""
    chance = np.random.default_rng(11)
    for number in range(6):
        site.admit(f"p-{number}")
        site.records.put_device(Device(f"w-{number}", "patch-2"))
    for _ in range(40):
        device, patient = f"w-{chance.integers(6)}", f"p-{chance.integers(6)}"
        if chance.random() < 0.3:
            site.records.bind(device, patient, site.clock.now_us())
        start = site.clock.now_us() - int(chance.integers(0, 600)) * SECOND
        quality = Quality.MOTION if chance.random() < 0.3 else Quality.GOOD
        site.store(device, "heart_rate", chance.integers(60, 90, 5).tolist(), start=start, step_s=7, quality=quality)
        site.clock.advance(float(chance.integers(1, 120)))
        for offset in ("", " offset 45s"):
            memory = each(site, f"vital_heart_rate_per_minute{offset}")
            assert memory == each(site, f"last_over_time(vital_heart_rate_per_minute[5m]{offset})")
    assert len(memory) > 1

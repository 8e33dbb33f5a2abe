"""Patient cards: which value is current, what is new, and the order they stand in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from api.cards import Shown, Written
from api.care import WHOLE
from api.current import BAD_SIGNAL_US, Layout, fresh_for
from api.ticks import Changes
from api.ward import Ward
from tests.unit.api.site import START, Site
from vigil.domain.alerts import Kind, Priority
from vigil.domain.effective import PolicyDocument, Scope
from vigil.domain.lifecycle import Acknowledge, Ended, Stamp
from vigil.domain.people import Device
from vigil.domain.quality import Quality
from vigil.domain.scores import Band, Coverage, CoverageState, Score, ScorePart, ScoreStatus
from vigil.domain.times import HOUR, MINUTE, SECOND, to_iso
from vigil.domain.vitals import BY_NAME


def news2(patient_id: str, lower: int, at: int = START, points: int = 0) -> Score:
    parts = (ScorePart("spo2", 96.0, points, at, 0.0),)
    return Score("news2", patient_id, at, ScoreStatus.PARTIAL, None, lower, 9, Band.LOW, False, parts, ("oxygen",))


def fresh_ward(site: Site) -> Ward:
    return Ward(site.readings, site.records, site.bus, site.clock, site.context.care)


def vitals_of(site: Site, patient_id: str = "p-1") -> dict[str, dict[str, object]]:
    answer = site.get(f"/api/v1/patients/{patient_id}")
    assert answer.status_code == 200, answer.text
    vitals: dict[str, dict[str, object]] = answer.json()["vitals"]
    return vitals


def test_a_card_has_the_newest_value_with_unit_times_and_quality(site: Site) -> None:
    site.admit("p-1", "w-1", demo=True)
    site.clock.advance(60)
    now = site.clock.now_us()
    site.store("w-1", "spo2", [95.4, 96.6], quality=Quality.LOW_PERFUSION)
    card = site.get("/api/v1/patients").json()["items"][0]
    assert card["name"] == {"family": "Marker-Family", "given": "Marker-Given"}
    assert (card["age"], card["demo"], card["rank"]) == (77, True, 1)
    assert card["vitals"] == {
        "spo2": {
            "value": 97,
            "unit": "%",
            "measured_at": to_iso(now),
            "received_at": to_iso(now + 120_000),
            "quality": 2,
            "quality_words": ["low_perfusion"],
            "device_id": "w-1",
            "state": "fresh",
            "doubtful": True,
            "bad_signal_at": None,
        }
    }
    assert card["coverage"] == {
        "state": "not_watched",
        "since_at": to_iso(now),
        "why": "not judged yet since the start",
        "zh": {"why": "启动后尚未判定"},
        "until_at": None,
    }


@pytest.mark.parametrize(
    ("vital", "fresh_us"), [("spo2", 5 * MINUTE), ("bp_sys", 30 * MINUTE), ("body_temp", 2 * HOUR), ("gcs", 12 * HOUR)]
)
def test_values_grow_stale_then_old_by_the_limit_of_their_kind(site: Site, vital: str, fresh_us: int) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", vital, [BY_NAME[vital].plausible[1]])
    for age_us, state in (
        (fresh_us, "fresh"),
        (fresh_us + 1, "stale"),
        (3 * fresh_us, "stale"),
        (3 * fresh_us + 1, "old"),
    ):
        site.clock.jump_to(START + age_us)
        assert vitals_of(site)[vital]["state"] == state, age_us


def test_freshness_follows_the_device_and_the_hand() -> None:
    cuff = Device("cuff", "", {"bp_sys": 3600, "spo2": 600})
    hand = Device("manual.p-1", "")
    assert fresh_for(BY_NAME["bp_sys"].index, cuff) == 2 * HOUR
    assert fresh_for(BY_NAME["spo2"].index, cuff) == 20 * MINUTE
    assert fresh_for(BY_NAME["heart_rate"].index, hand) == HOUR
    assert fresh_for(BY_NAME["consciousness"].index, hand) == 12 * HOUR


def test_consciousness_is_shown_as_a_letter(site: Site) -> None:
    site.admit("p-1", "manual.p-1")
    site.store("manual.p-1", "consciousness", [2.0], quality=Quality.MANUAL)
    value = vitals_of(site)["consciousness"]
    assert (value["value"], value["doubtful"], value["quality_words"]) == ("V", False, ["manual"])


def test_a_bad_signal_keeps_the_last_good_value_and_says_so(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [95.0])
    site.clock.advance(BAD_SIGNAL_US / 1e6)
    site.store("w-1", "spo2", [50.0], quality=Quality.MOTION)
    assert vitals_of(site)["spo2"]["bad_signal_at"] is None
    site.clock.advance(1)
    site.store("w-1", "spo2", [float("nan")], quality=Quality.NO_VALUE)
    value = vitals_of(site)["spo2"]
    assert (value["value"], value["bad_signal_at"]) == (95, to_iso(site.clock.now_us()))


def test_nothing_but_bad_signal_is_a_value_of_null(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [50.0], quality=Quality.MOTION)
    value = vitals_of(site)["spo2"]
    assert (value["value"], value["received_at"], value["doubtful"]) == (None, None, True)
    assert (value["measured_at"], value["quality_words"]) == (to_iso(START), ["motion"])


def test_a_device_that_changes_hands_takes_no_value_with_it(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.admit("p-2")
    site.store("w-1", "spo2", [88.0])
    site.clock.advance(60)
    site.records.bind("w-1", "p-2", site.clock.now_us())
    assert vitals_of(site, "p-1")["spo2"]["value"] == 88
    assert vitals_of(site, "p-2") == {}
    site.clock.advance(1)
    site.store("w-1", "spo2", [99.0])
    assert vitals_of(site, "p-1") == {}
    assert vitals_of(site, "p-2")["spo2"]["value"] == 99


def test_of_two_sensors_the_fresher_state_then_the_better_quality_then_the_newer_wins(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.records.put_device(Device("w-2", "finger"))
    site.records.bind("w-2", "p-1", START)
    site.store("w-1", "spo2", [91.0])
    site.clock.advance(10)
    site.store("w-2", "spo2", [92.0], quality=Quality.LOW_PERFUSION)
    assert vitals_of(site)["spo2"]["value"] == 91  # both fresh: good quality before newer
    site.clock.jump_to(START + 300 * SECOND + 1)
    assert vitals_of(site)["spo2"]["value"] == 92  # w-1 is stale now
    site.store("w-2", "spo2", [93.0])
    site.clock.advance(1)
    site.store("w-1", "spo2", [94.0])
    assert vitals_of(site)["spo2"]["value"] == 94  # both fresh and good: the newer


def test_the_ward_is_sorted_by_alert_score_coverage_and_id(site: Site) -> None:
    for name in ("p-a", "p-b", "p-c", "p-d"):
        site.admit(name)
    site.bus.board.put_score(news2("p-c", 4))
    site.bus.board.put_coverage(Coverage("p-b", CoverageState.WATCHED, START, ""))
    alert = site.raise_alert("p-d")
    order = [card["id"] for card in site.get("/api/v1/patients").json()["items"]]
    assert order == ["p-d", "p-c", "p-a", "p-b"]
    site.happen(alert, Acknowledge(Stamp("command:1", START, "Li Na"), 1))
    site.happen(site.records.alert(alert.alert_id), Ended(Stamp("ordinal:9", START), START))
    order = [card["id"] for card in site.get("/api/v1/patients").json()["items"]]
    assert order == ["p-c", "p-a", "p-d", "p-b"]


def test_a_card_shows_three_alerts_and_counts_all(site: Site) -> None:
    site.admit("p-1")
    for vital in ("spo2", "heart_rate", "resp_rate"):
        site.raise_alert("p-1", f"limit.{vital}.low", Priority.LOW)
        site.clock.advance(1)
    site.raise_alert("p-1", "missing.device", Priority.HIGH, Kind.TECHNICAL)
    site.raise_alert("p-1", "news2", Priority.HIGH)
    card = site.get("/api/v1/patients/p-1").json()
    assert card["alert_counts"] == {"high": 1, "medium": 0, "low": 3, "technical": 1}
    assert [one["rule"] for one in card["alerts"]] == ["news2", "limit.spo2.low", "limit.heart_rate.low"]


def test_one_patient_has_bindings_and_policy_version(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.records.put_device(Device("manual.p-1", "entered by a person"))
    site.records.bind("manual.p-1", "p-1", 0)
    detail = site.get("/api/v1/patients/p-1").json()
    assert detail["bindings"] == [{"device_id": "w-1", "model": "patch-2", "start_at": to_iso(START), "end_at": None}]
    assert len(detail["policy_version"]) == 12
    assert site.get("/api/v1/patients/p-9").status_code == 404


def test_the_ward_can_be_filtered_and_paged(site: Site) -> None:
    for number in range(5):
        site.admit(f"p-{number}", ward="north" if number % 2 else "south")
    answer = site.get("/api/v1/patients?ward=south&limit=2&offset=1").json()
    assert ([card["id"] for card in answer["items"]], answer["total"]) == (["p-2", "p-4"], 3)
    assert site.get("/api/v1/patients?limit=5001").status_code == 422


def test_a_role_without_names_sees_no_exact_age_above_89(site: Site) -> None:
    site.admit("p-1", born=date(1929, 5, 1))
    assert site.get("/api/v1/patients/p-1").json()["age"] == 96
    card = site.get("/api/v1/patients/p-1", "research").json()
    assert (card["age"], card["name"], card["born"]) == (90, None, None)


def test_admitting_a_patient(site: Site) -> None:
    body = {"family": "Chen", "given": "Wei", "born": "1948-03-12", "sex": "female", "ward": "north"}
    created = site.post("/api/v1/patients", body, "admin")
    assert created.status_code == 201
    patient = site.records.patient(created.json()["id"])
    assert (patient.family, patient.born, patient.demo) == ("Chen", date(1948, 3, 12), False)
    assert site.post("/api/v1/patients", body, "admin").json()["id"] != patient.patient_id
    assert site.post("/api/v1/patients", {**body, "id": patient.patient_id}, "admin").status_code == 422
    for wrong in ({"born": "2027-01-01"}, {"born": "1800-01-01"}, {"sex": "x"}, {"id": "a/b"}, {"discharged_at": 1}):
        answer = site.post("/api/v1/patients", {**body, **wrong}, "admin")
        assert answer.status_code == 422, wrong
        assert "Chen" not in answer.text


def test_only_what_changed_is_told(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.admit("p-2", "w-2")
    for device_id in ("w-1", "w-2"):
        site.store(device_id, "spo2", [96.0])
        site.store(device_id, "body_temp", [37.0])
    ward = fresh_ward(site)
    first = ward.take_changes()
    assert first.reset
    assert ward.take_changes() == Changes(number=1)
    site.clock.advance(1)
    site.store("w-2", "spo2", [95.0])
    changes = ward.take_changes()
    assert changes.tick("now") == {
        "server_at": "now",
        "patients": {"p-2": {"vitals": {"spo2": vitals_of(site, "p-2")["spo2"] | {"quality_words": ()}}}},
    }
    site.clock.jump_to(START + 301 * SECOND)
    changes = ward.take_changes()
    assert {one: list(vitals) for one, vitals in changes.vitals.items()} == {"p-1": ["spo2"]}
    assert changes.vitals["p-1"]["spo2"]["state"] == "stale"


def test_a_score_is_told_when_it_means_something_else_or_its_ages_have_moved_on(site: Site) -> None:
    site.admit("p-1")
    ward = fresh_ward(site)
    site.bus.board.put_score(news2("p-1", 2))
    ward.take_changes()
    site.bus.board.put_score(news2("p-1", 2, START + SECOND))
    assert not ward.take_changes().scores
    site.bus.board.put_score(news2("p-1", 2, START + 2 * SECOND, points=1))
    assert ward.take_changes().scores["p-1"]["parts"][0]["points"] == 1
    site.clock.advance(10)
    site.bus.board.put_score(news2("p-1", 2, START + 12 * SECOND, points=1))
    assert ward.take_changes().scores["p-1"]["at"] == to_iso(START + 12 * SECOND)


def test_a_new_order_is_told_once(site: Site) -> None:
    site.admit("p-1")
    site.admit("p-2")
    ward = fresh_ward(site)
    ward.take_changes()
    site.raise_alert("p-2")
    assert ward.take_changes().order == ["p-2", "p-1"]
    assert ward.take_changes().order is None


def test_an_admission_or_a_binding_asks_for_a_snapshot(site: Site) -> None:
    ward = fresh_ward(site)
    ward.take_changes()
    site.admit("p-1")
    assert ward.take_changes().reset
    site.records.put_device(Device("w-1", ""))
    site.records.bind("w-1", "p-1", START)
    assert ward.take_changes().reset
    site.records.put_device(Device("w-1", "another model"))
    site.records.put_policy(PolicyDocument(Scope.PATIENT, "p-1", {}, "Dr Wang", "test", at=START))
    assert not ward.take_changes()


def test_an_empty_layout_picks_nothing(site: Site) -> None:
    current = Layout([], [], {}, []).pick(site.readings.latest(), START)
    assert current.candidate.size == 0


def test_a_patient_with_an_alert_log_longer_than_one_chunk_is_read_whole(site: Site) -> None:
    site.admit("p-1")
    ward = fresh_ward(site)
    ward.take_changes()
    alert = site.raise_alert("p-1")
    for number in range(1100):
        after = replace(alert, version=number + 2, title=f"title {number}")
        line = site.records.transitions(alert_id=alert.alert_id, limit=1)[0]
        assert site.records.record(replace(line, cause=f"deadline:{number}:escalated", after=after)) is not None
    assert [one.title for one in ward.open_alerts(WHOLE)] == ["title 1099"]


def test_nobody_is_watched_when_the_judging_stands_still(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.admit("p-2")
    board, ward = site.bus.board, fresh_ward(site)
    board.put_coverage(Coverage("p-1", CoverageState.WATCHED, START, ""))
    board.judged_at = START
    ward.take_changes()
    site.clock.advance(10)
    assert ward.take_changes().coverage == {}
    site.clock.advance(1)
    changes = ward.take_changes()
    assert changes.coverage["p-1"] == {
        "state": "not_watched",
        "since_at": to_iso(START),
        "why": "Vigil has stopped judging",
        "zh": {"why": "Vigil 已停止判定"},
        "until_at": None,
    }
    assert ward.coverage("p-2").state is CoverageState.NO_DEVICE
    assert ward.take_changes().coverage == {}
    board.judged_at = site.clock.now_us()
    assert ward.take_changes().coverage["p-1"]["state"] == "watched"


def test_a_ward_alone_is_what_it_is_among_all(site: Site) -> None:
    """Values, alerts and coverage of this moment; then a tick tells everybody what was seen in between."""
    for number, ward in enumerate(("north", "south", "north")):
        site.admit(f"p-{number}", f"w-{number}", ward=ward)
        site.store(f"w-{number}", "spo2", [95.0 + number])
    board = fresh_ward(site)
    assert board.cards(True, WHOLE, "north"), "before the first tick all is read"
    board.take_changes()
    site.clock.advance(20)
    site.store("w-0", "spo2", [80.0])
    site.store("w-1", "spo2", [81.0])
    site.raise_alert("p-2")
    north, south = board.cards(True, WHOLE, "north"), board.cards(True, WHOLE, "south")
    assert {card["id"]: card["vitals"]["spo2"]["value"] for card in north} == {"p-0": 80, "p-2": 97}
    assert [card["vitals"]["spo2"]["value"] for card in south] == [81]
    assert {card["id"]: len(card["alerts"]) for card in north} == {"p-0": 0, "p-2": 1}
    assert board.card("p-1", True, WHOLE) == south[0]
    assert board.cards(True, WHOLE, "nowhere") == []
    changes = board.take_changes()
    assert changes.vitals.keys() == {"p-0", "p-1"}
    assert changes.order is not None
    assert changes.order[0] == "p-2"
    assert sorted(board.cards(True, WHOLE, "north"), key=lambda card: card["rank"]) == [
        card for card in board.cards(True, WHOLE) if card["ward"] == "north"
    ]


def test_what_is_written_is_what_is_shown_and_made_anew_only_where_something_changed(site: Site) -> None:
    for number in range(3):
        site.admit(f"p-{number}", f"w-{number}")
        site.store(f"w-{number}", "spo2", [95.0])
    board = fresh_ward(site)
    board.take_changes()

    def written(names: bool = True) -> dict[str, bytes]:
        made = [bytes(one) for one in board.written(names, WHOLE, "north")]
        assert [json.loads(one) for one in made] == json.loads(json.dumps(board.cards(names, WHOLE, "north")))
        return {json.loads(one)["id"]: one for one in made}

    def anew(change: Callable[[], object]) -> set[str]:
        before = board.written(True, WHOLE, "north")
        change()
        after = board.written(True, WHOLE, "north")
        return {json.loads(bytes(new))["id"] for new in after if not any(new is old for old in before)}

    written()
    assert anew(lambda: None) == set()
    assert anew(lambda: site.store("w-0", "spo2", [80.0], start=START + 1)) == {"p-0"}
    assert anew(lambda: site.raise_alert("p-1")) == {"p-1"}
    assert anew(lambda: site.bus.board.put_score(news2("p-2", 3))) == {"p-2"}
    assert anew(lambda: site.clock.advance(86_400)) == {"p-0", "p-1", "p-2"}, "values are old, and people a day older"
    assert written(names=False) != written()


def test_cards_that_nobody_asked_for_lately_are_not_kept(site: Site) -> None:
    patient, kept, made = site.admit("p-1"), Written(most=2), list[str]()
    covered = Coverage("p-1", CoverageState.WATCHED, 0, "")

    def make(shown: Shown, _names: bool) -> dict[str, str]:
        made.append(shown.patient.patient_id)
        return {}

    for number in (1, 2, 1, 3, 1):
        one = replace(patient, patient_id=f"p-{number}")
        kept.of(Shown(one, {}, {}, {}, None, None, covered, [], [], 1, one.born), True, make)
    assert made == ["p-1", "p-2", "p-3", "p-1"]


def test_a_value_of_a_ward_grows_old_though_nothing_comes(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [95.0])
    board = fresh_ward(site)
    board.take_changes()
    site.clock.advance(301)
    (card,) = board.cards(True, WHOLE, "north")
    assert card["vitals"]["spo2"]["state"] == "stale"
    assert board.take_changes().vitals["p-1"]["spo2"]["state"] == "stale"

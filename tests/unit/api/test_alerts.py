"""The work list, an alert's history, and the commands of people."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.api.site import Site
from vigil.domain.alerts import Alert, Kind, Priority
from vigil.domain.lifecycle import Acknowledge, Ended, HandOver, Stamp
from vigil.domain.times import MINUTE, SECOND, to_iso


@pytest.fixture
def alert(site: Site) -> Alert:
    site.admit("p-1", "w-1")
    return site.raise_alert("p-1")


def act(
    site: Site, alert: Alert, verb: str, version: int, name: str = "Li Na", **more: object
) -> tuple[int, dict[str, object]]:
    path = f"/api/v1/alerts/{alert.alert_id}/{verb}"
    answer = site.call("POST", path, name=name, json={"version": version, **more})
    return answer.status_code, answer.json()


def test_the_work_list_names_the_person_and_the_evidence(site: Site, alert: Alert) -> None:
    body = site.get("/api/v1/alerts").json()
    (item,) = body["items"]
    assert item["patient"] == {"id": "p-1", "name": {"family": "Marker-Family", "given": "Marker-Given"}, "age": 77}
    assert (item["id"], item["state"], item["text"]) == (alert.alert_id, "active", "SpO2 84 %, below 90 % for 15 s.")
    assert item["evidence"]["values"] == [{"vital": "spo2", "value": 84, "measured_at": "2026-01-01T00:00:00.000Z"}]


def test_the_work_list_can_be_narrowed(site: Site, alert: Alert) -> None:
    technical = site.raise_alert("p-1", "missing.device", Priority.LOW, Kind.TECHNICAL)
    resolved = site.raise_alert("p-1", "news2", Priority.LOW)
    site.happen(resolved, Ended(Stamp("ordinal:50", site.clock.now_us()), site.clock.now_us()))

    def ids(query: str) -> list[str]:
        return [one["id"] for one in site.get(f"/api/v1/alerts{query}").json()["items"]]

    assert ids("") == [alert.alert_id, technical.alert_id]
    assert ids("?kind=technical") == [technical.alert_id]
    assert ids("?priority=medium") == [alert.alert_id]
    assert ids("?state=resolved") == [resolved.alert_id]
    assert ids("?state=all") == [alert.alert_id, technical.alert_id, resolved.alert_id]
    assert ids("?state=all&limit=1") == [alert.alert_id]
    site.clock.advance(8 * 86400)
    assert ids("?state=resolved") == []
    assert site.get("/api/v1/alerts?state=closed").status_code == 422
    of_patient = site.get("/api/v1/patients/p-1/alerts?state=resolved").json()["items"]
    assert [one["id"] for one in of_patient] == [resolved.alert_id]
    assert site.get("/api/v1/patients/p-2/alerts").status_code == 404


def test_acknowledge_then_return(site: Site, alert: Alert) -> None:
    status, after = act(site, alert, "acknowledge", 1, note="calling now", command_id="c-1")
    assert status == 200
    assert (after["handling"], after["acknowledged_by"], after["note"], after["version"]) == (
        "acknowledged",
        "Li Na",
        "calling now",
        2,
    )
    assert site.records.alert(alert.alert_id).acknowledged_by == "Li Na"
    status, after = act(site, alert, "return", 2)
    assert (status, after["handling"], after["version"]) == (200, "unacknowledged", 3)
    history = site.get(f"/api/v1/alerts/{alert.alert_id}").json()["history"]
    assert [(line["step"], line["actor"]) for line in history] == [
        ("opened", "vigil"),
        ("acknowledged", "Li Na"),
        ("returned", "Li Na"),
    ]


@pytest.mark.parametrize("command", [{"command_id": "c-1"}, {}])
def test_the_same_command_again_changes_nothing(site: Site, alert: Alert, command: dict[str, str]) -> None:
    first = act(site, alert, "acknowledge", 1, **command)
    assert act(site, alert, "acknowledge", 1, **command) == first
    act(site, alert, "return", 2)
    status, late = act(site, alert, "acknowledge", 1, **command)
    assert (status, late["handling"], late["version"]) == (200, "unacknowledged", 3)
    assert site.records.last_seq() == 3


def test_one_command_id_is_good_for_one_verb_of_one_alert(site: Site, alert: Alert) -> None:
    other = site.raise_alert("p-1", "news2")
    act(site, alert, "acknowledge", 1, command_id="c-1")
    assert act(site, alert, "return", 2, command_id="c-1")[1]["handling"] == "unacknowledged"
    assert act(site, other, "acknowledge", 1, command_id="c-1")[1]["handling"] == "acknowledged"


def test_the_second_of_two_nurses_learns_who_was_first(site: Site, alert: Alert) -> None:
    act(site, alert, "acknowledge", 1, "Li Na", command_id="c-1")
    status, problem = act(site, alert, "acknowledge", 1, "Wang", command_id="c-2")
    assert status == 409
    assert problem["status"] == 409
    now = problem["alert"]
    assert isinstance(now, dict)
    assert (now["acknowledged_by"], now["version"]) == ("Li Na", 2)


def test_only_the_owner_returns_an_alert(site: Site, alert: Alert) -> None:
    act(site, alert, "acknowledge", 1, "Li Na")
    assert act(site, alert, "return", 2, "Wang")[0] == 422


def test_a_cleared_alert_is_resolved_by_acknowledging_it(site: Site, alert: Alert) -> None:
    now = site.clock.now_us()
    cleared = site.happen(alert, Ended(Stamp("ordinal:7", now), now)).after
    status, after = act(site, alert, "acknowledge", cleared.version)
    assert (status, after["state"], after["deadline_at"]) == (200, "resolved", None)
    assert site.get("/api/v1/alerts").json()["items"] == []


def test_what_a_person_did_is_told_on_the_bus(site: Site, alert: Alert) -> None:
    told = site.bus.transitions.subscribe(10)
    act(site, alert, "acknowledge", 1)
    line = told.next(timeout=0)
    assert line is not None
    assert (line.seq, line.after.acknowledged_by) == (2, "Li Na")
    act(site, alert, "acknowledge", 1)
    assert told.next(timeout=0) is None


def test_commands_that_do_not_fit(site: Site, alert: Alert) -> None:
    for body in ({}, {"version": 0}, {"version": 1, "note": "x" * 2001}, {"version": 1, "command_id": "a b"}):
        answer = site.post(f"/api/v1/alerts/{alert.alert_id}/acknowledge", body)
        assert answer.status_code == 422, body
        assert "xxx" not in answer.text
    assert site.post("/api/v1/alerts/a-9/acknowledge", {"version": 1}).status_code == 404
    assert site.get("/api/v1/alerts/a-9").status_code == 404


def test_an_acknowledgement_by_another_way_is_seen_too(site: Site, alert: Alert) -> None:
    site.get("/api/v1/alerts")
    site.happen(alert, Acknowledge(Stamp("command:x", site.clock.now_us(), "Wang"), 1))
    assert site.get("/api/v1/alerts").json()["items"][0]["acknowledged_by"] == "Wang"


# --- a resolved alert, snooze, hand-over ------------------------------------------------------------------------------


def test_a_resolved_alert_is_not_acknowledged_but_shown_as_it_is(site: Site, alert: Alert) -> None:
    act(site, alert, "acknowledge", 1, command_id="c-1")
    now = site.clock.now_us()
    resolved = site.happen(site.records.alert(alert.alert_id), Ended(Stamp("ordinal:7", now), now)).after
    for verb in ("acknowledge", "return", "accept", "snooze"):
        more: dict[str, Any] = {"minutes": 5, "reason": "x"} if verb == "snooze" else {}
        status, problem = act(site, alert, verb, resolved.version, "Wang", **more)
        assert (status, problem["detail"]) == (409, "the alert is resolved"), verb
        shown = problem["alert"]
        assert isinstance(shown, dict)
        assert (shown["state"], shown["version"]) == ("resolved", resolved.version)
    assert act(site, alert, "acknowledge", 1, command_id="c-1")[0] == 200  # the tap that was taken, once more


@pytest.mark.parametrize("way", ["minutes", "until"])
def test_snoozed_it_stays_in_the_list_and_says_until_when_by_whom_and_why(site: Site, alert: Alert, way: str) -> None:
    until = to_iso(site.clock.now_us() + 10 * MINUTE)
    end: dict[str, Any] = {"minutes": 10} if way == "minutes" else {"until": until}
    status, after = act(site, alert, "snooze", 1, reason="treatment given", **end)
    assert status == 200
    expected = {"snoozed_until": until, "snoozed_by": "Li Na", "snooze_reason": "treatment given", "snoozes": 1}
    assert {key: after[key] for key in expected} == expected
    (listed,) = site.get("/api/v1/alerts").json()["items"]
    assert (listed["snoozed_until"], listed["handling"]) == (until, "unacknowledged")
    line = site.get(f"/api/v1/alerts/{alert.alert_id}").json()["history"][-1]
    assert (line["step"], line["note"], line["detail"]) == ("snoozed", "treatment given", {"until_at": until})


def test_the_same_snooze_again_changes_nothing(site: Site, alert: Alert) -> None:
    first = act(site, alert, "snooze", 1, minutes=5, reason="known", command_id="c-1")
    site.clock.advance(30)
    assert act(site, alert, "snooze", 1, minutes=5, reason="known", command_id="c-1") == first
    assert act(site, alert, "snooze", 1, "Wang", minutes=5, reason="known", command_id="c-2")[0] == 409


def test_a_snooze_beyond_a_bound_is_refused_with_the_bound(site: Site, alert: Alert) -> None:
    status, problem = act(site, alert, "snooze", 1, minutes=31, reason="known")
    assert (status, problem["detail"]) == (422, "an alert of medium priority is snoozed for 30 min at most")
    past = to_iso(site.clock.now_us() - SECOND)
    assert act(site, alert, "snooze", 1, until=past, reason="known")[0] == 422
    for version in (1, 2):
        site.clock.advance(1)
        assert act(site, alert, "snooze", version, minutes=5, reason="known", command_id=f"c-{version}")[0] == 200
    status, problem = act(site, alert, "snooze", 3, minutes=6, reason="known")
    assert (status, problem["detail"]) == (422, "an alert is snoozed 2 times in a row at most: acknowledge it")
    assert site.records.last_seq() == 3


@pytest.mark.parametrize(
    "body",
    [
        {"minutes": 5},
        {"minutes": 5, "reason": ""},
        {"minutes": 5, "reason": "  "},
        {"reason": "known"},
        {"minutes": 5, "until": "2026-01-01T00:05:00Z", "reason": "known"},
        {"until": "2026-01-01T00:05:00", "reason": "known"},
        {"minutes": 0, "reason": "known"},
        {"minutes": 5, "reason": "x" * 501},
    ],
)
def test_a_snooze_needs_one_end_and_a_reason(site: Site, alert: Alert, body: dict[str, Any]) -> None:
    status, _ = act(site, alert, "snooze", 1, **body)
    assert status == 422
    assert site.records.alert(alert.alert_id) == alert


def test_a_role_without_names_does_not_read_the_reason(site: Site, alert: Alert) -> None:
    act(site, alert, "snooze", 1, minutes=5, reason="Marker-Family's daughter is there")
    answer = site.get(f"/api/v1/alerts/{alert.alert_id}", "auditor")
    assert "Marker-Family" not in answer.text
    assert answer.json()["snooze_reason"] == ""


def test_what_was_handed_over_is_accepted_by_who_takes_it(site: Site, alert: Alert) -> None:
    assert act(site, alert, "accept", 1, "Wang")[0] == 422
    act(site, alert, "acknowledge", 1, "Li Na")
    now = site.clock.now_us()
    given = site.happen(site.records.alert(alert.alert_id), HandOver(Stamp(f"deadline:{now}", now), "Wang")).after
    (listed,) = site.get("/api/v1/alerts").json()["items"]
    assert (listed["owner"], listed["accept_by"]) == ("Wang", to_iso(now + 10 * MINUTE))
    status, after = act(site, alert, "accept", given.version, "Wang")
    assert (status, after["owner"], after["accept_by"], after["handling"]) == (200, "Wang", None, "acknowledged")
    assert act(site, alert, "accept", given.version, "Wang") == (status, after)
    assert act(site, alert, "accept", given.version, "Li Na")[0] == 409

"""What a nurse does with an alert that she cannot deal with, assigning it or calling the next level, and who is called by it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.api.site import START, Site
from vigil.domain.alerts import Alert, Kind, Priority
from vigil.domain.lifecycle import Ended, Stamp
from vigil.domain.self_test import PLATFORM
from vigil.domain.teams import Level, Member, Rota, Shift, Team
from vigil.domain.times import MINUTE, SECOND, from_iso
from vigil.domain.users import Role, User

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
NURSE, DOCTOR = Member("Li Na", "Li Na"), Member("wang", "Dr Wang", ("app", "pager"))
CHAIN = (Level(("on_call",)), Level(("member:wang",), after_s={"medium": 90.0}))
NORTH = Team("north-team", "north", (NURSE, DOCTOR), Rota("UTC", (Shift(EVERY_DAY, 0, 0, "Li Na"),)), CHAIN)
SOUTH = Team("south-team", "south", (Member("zhou", "Zhou Min"),), Rota("UTC", (Shift(EVERY_DAY, 0, 0, "zhou"),)))


@pytest.fixture
def alert(site: Site) -> Alert:
    site.admit("p-1", "w-1")
    for team in (NORTH, SOUTH):
        site.records.put_team(team, "Wang", "first", START)
    return site.raise_alert("p-1")


def act(
    site: Site, alert: Alert, verb: str, version: int, name: str = "Li Na", **more: object
) -> tuple[int, dict[str, Any]]:
    path = f"/api/v1/alerts/{alert.alert_id}/{verb}"
    answer = site.call("POST", path, name=name, json={"version": version, **more})
    return answer.status_code, answer.json()


def told(site: Site, alert: Alert) -> list[tuple[str, str]]:
    return [(one.channel, one.person) for one in site.records.deliveries(alert.alert_id)]


def history(site: Site, alert: Alert) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.get(f"/api/v1/alerts/{alert.alert_id}").json()["history"]
    return found


def asked(site: Site, alert: Alert, name: str = "Li Na") -> dict[str, str]:
    answer = site.call("GET", f"/api/v1/alerts/{alert.alert_id}/people", name=name)
    assert answer.status_code == 200, answer.text
    return {one["id"]: one["name"] for one in answer.json()["items"]}


def test_who_is_asked_is_called_by_his_channels_and_it_escalates_on(site: Site, alert: Alert) -> None:
    status, given = act(site, alert, "assign", 1, to="wang", note="needs a doctor")
    assert (status, given["handling"], given["owner"]) == (200, "unacknowledged", "wang")
    assert from_iso(given["accept_by"]) == START + 10 * MINUTE
    assert from_iso(given["deadline_at"]) == alert.deadline_at
    assert told(site, alert) == [("app", "wang"), ("pager", "wang")]
    line = history(site, alert)[-1]
    assert (line["step"], line["actor"], line["note"]) == ("handed_over", "Li Na", "needs a doctor")
    assert (line["call"]["how"], line["detail"]["from"], line["detail"]["to"]) == ("now", "Li Na", "wang")
    status, taken = act(site, alert, "accept", 2, "wang")
    assert (status, taken["handling"], taken["acknowledged_by"], taken["accept_by"]) == (
        200,
        "acknowledged",
        "wang",
        None,
    )
    assert {one.state.value for one in site.records.deliveries(alert.alert_id)} == {"accepted"}


def test_an_assignment_is_taken_back(site: Site, alert: Alert) -> None:
    act(site, alert, "assign", 1, to="wang")
    status, free = act(site, alert, "return", 2)
    assert (status, free["owner"], free["accept_by"], free["version"]) == (200, "", None, 3)
    assert act(site, alert, "accept", 3, "wang")[0] == 422


@pytest.mark.parametrize("to", ["zhou", "nobody", "Li Na"])
def test_nobody_else_can_be_asked(site: Site, alert: Alert, to: str) -> None:
    """Of another ward's team, not known at all, oneself."""
    assert act(site, alert, "assign", 1, to=to)[0] == 422
    assert (site.records.alert(alert.alert_id).version, told(site, alert)) == (1, [])


def test_who_can_be_asked_is_in_the_team_or_has_an_account_that_lets_him_act_there(site: Site, alert: Alert) -> None:
    assert asked(site, alert) == {"wang": "Dr Wang"}
    assert asked(site, alert, "wang") == {"Li Na": "Li Na"}
    with site.context.accounts.changing() as records:
        for name, role, wards in (
            ("chief", Role.ADMIN, None),
            ("ada", Role.NURSE, frozenset({"north"})),
            ("bo", Role.NURSE, frozenset({"south"})),
            ("cy", Role.AUDITOR, None),
            ("wang", Role.CLINICIAN, None),
        ):
            records.add_user(User(name, name.title(), role, wards, "hash", START))
        records.add_user(User("gone", "Gone", Role.NURSE, None, "hash", START, disabled_at=START))
    assert asked(site, alert) == {"wang": "Dr Wang", "ada": "Ada", "chief": "Chief"}
    assert act(site, alert, "assign", 1, to="ada")[0] == 200
    assert told(site, alert) == [("app", "ada")]  # she is in no team: on the page alone


def test_the_next_level_is_called_at_once_and_above_the_last_is_nobody(site: Site, alert: Alert) -> None:
    status, above = act(site, alert, "escalate", 1, command_id="c-1")
    assert (status, above["escalation_level"]) == (200, 1)
    assert told(site, alert) == [("app", "wang"), ("pager", "wang")]
    line = history(site, alert)[-1]
    assert (line["step"], line["actor"], line["call"]["how"]) == ("escalated", "Li Na", "now")
    assert act(site, alert, "escalate", 1, command_id="c-1")[0] == 200  # the same tap
    status, problem = act(site, alert, "escalate", 2)
    assert (status, problem["called"], "alert" in problem) == (409, ["Dr Wang"], False)
    assert problem["detail"] == "the last level has been called: Dr Wang. Nobody is above it"
    assert (site.records.alert(alert.alert_id).version, len(told(site, alert))) == (2, 2)


def test_without_a_team_everybody_was_called_already(site: Site) -> None:
    site.admit("p-2", ward="west")
    status, problem = act(site, site.raise_alert("p-2"), "escalate", 1)
    assert (status, problem["called"]) == (409, [])
    assert "everybody who has the page open" in problem["detail"]


def test_the_owner_calls_the_next_level_and_the_alert_is_free(site: Site, alert: Alert) -> None:
    act(site, alert, "acknowledge", 1)
    assert act(site, alert, "escalate", 2, "wang")[0] == 422  # she deals with it
    status, free = act(site, alert, "escalate", 2)
    assert (status, free["handling"], free["owner"], free["escalation_level"]) == (200, "unacknowledged", "", 1)


def test_what_is_over_is_escalated_to_nobody(site: Site, alert: Alert) -> None:
    now = site.clock.now_us()
    site.happen(alert, Ended(Stamp("ordinal:7", now), now))
    assert act(site, alert, "escalate", 2)[0] == 422
    assert told(site, alert) == []


@pytest.mark.parametrize(("verb", "more"), [("assign", {"to": "wang"}), ("escalate", {})])
def test_a_late_tap_is_told_how_it_stands(site: Site, alert: Alert, verb: str, more: dict[str, str]) -> None:
    act(site, alert, "acknowledge", 1, "wang")
    status, problem = act(site, alert, verb, 1, **more)
    assert (status, problem["alert"]["acknowledged_by"], problem["alert"]["version"]) == (409, "wang", 2)
    assert told(site, alert) == []


def test_what_is_given_back_waits_as_long_as_the_team_says(site: Site, alert: Alert) -> None:
    act(site, alert, "acknowledge", 1)
    site.clock.advance(30)
    back = act(site, alert, "return", 2)[1]
    assert from_iso(back["deadline_at"]) == site.clock.now_us() + 90 * SECOND
    until = site.clock.now_us() + 10 * MINUTE
    snoozed = act(site, alert, "snooze", 3, minutes=10, reason="known")[1]
    assert from_iso(snoozed["deadline_at"]) == until + 90 * SECOND


def test_what_is_wrong_with_vigil_itself_is_every_teams_business_and_an_outage_is_its_wards(
    site: Site, alert: Alert
) -> None:
    missing = site.raise_alert(PLATFORM, "self_test", Priority.HIGH, Kind.TECHNICAL)
    assert asked(site, missing) == {"wang": "Dr Wang", "zhou": "Zhou Min"}
    outage = site.raise_alert(PLATFORM, "outage.south", Priority.MEDIUM, Kind.TECHNICAL)
    assert asked(site, outage) == {"zhou": "Zhou Min"}
    assert act(site, outage, "assign", 1, to="zhou")[0] == 200


@pytest.mark.parametrize("role", ["auditor", "technician", "research"])
def test_who_may_not_act_asks_nobody(site: Site, alert: Alert, role: str) -> None:
    path = f"/api/v1/alerts/{alert.alert_id}"
    assert site.get(f"{path}/people", role).status_code == 403
    for verb in ("assign", "escalate"):
        assert site.post(f"{path}/{verb}", {"version": 1, "to": "wang"}, role).status_code == 403


def test_the_hand_over_note_and_the_burden_table_know_who_was_asked_and_who_came(site: Site, alert: Alert) -> None:
    act(site, alert, "assign", 1, to="wang")
    (row,) = site.get("/api/v1/handover?ward=north").json()["alerts"]["medium"]
    assert (row["owner"], row["handling"]) == ("wang", "unacknowledged")
    page = site.get("/api/v1/handover?ward=north", headers={"Accept": "text/markdown"}).text
    assert "Assigned to wang, who must accept it by " in page
    site.clock.advance(30)
    act(site, alert, "accept", 2, "wang")
    assert site.get("/api/v1/burden").json()["total"]["acknowledged"] == 1

"""The burden table, from real records: an hour of two wards, written as it happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.unit.api.site import START, Site
from vigil.domain.alerts import Alert, Evidence, Kind, Priority, Transition
from vigil.domain.calls import CALL, Call, How
from vigil.domain.events import Event
from vigil.domain.feedback import Feedback, Verdict
from vigil.domain.lifecycle import Acknowledge, Began, DeadlineReached, Ended, Finding, Stamp, apply
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.teams import Level, Member, Rota, Shift, Team
from vigil.domain.times import HOUR, to_iso

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
BOTH = (Shift(EVERY_DAY, 0, 0, "li"), Shift(EVERY_DAY, 0, 0, "wang"))
#: Two nurses on call all the time; three levels.
NORTH = Team(
    "north", "north", (Member("li", "Li Na"), Member("wang", "Wang")), Rota("UTC", BOTH), (Level(("on_call",)),) * 3
)


def happen(site: Site, alert: Alert | None, event: Event, how: How | None = None) -> Alert:
    line = apply(alert, event, DEFAULT_POLICY)
    assert line is not None
    called: Transition = line if how is None else replace(line, detail={CALL: Call(how).row()})
    assert site.records.record(called) is not None
    return called.after


def opens(site: Site, patient_id: str, rule: str = "limit.spo2.low", how: How = How.NOW, policy: str = "abc") -> Alert:
    now = site.clock.now_us()
    stamp = Stamp(f"ordinal:{site.records.last_seq() + 1}", now)
    evidence = Evidence("SpO2 84 %", policy_version=policy)
    finding = Finding(patient_id, rule, Kind.PHYSIOLOGICAL, Priority.MEDIUM, "SpO2 low", evidence, now)
    return happen(site, None, Began(stamp, finding), how)


def acknowledge(site: Site, alert: Alert) -> Alert:
    return happen(
        site, alert, Acknowledge(Stamp(f"command:{alert.alert_id}", site.clock.now_us(), "li"), alert.version)
    )


def escalate(site: Site, alert: Alert) -> Alert:
    due = alert.deadline_at
    assert due is not None
    return happen(site, alert, DeadlineReached(Stamp(f"deadline:{due}", due), due), How.NOW)


def burden(site: Site, query: str = "", role: str = "nurse") -> dict[str, Any]:
    answer = site.get(f"/api/v1/burden{query}", role)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture
def hour(site: Site) -> Site:
    """p-1 and p-2 wear a device for the hour, p-3 none; p-1: three alerts, p-2: one; the self-test: one."""
    site.records.put_team(NORTH, "Wang", "first", START)
    site.admit("p-1", "w-1")
    site.admit("p-2", "w-2", ward="south", sex="male")
    site.admit("p-3")
    site.admit("self-test.up", "self-test.up")
    first = opens(site, "p-1")
    second = opens(site, "p-1", "no_data.w-1", How.JOINED)
    held = opens(site, "p-2", policy="def", how=How.HELD)
    opens(site, "self-test.up")
    site.clock.advance(30)
    acknowledge(site, first)
    third = opens(site, "p-1", "news2")
    escalate(site, escalate(site, third))
    site.clock.advance(30)
    happen(site, second, Ended(Stamp("ordinal:99", site.clock.now_us()), site.clock.now_us()))
    for alert, verdict in ((first, Verdict.USEFUL), (second, Verdict.ARTEFACT), (held, Verdict.NOT_USEFUL)):
        site.records.add_feedback(Feedback(alert.alert_id, "li", verdict, "", site.clock.now_us()))
    site.clock.advance(3540)
    return site


def test_the_whole_hour(hour: Site) -> None:
    body = burden(hour, f"?since={to_iso(START)}&until={to_iso(START + HOUR)}")
    assert (body["patients"], body["patient_days"], body["nurse_hours"]) == (2, pytest.approx(2 / 24), 3.0)
    total = body["total"]
    assert {name: total[name] for name in ("alerts", "interruptions", "held", "joined", "carried", "acknowledged")} == {
        "alerts": 4, "interruptions": 4, "held": 1, "joined": 1, "carried": 0, "acknowledged": 1,
    }  # fmt: skip
    assert (total["acknowledge_median_s"], total["escalated"], total["unanswered"]) == (30, 1, 0)
    assert (total["self_limited"], total["self_limited_share"], total["busiest_tenth"]) == (1, 0.25, 0.75)
    assert total["interruptions_per_patient_day"] == pytest.approx(48)
    assert total["interruptions_per_nurse_hour"] == pytest.approx(4 / 3)
    assert total["verdicts"] == {"useful": 1, "not_useful": 1, "artefact": 1, "wrong_limit": 0}
    assert (total["true"]["count"], total["useful"]["count"], total["true"]["of"]) == (2, 1, 3)


def test_a_row_per_rule_and_policy_version(hour: Site) -> None:
    rows = burden(hour)["rows"]
    assert [(row["rule"], row["policy_version"], row["interruptions"], row["alerts"]) for row in rows] == [
        ("news2", "abc", 3, 1),
        ("limit.spo2.low", "abc", 1, 1),
        ("limit.spo2.low", "def", 0, 1),
        ("no_data", "abc", 0, 1),
    ]
    assert [(row["policy_version"], row["alerts"]) for row in burden(hour, "?by=policy")["rows"]] == [
        ("abc", 3),
        ("def", 1),
    ]
    assert [(row["priority"], row["alerts"]) for row in burden(hour, "?by=priority")["rows"]] == [("medium", 4)]


def test_an_escalation_past_the_last_level_is_unanswered(hour: Site) -> None:
    alert = opens(hour, "p-2")
    escalate(hour, alert)
    hour.clock.advance(3600)
    assert burden(hour)["total"]["unanswered"] == 1, "the built-in chain of the ward south has one level"


def test_time_to_come_is_nobodys_watch(hour: Site) -> None:
    body = burden(hour, f"?since={to_iso(START)}&until={to_iso(START + 24 * HOUR)}")
    assert body["patient_days"] == pytest.approx(2 / 24)
    assert body["nurse_hours"] == 3
    assert body["total"]["alerts"] == 4


def test_before_anything_happened_there_is_no_rate(hour: Site) -> None:
    body = burden(hour, "?since=2025-01-01T00:00:00Z&until=2025-02-01T00:00:00Z")
    assert (body["patients"], body["rows"], body["subgroups"]) == (0, [], [])
    total = body["total"]
    assert (total["alerts"], total["interruptions_per_patient_day"], total["interruptions_per_nurse_hour"]) == (
        0,
        None,
        None,
    )
    assert total["true"] == {"count": 0, "of": 0, "share": None, "low": None, "high": None}


def test_no_patient_and_no_device_is_in_it(hour: Site) -> None:
    for role in ("nurse", "research", "auditor"):
        text = hour.get("/api/v1/burden", role).text
        for mark in ("p-1", "p-2", "w-1", "self-test", "Marker", "1948"):
            assert mark not in text


def test_held_calls_by_subgroup(site: Site) -> None:
    for number in range(12):
        site.admit(f"p-{number}", f"w-{number}", sex="male" if number < 2 else "female", born=date(1950, 1, 1))
    opens(site, "p-3", how=How.HELD)
    opens(site, "p-1", how=How.HELD)
    site.clock.advance(86_400)
    hidden = {"patients": None, "patient_days": None, "alerts": None, "interruptions": None, "held": None}
    shown = {"patients": 12, "patient_days": 12.0, "alerts": 2, "interruptions": 0, "held": 2}
    assert burden(site)["subgroups"] == [
        {"factor": "age", "value": "65-79", **shown},
        {"factor": "sex", "value": "female", **hidden},
        {"factor": "sex", "value": "male", **hidden},
    ]


@pytest.mark.parametrize(
    "query",
    [
        "?since=yesterday",
        "?since=2026-01-02T00:00:00Z&until=2026-01-02T00:00:00Z",
        "?since=2020-01-01T00:00:00Z&until=2026-01-01T00:00:00Z",
        "?by=patient",
    ],
)
def test_an_interval_or_a_key_that_cannot_be_is_refused(site: Site, query: str) -> None:
    assert site.get(f"/api/v1/burden{query}").status_code == 422

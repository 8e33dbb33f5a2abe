"""Whom an alert calls, or why nobody: the newest decision stands with the alert wherever it is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from api import shape
from api.care import WHOLE
from api.openalerts import OpenAlerts
from tests.unit.api.site import Site
from vigil.domain.alerts import Alert, Transition
from vigil.domain.calls import CALL, Call, How, because
from vigil.domain.lifecycle import Acknowledge, DataLost, DeadlineReached, Stamp, apply
from vigil.domain.phrases import phrase
from vigil.domain.policy import DEFAULT_POLICY

#: As an older Vigil kept it, in English only.
HELD = Call(How.HELD, "the budget is spent")
HELD_SHOWN = {"how": "held", "why": "the budget is spent", "by": "", "zh": None}
JOINED = because(How.JOINED, phrase("call.joined", alert=phrase("score.title", total=7)), "a-lead")
JOINED_SHOWN = {"how": "joined", "why": 'joined "NEWS2 7"', "by": "a-lead", "zh": {"why": "并入“NEWS2 7 分”"}}


def escalate(site: Site, alert: Alert, call: Call) -> Transition:
    """The alert asks for somebody, and ``call`` is what was decided."""
    assert alert.deadline_at is not None
    site.clock.advance((alert.deadline_at - site.clock.now_us()) / 1e6)
    event = DeadlineReached(Stamp(f"deadline:{alert.deadline_at}", site.clock.now_us()), alert.deadline_at)
    line = apply(alert, event, DEFAULT_POLICY)
    assert line is not None
    recorded = site.records.record(replace(line, detail={CALL: call.row()}))
    assert recorded is not None
    return recorded


@pytest.fixture
def alert(site: Site) -> Alert:
    site.admit("p-1", "w-1")
    return site.raise_alert("p-1")


def shown(site: Site, alert: Alert) -> list[Any]:
    """In the list, the patient's list, by itself, on his card and in the snapshot."""
    (listed,) = site.get("/api/v1/alerts").json()["items"]
    (of_patient,) = site.get("/api/v1/patients/p-1/alerts").json()["items"]
    alone = site.get(f"/api/v1/alerts/{alert.alert_id}").json()
    (on_card,) = site.get("/api/v1/patients/p-1").json()["alerts"]
    (in_snapshot,) = site.context.ward.snapshot(True, WHOLE).alerts
    return [each["call"] for each in (listed, of_patient, alone, on_card, in_snapshot)]


def test_the_newest_decision_is_shown_everywhere(site: Site, alert: Alert) -> None:
    assert shown(site, alert) == [None] * 5
    line = escalate(site, alert, HELD)
    assert shown(site, alert) == [HELD_SHOWN] * 5
    escalate(site, line.after, JOINED)
    assert shown(site, alert) == [JOINED_SHOWN] * 5


def test_what_asks_for_nobody_leaves_the_decision_standing(site: Site, alert: Alert) -> None:
    line = escalate(site, alert, JOINED)
    quiet = site.happen(line.after, DataLost(Stamp("ordinal:77", site.clock.now_us())))
    assert shown(site, alert) == [JOINED_SHOWN] * 5
    path = f"/api/v1/alerts/{alert.alert_id}/acknowledge"
    assert site.post(path, {"version": quiet.after.version}).json()["call"] == JOINED_SHOWN


def test_a_resolved_alert_calls_nobody(site: Site, alert: Alert) -> None:
    line = escalate(site, alert, HELD)
    assert site.context.ward.calls() == {alert.alert_id: HELD}
    taken = site.happen(line.after, Acknowledge(Stamp("command:1", site.clock.now_us(), "Li Na"), line.after.version))
    ended = replace(taken.after, resolved_reason="ended while acknowledged", version=taken.after.version + 1)
    assert site.records.record(replace(taken, after=ended, cause="ordinal:99", seq=0)) is not None
    assert site.get(f"/api/v1/alerts/{alert.alert_id}").json()["call"] is None
    assert site.context.ward.calls() == {}


def test_after_a_start_it_is_read_from_the_log(site: Site, alert: Alert) -> None:
    line = escalate(site, alert, HELD)
    site.happen(line.after, DataLost(Stamp("ordinal:77", site.clock.now_us())))
    again = OpenAlerts(site.records)
    again.refresh()
    assert again.calls == {alert.alert_id: HELD}


def test_each_line_of_the_log_says_what_it_decided_to_every_role(site: Site, alert: Alert) -> None:
    escalate(site, alert, JOINED)
    for role in ("nurse", "auditor"):
        history = site.get(f"/api/v1/alerts/{alert.alert_id}", role).json()["history"]
        assert [line["call"] for line in history] == [None, JOINED_SHOWN]


def test_an_event_carries_the_decision_of_its_own_line(site: Site, alert: Alert) -> None:
    line = escalate(site, alert, HELD)
    quiet = site.happen(line.after, DataLost(Stamp("ordinal:77", site.clock.now_us())))
    assert [shape.alert_event(each, True)["alert"]["call"] for each in (line, quiet)] == [HELD_SHOWN, None]

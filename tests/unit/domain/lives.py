"""Alerts in the states of the life cycle, for its tests."""

from __future__ import annotations

from collections.abc import Callable

from vigil.domain.alerts import Alert, Evidence, Kind, Priority, Transition
from vigil.domain.lifecycle import Acknowledge, Assign, Began, Ended, Event, Finding, HandOver, Snooze, Stamp, apply
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.times import MINUTE, SECOND

NOW = 1_767_225_600_000_000
LATER = NOW + 2 * MINUTE
ESCALATE = {p: round(BEDSIDE_POLICY.escalate_s[p.value] * SECOND) for p in Priority}
REALARM = {p: round(BEDSIDE_POLICY.realarm_s[p.value] * SECOND) for p in Priority}
HIGH, MEDIUM, LOW = Priority.HIGH, Priority.MEDIUM, Priority.LOW

Make = Callable[[Alert | None], Event]


def stamp(at: int = NOW, cause: str | None = None, actor: str = "vigil") -> Stamp:
    return Stamp(cause or f"ordinal:{at // SECOND}", at, actor, measured_at=at - SECOND)


def by(actor: str, at: int) -> Stamp:
    return stamp(at, f"command:{actor}-{at}", actor)


def finding(
    priority: Priority = MEDIUM, kind: Kind = Kind.PHYSIOLOGICAL, rule: str = "limit.spo2.low", limit: float = 90
) -> Finding:
    severe = BEDSIDE_POLICY.limit("spo2", "low").severe  # type: ignore[union-attr]
    row = {"vital": "spo2", "side": "low", "value": limit, "severe": limit == severe}
    evidence = Evidence(f"{priority} text", ({"vital": "spo2", "value": 84.0},), row, None, "policy-1")
    return Finding("p-1", rule, kind, priority, "SpO2 low", evidence, NOW - SECOND, "w-1")


def line_of(alert: Alert | None, event: Event) -> Transition:
    line = apply(alert, event, BEDSIDE_POLICY)
    assert line is not None
    return line


def after(alert: Alert | None, event: Event) -> Alert:
    return line_of(alert, event).after


def unchanged(alert: Alert | None, event: Event) -> bool:
    return apply(alert, event, BEDSIDE_POLICY) is None


def opened(
    priority: Priority = MEDIUM, kind: Kind = Kind.PHYSIOLOGICAL, rule: str = "limit.spo2.low", limit: float = 90
) -> Alert:
    return after(None, Began(stamp(), finding(priority, kind, rule, limit)))


def acked(alert: Alert, at: int = NOW + SECOND, actor: str = "nurse") -> Alert:
    return after(alert, Acknowledge(by(actor, at), alert.version))


def ended(alert: Alert, at: int = NOW + MINUTE) -> Alert:
    return after(alert, Ended(stamp(at), at - MINUTE))


def snoozed(alert: Alert, minutes: float = 5, at: int = NOW + SECOND, actor: str = "nurse") -> Alert:
    until = at + round(minutes * MINUTE)
    return after(alert, Snooze(by(actor, at), alert.version, until, "known, plan agreed"))


def handed_over(alert: Alert, incoming: str = "incoming", at: int = NOW + MINUTE) -> Alert:
    return after(alert, HandOver(stamp(at, f"deadline:{at}"), incoming))


def assigned(alert: Alert, to: str = "doctor", at: int = NOW + MINUTE, actor: str = "nurse") -> Alert:
    return after(alert, Assign(by(actor, at), alert.version, to))

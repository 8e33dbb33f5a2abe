"""Alerts and asks for the tests of the steps."""

from __future__ import annotations

from typing import Any

from analytics.calling.ask import Ask
from vigil.domain.alerts import Alert, Condition, Evidence, Handling, Kind, Priority, Step, Transition
from vigil.domain.times import MINUTE

NOW = 1_767_225_600_000_000


def score(**points: int) -> Evidence:
    parts = [{"name": name, "value": 1.0, "points": number, "measured_at": NOW} for name, number in points.items()]
    return Evidence("a score", score={"name": "news2", "parts": parts})


def value(vital: str, number: float, *, severe: bool = False, quality: int = 0) -> Evidence:
    limit = {"vital": vital, "side": "low", "value": 0.0, "severe": severe}
    return Evidence("a value", ({"vital": vital, "value": number, "quality": quality},), limit)


def alert(rule: str, priority: str = "medium", minutes_ago: float = 0, **change: Any) -> Alert:
    """Open, true and unacknowledged; technical by its rule."""
    technical = not rule.startswith(("limit.", "news2", "drift."))
    opened = NOW - round(minutes_ago * MINUTE)
    made: dict[str, Any] = {
        "alert_id": f"a-{rule}", "patient_id": "p-1", "rule": rule,
        "kind": Kind.TECHNICAL if technical else Kind.PHYSIOLOGICAL,
        "priority": Priority(priority), "peak_priority": Priority(priority), "condition": Condition.TRUE,
        "handling": Handling.UNACKNOWLEDGED, "title": rule, "cause": "ordinal:1:opened", "onset_at": opened,
        "opened_at": opened, "updated_at": opened, "evidence": Evidence("text"), "device_id": "w-1",
    }  # fmt: skip
    return Alert(**{**made, **change})


def ask(one: Alert, *others: Alert, step: Step = Step.OPENED, room: bool = True) -> Ask:
    return Ask(Transition(step, f"ordinal:9:{step.value}", NOW, "vigil", one), others, lambda: room)

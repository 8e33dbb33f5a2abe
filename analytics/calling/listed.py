"""Low priority means awareness, not interruption: the alert is on the work list and in the hand-over note."""

from __future__ import annotations

from analytics.calling.ask import Ask
from vigil.domain.alerts import Priority
from vigil.domain.calls import Call, How


def listed(ask: Ask) -> Call | None:
    return Call(How.LIST, "low priority") if ask.alert.priority is Priority.LOW else None

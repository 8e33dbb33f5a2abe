"""Low priority means awareness, not interruption: the alert is on the work list and in the hand-over note."""

from __future__ import annotations

from analytics.calling.ask import Ask
from vigil.domain.alerts import Priority
from vigil.domain.calls import Call, How, because
from vigil.domain.phrases import phrase


def listed(ask: Ask) -> Call | None:
    return because(How.LIST, phrase("call.low")) if ask.alert.priority is Priority.LOW else None

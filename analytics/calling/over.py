"""An alert whose condition is over when its silence or an assignment ends stays on the list until somebody has seen it, but calls
nobody."""

from __future__ import annotations

from analytics.calling.ask import Ask
from vigil.domain.alerts import Step
from vigil.domain.calls import Call, How, because
from vigil.domain.phrases import phrase

_WAIT_ENDS = (Step.CALLED, Step.UNSUPPRESSED, Step.SNOOZE_ENDED, Step.REALARMED)


def over(ask: Ask) -> Call | None:
    ended = ask.alert.cleared and ask.line.step in _WAIT_ENDS
    return because(How.LIST, phrase("call.over")) if ended else None

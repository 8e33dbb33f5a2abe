"""What is past calls once for a ward: a backfill of many people shows its other past events on the list.

Nothing of it is about now, it is never above medium priority and has no deadline, so it can wait until somebody looks. Whoever
is called for the first one sees them all.
"""

from __future__ import annotations

from analytics.calling.ask import Ask
from vigil.domain.calls import Call, How, because
from vigil.domain.phrases import phrase
from vigil.domain.times import MINUTE

#: A call about what is past stands for the whole ward for so long, microseconds (ours, needs clinical sign-off).
ONE_CALL = 5 * MINUTE


def backfilled(ask: Ask) -> Call | None:
    first = ask.past_called
    if first is None or not ask.alert.retrospective or ask.line.at - first.at >= ONE_CALL:
        return None
    return because(How.LIST, phrase("call.past", at=first.at), first.after.alert_id)

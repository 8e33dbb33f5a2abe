"""While monitoring is paused by plan, a new alert stands on the list at once but calls when the pause is over, if it stands then.

Whatever crossed a severe limit calls as ever, and so does every alert of high priority in the main lane: a silence is broken by
something worse (reference page "The nurse station", section 1). What called somebody before the pause goes on to escalate.
"""

from __future__ import annotations

from analytics.calling.ask import Ask
from vigil.domain.alerts import Alert, Priority, Step
from vigil.domain.calls import Call, How, because
from vigil.domain.changed import changed
from vigil.domain.lifecycle import crossed_severe_limit
from vigil.domain.order import in_main_lane
from vigil.domain.phrases import phrase


def paused(ask: Ask) -> Call | None:
    if ask.pause is None or ask.line.step is Step.ESCALATED or breaks_through(ask.alert):
        return None
    return because(How.HELD, phrase("call.paused", until=ask.pause.end_at))


def breaks_through(alert: Alert) -> bool:
    return crossed_severe_limit(alert) or (alert.priority is Priority.HIGH and in_main_lane(alert))


def held_for_pause(alert: Alert, at: int, end_at: int) -> Alert:
    """``at``: of the line that asked. The time to answer begins with the end of the pause."""
    due = alert.deadline_at
    return changed(alert, held_until=end_at, deadline_at=None if due is None else max(due, at) + end_at - at)

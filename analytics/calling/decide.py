"""The steps between an alert that asks for a person and the call, in order; the first that has a reason decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from analytics.calling.ask import Ask
from analytics.calling.backfill import backfilled
from analytics.calling.budget import HELD_AT_MOST, over_budget
from analytics.calling.group import joined
from analytics.calling.inhibit import inhibited
from analytics.calling.listed import listed
from analytics.calling.outage import silent_together
from analytics.calling.over import over
from analytics.calling.paused import held_for_pause, paused
from analytics.calling.settling import unsettled, waits
from analytics.calling.snooze import snoozed
from vigil.domain.alerts import Transition
from vigil.domain.calls import CALL, Call, How
from vigil.domain.changed import changed

Decision = Callable[[Ask], Call | None]

STEPS: tuple[Decision, ...] = (
    silent_together,
    inhibited,
    snoozed,
    over,
    listed,
    paused,
    unsettled,
    joined,
    backfilled,
    over_budget,
)


def decide(ask: Ask) -> Call:
    """How this line calls. Pure: the same line among the same alerts gives the same answer."""
    return _deciding(ask)[1]


def _deciding(ask: Ask) -> tuple[Decision | None, Call]:
    """With the step that has a reason; None = there is none to hold the call back."""
    found = ((step, step(ask)) for step in STEPS)
    return next(((step, call) for step, call in found if call is not None), (None, Call(How.NOW)))


def decided(ask: Ask) -> Transition:
    """The line with the decision in its detail, and the alert with the overlay that follows from it.

    An overlay that stands already goes on: only an event of its own ends it.
    """
    (step, call), line = _deciding(ask), ask.line
    after = line.after
    if call.how is How.INHIBITED and not after.suppressed_by:
        after = changed(after, suppressed_by=call.by)
    if call.how is How.HELD and after.held_until is None:
        if ask.pause is not None and step is paused:
            after = held_for_pause(after, line.at, ask.pause.end_at)
        else:
            after = changed(after, held_until=line.at + (waits(after) or HELD_AT_MOST))
    return replace(line, after=after, detail={**line.detail, CALL: call.row()})

"""A person's command to an alert: the rules are ``vigil.domain.lifecycle``; here it is recorded once and told to all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus

from api import shape
from api.auth import Principal, Right
from api.calling import team_of
from api.context import Context
from api.errors import Problem
from vigil.domain.alerts import Alert, Transition
from vigil.domain.answering import timed
from vigil.domain.deliveries import Target
from vigil.domain.errors import VersionConflict
from vigil.domain.lifecycle import Command, Stamp, apply
from vigil.domain.policy import DEFAULT_POLICY

#: The line as it is to be recorded, and whom it calls.
Calling = Callable[[Transition], tuple[Transition, Sequence[Target]]]


def _nobody(line: Transition) -> tuple[Transition, Sequence[Target]]:
    return line, ()


def carry_out(
    here: Context,
    who: Principal,
    alert_id: str,
    verb: str,
    command_id: str,
    command: Callable[[Stamp], Command],
    calling: Calling = _nobody,
) -> Alert:
    """The alert after the command. The same command again (same ``command_id``) changes nothing. Whom it calls is in the outbox
    as soon as the line is in the log.

    Raises ``NotFound``; ``InvalidInput`` beyond a bound; a 409 problem with the alert as it is when the person had seen an older
    version or it is resolved.
    """
    deps = here.deps
    cause = f"command:{alert_id}:{verb}:{command_id}"
    alert = deps.records.alert(alert_id)
    if any(line.cause == cause for line in deps.records.transitions(alert_id=alert_id)):
        return alert
    event = command(Stamp(cause, deps.clock.now_us(), who.name))
    try:
        line = apply(alert, event, deps.records.policy(alert.patient_id) or DEFAULT_POLICY)
        recorded = None
        if line is not None:
            line, targets = calling(timed(line, alert, team_of(here, alert)))
            recorded = deps.records.record(line, targets)
    except VersionConflict as error:
        now = deps.records.alert(alert_id)
        extra = {"alert": shape.alert(now, who.may(Right.NAMES))}
        what = "the alert has changed since it was read" if now.open else "the alert is resolved"
        raise Problem(HTTPStatus.CONFLICT, what, extra) from error
    if recorded is None:
        return deps.records.alert(alert_id)
    deps.bus.transitions.publish(recorded)
    return recorded.after

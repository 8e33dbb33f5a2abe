"""What the steps look at when an alert asks for a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vigil.domain.alerts import Alert, Priority, Transition
from vigil.domain.order import UNVERIFIED_RULE_PREFIX


@dataclass(frozen=True, slots=True)
class Ask:
    """``line``: as the life cycle made it, not recorded yet. ``others``: the patient's other open alerts. ``room``: does the
    ward's budget of interruptions leave room for one more now? ``outage``: the one that the patient's ward is in.
    ``past_called``: the call of the last minutes about what is past in this ward."""

    line: Transition
    others: tuple[Alert, ...]
    room: Callable[[], bool]
    outage: Alert | None = None
    past_called: Transition | None = None

    @property
    def alert(self) -> Alert:
        return self.line.after


def is_severe(alert: Alert) -> bool:
    """Beyond a severe limit, or a value there that could not be verified: never held back, whoever else is called."""
    if alert.rule.startswith(UNVERIFIED_RULE_PREFIX):
        return True
    return alert.rule.startswith("limit.") and alert.peak_priority is Priority.HIGH

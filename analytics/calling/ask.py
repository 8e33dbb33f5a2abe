"""What the steps look at when an alert asks for a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vigil.domain.alerts import Alert, Transition
from vigil.domain.pauses import Pause


@dataclass(frozen=True, slots=True)
class Ask:
    """``line``: as the life cycle made it, not recorded yet. ``others``: the patient's other open alerts. ``room``: does the
    ward's budget of interruptions leave room for one more now? ``outage``: the one that the patient's ward is in.
    ``past_called``: the call of the last minutes about what is past in this ward. ``pause``: the planned one that
    runs."""

    line: Transition
    others: tuple[Alert, ...]
    room: Callable[[], bool]
    outage: Alert | None = None
    past_called: Transition | None = None
    pause: Pause | None = None

    @property
    def alert(self) -> Alert:
        return self.line.after

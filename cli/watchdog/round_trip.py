"""What the watchdog expects of Vigil, and what it has seen: no sockets, no tasks, only times.

One round: the synthetic device sends normal values; when a call is due it sends alarming ones until the alert has come, then
normal ones until the alert has been resolved. Meanwhile every value must be acknowledged as stored. Whatever is overdue by more
than ``silence_s`` is trouble, and only a whole round that worked ends it. Times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vigil.domain.self_test import ALARMING, NORMAL

#: Values sent before the first call: an alert that an earlier watchdog left open ends by them.
_FIRST_NORMAL = 3
#: A call that is not heard is made anew after so many values (an alert may have opened unseen), normal ones between.
_CALLING, _BETWEEN = 6, 3
#: A longer time between two looks was a halt of the watchdog itself, in which it could see nothing (ours), seconds.
HALT_S = 5.0


class Phase(StrEnum):
    QUIET = "quiet"
    CALLING = "calling"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class Trouble:
    """``since``: from when the missing thing was waited for, monotonic seconds. ``words``: for an operator."""

    since: float
    words: str


_UNSTORED = "No reading of the self-test is acknowledged as stored: the broker or the core stands still."
_OVERDUE = {
    Phase.CALLING: "The alert of the self-test does not come: no alarm may reach anybody.",
    Phase.ENDING: "The alert of the self-test does not end: what people do may have no effect.",
}


class RoundTrip:
    def __init__(self, every_s: float, silence_s: float, now: float) -> None:
        """``every_s``: from the end of a round to the next call."""
        self._every_s = every_s
        self._silence_s = silence_s
        self._phase = Phase.QUIET
        self._phase_at = now
        self._acknowledged_at = now
        self._sent = 0
        self._due_at: float | None = None
        self._trouble: Trouble | None = None
        self._looked_at = now

    @property
    def phase(self) -> Phase:
        return self._phase

    def next_value(self, now: float) -> float:
        """What the device measures now."""
        if self._phase is Phase.QUIET and self._is_due(now):
            self._enter(Phase.CALLING, now)
        number, self._sent = self._sent, self._sent + 1
        calling = self._phase is Phase.CALLING and number % (_CALLING + _BETWEEN) < _CALLING
        return ALARMING if calling else NORMAL

    def _is_due(self, now: float) -> bool:
        if self._due_at is None:
            return self._sent >= _FIRST_NORMAL
        return now >= self._due_at

    def acknowledged(self, now: float) -> None:
        """The platform has stored a value that it had not acknowledged before."""
        self._acknowledged_at = now

    def alerted(self, now: float) -> None:
        """The alert has opened, or come again, on the event stream."""
        if self._phase is Phase.CALLING:
            self._enter(Phase.ENDING, now)

    def resolved(self, now: float) -> None:
        """The alert is over and acknowledged: the round has worked."""
        if self._phase is Phase.ENDING:
            self._enter(Phase.QUIET, now)
            self._due_at = now + self._every_s
            if not self._is_late(self._acknowledged_at, now):
                self._trouble = None

    def look(self, now: float) -> Trouble | None:
        """What is overdue; once something was, it stays until a round has worked. To be asked every second."""
        if now - self._looked_at > HALT_S:
            self._acknowledged_at = self._phase_at = now
        self._looked_at = now
        found = self._found(now)
        if found is not None:
            self._trouble = found
            self._due_at = now  # no waiting for the next round: it must work before anybody is told that it does
            if self._phase is Phase.ENDING:
                self._enter(Phase.CALLING, now)
        return self._trouble

    def _found(self, now: float) -> Trouble | None:
        if self._is_late(self._acknowledged_at, now):
            return Trouble(self._acknowledged_at, _UNSTORED)
        words = _OVERDUE.get(self._phase)
        return Trouble(self._phase_at, words) if words is not None and self._is_late(self._phase_at, now) else None

    def _is_late(self, since: float, now: float) -> bool:
        return now - since > self._silence_s

    def _enter(self, phase: Phase, now: float) -> None:
        self._phase, self._phase_at, self._sent = phase, now, 0

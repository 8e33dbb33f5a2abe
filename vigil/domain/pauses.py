"""A planned pause of monitoring: for a bath, a visit to the hospital, a new battery. It always has an end, and a reason.

While it runs the coverage says so, missing data raise nothing, and new alerts wait for its end; a severe limit and whatever else
is of high priority call all the same. The end is a stored time: nobody has to be there for it to come.
"""

from __future__ import annotations

from dataclasses import dataclass

from vigil.domain.errors import InvalidInput
from vigil.domain.people import is_test
from vigil.domain.times import DAY, MINUTE

#: The longest pause, microseconds (ours, needs clinical sign-off).
LONGEST_PAUSE = DAY


@dataclass(frozen=True, slots=True)
class Pause:
    """Planned for [start_at, end_at); ``ended_at``: somebody ended it before. All are server time, microseconds UTC.

    ``reason`` may hold a name; it is empty where it was not asked for. ``pause_id`` is given by the store.
    """

    patient_id: str
    start_at: int
    end_at: int
    reason: str
    by: str
    pause_id: int = 0
    ended_at: int | None = None
    ended_by: str = ""

    @property
    def over_at(self) -> int:
        """When it ends, or has ended."""
        return self.end_at if self.ended_at is None else self.ended_at

    def runs(self, now: int) -> bool:
        return self.start_at <= now < self.over_at

    def checked(self) -> Pause:
        """Raises ``InvalidInput`` without a reason, beyond the longest time, for less than a minute, for the self-test.

        >>> Pause("p-1", 0, 60_000_000, " bath ", "Li Na").checked().reason
        'bath'
        """
        reason = self.reason.strip()
        if not reason:
            raise InvalidInput("reason: a pause needs one")
        if not MINUTE <= self.end_at - self.start_at <= LONGEST_PAUSE:
            raise InvalidInput(f"a pause lasts from 1 to {LONGEST_PAUSE // MINUTE} minutes")
        if is_test(self.patient_id):
            raise InvalidInput("the self-test is never paused")
        return Pause(self.patient_id, self.start_at, self.end_at, reason, self.by)

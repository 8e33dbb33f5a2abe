"""Break-glass: in an emergency somebody opens the record of a patient who is not his, for a while, with a reason.

It is told at once on the patient's own ward, and afterwards somebody else says whether it was right (45 CFR 164.312(a)(2)(ii)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from vigil.domain.errors import InvalidInput, VersionConflict
from vigil.domain.times import HOUR

#: How long a grant runs, and how many a person may open within the window (both ours).
LIFE_US = HOUR
MOST, WINDOW_US = 10, HOUR
#: A reason in fewer letters says nothing (ours).
LEAST_REASON = 10


class Verdict(StrEnum):
    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"


@dataclass(frozen=True, slots=True)
class Review:
    """``note`` may hold a name. ``at``: server time, microseconds UTC."""

    verdict: Verdict
    note: str
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class Grant:
    """``person`` may see and treat the patient in [at, expires_at), microseconds UTC. ``reason`` may hold a name."""

    grant_id: str
    person: str
    patient_id: str
    reason: str
    at: int
    expires_at: int
    review: Review | None = None

    def runs(self, now: int) -> bool:
        return self.at <= now < self.expires_at

    def require_reviewable(self, by: str) -> None:
        """Raises ``VersionConflict``: reviewed before; ``InvalidInput``: nobody reviews what he opened himself."""
        if self.review is not None:
            raise VersionConflict("this was reviewed before")
        if self.person == by:
            raise InvalidInput("nobody reviews what he opened himself")


def wait_us(opened: Sequence[int], now: int) -> int:
    """Microseconds until one more may be opened; 0 = now. ``opened``: when this person opened one, in any order.

    >>> wait_us([0] * 9, 5), wait_us([0, *[7] * 9], 60_000_000), wait_us([0] * 10, WINDOW_US)
    (0, 3540000000, 0)
    """
    within = sorted(at for at in opened if at > now - WINDOW_US)
    return 0 if len(within) < MOST else within[-MOST] + WINDOW_US - now

"""How far a NEWS2 calls for an answer, by the part of it that is known.

Grade 1: a single 3. 2: a lower bound of 5 or more. 3: of 7 or more, but less than 7 without the points of inputs whose signal is
doubtful (weak, or a value that stands still). 4: of 7 or more without them. A bad sensor must not call at high priority, and a
score that may be true must still call: grade 3 waits no longer than grade 4 does, and calls at medium priority (ours, needs
clinical sign-off). With a good signal, or by another sensor, it becomes grade 4, which has to last like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.scores.bands import I16, LOWER, POINTS, SINGLE_3
from vigil.domain.alerts import Priority
from vigil.domain.readings import I64
from vigil.domain.scores import Score

SINGLE, URGENT, EMERGENCY_IN_DOUBT, EMERGENCY = GRADES = (1, 2, 3, 4)
#: Totals of the RCP's response bands "urgent" and "emergency".
_URGENT_FROM, _EMERGENCY_FROM = 5, 7

PRIORITY = {
    SINGLE: Priority.LOW,
    URGENT: Priority.MEDIUM,
    EMERGENCY_IN_DOUBT: Priority.MEDIUM,
    EMERGENCY: Priority.HIGH,
}


def delays_by_grade(delays_us: Sequence[int]) -> tuple[int, ...]:
    """From the policy's three delays, for a single 3, for 5 and for 7."""
    return (*delays_us, delays_us[-1])


def grade(score: Score) -> int:
    """0 = it calls for nothing."""
    if score.lower is None:
        return 0
    if score.lower >= _EMERGENCY_FROM:
        return EMERGENCY if score.lower - doubtful_points(score) >= _EMERGENCY_FROM else EMERGENCY_IN_DOUBT
    if score.lower >= _URGENT_FROM:
        return URGENT
    return SINGLE if score.single_3 else 0


def doubtful_points(score: Score) -> int:
    """Of the lower bound, what comes from inputs whose signal is doubtful."""
    return sum(part.points or 0 for part in score.parts if part.doubt)


def grades(scores: I16, unsure: NDArray[np.bool_]) -> I64:
    """The same of many: ``scores`` i16 (m, 11) of ``analytics.scores.news2``, ``unsure`` bool (m, 7) by input."""
    lower = scores[:, LOWER].astype(np.int64)
    sure, doubtful = lower.copy(), np.flatnonzero(unsure.any(axis=1) & (lower >= _EMERGENCY_FROM))
    sure[doubtful] -= np.maximum(np.where(unsure[doubtful], scores[doubtful, POINTS:], 0), 0).sum(axis=1)
    emergency = np.where(sure >= _EMERGENCY_FROM, EMERGENCY, EMERGENCY_IN_DOUBT)
    below = np.where(lower >= _URGENT_FROM, URGENT, scores[:, SINGLE_3].astype(np.int64))
    result: I64 = np.where(lower >= _EMERGENCY_FROM, emergency, below)
    return result

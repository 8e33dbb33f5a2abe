"""How far a NEWS2 calls for an answer, by the part of it that is known.

Grade 1: a single 3. 2: a lower bound of 5 or more. 3: of 7 or more, but less than 7 without the points of inputs whose signal is
doubtful (weak, or a value that stands still). 4: of 7 or more without them. A bad sensor must not call at high priority, and a
score that may be true must still call: grade 3 waits no longer than grade 4 does, and calls at medium priority (ours, needs
clinical sign-off). With a good signal, or by another sensor, it becomes grade 4, which has to last like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.scores.bands import I16, LOWER, POINTS, SINGLE_3, Versions, as_written
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


@dataclass(frozen=True, slots=True)
class Graded:
    """Of many scores: ``wanted`` i64 (m,): the grades; ``scored``, ``known`` i64 (m,): bits of the inputs that have points, and
    whose points are known."""

    wanted: I64
    scored: I64
    known: I64


def grade_kernel(scores: I16, unsure: NDArray[np.bool_], wanted: I64, scored: I64, known: I64) -> None:
    """Fills ``wanted``, ``scored`` and ``known`` (``Graded``)."""
    for row in range(scores.shape[0]):
        lower = scores[row, LOWER]
        sure, some, all_known = lower, 0, 0
        for i in range(unsure.shape[1]):
            points = scores[row, POINTS + i]
            if points >= 0:
                all_known |= 1 << i
            if points > 0:
                some |= 1 << i
                if unsure[row, i]:
                    sure -= points
        scored[row] = some
        known[row] = all_known
        if lower >= _EMERGENCY_FROM:
            wanted[row] = EMERGENCY if sure >= _EMERGENCY_FROM else EMERGENCY_IN_DOUBT
        else:
            wanted[row] = URGENT if lower >= _URGENT_FROM else scores[row, SINGLE_3]


def grade_signature(numba_types: Any) -> Any:
    """The compiled signature of ``grade_kernel``; ``numba_types`` is ``numba.types``."""
    t = numba_types
    whole = t.Array(t.int64, 1, "C")
    scores, flags = t.Array(t.int16, 2, "C", readonly=True), t.Array(t.boolean, 2, "C", readonly=True)
    return t.void(scores, flags, whole, whole, whole)


def graded(scores: I16, unsure: NDArray[np.bool_] | None = None, kernels: Versions = as_written) -> Graded:
    """``grade`` of many: ``scores`` i16 (m, 11) of ``analytics.scores.news2``, ``unsure`` bool (m, 7) by input, None = none."""
    size, inputs = scores.shape[0], scores.shape[1] - POINTS
    if unsure is None:
        unsure = np.zeros((size, inputs), np.bool_)
    found = Graded(*(np.empty(size, np.int64) for _ in range(3)))
    kernels(grade_kernel)(scores, unsure, found.wanted, found.scored, found.known)
    return found

"""How long a NEWS2 has called for an answer: it must last before anybody is called, so that a flight of stairs calls nobody.

Each grade (``analytics.scores.grades``) gathers time while the score calls for it or for more, up to its delay, and loses time as
fast while it does not. It is reached when it has gathered its delay: a score that hovers around a limit is not forgotten at each
dip. ``analytics.scores.news2_episodes`` does the same minute by minute.

Of each grade it keeps what the score was half an hour before the grade began to gather, so that an alert can say what it was:
just before it, the score was on its way already.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Saved
from analytics.scores.bands import Versions
from analytics.scores.grades import GRADES, delays_by_grade
from vigil.domain.news2 import INPUTS
from vigil.domain.readings import I64
from vigil.domain.scores import Score
from vigil.domain.times import MINUTE

#: Nothing that the score needs is known: such a time says nothing.
NOT_KNOWN = -1
#: Inputs age, so a score is made again after this even when nothing came.
RESCORE = MINUTE
#: Columns of the kernel's state: when the score was made (0 = never), ``_Gathered.at``, ``wanted``, and from then on ``credit``.
_SCORED_AT, _AT, _WANTED, _CREDIT = range(4)
#: A score in numbers: both bounds, then the points of each input, -1 = not known. ``NUMBERS``: how many.
NUMBERS = 2 + len(INPUTS)
#: The scores that stood at the last full 5 minutes are kept for half an hour (ours).
STEP, STEPS = 5 * MINUTE, 6


def gather_kernel(
    at: I64,
    wanted: I64,
    touched: NDArray[np.bool_],
    first: int,
    last: int,
    delays: I64,
    since: int,
    numbers: I64,
    state: I64,
    credit: I64,
    score: I64,
    past: I64,
    before: I64,
) -> int:
    """``Persistence.reached`` at the moments from ``first`` to before ``last`` at which a score is made, until one at which a
    grade has lasted; its place, or ``last``. ``numbers`` i64 (n, ``NUMBERS``): the scores. ``state``, ``score``, ``past`` and
    ``before`` are those after the moment before it (``_Gathered``); ``credit``: room for one by grade."""
    for k in range(first, last):
        now = at[k]
        if not touched[k] and (state[_SCORED_AT] == 0 or now - state[_SCORED_AT] < RESCORE):
            continue
        passed = max(0, now - max(state[_AT], since))
        for place in range(delays.size):
            credit[place] = state[_CREDIT + place]
            if wanted[k] == NOT_KNOWN or state[_WANTED] == NOT_KNOWN:
                continue
            if state[_WANTED] > place:
                credit[place] = min(credit[place] + passed, delays[place])
            else:
                credit[place] = max(credit[place] - passed, 0)
        for place in range(delays.size):
            if wanted[k] > place and credit[place] >= delays[place]:
                return k
        step = now // STEP
        for each in range(max(state[_AT] // STEP, step - STEPS - 1) + 1, step + 1):
            past[each % (STEPS + 1)] = score
            if each * STEP < since:
                past[each % (STEPS + 1)] = -1
        for place in range(delays.size):
            if wanted[k] > place >= state[_WANTED] and credit[place] == 0:
                before[place, 0] = (step - STEPS) * STEP
                before[place, 1:] = past[(step - STEPS) % (STEPS + 1)]
        state[_SCORED_AT] = now
        state[_AT] = now
        state[_WANTED] = wanted[k]
        state[_CREDIT:] = credit
        score[:] = numbers[k]
    return last


def gather_signature(numba_types: Any) -> Any:
    """The compiled signature of ``gather_kernel``; ``numba_types`` is ``numba.types``."""
    t = numba_types
    whole, rows = t.Array(t.int64, 1, "C"), t.Array(t.int64, 2, "C")
    touched = t.Array(t.boolean, 1, "C")
    return t.int64(whole, whole, touched, t.int64, t.int64, whole, t.int64, rows, whole, whole, whole, rows, rows)


class Before(NamedTuple):
    """What the score was at ``at``, microseconds. ``points``: by input, None = not known."""

    at: int
    lower: int
    upper: int
    points: dict[str, int | None]


_NOTHING = [-1] * NUMBERS


@dataclass(slots=True)
class _Gathered:
    """``wanted``: the grade called for since ``at``, -1 = not known. ``credit``: microseconds by grade. ``score``: the last, in
    numbers. ``past``: those that stood at the last full steps, the one of step n at place n modulo their number. ``before``: by
    grade, a time half an hour before it began to gather, and the score then."""

    at: int
    wanted: int
    credit: list[int] = field(default_factory=lambda: [0] * len(GRADES))
    score: list[int] = field(default_factory=lambda: _NOTHING)
    past: list[list[int]] = field(default_factory=lambda: [_NOTHING] * (STEPS + 1))
    before: list[list[int]] = field(default_factory=lambda: [[0, *_NOTHING]] * len(GRADES))

    def rise(self, wanted: int, at: int, since: int) -> None:
        """Keeps what was before, of each grade that begins to gather."""
        step = at // STEP
        for each in range(max(self.at // STEP, step - STEPS - 1) + 1, step + 1):
            self.past[each % (STEPS + 1)] = self.score if each * STEP >= since else _NOTHING
        for place in range(max(self.wanted, 0), max(wanted, 0)):
            if self.credit[place] == 0:
                self.before[place] = [(step - STEPS) * STEP, *self.past[(step - STEPS) % (STEPS + 1)]]


@dataclass(frozen=True, slots=True)
class Looks:
    """Moments at which a score may be made, ascending. ``at`` i64 microseconds; ``wanted`` i64: the grade it would have;
    ``touched`` bool: a reading of an input has come since the moment before; ``numbers`` i64 (n, ``NUMBERS``): the score."""

    at: I64
    wanted: I64
    touched: NDArray[np.bool_]
    numbers: I64


def in_numbers(score: Score) -> list[int]:
    points = [-1 if part.points is None else part.points for part in score.parts]
    return [score.lower or 0, score.upper or 0, *points]


class Persistence:
    def __init__(self) -> None:
        self._of: dict[str, _Gathered] = {}

    def reached(
        self, patient_id: str, wanted: int, at: int, delays: Sequence[int], numbers: Sequence[int], since: int = 0
    ) -> int:
        """The grade that has lasted, 0 = none. ``wanted``: 0 to 4, -1 = the score is not known; ``delays``: the policy's three,
        microseconds; ``numbers``: the score; time before ``since`` counts for nothing."""
        delays = delays_by_grade(delays)
        known = self._of.setdefault(patient_id, _Gathered(at, NOT_KNOWN))
        passed = max(0, at - max(known.at, since))
        for place, each in enumerate(GRADES if wanted != NOT_KNOWN else ()):
            if known.wanted >= each:
                known.credit[place] = min(known.credit[place] + passed, delays[place])
            elif known.wanted != NOT_KNOWN:
                known.credit[place] = max(known.credit[place] - passed, 0)
        known.rise(wanted, at, since)
        known.at, known.wanted, known.score = at, wanted, list(numbers)
        credit = known.credit
        return max((each for each in GRADES if wanted >= each and credit[each - 1] >= delays[each - 1]), default=0)

    def before(self, patient_id: str, lasted: int) -> Before | None:
        """What the score was before a grade that has just lasted began to gather; None = nothing was known."""
        at, lower, upper, *points = self._of[patient_id].before[lasted - 1]
        known = {name: None if each < 0 else each for name, each in zip(INPUTS, points, strict=True)}
        return None if all(each is None for each in known.values()) else Before(at, lower, upper, known)

    def pass_over(
        self,
        patient_id: str,
        looks: Looks,
        span: tuple[int, int],
        scored_at: int,
        delays: Sequence[int],
        since: int,
        kernels: Versions,
    ) -> tuple[int, int]:
        """What ``reached`` would have gathered at the ``looks`` of places in [``span``), until one at which a grade has lasted:
        its place, and when the score was made last before it. ``scored_at``: that before the first, 0 = never."""
        known = self._of.get(patient_id) or _Gathered(0, NOT_KNOWN)
        state = np.array([scored_at, known.at, known.wanted, *known.credit], np.int64)
        by_grade = np.array(delays_by_grade(delays), np.int64)
        score, past, before = (np.array(each, np.int64) for each in (known.score, known.past, known.before))
        place = kernels(gather_kernel)(
            looks.at, looks.wanted, looks.touched, *span, by_grade, since, looks.numbers,
            state, np.empty_like(by_grade), score, past, before,
        )  # fmt: skip
        scored_at, at, wanted, *credit = state.tolist()
        if at:
            self._of[patient_id] = _Gathered(at, wanted, credit, score.tolist(), past.tolist(), before.tolist())
        return int(place), scored_at

    def forget(self, patients: Collection[str]) -> None:
        for patient_id in patients:
            self._of.pop(patient_id, None)

    def saved(self, prefix: str) -> Saved:
        known = list(self._of.values())
        rows = [(each.at, each.wanted, *each.credit) for each in known]
        scores, past = [each.score for each in known], [each.past for each in known]
        before = [each.before for each in known]
        return {
            f"{prefix}.patient": np.array(list(self._of), np.str_),
            f"{prefix}.row": np.array(rows, np.int64).reshape(len(known), 2 + len(GRADES)),
            f"{prefix}.score": np.array(scores, np.int64).reshape(len(known), NUMBERS),
            f"{prefix}.past": np.array(past, np.int64).reshape(len(known), STEPS + 1, NUMBERS),
            f"{prefix}.before": np.array(before, np.int64).reshape(len(known), len(GRADES), 1 + NUMBERS),
        }

    def load(self, saved: Mapping[str, NDArray[Any]], prefix: str) -> None:
        """Raises ``KeyError`` when an array is missing."""
        parts = [saved[f"{prefix}.{name}"].tolist() for name in ("patient", "row", "score", "past", "before")]
        self._of = {
            patient_id: _Gathered(at, wanted, credit, *scores)
            for patient_id, (at, wanted, *credit), *scores in zip(*parts, strict=True)
        }

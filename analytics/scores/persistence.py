"""How long a NEWS2 has called for an answer: it must last before anybody is called, so that a flight of stairs calls nobody.

Each grade (``analytics.scores.grades``) gathers time while the score calls for it or for more, up to its delay, and loses time as
fast while it does not. It is reached when it has gathered its delay: a score that hovers around a limit is not forgotten at each
dip. ``analytics.scores.news2_episodes`` does the same minute by minute.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Saved
from analytics.scores.bands import Versions
from analytics.scores.grades import GRADES, delays_by_grade
from vigil.domain.readings import I64
from vigil.domain.times import MINUTE

#: Nothing that the score needs is known: such a time says nothing.
NOT_KNOWN = -1
#: Inputs age, so a score is made again after this even when nothing came.
RESCORE = MINUTE
#: Columns of the kernel's state: when the score was made (0 = never), ``_Gathered.at``, ``wanted``, and from then on ``credit``.
_SCORED_AT, _AT, _WANTED, _CREDIT = range(4)


def gather_kernel(
    at: I64,
    wanted: I64,
    touched: NDArray[np.bool_],
    first: int,
    last: int,
    delays: I64,
    since: int,
    state: I64,
    credit: I64,
) -> int:
    """``Persistence.reached`` at the moments from ``first`` to before ``last`` at which a score is made, until one at which a
    grade has lasted; its place, or ``last``. ``state`` is that after the moment before it; ``credit``: room for one by grade."""
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
        state[_SCORED_AT] = now
        state[_AT] = now
        state[_WANTED] = wanted[k]
        state[_CREDIT:] = credit
    return last


def gather_signature(numba_types: Any) -> Any:
    """The compiled signature of ``gather_kernel``; ``numba_types`` is ``numba.types``."""
    t = numba_types
    whole = t.Array(t.int64, 1, "C")
    return t.int64(whole, whole, t.Array(t.boolean, 1, "C"), t.int64, t.int64, whole, t.int64, whole, whole)


@dataclass(slots=True)
class _Gathered:
    """``wanted``: the grade called for since ``at``, -1 = not known. ``credit``: microseconds by grade."""

    at: int
    wanted: int
    credit: list[int] = field(default_factory=lambda: [0] * len(GRADES))


@dataclass(frozen=True, slots=True)
class Looks:
    """Moments at which a score may be made, ascending. ``at`` i64 microseconds; ``wanted`` i64: the grade it would have;
    ``touched`` bool: a reading of an input has come since the moment before."""

    at: I64
    wanted: I64
    touched: NDArray[np.bool_]


class Persistence:
    def __init__(self) -> None:
        self._of: dict[str, _Gathered] = {}

    def reached(self, patient_id: str, wanted: int, at: int, delays: Sequence[int], since: int = 0) -> int:
        """The grade that has lasted, 0 = none. ``wanted``: 0 to 4, -1 = the score is not known; ``delays``: the policy's three,
        microseconds; time before ``since`` counts for nothing."""
        delays = delays_by_grade(delays)
        known = self._of.setdefault(patient_id, _Gathered(at, NOT_KNOWN))
        passed = max(0, at - max(known.at, since))
        for place, each in enumerate(GRADES if wanted != NOT_KNOWN else ()):
            if known.wanted >= each:
                known.credit[place] = min(known.credit[place] + passed, delays[place])
            elif known.wanted != NOT_KNOWN:
                known.credit[place] = max(known.credit[place] - passed, 0)
        known.at, known.wanted = at, wanted
        credit = known.credit
        return max((each for each in GRADES if wanted >= each and credit[each - 1] >= delays[each - 1]), default=0)

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
        place = kernels(gather_kernel)(
            looks.at, looks.wanted, looks.touched, *span, by_grade, since, state, np.empty_like(by_grade)
        )
        scored_at, at, wanted, *credit = state.tolist()
        if at:
            self._of[patient_id] = _Gathered(at, wanted, credit)
        return int(place), scored_at

    def forget(self, patients: Collection[str]) -> None:
        for patient_id in patients:
            self._of.pop(patient_id, None)

    def saved(self, prefix: str) -> Saved:
        rows = [(each.at, each.wanted, *each.credit) for each in self._of.values()]
        return {
            f"{prefix}.patient": np.array(list(self._of), np.str_),
            f"{prefix}.row": np.array(rows, np.int64).reshape(len(rows), 2 + len(GRADES)),
        }

    def load(self, saved: Mapping[str, NDArray[Any]], prefix: str) -> None:
        """Raises ``KeyError`` when an array is missing."""
        patients, rows = saved[f"{prefix}.patient"].tolist(), saved[f"{prefix}.row"].tolist()
        self._of = {
            patient_id: _Gathered(at, wanted, credit)
            for patient_id, (at, wanted, *credit) in zip(patients, rows, strict=True)
        }

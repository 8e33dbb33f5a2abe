"""How long a NEWS2 has called for an answer: it must last before anybody is called, so that a flight of stairs calls nobody.

Each level (1 a single 3, 2 a lower bound of 5, 3 of 7) gathers time while the score calls for it or for more, up to its delay,
and loses time as fast while it does not. It is reached when it has gathered its delay: a score that hovers around a limit is
not forgotten at each dip. ``analytics.scores.news2_episodes`` does the same minute by minute.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Saved

LEVELS = (1, 2, 3)
#: Nothing that the score needs is known: such a time says nothing.
NOT_KNOWN = -1


@dataclass(slots=True)
class _Gathered:
    """``wanted``: the level called for since ``at``, -1 = not known. ``credit``: microseconds by level."""

    at: int
    wanted: int
    credit: list[int] = field(default_factory=lambda: [0] * len(LEVELS))


class Persistence:
    def __init__(self) -> None:
        self._of: dict[str, _Gathered] = {}

    def reached(self, patient_id: str, wanted: int, at: int, delays: Sequence[int], since: int = 0) -> int:
        """The level that has lasted, 0 = none. ``wanted``: 0 to 3, -1 = the score is not known; ``delays``: microseconds by
        level; time before ``since`` counts for nothing."""
        known = self._of.setdefault(patient_id, _Gathered(at, NOT_KNOWN))
        passed = max(0, at - max(known.at, since))
        for place, level in enumerate(LEVELS if wanted != NOT_KNOWN else ()):
            if known.wanted >= level:
                known.credit[place] = min(known.credit[place] + passed, delays[place])
            elif known.wanted != NOT_KNOWN:
                known.credit[place] = max(known.credit[place] - passed, 0)
        known.at, known.wanted = at, wanted
        credit = known.credit
        return max((each for each in LEVELS if wanted >= each and credit[each - 1] >= delays[each - 1]), default=0)

    def forget(self, patients: Collection[str]) -> None:
        for patient_id in patients:
            self._of.pop(patient_id, None)

    def saved(self, prefix: str) -> Saved:
        rows = [(each.at, each.wanted, *each.credit) for each in self._of.values()]
        return {
            f"{prefix}.patient": np.array(list(self._of), np.str_),
            f"{prefix}.row": np.array(rows, np.int64).reshape(len(rows), 2 + len(LEVELS)),
        }

    def load(self, saved: Mapping[str, NDArray[Any]], prefix: str) -> None:
        """Raises ``KeyError`` when an array is missing."""
        patients, rows = saved[f"{prefix}.patient"].tolist(), saved[f"{prefix}.row"].tolist()
        self._of = {
            patient_id: _Gathered(at, wanted, credit)
            for patient_id, (at, wanted, *credit) in zip(patients, rows, strict=True)
        }

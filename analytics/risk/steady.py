"""A score of now, steadied by what the same model would have said of the same patient some hours before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vigil.domain.readings import F64, I64

#: The score of now counts so many times, each earlier one once; alike they tell less among hours of the same time of stay.
NOW = 2


def earlier(rows: I64, starts: I64, earlier_h: Sequence[int]) -> list[I64]:
    """For each of ``earlier_h`` the row so many hours before each of ``rows`` (n,), -1 where the patient was not there yet. Rows
    are hours without gaps; ``starts``: the row where each patient begins, then the number of rows.

    >>> earlier(np.arange(5), np.array([0, 3, 5]), (1,))[0].tolist()
    [-1, 0, 1, -1, 3]
    """
    first = starts[np.searchsorted(starts, rows, side="right") - 1]
    return [np.where(rows - ago >= first, rows - ago, -1) for ago in earlier_h]


def steadied(raw: F64, answers: NDArray[np.bool_], places: Sequence[I64]) -> F64:
    """(n,) the mean of the first ``n`` of ``raw`` and those at each of ``places`` (n,) where the model had what it needs.

    >>> steadied(np.array([1.0, 4.0, 7.0]), np.ones(3, bool), [np.array([-1, 0, 1])]).tolist()
    [1.0, 3.0, 6.0]
    """
    if not places:
        return raw
    total, count = NOW * raw[: len(places[0])], np.full(len(places[0]), NOW)
    for place in places:
        known = (place >= 0) & answers[place]
        total += np.where(known, raw[place], 0.0)
        count += known
    return np.asarray(total / count, np.float64)

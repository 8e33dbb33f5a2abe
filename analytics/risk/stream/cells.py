"""From quarters of an hour to the hours that models learnt from: one kernel, plain Python or compiled by numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vigil.domain.readings import I64

U16 = NDArray[np.uint16]


def cells_kernel(
    mean: U16, newest: I64, person: I64, end: int, hours: int, out: NDArray[np.float32], quarter: I64, value: I64
) -> None:
    """The ``hours`` sliding hours up to the quarter ``end`` (not included) of each of ``person``.

    ``mean`` (people, columns, ring), ``newest`` (people,): as in ``grid.Grid``. Fills ``out`` (columns, len(person) * hours),
    ascending in time: the mean of the quarters of an hour that have values, NaN where none has. ``quarter`` and ``value``
    (len(person), columns): the newest quarter with values, -1 = none, and its mean in hundredths.
    """
    columns, ring = mean.shape[1], mean.shape[2]
    first = end - 4 * hours
    for i in range(person.size):
        p = person[i]
        oldest, latest = newest[p] - ring + 1, newest[p]
        for column in range(columns):
            last = -1
            q = first
            place = first % ring
            for h in range(hours):
                total = 0
                count = 0
                for _ in range(4):
                    found = int(mean[p, column, place])
                    if found > 0 and oldest <= q <= latest:
                        total += found - 1
                        count += 1
                        last = q
                    q += 1
                    place += 1
                    if place == ring:
                        place = 0
                out[column, i * hours + h] = total / (100.0 * count) if count > 0 else np.nan
            quarter[i, column] = last
            if last >= 0:
                value[i, column] = int(mean[p, column, last % ring]) - 1


def cells_signature(types: Any) -> Any:
    """Given ``numba.types``."""
    ring, row = types.Array(types.uint16, 3, "C"), types.Array(types.int64, 1, "C")
    cells, table = types.Array(types.float32, 2, "C"), types.Array(types.int64, 2, "C")
    return types.void(ring, row, row, types.int64, types.int64, cells, table, table)

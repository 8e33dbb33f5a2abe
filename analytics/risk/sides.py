"""Rows in parts that are worked on at the same time, by code that lets other threads run: compiled kernels."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

#: Fewer rows than this are not worth a thread (ours).
LEAST_ROWS = 1000
#: More threads than this would take processors away from who accepts readings (ours).
MOST_SIDES = 2


def side_by_side(rows: int, work: Callable[[slice], None]) -> None:
    """``work`` gets slices that together are all of the rows; what it gives for a row must not depend on the slice."""
    sides = min(MOST_SIDES, len(os.sched_getaffinity(0)), max(1, rows // LEAST_ROWS))
    if sides == 1:
        work(slice(0, rows))
        return
    cuts = [rows * side // sides for side in range(sides + 1)]
    with ThreadPoolExecutor(sides - 1, "risk-side") as others:
        waiting = [others.submit(work, slice(*cuts[side : side + 2])) for side in range(1, sides)]
        work(slice(cuts[0], cuts[1]))
        for each in waiting:
            each.result()

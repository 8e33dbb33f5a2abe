"""The last minute of the continuous vitals that scores read, as rings, and their medians."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Columns, Spec
from analytics.slots import Slots
from vigil.domain.readings import F64, I64, ReadingBatch
from vigil.domain.times import MINUTE
from vigil.domain.vitals import BY_NAME

#: Enough for a minute at one value a second, the fastest that devices send.
RING = 64
WINDOW = MINUTE
#: Older than the newest value by this much is part of no median any more: a backfill must not push out what is of now.
KEPT = 2 * WINDOW
_WINDOWED = np.array([BY_NAME[name].index for name in ("resp_rate", "spo2", "heart_rate")])


class Windows(Columns):
    """``at`` (i64 microseconds) and ``value`` are rings of the last valid values; ``count`` how many there ever were;
    ``newest`` the latest of their measured times.

    ``median`` of the values measured in the minute up to the newest one; brought up to date by ``refresh``.
    """

    SPEC: ClassVar[Spec] = {
        "slot": (np.int64, (), -1),
        "at": (np.int64, (RING,), 0),
        "value": (np.float64, (RING,), np.nan),
        "count": (np.int64, (), 0),
        "newest": (np.int64, (), 0),
        "median": (np.float64, (), np.nan),
        "stale": (np.bool_, (), False),
    }
    slot: I64
    at: I64
    value: F64
    count: I64
    newest: I64
    median: F64
    stale: NDArray[np.bool_]

    def __init__(self, slots: Slots) -> None:
        super().__init__()
        self._slots = slots
        self._row = np.full(256, -1, np.int64)
        self._seen = 0

    def add(self, slot: I64, batch: ReadingBatch, gated: NDArray[np.bool_]) -> None:
        """``slot`` -1 is left out. Rows are in order of ordinal."""
        self._follow_slots()
        row = np.where((slot >= 0) & ~gated, self._row[slot], -1)
        keep = row >= 0
        row = row[keep]
        if not row.size:
            return
        order = np.argsort(row, kind="stable")
        row, at, value = row[order], batch.measured_at[keep][order], batch.value[keep][order]
        recent = self._recent(row, at)
        if not recent.all():
            row, at, value = row[recent], at[recent], value[recent]
        if not row.size:
            return
        starts = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
        sizes = np.diff(np.r_[starts, row.size])
        rank = np.arange(row.size) - np.repeat(starts, sizes)
        place = (self.count[row] + rank) % RING
        self.at[row, place] = at
        self.value[row, place] = value
        self.count[row[starts]] += sizes
        self.stale[row[starts]] = True

    def _recent(self, row: I64, at: I64) -> NDArray[np.bool_]:
        """Which values were of now when they came. Rows ascending, each in order of ordinal."""
        before = self.newest[row]
        np.maximum.at(self.newest, row, at)
        recent: NDArray[np.bool_] = at > self.newest[row] - KEPT
        if not recent.all():
            # The newest so far, row by row: ranks of the times, lifted apart so that one running maximum serves all rows.
            times, rank = np.unique(np.maximum(at, before), return_inverse=True)
            lift = np.cumsum(np.r_[0, row[1:] != row[:-1]]) * times.size
            recent = at > times[np.maximum.accumulate(rank + lift) - lift] - KEPT
        return recent

    def refresh(self) -> None:
        """Medians of the rings that changed. A value that came late counts when it lies in the window."""
        rows = np.flatnonzero(self.stale[: self.size])
        if not rows.size:
            return
        at = self.at[rows]
        newest = at.max(axis=1, keepdims=True)
        inside = at > newest - WINDOW
        values = np.sort(np.where(inside, self.value[rows], np.inf), axis=1)
        count = inside.sum(axis=1)
        each = np.arange(rows.size)
        self.median[rows] = (values[each, (count - 1) // 2] + values[each, count // 2]) / 2
        self.stale[rows] = False

    def medians(self) -> list[float | None]:
        """By slot; None where a slot has no window. Call ``refresh`` first."""
        self._follow_slots()
        row = self._row[: self._slots.size]
        values: list[float | None] = np.where(row >= 0, self.median[row], np.nan).tolist()
        return [value if has else None for value, has in zip(values, (row >= 0).tolist(), strict=True)]

    def median_between(self, slot: int, start: int, end: int) -> float:
        """Of the valid values in [start, end), microseconds, as far as the ring holds them; NaN = none. Of a slot without a ring
        it is the newest value, when that lies inside."""
        row = int(self._row[slot])
        if row < 0:
            inside = start <= self._slots.valid_at[slot] < end
            return float(self._slots.valid_value[slot]) if inside else float("nan")
        inside_ring = (self.at[row] >= start) & (self.at[row] < end)
        return float(np.median(self.value[row][inside_ring])) if inside_ring.any() else float("nan")

    def _follow_slots(self) -> None:
        """Give each new slot of a windowed vital a ring."""
        size = self._slots.size
        if self._row.size < size:
            grown = np.full(max(size, 2 * self._row.size), -1, np.int64)
            grown[: self._row.size] = self._row
            self._row = grown
        if self._seen == size:
            return
        fresh = np.arange(self._seen, size)
        windowed = fresh[np.isin(self._slots.vital[fresh], _WINDOWED) & (self._slots.clear[fresh] > 0)]
        first = self.size
        self.extend_to(first + windowed.size)
        self.slot[first : self.size] = windowed
        self._row[windowed] = np.arange(first, self.size)
        self._seen = size

    def reindex(self) -> None:
        """After loading a snapshot."""
        self._row = np.full(max(256, self._slots.size), -1, np.int64)
        self._row[self.slot[: self.size]] = np.arange(self.size)
        self._seen = self._slots.size

"""Which readings of a batch come in order of measured time for their slot, which came before, and which are late.

The order of readings of one slot is (measured time, value, quality), so that a set of readings has one order however it arrived.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Columns, Spec
from vigil.domain.readings import F64, I64, U16, ReadingBatch

IN_ORDER, LATE, AGAIN = range(3)


class Order(Columns):
    """``last_*``: the greatest key that each slot has taken in; ``first_at``: the earliest time of those that its memory knows; 0
    = nothing yet."""

    SPEC: ClassVar[Spec] = {
        "first_at": (np.int64, (), 0),
        "last_at": (np.int64, (), 0),
        "last_value": (np.float64, (), -np.inf),
        "last_quality": (np.uint16, (), 0),
    }
    first_at: I64
    last_at: I64
    last_value: F64
    last_quality: U16

    def split(self, slot: I64, batch: ReadingBatch) -> NDArray[np.uint8]:
        """``IN_ORDER``, ``LATE`` or ``AGAIN`` (the newest key once more) for each reading; remembers the greatest keys."""
        kind = np.zeros(slot.size, np.uint8)
        order = np.argsort(slot, kind="stable")
        sorted_slot, at = slot[order], batch.measured_at[order]
        first = np.empty(slot.size, np.bool_)
        first[:1] = True
        first[1:] = sorted_slot[1:] != sorted_slot[:-1]
        before = np.empty_like(at)
        before[1:] = at[:-1]
        before[first] = self.last_at[sorted_slot[first]]
        starts = order[first]
        new = starts[self.first_at[slot[starts]] == 0]
        self.first_at[slot[new]] = batch.measured_at[new]
        loose = np.unique(sorted_slot[at <= before])
        value = sort_key(batch.value)
        last = order[np.r_[np.flatnonzero(first)[1:] - 1, slot.size - 1]]
        strict = last[~np.isin(slot[last], loose)] if loose.size else last
        self._remember(slot[strict], batch.measured_at[strict], value[strict], batch.quality[strict])
        for each in loose:
            for row in np.flatnonzero(slot == each):
                kind[row] = self._place(int(each), int(batch.measured_at[row]), value[row], batch.quality[row])
        return kind

    def _remember(self, slot: I64, at: I64, value: F64, quality: U16) -> None:
        self.last_at[slot], self.last_value[slot], self.last_quality[slot] = at, value, quality

    def _place(self, slot: int, at: int, value: float, quality: int) -> int:
        key = (at, value, quality)
        last = (int(self.last_at[slot]), float(self.last_value[slot]), int(self.last_quality[slot]))
        if key <= last:
            return AGAIN if key == last else LATE
        self.last_at[slot], self.last_value[slot], self.last_quality[slot] = key
        return IN_ORDER


def sort_key(value: F64) -> F64:
    """NaN ("tried, no value") sorts before every value of the same time."""
    return np.where(np.isnan(value), -np.inf, value)


def in_canonical_order(slot: I64, batch: ReadingBatch) -> NDArray[np.intp]:
    """Row numbers in order of (slot, measured time, value, quality) without repetitions."""
    value = sort_key(batch.value)
    order = np.argsort(slot, kind="stable")
    if not _strictly_ascends(slot[order], batch.measured_at[order]):
        order = np.lexsort((batch.quality, value, batch.measured_at, slot))
    keys = (slot[order], batch.measured_at[order], value[order], batch.quality[order])
    new = np.zeros(order.size, np.bool_)
    new[:1] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return order[new]


def _strictly_ascends(slot: I64, at: I64) -> bool:
    """Inside each slot; so most tables come, and need no more sorting."""
    return bool(((slot[1:] != slot[:-1]) | (at[1:] > at[:-1])).all())

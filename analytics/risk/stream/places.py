"""From slots to rows and columns of the grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.risk.stream.grid import QUARTER, Grid, column_of, counting
from analytics.slots import Slots
from vigil.domain.people import is_test
from vigil.domain.readings import I64, ReadingBatch


def by_quarter(rows: NDArray[np.intp], batch: ReadingBatch) -> list[NDArray[np.intp]]:
    """A replayed batch may hold days: together they would push out of the grid what came first."""
    came = batch.received_at[rows] // QUARTER
    return np.split(rows, np.flatnonzero(came[1:] != came[:-1]) + 1)


class Places:
    """Of each slot the person's row and the vital's column; -1 where no model asks for it, or nobody is under watch."""

    def __init__(self, slots: Slots, grid: Grid) -> None:
        self._slots = slots
        self._grid = grid
        self._seen = 0
        self._person = np.full(256, -1, np.int64)

    def note(self, slot: I64, batch: ReadingBatch) -> None:
        """Take in the readings that the grid has not seen; in order of ordinal, ``slot`` of each, -1 = nobody's."""
        self._follow()
        rows = np.flatnonzero((slot >= 0) & (batch.ordinal > np.uint64(self._grid.position)))
        if rows.size:
            rows = rows[self._person[slot[rows]] >= 0]
            rows = rows[counting(batch.take(rows), self._slots.vital[slot[rows]])]
            for part in by_quarter(rows, batch):
                of = slot[part]
                vital = self._slots.vital[of]
                self._grid.add(self._person[of], column_of(vital), batch.measured_at[part], batch.value[part])
        self._grid.position = max(self._grid.position, int(batch.ordinal[-1]))

    def reset(self) -> None:
        """The records have changed: who wears what is looked up anew, and who is not under watch any more is forgotten."""
        here = set(self._slots.patients())
        self._grid.forget([each for each in self._grid.people() if each not in here])
        self._seen = 0

    def _follow(self) -> None:
        size = self._slots.size
        if self._seen == size:
            return
        if self._person.size < size:
            grown = np.full(max(size, 2 * self._person.size), -1, np.int64)
            grown[: self._person.size] = self._person
            self._person = grown
        column = column_of(self._slots.vital[:size])
        for slot in range(self._seen, size):
            patient_id = self._slots.patient[slot]
            wanted = bool(patient_id) and column[slot] >= 0 and not is_test(patient_id)
            self._person[slot] = self._grid.place(patient_id) if wanted else -1
        self._seen = size

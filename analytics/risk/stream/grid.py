"""Each person's last four days in quarters of an hour (UTC, measured time): what the risk models are given.

A quarter is the mean of the values that count in it, to a hundredth. Which count is told by the reading alone (its quality bits,
its vital, whether it came within 24 h), and sums are whole numbers: so the grid is a function of the set of readings, in whatever
order and batches they came, and a prediction can be made again from the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Saved
from analytics.engine.compiled import Kernels
from analytics.quality import gated
from analytics.risk.hours import VITALS
from analytics.risk.stream.cells import U16, cells_kernel
from analytics.slots import LATENESS_WINDOW
from vigil.domain.readings import F64, I64, U32, ReadingBatch
from vigil.domain.times import MINUTE
from vigil.domain.vitals import BY_NAME
from vigil.domain.vitals import VITALS as KINDS

QUARTER = 15 * MINUTE
#: Hours that a model may ask for: it looks back three days, from a day ago too, and the hour decided about comes on top.
KEPT_H = 97
#: Quarters: one hour more, because the running quarter takes the place of the oldest.
RING = 4 * (KEPT_H + 1)
#: Quarters that a reading may still come for: those of the lateness window, the running one, one in which the others of the same
#: ``add`` came, and one that a device clock may be ahead (``AHEAD_ALLOWED``).
OPEN = LATENESS_WINDOW // QUARTER + 3
#: More values of one person and vital in a quarter (72 a second) cannot come from a body; they would not fit into ``count``.
MOST_VALUES = 65_000

COLUMNS = tuple(VITALS)
_COLUMN_OF = np.full(len(KINDS), -1)
for _number, _vital in enumerate(VITALS.values()):
    _COLUMN_OF[BY_NAME[_vital].index] = _number


@dataclass(frozen=True, slots=True)
class Cells:
    """``hourly`` f32 (columns, people * hours). ``value`` f32 and ``measured_at`` i64 (people, columns): mean of the newest
    quarter with values, and when the newest of these was measured, microseconds UTC, or the end of that quarter where a later
    value has come since; NaN and 0 = none in these hours."""

    hourly: NDArray[np.float32]
    value: NDArray[np.float32]
    measured_at: I64


class Grid:
    """``position``: the ordinal of the last reading taken in. Memory: 9.7 kB a person.

    ``mean`` u16 (people, columns, RING): hundredths plus 1 (0 = nothing counted in that quarter), by quarter number modulo RING.
    ``total`` u32 hundredths and ``count`` u16 (people, columns, OPEN): of the quarters that readings may still come for.
    ``newest`` i64 (people,): the latest quarter that any value came for, -1 = none. ``last_at`` i64 (people, columns).
    """

    def __init__(self) -> None:
        self.position = 0
        self._place: dict[str, int] = {}
        self._free: list[int] = []
        self._columns = _fresh(64)

    def __len__(self) -> int:
        return len(self._place)

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self._columns.values())

    def people(self) -> list[str]:
        return sorted(self._place)

    def place(self, patient_id: str) -> int:
        """The person's row, made when there is none."""
        found = self._place.get(patient_id)
        if found is None:
            found = self._free.pop() if self._free else len(self._place)
            self._place[patient_id] = found
            size = len(self._columns["newest"])
            if found >= size:
                self._grow(max(found + 1, size + size // 4))
        return found

    def forget(self, gone: Iterable[str]) -> None:
        for patient_id in gone:
            place = self._place.pop(patient_id, None)
            if place is not None:
                for name, array in self._columns.items():
                    array[place] = -1 if name == "newest" else 0
                self._free.append(place)

    def add(self, person: I64, column: I64, at: I64, value: F64) -> None:
        """Values that count and came within one quarter; ``person``: as ``place`` says."""
        if not person.size:
            return
        quarter = at // QUARTER
        self._advance(person, quarter)
        mean, total, count = (self._columns[name] for name in ("mean", "total", "count"))
        keep = (quarter > self._columns["newest"][person] - OPEN) & (
            count[person, column, quarter % OPEN] < MOST_VALUES
        )
        if not keep.all():
            person, column, quarter, at, value = person[keep], column[keep], quarter[keep], at[keep], value[keep]
        series = person * len(COLUMNS) + column
        cell = series * OPEN + quarter % OPEN
        np.add.at(total.reshape(-1), cell, np.rint(value * 100).astype(np.uint32))
        np.add.at(count.reshape(-1), cell, np.uint16(1))
        hundredths = np.rint(total.reshape(-1)[cell] / count.reshape(-1)[cell])
        mean.reshape(-1)[series * RING + quarter % RING] = hundredths.astype(np.uint16) + np.uint16(1)
        np.maximum.at(self._columns["last_at"].reshape(-1), series, at)

    def cells(self, patients: Iterable[str], at: int, hours: int, kernels: Kernels) -> Cells:
        """The ``hours`` sliding hours up to ``at``, the end of a quarter; at most ``KEPT_H``. Raises ``KeyError`` for who has no
        row."""
        person = np.array([self._place[each] for each in patients], np.int64)
        shape = person.size, len(COLUMNS)
        hourly = np.empty((shape[1], shape[0] * hours), np.float32)
        quarter, hundredths = np.empty(shape, np.int64), np.zeros(shape, np.int64)
        columns, end = self._columns, at // QUARTER
        kernels(cells_kernel)(columns["mean"], columns["newest"], person, end, hours, hourly, quarter, hundredths)
        known, last_at = quarter >= 0, columns["last_at"][person]
        measured = np.where(known, np.where(last_at < at, last_at, (quarter + 1) * QUARTER), 0)
        value = np.where(known, hundredths / 100, np.nan).astype(np.float32)
        return Cells(hourly, value, measured)

    def _advance(self, person: I64, quarter: I64) -> None:
        """Empty the quarters that have begun since each person's newest value."""
        newest = self._columns["newest"]
        moved = quarter > newest[person]
        if not moved.any():
            return
        who, place = np.unique(person[moved], return_inverse=True)
        top = np.zeros(who.size, np.int64)
        np.maximum.at(top, place, quarter[moved])
        before = newest[who]
        steps = np.where(before < 0, 0, np.minimum(top - before, RING))
        for step in range(1, int(steps.max(initial=0)) + 1):
            some = who[steps >= step]
            passed = before[steps >= step] + step
            self._columns["mean"][some, :, passed % RING] = 0
            for name in ("total", "count"):
                self._columns[name][some, :, passed % OPEN] = 0
        newest[who] = top

    def _grow(self, size: int) -> None:
        grown = _fresh(size)
        for name, array in self._columns.items():
            grown[name][: len(array)] = array
        self._columns = grown

    def saved(self) -> Saved:
        """Copies, for another thread to write."""
        places = list(self._place.values())
        names = np.array(list(self._place), dtype=np.str_)
        columns = {name: array[places] for name, array in self._columns.items()}
        return {"people": names, "position": np.array([self.position], np.int64), **columns}

    def load(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Raises ``KeyError`` or ``ValueError`` when an array is missing or has another type or shape."""
        names = saved["people"].tolist()
        for name, array in _fresh(0).items():
            if saved[name].dtype != array.dtype or saved[name].shape[1:] != array.shape[1:]:
                raise ValueError(f"{name}: {saved[name].dtype}{saved[name].shape}")
        self._place = {patient_id: place for place, patient_id in enumerate(names)}
        self._free = []
        self._columns = _fresh(max(64, len(names)))
        for name, array in self._columns.items():
            array[: len(names)] = saved[name]
        self.position = int(saved["position"][0])


def _fresh(size: int) -> dict[str, NDArray[Any]]:
    """Memory that was never written to takes no room."""
    columns = len(COLUMNS)
    mean: U16 = np.zeros((size, columns, RING), np.uint16)
    total: U32 = np.zeros((size, columns, OPEN), np.uint32)
    return {
        "mean": mean,
        "total": total,
        "count": np.zeros((size, columns, OPEN), np.uint16),
        "newest": np.full(size, -1, np.int64),
        "last_at": np.zeros((size, columns), np.int64),
    }


def counting(batch: ReadingBatch, vital: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Which readings count: a vital that models know, not gated by its bits, not too late. ``vital``: index of each.

    The engine's second look (a jump that the next value must confirm) is not asked: it depends on what came before, and one wild
    value of a second in a quarter of an hour moves its mean by a nine-hundredth.
    """
    result: NDArray[np.bool_] = (
        (_COLUMN_OF[vital] >= 0) & (batch.received_at - batch.measured_at <= LATENESS_WINDOW) & ~gated(batch)
    )
    return result


def column_of(vital: NDArray[np.integer[Any]]) -> I64:
    """Place of each vital in ``COLUMNS``; -1 = no model asks for it."""
    result: I64 = _COLUMN_OF[vital]
    return result

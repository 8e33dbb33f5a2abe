"""From codes to conditions: delay, hysteresis, severity and the return to normal, for every detector alike, on measured time.

Most slots have no condition most of the time, so conditions live in rows of a pool that are taken when a value is odd and given
back when both sides are idle again. ``index`` (slots, detectors) i32 says which row a slot's detector has, -1 = none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.detectors.contract import I32, LOW, NOT_NORMAL_LOW, SEVERE_LOW, U8
from analytics.engine.compiled import helper
from vigil.domain.readings import F64, I64

IDLE, PENDING, TRUE = range(3)

#: ``Events.what``. ``DROPPED``: normal again before the delay was over.
BEGAN, WORSE, EASED, ENDED, DROPPED = range(5)

#: One row of the pool. ``*_since`` 0 = not running; times i64 microseconds UTC, measured. Pairs are (low, high).
ROW = np.dtype(
    [
        ("slot", np.int64),
        ("last_at", np.int64),
        ("onset", np.int64, (2,)),
        ("normal_since", np.int64, (2,)),
        ("eased_since", np.int64, (2,)),
        ("peak", np.float64, (2,)),
        ("peak_at", np.int64, (2,)),
        ("status", np.uint8, (2,)),
        ("level", np.uint8, (2,)),
    ]
)

#: What one reading did to a condition. ``row``: its place in the batch; ``level`` and ``peak`` after it; ``end``: the first
#: normal value of a condition that ended.
EVENT = np.dtype(
    [
        ("row", np.int64),
        ("onset", np.int64),
        ("end", np.int64),
        ("peak_at", np.int64),
        ("peak", np.float64),
        ("what", np.uint8),
        ("side", np.uint8),
        ("level", np.uint8),
    ]
)

#: No reading changes more than this: on each side one change of level and one of state.
_EVENTS_A_ROW = 4


@helper
def _emit(events: Any, count: Any, what: int, i: int, side: int, row: Any, end: int) -> None:
    """Append one event; ``count`` i64[1]."""
    event = events[count[0]]
    event["row"] = i
    event["what"] = what
    event["side"] = side
    event["level"] = row["level"][side]
    event["onset"] = row["onset"][side]
    event["peak"] = row["peak"][side]
    event["peak_at"] = row["peak_at"][side]
    event["end"] = end
    count[0] += 1


def condition_kernel(
    slot: I64,
    at: I64,
    value: F64,
    gate: U8,
    code: U8,
    index: I32,
    delay: I64,
    profile: I32,
    clear: I64,
    gap: I64,
    by_gated: bool,
    pool: Any,
    free: I64,
    count: I64,
    events: Any,
) -> None:
    """Step the conditions of one detector through a batch.

    ``index`` i32 (slots,): the detector's column; ``delay`` i64 (profiles, 2); ``clear``, ``gap`` i64 (slots,): how long normal
    values must go on, and how long a silence breaks that. ``free``: stack of unused pool rows; ``count`` i64[2]: events, free.
    """
    for i in range(slot.size):
        bits = code[i]
        s = slot[i]
        place = index[s]
        if place < 0 and bits == 0:
            continue
        if gate[i] != 0 and not (by_gated and bits != 0):
            continue
        t = at[i]
        if place < 0:
            if by_gated and gate[i] == 0:
                continue
            count[1] -= 1
            place = free[count[1]]
            index[s] = place
            fresh = pool[place]
            fresh["slot"] = s
            fresh["last_at"] = t
            for side in range(2):
                fresh["status"][side] = IDLE
                fresh["level"][side] = 0
        row = pool[place]
        broken = t - row["last_at"] > gap[s]
        row["last_at"] = t
        for side in range(2):
            beyond = (bits & (LOW << side)) != 0
            severe = (bits & (SEVERE_LOW << side)) != 0
            status = row["status"][side]
            if beyond:
                if status == IDLE:
                    if by_gated and gate[i] == 0:
                        continue
                    status = PENDING
                    row["onset"][side] = t
                    row["eased_since"][side] = 0
                    row["peak"][side] = value[i]
                    row["peak_at"][side] = t
                row["normal_since"][side] = 0
                higher = value[i] > row["peak"][side]
                lower = value[i] < row["peak"][side]
                if (lower and side == 0) or (higher and side == 1):
                    row["peak"][side] = value[i]
                    row["peak_at"][side] = t
                if status == PENDING:
                    if severe or t - row["onset"][side] >= delay[profile[s], side]:
                        status = TRUE
                        row["level"][side] = 2 if severe else 1
                        _emit(events, count, BEGAN, i, side, row, 0)
                elif severe and row["level"][side] < 2:
                    row["level"][side] = 2
                    _emit(events, count, WORSE, i, side, row, 0)
                row["status"][side] = status
            normal = not beyond and (bits & (NOT_NORMAL_LOW << side)) == 0
            if status == IDLE:
                continue
            if not normal:
                row["normal_since"][side] = 0
                if severe or row["level"][side] < 2:
                    row["eased_since"][side] = 0
                else:
                    if broken or row["eased_since"][side] == 0:
                        row["eased_since"][side] = t
                    if t - row["eased_since"][side] >= clear[s]:
                        row["level"][side] = 1
                        row["eased_since"][side] = 0
                        _emit(events, count, EASED, i, side, row, 0)
            elif status == PENDING:
                row["status"][side] = IDLE
                _emit(events, count, DROPPED, i, side, row, t)
            else:
                if broken or row["normal_since"][side] == 0:
                    row["normal_since"][side] = t
                if t - row["normal_since"][side] >= clear[s]:
                    _emit(events, count, ENDED, i, side, row, row["normal_since"][side])
                    row["status"][side] = IDLE
                    row["level"][side] = 0
        if row["status"][0] == IDLE and row["status"][1] == IDLE:
            index[s] = -1
            free[count[1]] = place
            count[1] += 1


def condition_signature(types: Any) -> Any:
    """Given ``numba.types``."""
    import numba

    whole, column = types.Array(types.int64, 1, "C"), types.Array(types.float64, 1, "C")
    bits, small = types.Array(types.uint8, 1, "C"), types.Array(types.int32, 1, "C")
    rows, found = (types.Array(numba.from_dtype(kind), 1, "C") for kind in (ROW, EVENT))
    return types.void(
        whole, whole, column, bits, bits, small, types.Array(types.int64, 2, "C"), small,
        whole, whole, types.boolean, rows, whole, whole, found,
    )  # fmt: skip


@dataclass(slots=True)
class Pool:
    """Rows of running conditions of all detectors."""

    rows: NDArray[Any]
    free: I64
    count: I64

    @staticmethod
    def empty() -> Pool:
        return Pool(np.zeros(0, ROW), np.zeros(0, np.int64), np.zeros(2, np.int64))

    def reserve(self, rows: int) -> None:
        """Make at least ``rows`` free."""
        lacking = rows - int(self.count[1])
        if lacking <= 0:
            return
        size = self.rows.size
        grown = max(256, 2 * size, size + lacking)
        new = np.zeros(grown, ROW)
        new[:size] = self.rows
        free = np.zeros(grown, np.int64)
        old = int(self.count[1])
        free[:old] = self.free[:old]
        free[old : old + grown - size] = np.arange(size, grown)[::-1]
        self.rows, self.free = new, free
        self.count[1] = old + grown - size

    @property
    def in_use(self) -> int:
        return self.rows.size - int(self.count[1])

    def take(self, row: NDArray[Any]) -> int:
        """Put a saved row in; its place."""
        self.reserve(1)
        self.count[1] -= 1
        place = int(self.free[self.count[1]])
        self.rows[place] = row
        return place

    def give_back(self, place: int) -> None:
        self.free[self.count[1]] = place
        self.count[1] += 1


def event_room(codes: int, busy: int) -> int:
    """How many events a batch can bring at most: each odd value and each running condition a few."""
    return _EVENTS_A_ROW * (codes + busy) + 1

"""From codes to conditions: delay, hysteresis, severity and the return to normal, for every detector alike, on measured time.

Most slots have no condition most of the time, so conditions live in rows of a pool that are taken when a value is odd and given
back when both sides are idle again. ``head`` i32 (slots,) is the first row of a slot, -1 = none; each row names the ``next``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.detectors.contract import BEYOND, F32, I32, LOW, NOT_NORMAL_LOW, SEVERE, SEVERE_LOW, U8
from analytics.engine.compiled import helper
from vigil.domain.readings import F64, I64, U64

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
        ("detector", np.int16),
        ("next", np.int32),
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
        ("detector", np.uint8),
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
    event["detector"] = row["detector"]
    event["level"] = row["level"][side]
    event["onset"] = row["onset"][side]
    event["peak"] = row["peak"][side]
    event["peak_at"] = row["peak_at"][side]
    event["end"] = end
    count[0] += 1


def _find(head: Any, pool: Any, s: int, number: int) -> int:
    """The row of a detector's condition on a slot, -1 = none."""
    place = int(head[s])
    while place >= 0 and pool[place]["detector"] != number:
        place = int(pool[place]["next"])
    return place


@helper
def _take(head: Any, pool: Any, free: Any, count: Any, s: int, number: int) -> int:
    """A free row, blank, put first among those of the slot."""
    count[1] -= 1
    place = int(free[count[1]])
    row = pool[place]
    row["slot"] = s
    row["detector"] = number
    row["next"] = head[s]
    head[s] = place
    row["last_at"] = 0
    for side in range(2):
        row["status"][side] = IDLE
        row["level"][side] = 0
        row["onset"][side] = 0
        row["normal_since"][side] = 0
        row["eased_since"][side] = 0
        row["peak"][side] = 0.0
        row["peak_at"][side] = 0
    return place


@helper
def _give_back(head: Any, pool: Any, free: Any, count: Any, s: int, place: int) -> None:
    if head[s] == place:
        head[s] = pool[place]["next"]
    else:
        before = int(head[s])
        while pool[before]["next"] != place:
            before = int(pool[before]["next"])
        pool[before]["next"] = pool[place]["next"]
    free[count[1]] = place
    count[1] += 1


def candidate_kernel(slot: U64, codes: U8, busy: Any, odd: U8, rows: I64, count: I64) -> None:
    """Rows whose slot has a value beyond a threshold or may have a running condition, of any detector: most have neither.
    ``codes`` u8 (detectors, n); ``busy`` bool (slots,) stays true until ``condition_kernel`` knows better. ``odd`` u8 (n,): the
    codes of all detectors in one. ``count`` i64[2]: rows found, codes beyond in them."""
    # One detector after the other, without a branch: so the compiler takes many rows at once.
    for i in range(slot.size):
        odd[i] = 0
    for number in range(codes.shape[0]):
        for i in range(slot.size):
            odd[i] |= codes[number, i]
    found, several = 0, 0
    for i in range(slot.size):
        s = slot[i]
        if (odd[i] & BEYOND) != 0:
            busy[s] = True
            for number in range(codes.shape[0]):
                if (codes[number, i] & BEYOND) != 0:
                    several += 1
        rows[found] = i  # written over when it is none: the processor guesses badly which
        if busy[s]:
            found += 1
    count[0] = found
    count[1] = several


def condition_kernel(
    rows: I64,
    slot: I64,
    at: I64,
    values: F64,
    scores: F32,
    gate: U8,
    codes: U8,
    head: I32,
    delays: I64,
    profile: I32,
    clear: I64,
    gap: I64,
    sided: Any,
    of_gated: Any,
    pool: Any,
    free: I64,
    count: I64,
    events: Any,
    order: I64,
    ends: I64,
    busy: Any,
) -> None:
    """Step the conditions of every detector through those ``rows`` of a batch, row by row.

    ``delays`` i64 (detectors, profiles, 2); ``clear``, ``gap`` i64 (profiles,): how long normal values must go on, and how long
    a silence breaks that; ``sided``, ``of_gated`` bool (detectors,). ``free``: stack of unused pool rows; ``count`` i64[2]:
    events, free; ``order`` i64: the events detector by detector; ``ends`` i64 (detectors,): up to where in it each detector's
    are; ``busy`` bool (slots,) is brought up to date.
    """
    for k in range(rows.size):
        i = rows[k]
        s = slot[i]
        p = profile[s]
        # What runs has a row; a detector whose condition does not run is looked at only when it may begin.
        running = 0
        place = int(head[s])
        while place >= 0:
            row = pool[place]
            number, after = int(row["detector"]), int(row["next"])
            running |= 1 << number
            bits = codes[number, i]
            if gate[i] == 0 or (of_gated[number] and bits != 0):
                x = values[i] if sided[number] else float(scores[number, i])
                begins = not of_gated[number] or (bits & SEVERE) == 0
                _both_sides(row, i, at[i], x, bits, begins, delays[number, p], clear[p], gap[p], count, events)
                if row["status"][0] == IDLE and row["status"][1] == IDLE:
                    _give_back(head, pool, free, count, s, place)
            place = after
        for number in range(codes.shape[0]):
            bits = codes[number, i]
            if (bits & BEYOND) == 0 or (running >> number) & 1 != 0 or (of_gated[number] and (bits & SEVERE) != 0):
                continue
            place = _take(head, pool, free, count, s, number)
            pool[place]["last_at"] = at[i]
            x = values[i] if sided[number] else float(scores[number, i])
            _both_sides(pool[place], i, at[i], x, bits, True, delays[number, p], clear[p], gap[p], count, events)
        busy[s] = head[s] >= 0
    _by_detector(count, events, order, ends)


@helper
def _both_sides(
    row: Any,
    i: int,
    t: int,
    x: float,
    bits: int,
    begins: bool,
    delay: Any,
    clear: int,
    gap: int,
    count: Any,
    events: Any,
) -> None:
    """One reading through a condition; ``delay`` i64[2]."""
    broken = t - row["last_at"] > gap
    row["last_at"] = t
    for side in range(2):
        if row["status"][side] != IDLE or (bits & (LOW << side)) != 0:
            _step(row, side, i, t, x, bits, begins, broken, delay[side], clear, count, events)


@helper
def _by_detector(count: Any, events: Any, order: Any, ends: Any) -> None:
    """The places of the events, detector by detector, each detector's in order of row."""
    for number in range(ends.size):
        ends[number] = 0
    for k in range(count[0]):
        ends[events[k]["detector"]] += 1
    for number in range(1, ends.size):
        ends[number] += ends[number - 1]
    # Backwards, so that each detector's end moves to its start: the end of the one before.
    for k in range(count[0] - 1, -1, -1):
        number = events[k]["detector"]
        ends[number] -= 1
        order[ends[number]] = k
    for number in range(1, ends.size):
        ends[number - 1] = ends[number]
    ends[ends.size - 1] = count[0]


@helper
def _step(
    row: Any,
    side: int,
    i: int,
    t: int,
    x: float,
    bits: int,
    begins: bool,
    broken: bool,
    delay: int,
    clear: int,
    count: Any,
    events: Any,
) -> None:
    """One reading through one side of a condition. ``begins``: it may begin one; ``broken``: a silence lies before it."""
    beyond = (bits & (LOW << side)) != 0
    severe = (bits & (SEVERE_LOW << side)) != 0
    status = row["status"][side]
    if beyond:
        if status == IDLE:
            if not begins:
                return
            status = PENDING
            row["onset"][side] = t
            row["eased_since"][side] = 0
            row["peak"][side] = x
            row["peak_at"][side] = t
        row["normal_since"][side] = 0
        if (side == 0 and x < row["peak"][side]) or (side == 1 and x > row["peak"][side]):
            row["peak"][side] = x
            row["peak_at"][side] = t
        if status == PENDING:
            if severe or t - row["onset"][side] >= delay:
                status = TRUE
                row["level"][side] = 2 if severe else 1
                _emit(events, count, BEGAN, i, side, row, 0)
        elif severe and row["level"][side] < 2:
            row["level"][side] = 2
            _emit(events, count, WORSE, i, side, row, 0)
        row["status"][side] = status
    normal = not beyond and (bits & (NOT_NORMAL_LOW << side)) == 0
    if status == IDLE:
        return
    if not normal:
        row["normal_since"][side] = 0
        if severe or row["level"][side] < 2:
            row["eased_since"][side] = 0
        else:
            if broken or row["eased_since"][side] == 0:
                row["eased_since"][side] = t
            if t - row["eased_since"][side] >= clear:
                row["level"][side] = 1
                row["eased_since"][side] = 0
                _emit(events, count, EASED, i, side, row, 0)
    elif status == PENDING:
        row["status"][side] = IDLE
        _emit(events, count, DROPPED, i, side, row, t)
    else:
        if broken or row["normal_since"][side] == 0:
            row["normal_since"][side] = t
        if t - row["normal_since"][side] >= clear:
            _emit(events, count, ENDED, i, side, row, row["normal_since"][side])
            row["status"][side] = IDLE
            row["level"][side] = 0


def condition_signature(types: Any) -> Any:
    """Given ``numba.types``."""
    import numba

    whole, column = types.Array(types.int64, 1, "C"), types.Array(types.float64, 1, "C")
    single, small = types.Array(types.float32, 2, "A"), types.Array(types.int32, 1, "C")
    flags = types.Array(types.boolean, 1, "C")
    rows, found = (types.Array(numba.from_dtype(kind), 1, "C") for kind in (ROW, EVENT))
    return types.void(
        whole, whole, whole, column, single, types.Array(types.uint8, 1, "C"), types.Array(types.uint8, 2, "A"),
        small, types.Array(types.int64, 3, "C"), small, whole, whole, flags, flags, rows, whole, whole, found, whole, whole,
        flags,
    )  # fmt: skip


def candidate_signature(types: Any) -> Any:
    """Given ``numba.types``."""
    whole, flags = types.Array(types.int64, 1, "C"), types.Array(types.boolean, 1, "C")
    slots, bits = types.Array(types.uint64, 1, "C"), types.Array(types.uint8, 1, "C")
    return types.void(slots, types.Array(types.uint8, 2, "C"), flags, bits, whole, whole)


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

    def find(self, head: I32, slot: int, number: int) -> NDArray[Any] | None:
        """The running condition of a detector on a slot, None when there is none."""
        place = _find(head, self.rows, slot, number)
        return None if place < 0 else self.rows[place]

    def of(self, head: I32, slot: int) -> dict[int, NDArray[Any]]:
        """Copies of the running conditions of a slot, by detector in order of number."""
        found = {}
        place = int(head[slot])
        while place >= 0:
            copy = self.rows[place].copy()
            place = int(copy["next"])
            copy["next"] = -1  # says nothing outside the pool
            found[int(copy["detector"])] = copy
        return dict(sorted(found.items()))

    def put(self, head: I32, slot: int, row: NDArray[Any]) -> None:
        """Give a slot a condition that was copied before."""
        self.reserve(1)
        place = _take(head, self.rows, self.free, self.count, slot, int(row["detector"]))
        after = int(self.rows[place]["next"])
        self.rows[place] = row
        self.rows[place]["slot"], self.rows[place]["next"] = slot, after

    def drop(self, head: I32, slot: int, number: int) -> None:
        place = _find(head, self.rows, slot, number)
        if place >= 0:
            _give_back(head, self.rows, self.free, self.count, slot, place)


def event_room(codes: int, busy: int) -> int:
    """How many events a batch can bring at most: each odd value and each running condition a few."""
    return _EVENTS_A_ROW * (codes + busy) + 1

"""First step of the minute grid: what each slot said in each minute."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.engine.compiled import helper
from analytics.scores.bands import U8
from vigil.domain.readings import F64, I64
from vigil.domain.times import MINUTE

#: The median is that of at most so many values, the last of the minute; as in ``analytics.windows``.
RING = 64
_WRAP = RING - 1
#: Columns of a slot's state in the minute: how many values the ring holds, where it begins, how many at its end were measured
#: at the newest time, that time, and the doubt of the newest value.
_COUNT, _FIRST, _TIES, _AT, _DOUBT = range(5)
STATE = 5


#: Instead of a number of rows: a slot has two values in one minute, times fall.
TWICE, UNORDERED = -1, -2


def once_kernel(
    at: I64,
    slot: I64,
    value: F64,
    doubt: U8,
    counts: NDArray[np.bool_],
    tells: NDArray[np.bool_],
    last: I64,
    out_minute: I64,
    out_slot: I64,
    out_at: I64,
    out_value: F64,
    out_doubt: U8,
) -> int:
    """``summary_kernel`` where no slot has two readings in one minute, so that nothing is summed up. ``counts`` by row and
    ``tells`` by slot: what has a part in it. ``last`` i64 (slots,): room, zeros. Returns how many rows of ``out_*`` it filled,
    ``TWICE`` or ``UNORDERED``."""
    filled, minute, over, before = 0, 0, 0, 0
    for row in range(at.size):
        now = at[row]
        if row == 0 or now >= over:
            minute = now // MINUTE
            over = (minute + 1) * MINUTE
        if row > 0 and now < before:
            return UNORDERED
        before = now
        s = slot[row]
        if not counts[row] or not tells[s] or value[row] != value[row]:
            continue
        if last[s] == over:
            return TWICE
        last[s] = over
        out_minute[filled] = minute
        out_slot[filled] = s
        out_at[filled] = now
        out_value[filled] = value[row] + 0.0  # makes -0.0 and 0.0, which are equal, the same
        out_doubt[filled] = doubt[row]
        filled += 1
    return filled


def once_signature(numba_types: Any) -> Any:
    """The compiled signature of ``once_kernel``; ``numba_types`` is ``numba.types``."""
    t = numba_types
    whole, real, small = t.Array(t.int64, 1, "C"), t.Array(t.float64, 1, "C"), t.Array(t.uint8, 1, "C")
    times, values = t.Array(t.int64, 1, "C", readonly=True), t.Array(t.float64, 1, "C", readonly=True)
    flags = t.Array(t.boolean, 1, "C", readonly=True)
    return t.int64(times, times, values, small, flags, flags, whole, whole, whole, whole, real, small)


@helper
def _insert(state: I64, ring: F64, s: int, at: int, value: float, doubt: int) -> None:
    """Keep the ring of slot ``s`` ascending in (time, value), without repeats. Times never fall."""
    count, first = state[s, _COUNT], state[s, _FIRST]
    if count == 0:  # in most minutes nothing follows
        ring[s, 0] = value
        state[s, _COUNT], state[s, _FIRST], state[s, _TIES], state[s, _AT], state[s, _DOUBT] = 1, 0, 1, at, doubt
        return
    ties = state[s, _TIES] if at == state[s, _AT] else 0
    place = count
    while place > count - ties and ring[s, (first + place - 1) & _WRAP] > value:
        place -= 1
    repeated = place > count - ties and ring[s, (first + place - 1) & _WRAP] == value
    if place == count and (not repeated or doubt < state[s, _DOUBT]):
        state[s, _DOUBT] = doubt
    if repeated or (count == RING and place == 0):
        return
    if count == RING:
        first = (first + 1) & _WRAP
        count -= 1
        place -= 1
    for each in range(count, place, -1):
        ring[s, (first + each) & _WRAP] = ring[s, (first + each - 1) & _WRAP]
    ring[s, (first + place) & _WRAP] = value
    state[s, _COUNT] = count + 1
    state[s, _FIRST] = first
    # Of a ring full of ties the first was dropped, so their count stays.
    state[s, _TIES] = ties + 1 if ties < RING else RING
    state[s, _AT] = at


@helper
def _median(ring: F64, s: int, first: int, count: int, ordered: F64) -> float:
    """By insertion into ``ordered``, which is room for the ring: most minutes have few values."""
    for each in range(count):
        value = ring[s, (first + each) & _WRAP]
        place = each
        while place > 0 and ordered[place - 1] > value:
            ordered[place] = ordered[place - 1]
            place -= 1
        ordered[place] = value
    return float((ordered[(count - 1) // 2] + ordered[count // 2]) / 2)


def summary_kernel(
    keep: I64,
    minute: I64,
    at: I64,
    slot: I64,
    value: F64,
    doubt: U8,
    spot: NDArray[np.bool_],
    state: I64,
    ring: F64,
    touched: I64,
    ordered: F64,
    out_minute: I64,
    out_slot: I64,
    out_at: I64,
    out_value: F64,
    out_doubt: U8,
) -> int:
    """``keep``: the rows that count, ascending in ``at``; ``minute`` is its number. ``spot`` by slot: newest value instead of the
    median. Room to work in: ``state`` i64 (slots, STATE) zeros, ``ring`` f64 (slots, RING), ``touched`` i64 (slots,), ``ordered``
    f64 (RING,). Returns how many rows of ``out_*`` it filled: ascending in minutes, each slot at most once in a minute.
    """
    filled, open_slots = 0, 0
    for k in range(keep.size):
        row = keep[k]
        s = slot[row]
        if state[s, _COUNT] == 0:
            touched[open_slots] = s
            open_slots += 1
        _insert(state, ring, s, at[row], value[row] + 0.0, doubt[row])  # makes -0.0 and 0.0, which are equal, the same
        if k + 1 < keep.size and minute[keep[k + 1]] == minute[row]:
            continue
        for each in range(open_slots):
            s = touched[each]
            count, first = state[s, _COUNT], state[s, _FIRST]
            out_minute[filled] = minute[row]
            out_slot[filled] = s
            out_at[filled] = state[s, _AT]
            out_doubt[filled] = state[s, _DOUBT]
            if spot[s]:
                out_value[filled] = ring[s, (first + count - 1) & _WRAP]
            else:
                out_value[filled] = _median(ring, s, first, count, ordered)
            filled += 1
            state[s, _COUNT] = 0
        open_slots = 0
    return filled


def summary_signature(numba_types: Any) -> Any:
    """The compiled signature of ``summary_kernel``; ``numba_types`` is ``numba.types``."""
    t = numba_types
    whole, real, small = t.Array(t.int64, 1, "C"), t.Array(t.float64, 1, "C"), t.Array(t.uint8, 1, "C")
    times, values = t.Array(t.int64, 1, "C", readonly=True), t.Array(t.float64, 1, "C", readonly=True)
    given = (whole, whole, times, times, values, small, t.Array(t.boolean, 1, "C", readonly=True))
    room = (t.Array(t.int64, 2, "C"), t.Array(t.float64, 2, "C"), whole, real)
    return t.int64(*given, *room, whole, whole, whole, real, small)

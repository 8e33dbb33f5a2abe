"""Second step of the minute grid: which slot speaks for each input at the end of each minute."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.engine.compiled import helper
from analytics.scores.bands import U8
from vigil.domain.readings import F64, I64, U32
from vigil.domain.times import MINUTE

#: Time of the newest value of a slot that has none.
NEVER = np.iinfo(np.int64).min
#: Added to the doubt of a value that may be wrong; what is below it chooses between two sensors.
UNSURE = 8
#: Columns of the choice for an input: the slot (-1 = none), whether it is stale, and how doubtful it is.
_SLOT, _LATE, _RANK = range(3)


@helper
def _better(late: int, rank: int, at: int, stream: int, choice: I64, best_at: int, best_stream: int) -> bool:
    """Not stale first, then the better signal, then the fresher, then the lower stream number."""
    if late != choice[_LATE]:
        return bool(late < choice[_LATE])
    if rank != choice[_RANK]:
        return bool(rank < choice[_RANK])
    if at != best_at:
        return at > best_at
    return stream < best_stream


@helper
def choose(
    end_of_minute: int,
    newest: I64,
    doubt: I64,
    input_of: I64,
    alike: NDArray[np.bool_],
    stale: I64,
    stream: U32,
    end: I64,
    choice: I64,
) -> bool:
    """Fill ``choice`` i64 (inputs, 3). True when an input is not stale."""
    fresh = False
    for i in range(choice.shape[0]):
        choice[i, _SLOT] = -1
    for s in range(newest.size):
        if newest[s] == NEVER or end_of_minute >= end[s]:
            continue
        i = input_of[s]
        late = 1 if end_of_minute - newest[s] > stale[s] else 0
        rank = 0 if late == 1 or alike[i] else doubt[s] % UNSURE
        best = choice[i, _SLOT]
        if best < 0 or _better(late, rank, newest[s], stream[s], choice[i], newest[best], stream[best]):
            choice[i, _SLOT] = s
            choice[i, _LATE] = late
            choice[i, _RANK] = rank
        if late == 0:
            fresh = True
    return fresh


def grid_kernel(
    minute: I64,
    slot: I64,
    at: I64,
    value: F64,
    doubt: U8,
    input_of: I64,
    alike: NDArray[np.bool_],
    stale: I64,
    stream: U32,
    end: I64,
    newest: I64,
    newest_value: F64,
    newest_doubt: I64,
    choice: I64,
    minute_end: I64,
    inputs: F64,
    age_us: I64,
    unsure: NDArray[np.bool_],
) -> int:
    """Rows of the first step. By slot: ``input_of``, ``stale``, ``stream``, ``end``. ``alike`` bool (inputs,): told by several
    vitals, the newest counts. Room to work in: ``newest`` i64 (slots,) NEVER, ``newest_value`` f64, ``newest_doubt`` i64,
    ``choice`` i64 (inputs, 3). Returns how many rows of ``minute_end``, ``inputs``, ``age_us``, ``unsure`` it filled."""
    filled, row = 0, 0
    number = minute[0] if minute.size > 0 else 0
    while True:
        while row < minute.size and minute[row] == number:
            s = slot[row]
            newest[s] = at[row]
            newest_value[s] = value[row]
            newest_doubt[s] = doubt[row]
            row += 1
        now = (number + 1) * MINUTE
        if choose(now, newest, newest_doubt, input_of, alike, stale, stream, end, choice):
            minute_end[filled] = now
            for i in range(choice.shape[0]):
                s = choice[i, _SLOT]
                age_us[filled, i] = now - newest[s] if s >= 0 else -1
                inputs[filled, i] = newest_value[s] if s >= 0 and choice[i, _LATE] == 0 else math.nan
                unsure[filled, i] = s >= 0 and choice[i, _LATE] == 0 and newest_doubt[s] >= UNSURE
            filled += 1
            number += 1
        elif row < minute.size:
            number = minute[row]  # nothing to say until then, however long it is
        else:
            return filled


def grid_signature(numba_types: Any) -> Any:
    """The compiled signature of ``grid_kernel``; ``numba_types`` is ``numba.types``."""
    t = numba_types
    whole, real = t.Array(t.int64, 1, "C"), t.Array(t.float64, 1, "C")
    flags, table = t.Array(t.boolean, 1, "C"), t.Array(t.int64, 2, "C")
    rows = (whole, whole, whole, real, t.Array(t.uint8, 1, "C"))
    times, streams = t.Array(t.int64, 1, "C", readonly=True), t.Array(t.uint32, 1, "C", readonly=True)
    slots = (whole, flags, times, streams, times)
    out = (whole, t.Array(t.float64, 2, "C"), table, t.Array(t.boolean, 2, "C"))
    return t.int64(*rows, *slots, whole, real, whole, table, *out)

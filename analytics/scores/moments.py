"""What the inputs of NEWS2 were at given moments of one patient's history, as ``analytics.scores.live`` would have taken them.

For histories in which each sensor's readings came in order of their times. Where ``minutes`` closes minutes of measured time,
this knows what had been received at a moment to the microsecond.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.scores.bands import U8, Versions
from analytics.scores.grid import NEVER, UNSURE, choose
from analytics.scores.minutes import ALIKE, INPUT_OF, doubt_of, told
from analytics.windows import RING, WINDOW
from vigil.domain.news2 import INPUTS
from vigil.domain.readings import F64, I64, U16, U32

#: By the bits of a quality.
_DOUBT = doubt_of(np.arange(2**16, dtype=np.uint16))


@dataclass(frozen=True, slots=True)
class Sensors:
    """The slots of one patient, numbered from 0: ``vital`` i16 index; ``stale`` and ``end`` (of the binding) i64 microseconds;
    ``stream`` u32; ``windowed`` bool: counts by the median of its last minute."""

    vital: NDArray[np.int16]
    stale: I64
    stream: U32
    end: I64
    windowed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Received:
    """Readings of one patient, ascending by slot, and there in order of receipt and of time alike. ``bounds`` i64 (slots + 1,):
    where each slot's begin; ``usable`` bool: not gated; ``quality`` with ``analytics.quality.STUCK``."""

    bounds: I64
    received_at: I64
    measured_at: I64
    value: F64
    usable: NDArray[np.bool_]
    quality: U16


@dataclass(frozen=True, slots=True)
class MomentInputs:
    """``inputs`` f64 (m, 7) as ``analytics.scores.news2`` takes them, NaN = stale or never measured; ``unsure`` bool (m, 7): the
    signal of the value is doubtful; ``touched`` bool (m,): a reading of an input came since the moment before."""

    inputs: F64
    unsure: NDArray[np.bool_]
    touched: NDArray[np.bool_]


def moment_kernel(
    moments: I64,
    bounds: I64,
    received: I64,
    measured: I64,
    value: F64,
    usable: NDArray[np.bool_],
    quality: U16,
    doubt_by_quality: U8,
    input_of: I64,
    alike: NDArray[np.bool_],
    stale: I64,
    stream: U32,
    end: I64,
    windowed: NDArray[np.bool_],
    place: I64,
    row_of: I64,
    newest: I64,
    newest_doubt: I64,
    choice: I64,
    ordered: F64,
    inputs: F64,
    chosen: I64,
    unsure: NDArray[np.bool_],
    touched: NDArray[np.bool_],
) -> None:
    """``moments`` ascending. By slot, room to work in: ``place`` i64 its next reading, ``row_of`` and ``newest`` i64 row and time
    of its newest value, ``newest_doubt`` i64; ``choice`` i64 (inputs, 3), ``ordered`` f64 (RING,). ``chosen`` i64 (m, inputs):
    the slot behind each input, -1 = none."""
    for m in range(moments.size):
        now = moments[m]
        touched[m] = False
        for s in range(place.size):
            row, last = place[s], bounds[s + 1]
            while row < last and received[row] <= now:
                if usable[row] and input_of[s] >= 0:
                    row_of[s] = row
                    newest[s] = measured[row]
                row += 1
            if row > place[s] and input_of[s] >= 0:
                touched[m] = True
            place[s] = row
            if newest[s] != NEVER:
                newest_doubt[s] = doubt_by_quality[quality[row_of[s]]]
        choose(now, newest, newest_doubt, input_of, alike, stale, stream, end, choice)
        for i in range(choice.shape[0]):
            s = choice[i, 0]
            if s < 0 or choice[i, 1] == 1:
                inputs[m, i] = math.nan
                unsure[m, i] = False
                chosen[m, i] = -1
                continue
            chosen[m, i] = s
            unsure[m, i] = newest_doubt[s] >= UNSURE
            row, count = row_of[s], 0
            if windowed[s]:
                while row >= bounds[s] and count < RING and measured[row] > newest[s] - WINDOW:
                    if usable[row]:
                        at = count
                        while at > 0 and ordered[at - 1] > value[row]:
                            ordered[at] = ordered[at - 1]
                            at -= 1
                        ordered[at] = value[row]
                        count += 1
                    row -= 1
            if count > 1:
                inputs[m, i] = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
            else:
                inputs[m, i] = value[row_of[s]]


def moment_signature(numba_types: Any) -> Any:
    """The compiled signature of ``moment_kernel``; ``numba_types`` is ``numba.types``."""
    t = numba_types
    whole, real, flags = t.Array(t.int64, 1, "C"), t.Array(t.float64, 1, "C"), t.Array(t.boolean, 1, "C")
    times, streams = t.Array(t.int64, 1, "C", readonly=True), t.Array(t.uint32, 1, "C", readonly=True)
    readings = (whole, times, times, t.Array(t.float64, 1, "C", readonly=True), flags, t.Array(t.uint16, 1, "C"))
    slots = (whole, flags, times, streams, times, flags)
    table, marks = t.Array(t.int64, 2, "C"), t.Array(t.boolean, 2, "C")
    room = (whole, whole, whole, whole, table, real)
    out = (t.Array(t.float64, 2, "C"), table, marks, flags)
    return t.void(whole, *readings, t.Array(t.uint8, 1, "C"), *slots, *room, *out)


def moment_inputs(moments: I64, readings: Received, sensors: Sensors, kernels: Versions) -> MomentInputs:
    """``moments`` i64 (m,) ascending, server time, microseconds UTC."""
    size, slots, width = moments.size, sensors.stale.size, len(INPUTS)
    inputs, chosen = np.empty((size, width)), np.empty((size, width), np.int64)
    unsure, touched = np.empty((size, width), np.bool_), np.empty(size, np.bool_)
    kernels(moment_kernel)(
        moments,
        readings.bounds,
        readings.received_at,
        readings.measured_at,
        readings.value,
        readings.usable,
        readings.quality,
        _DOUBT,
        INPUT_OF[sensors.vital],
        ALIKE,
        sensors.stale,
        sensors.stream,
        sensors.end,
        sensors.windowed,
        readings.bounds[:-1].copy(),
        np.zeros(slots, np.int64),
        np.full(slots, NEVER),
        np.zeros(slots, np.int64),
        np.empty((width, 3), np.int64),
        np.empty(RING),
        inputs,
        chosen,
        unsure,
        touched,
    )
    known = np.nonzero(chosen >= 0)
    inputs[known] = told(inputs[known], chosen[known], sensors.vital)
    return MomentInputs(inputs, unsure, touched)

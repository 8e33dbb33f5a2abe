"""The minute grid: what the inputs of NEWS2 were at the end of each minute of one patient's history.

A minute of UTC is closed at its end and knows the values measured before it. A continuous vital counts by the median of (at
most the last 64 of) its valid values inside the minute; in a minute without any the last median stands, until the newest value
is stale. A spot check counts by its newest value. Between several sensors of one input the rule is that of live scoring
(``analytics.scores.live``): what is not stale, then the better signal, then the fresher, then the lower stream number; oxygen
and consciousness are told by several vitals, of which the newest counts. A function of the set of readings: the order of rows
of one time and repeated rows do not matter; of different values of one slot at one time the greatest is the newest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.quality import DOUBTFUL, STUCK, WEAK
from analytics.scores.bands import U8, Versions, as_written
from analytics.scores.grid import NEVER, UNSURE, grid_kernel
from analytics.scores.live import SOURCES
from analytics.scores.summaries import RING, STATE, TWICE, UNORDERED, once_kernel, summary_kernel
from vigil.domain.news2 import GCS_ALERT, INPUTS
from vigil.domain.readings import F64, I64, U16, U32
from vigil.domain.times import MINUTE
from vigil.domain.vitals import BY_NAME, ROOM_AIR_FIO2, VITALS

#: Which input each vital tells; -1 = none.
INPUT_OF = np.full(len(VITALS), -1)
for _number, _name in enumerate(INPUTS):
    INPUT_OF[list(SOURCES[_name])] = _number
ALIKE = np.array([len(SOURCES[name]) > 1 for name in INPUTS])
_FIO2, _GCS = BY_NAME["fio2"].index, BY_NAME["gcs"].index


@dataclass(frozen=True, slots=True)
class PatientSlots:
    """The slots of one patient, numbered from 0. ``vital`` i16 index; ``stale`` i64 and ``end`` (of the binding) i64,
    microseconds; ``spot`` bool; ``stream`` u32: as in ``analytics.slots.Slots``."""

    vital: NDArray[np.int16]
    stale: I64
    spot: NDArray[np.bool_]
    stream: U32
    end: I64


@dataclass(frozen=True, slots=True)
class PatientReadings:
    """Columns of one length, ascending in time. ``measured_at`` i64 microseconds UTC, ``slot`` i64, ``value`` f64 in the vital's
    unit, ``usable`` bool (not gated), ``quality`` u16, with ``analytics.quality.STUCK`` where the value stands still."""

    measured_at: I64
    slot: I64
    value: F64
    usable: NDArray[np.bool_]
    quality: U16


@dataclass(frozen=True, slots=True)
class MinuteInputs:
    """One row for each minute in which at least one input was not stale, ascending.

    ``minute_end`` i64 (m,) microseconds UTC; ``inputs`` f64 (m, 7) as ``analytics.scores.news2`` takes them, NaN = stale or never
    measured; ``age_us`` i64 (m, 7): from the newest value to the end of the minute, stale ones too, -1 = never measured;
    ``unsure`` bool (m, 7): the signal of the newest value is weak or stands still.
    """

    minute_end: I64
    inputs: F64
    age_us: I64
    unsure: NDArray[np.bool_]

    def take(self, keep: slice) -> MinuteInputs:
        return MinuteInputs(self.minute_end[keep], self.inputs[keep], self.age_us[keep], self.unsure[keep])


def minute_inputs(readings: PatientReadings, slots: PatientSlots, kernels: Versions = as_written) -> MinuteInputs:
    """Raises ``ValueError`` when the readings do not ascend in time."""
    minute, slot, at, value, doubt = summaries(readings, slots, kernels)
    value = told(value, slot, slots.vital)
    room = _most_minutes(minute, slots)
    end, inputs, age = np.empty(room, np.int64), np.empty((room, len(INPUTS))), np.empty((room, len(INPUTS)), np.int64)
    unsure = np.empty((room, len(INPUTS)), np.bool_)
    filled = kernels(grid_kernel)(
        minute,
        slot,
        at,
        value,
        doubt,
        INPUT_OF[slots.vital],
        ALIKE,
        slots.stale,
        slots.stream,
        slots.end,
        np.full(slots.stale.size, NEVER),
        np.empty(slots.stale.size),
        np.empty(slots.stale.size, np.int64),
        np.empty((len(INPUTS), 3), np.int64),
        end,
        inputs,
        age,
        unsure,
    )
    return MinuteInputs(end, inputs, age, unsure).take(slice(filled))


def summaries(readings: PatientReadings, slots: PatientSlots, kernels: Versions) -> tuple[I64, I64, I64, F64, U8]:
    """What each slot said in each minute, ascending: number of the minute, slot, time of the newest value, value, doubt. Raises
    ``ValueError`` when the readings do not ascend in time."""
    size, rows = slots.stale.size, readings.slot.size
    tells = INPUT_OF[slots.vital] >= 0
    minute, slot, at = np.empty(rows, np.int64), np.empty(rows, np.int64), np.empty(rows, np.int64)
    value, doubt = np.empty(rows), np.empty(rows, np.uint8)
    given = readings.measured_at, readings.slot, readings.value, doubt_of(readings.quality)
    out = minute, slot, at, value, doubt
    filled = kernels(once_kernel)(*given, readings.usable, tells, np.zeros(size, np.int64), *out)
    if filled == UNORDERED or (filled == TWICE and (np.diff(readings.measured_at) < 0).any()):
        raise ValueError("the readings of a minute grid must ascend in measured time")
    if filled == TWICE:
        counts = readings.usable & ~np.isnan(readings.value) & tells[readings.slot]
        filled = kernels(summary_kernel)(
            np.flatnonzero(counts),
            readings.measured_at // MINUTE,
            *given,
            slots.spot,
            np.zeros((size, STATE), np.int64),
            np.empty((size, RING)),
            np.empty(size, np.int64),
            np.empty(RING),
            *out,
        )
    return minute[:filled], slot[:filled], at[:filled], value[:filled], doubt[:filled]


def doubt_of(quality: U16) -> U8:
    """As ``analytics.quality.doubt_rank``, with ``UNSURE`` where the value may be wrong."""
    rank = np.bitwise_count(quality & np.uint16(DOUBTFUL | STUCK))
    wrong = (quality & np.uint16(WEAK | STUCK)) != 0
    result: U8 = rank + wrong.astype(np.uint8) * np.uint8(UNSURE)
    return result


def told(value: F64, slot: I64, vital: NDArray[np.int16]) -> F64:
    """On oxygen or not, alert or not, by the ``vital`` of each slot that tells it; other values as they are."""
    for name, coded in (("oxygen", _on_oxygen), ("consciousness", _not_alert)):
        tells = np.isin(vital, SOURCES[name])
        here = np.flatnonzero(tells[slot]) if tells.any() else slot[:0]
        if here.size:
            value[here] = coded(value[here], vital[slot[here]])
    return value


def _on_oxygen(value: F64, vital: NDArray[np.int16]) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = value > np.where(vital == _FIO2, ROOM_AIR_FIO2, 0.0)
    return result


def _not_alert(value: F64, vital: NDArray[np.int16]) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = np.where(vital == _GCS, value < GCS_ALERT, value != 0.0)
    return result


def _most_minutes(minute: I64, slots: PatientSlots) -> int:
    """No more minutes than this have an input that is not stale."""
    if not minute.size:
        return 0
    longest = int(slots.stale.max()) // MINUTE + 2
    span = int(minute[-1] - minute[0])
    if span <= minute.size:
        return span + longest
    return int(np.minimum(np.diff(minute), longest).sum()) + longest

"""The raw baseline: what a monitor without any judgement would have called, on whole columns.

Any NEWS2 parameter of 2 points or more, or a total of 5 or more, judged on every valid value at once; runs less than 60 s apart
are one ("How alert quality is measured", version 1). What a total adds up is the last value of each parameter, for as long as
the longer of 300 s and three of its usual spacings (ours: a value charted once an hour still stands half an hour later). A run
ends with its last abnormal value; a gap in the data ends none. One run is one alert and one interruption.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.scores.bands import POINTS, Versions, as_written
from analytics.scores.live import SOURCES
from analytics.scores.news2 import news2_columns
from vigil.domain.news2 import GCS_ALERT, INPUTS
from vigil.domain.quality import GATED, Quality
from vigil.domain.readings import F64, I64, U16
from vigil.domain.times import SECOND
from vigil.domain.vitals import BY_NAME, ROOM_AIR_FIO2, VITALS

Mask = NDArray[np.bool_]

#: Points of one parameter, and of all together, that call.
_PARAMETER, _TOTAL = 2, 5
_APART = 60 * SECOND
_KEPT_LEAST, _KEPT_SPACINGS = 300 * SECOND, 3

_INPUT_OF = np.full(len(VITALS), -1)
for _number, _name in enumerate(INPUTS):
    _INPUT_OF[list(SOURCES[_name])] = _number
_FIO2, _FLOW = BY_NAME["fio2"].index, BY_NAME["o2_flow"].index
_GCS, _ACVPU = BY_NAME["gcs"].index, BY_NAME["consciousness"].index


@dataclass(frozen=True, slots=True)
class Values:
    """One patient's values, columns of one length: ``vital`` index, ``measured_at``, ``received_at`` microseconds UTC, ``value``,
    ``quality`` bits. ``scale2``: SpO2 scale 2 is prescribed."""

    vital: NDArray[np.int16]
    measured_at: I64
    received_at: I64
    value: F64
    quality: U16
    scale2: bool = False

    def take(self, keep: Mask | NDArray[np.intp]) -> Values:
        return Values(
            self.vital[keep],
            self.measured_at[keep],
            self.received_at[keep],
            self.value[keep],
            self.quality[keep],
            self.scale2,
        )


def judged(values: Values, *, artefacts: bool) -> Values:
    """The valid values of NEWS2 in order of time. ``artefacts``: those with a bad-signal bit among them."""
    keep = ~np.isnan(values.value) & (_INPUT_OF[values.vital] >= 0)
    keep &= (values.quality & (int(Quality.TEST) if artefacts else GATED)) == 0
    kept = values.take(keep)
    return kept.take(np.argsort(kept.measured_at, kind="stable"))


def raw_alerts(values: Values, kernels: Versions = as_written) -> I64:
    """When the baseline calls, ascending: the receipt of the value with which each run begins. ``values`` are ``judged`` ones."""
    if not values.value.size:
        return np.empty(0, np.int64)
    inputs = _as_inputs(values)
    alone = np.full((inputs.size, len(INPUTS)), np.nan)
    column = _INPUT_OF[values.vital]
    alone[np.arange(inputs.size), column] = inputs
    abnormal = _points(alone, values.scale2, kernels)[:, POINTS:].max(axis=1) >= _PARAMETER
    times, last = _moments(values.measured_at)
    total = _points(_standing(times, column, values.measured_at, inputs), values.scale2, kernels)[:, 0]
    abnormal[last] |= total >= _TOTAL
    return _runs(values, abnormal)


def parameter_alerts(values: Values, kernels: Versions = as_written) -> int:
    """Alerts if each parameter alarmed on its own, as published counts have it; no total."""
    inputs, column = _as_inputs(values), _INPUT_OF[values.vital]
    alone = np.full((inputs.size, len(INPUTS)), np.nan)
    alone[np.arange(inputs.size), column] = inputs
    points = _points(alone, values.scale2, kernels)[:, POINTS:].max(axis=1, initial=-1)
    return sum(
        _runs(values.take(column == each), points[column == each] >= _PARAMETER).size for each in range(len(INPUTS))
    )


def _points(inputs: F64, scale2: bool, kernels: Versions) -> NDArray[np.int16]:
    return news2_columns(inputs, np.full(inputs.shape[0], scale2, np.uint8), kernels)


def _as_inputs(values: Values) -> F64:
    """Oxygen and consciousness as NEWS2 takes them (0 or 1); other values as they are."""
    coded = values.value.copy()
    for vital, line in ((_FIO2, ROOM_AIR_FIO2), (_FLOW, 0.0), (_ACVPU, 0.0)):
        here = values.vital == vital
        coded[here] = values.value[here] > line
    here = values.vital == _GCS
    coded[here] = values.value[here] < GCS_ALERT
    return coded


def _moments(at: I64) -> tuple[I64, NDArray[np.intp]]:
    """The different times, ascending, and the last row of each."""
    last = np.flatnonzero(np.append(np.diff(at) > 0, True)[: at.size])
    return at[last], last


def _standing(times: I64, column: NDArray[np.intp], at: I64, value: F64) -> F64:
    """f64 (times, 7): the newest value of each input at each time, NaN where there is none or it is too old."""
    standing = np.full((times.size, len(INPUTS)), np.nan)
    for number in range(len(INPUTS)):
        mine = np.flatnonzero(column == number)
        if mine.size:
            newest = mine[np.maximum(np.searchsorted(at[mine], times, side="right") - 1, 0)]
            age = times - at[newest]
            standing[:, number] = np.where((age >= 0) & (age <= _kept(at[mine])), value[newest], np.nan)
    return standing


def _kept(at: I64) -> int:
    gaps = np.diff(at)
    gaps = gaps[gaps > 0]
    return max(_KEPT_LEAST, int(_KEPT_SPACINGS * np.median(gaps)) if gaps.size else 0)


def _runs(values: Values, abnormal: Mask) -> I64:
    """Receipts of the first values of the runs of abnormal moments; several values of a moment are abnormal if one is."""
    times, last = _moments(values.measured_at)
    if not times.size:
        return times
    first = np.append(0, last[:-1] + 1)
    bad = np.logical_or.reduceat(abnormal, first)
    starts = np.flatnonzero(bad & ~np.append(False, bad[:-1]))
    ends = np.flatnonzero(bad & ~np.append(bad[1:], False))
    apart = np.append(True, times[starts[1:]] - times[ends[:-1]] >= _APART)[: starts.size]
    received = np.maximum.reduceat(values.received_at, first)
    return np.sort(received[starts[apart]])

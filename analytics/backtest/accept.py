"""Which rows of a table are readings: the rules of ingest on whole columns, so that a back-test sees what live would store."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.backtest import rows as marks
from analytics.backtest.refused import Fault, RowReason
from analytics.backtest.rows import Rows
from analytics.scores.bands import Versions, as_written
from vigil.domain.quality import AHEAD_ALLOWED, AHEAD_REFUSED, Quality
from vigil.domain.readings import F64, I64, U16
from vigil.domain.times import SECOND, from_iso
from vigil.domain.vitals import BY_NAME, PLAUSIBLE, VITALS, implausible, out_of_range

Mask = NDArray[np.bool_]

#: As on the wire: earlier "absolute" times are relative ones, or seconds taken for milliseconds (RFC 8428 section 4.5.3).
_OLDEST = 2**28 * SECOND
#: Recordings may be dated far ahead on purpose (MIMIC moves its patients to the years 2100 to 2200), nanoseconds may not.
_NEWEST = from_iso("3000-01-01T00:00:00Z")

_CODED = [kind.index for kind in VITALS if kind.codes]
_PRESSURES = (BY_NAME["bp_sys"].index, BY_NAME["bp_dia"].index)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are asked for: measured in [first, last) µs, of these patients. Others are left out without being judged;
    a row whose time or patient cannot be told is judged. ``known`` = who may occur at all. None = no restriction."""

    first: int | None = None
    last: int | None = None
    patients: Sequence[str] | None = None
    known: frozenset[str] | None = None


def sound_kernel(
    source: NDArray[np.int32],
    wanted: Mask,
    vital: NDArray[np.int8],
    value: F64,
    quality: U16,
    plausible_range: F64,
    coded: Mask,
    unknown_bits: int,
) -> bool:
    """Is each row of a ``wanted`` source (bool, by source), of a known vital, plausible (f64 (vitals, 2)), whole where it is a
    code (bool, by vital), and without ``unknown_bits`` of quality?"""
    for row in range(source.size):
        if source[row] < 0 or not wanted[source[row]] or vital[row] < 0:
            return False
        number, kind = value[row], vital[row]
        if not plausible_range[kind, 0] <= number <= plausible_range[kind, 1]:
            return False
        if (coded[kind] and number != math.floor(number)) or (quality[row] & unknown_bits) != 0:
            return False
    return True


def sound_signature(numba_types: Any) -> Any:
    """The compiled signature of ``sound_kernel``; ``numba_types`` is ``numba.types``."""
    t = numba_types
    kinds = (t.int32, t.boolean, t.int8, t.float64, t.uint16)
    columns = (t.Array(each, 1, "C", readonly=True) for each in kinds)
    return t.boolean(*columns, t.Array(t.float64, 2, "C"), t.Array(t.boolean, 1, "C"), t.int64)


def accept(rows: Rows, wanted: Wanted, kernels: Versions = as_written) -> tuple[Mask, list[Fault]]:
    """The rows that are readings, and the faults of the others that were asked for; each row has its first fault only.

    Moves times that are ahead of their receipt and marks values, in ``rows``, as ingest does.
    """
    if _all_sound(rows, wanted, kernels):
        return np.ones(len(rows), np.bool_), [_broken(rows)]
    source = _Sources(rows, wanted)
    ahead = _move_times(rows)
    judged = source.asked & _inside(rows.measured_at, wanted)
    faults = _Faults(rows, judged)
    faults.add(RowReason.UNREADABLE_LINE, "", rows.source == marks.UNREADABLE)
    faults.add(RowReason.BAD_NAME, "", rows.source == marks.BAD_NAME)
    faults.add(RowReason.PATIENT_MISSING, "patient", source.nobody)
    faults.add(RowReason.UNKNOWN_PATIENT, "patient", source.unknown)
    faults.add(RowReason.UNKNOWN_VITAL, "vital", rows.vital == marks.NO_VITAL)
    faults.times("measured_at", rows.device_time)
    if rows.received_at is not rows.device_time:
        faults.times("received_at", rows.received_at)
        faults.add(RowReason.TIME_IN_FUTURE, "measured_at", ahead > AHEAD_REFUSED)
    faults.add(RowReason.NOT_A_NUMBER, "value", ~_is_number(rows))
    faults.add(RowReason.BAD_QUALITY, "quality", (rows.quality & ~np.uint16(marks.KNOWN_BITS)) != 0)
    faults.add(RowReason.BAD_SEQUENCE, "seq", rows.seq == marks.BAD_SEQUENCE)
    odd = np.flatnonzero(implausible(rows.vital, rows.value))
    refused = np.zeros(len(rows), np.bool_)
    refused[odd] = out_of_range(rows.vital[odd], rows.value[odd])  # what is out of range is implausible too
    faults.add(RowReason.OUT_OF_RANGE, "value", refused)
    faults.add(RowReason.PAIR_REFUSED, "value", _other_half(rows, faults.at("value"), source))
    rows.quality[odd] |= np.uint16(Quality.IMPLAUSIBLE)
    rows.quality[np.isnan(rows.value)] |= np.uint16(Quality.NO_VALUE)
    return judged & (faults.number == 0), faults.listed()


def _all_sound(rows: Rows, wanted: Wanted, kernels: Versions) -> bool:
    """Is nothing to be refused, left out, moved or marked? So it mostly is in a table of values as they were measured."""
    if not len(rows) or rows.received_at is not rows.device_time or (wanted.first, wanted.last) != (None, None):
        return False
    if not _is_time(np.array([rows.device_time.min(), rows.device_time.max()])).all():
        return False
    names = [source.patient for source in rows.sources]
    asked = [all(only is None or name in only for only in (wanted.patients, wanted.known)) for name in names]
    usable = np.array([bool(name) and each for name, each in zip(names, asked, strict=True)], np.bool_)
    coded = np.array([bool(kind.codes) for kind in VITALS])
    columns = rows.source, usable, rows.vital, rows.value, rows.quality
    sound = kernels(sound_kernel)(*columns, PLAUSIBLE, coded, 0xFFFF & ~marks.KNOWN_BITS)
    return bool(sound) and not (rows.seq == marks.BAD_SEQUENCE).any()


def _broken(rows: Rows) -> Fault:
    return Fault(RowReason.UNREADABLE_LINE, "", rows.broken)


class _Sources:
    """What the names say of each row."""

    def __init__(self, rows: Rows, wanted: Wanted) -> None:
        patients = [source.patient for source in rows.sources]
        asked = None if wanted.patients is None else frozenset(wanted.patients)
        wearers = {source[:2]: place for place, source in enumerate(rows.sources)}
        self._wearers = np.array([wearers[source[:2]] for source in rows.sources] or [0])
        self._named = rows.source >= 0
        self._source = rows.source
        self.asked = (rows.source != marks.BLANK) & (
            ~self._named | self._each([asked is None or not name or name in asked for name in patients])
        )
        self.nobody = self._each([not name for name in patients])
        self.unknown = self._each([wanted.known is not None and name not in wanted.known for name in patients])

    def wearers(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """A number for each (patient, device)."""
        result: NDArray[np.int64] = self._wearers[np.maximum(self._source[rows], 0)]
        return result

    def _each(self, flags: list[bool]) -> Mask:
        if not any(flags):
            return np.zeros(self._named.size, np.bool_)
        # Most often the same is true of everybody, and looking up each row's flag is what costs time here.
        result: Mask = self._named if all(flags) else self._named & np.array(flags)[np.maximum(self._source, 0)]
        return result


class _Faults:
    """``number`` of the first fault of each row, 0 = none; rows that are not ``judged`` get none."""

    def __init__(self, rows: Rows, judged: Mask) -> None:
        self._rows = rows
        self._judged = judged
        self._kinds: list[tuple[RowReason, str]] = []
        self.number = np.zeros(len(rows), np.uint8)

    def add(self, reason: RowReason, column: str, where: Mask) -> None:
        self._kinds.append((reason, column))
        if where.any():
            self.number[where & self._judged & (self.number == 0)] = len(self._kinds)

    def times(self, column: str, time: I64) -> None:
        if time.size and time.min() >= _OLDEST and time.max() < _NEWEST:
            return  # as nearly always; the marks of times that are none are below all times
        self.add(RowReason.TIME_MISSING, column, time == marks.TIME_MISSING)
        self.add(RowReason.TIME_UNREADABLE, column, time == marks.TIME_UNREADABLE)
        self.add(RowReason.TIME_WITHOUT_ZONE, column, time == marks.TIME_WITHOUT_ZONE)
        self.add(RowReason.TIME_RELATIVE, column, time < _OLDEST)
        self.add(RowReason.TIME_TOO_FAR, column, time >= _NEWEST)

    def at(self, column: str) -> Mask:
        """Rows whose first fault is in this column."""
        if not self.number.any():
            return np.zeros(self.number.size, np.bool_)
        hit = np.array([False, *(kind[1] == column for kind in self._kinds)])
        result: Mask = hit[self.number]
        return result

    def listed(self) -> list[Fault]:
        broken = [_broken(self._rows)]
        if not self.number.any():
            return broken
        row = self._rows.numbers()
        return broken + [
            Fault(reason, column, row[self.number == place]) for place, (reason, column) in enumerate(self._kinds, 1)
        ]


def _is_time(time: I64) -> Mask:
    result: Mask = (time >= _OLDEST) & (time < _NEWEST)
    return result


def _inside(time: I64, wanted: Wanted) -> Mask:
    inside = np.ones(time.size, np.bool_)
    if wanted.first is None and wanted.last is None:
        return inside
    if wanted.first is not None:
        inside &= time >= wanted.first
    if wanted.last is not None:
        inside &= time < wanted.last
    result: Mask = inside | ~_is_time(time)
    return result


def _move_times(rows: Rows) -> I64:
    """A value from a clock that is ahead stands at its time of receipt. Returns by how much each one was ahead."""
    if rows.received_at is rows.device_time:
        return np.zeros(len(rows), np.int64)
    both = _is_time(rows.device_time) & _is_time(rows.received_at)
    ahead = np.where(both, rows.device_time - rows.received_at, 0)
    moved = (ahead > AHEAD_ALLOWED) & (ahead <= AHEAD_REFUSED)
    if moved.any():
        rows.measured_at = np.where(moved, rows.received_at, rows.device_time)
        rows.quality[moved] |= np.uint16(Quality.CLOCK_AHEAD)
    return ahead


def _is_number(rows: Rows) -> Mask:
    """NaN is "tried, no value"; a code is a whole number."""
    result: Mask = ~np.isinf(rows.value)
    for vital in _CODED:
        coded = np.flatnonzero(rows.vital == vital)
        part = rows.value[coded]
        result[coded] &= np.isnan(part) | (part == np.floor(part))
    return result


def _other_half(rows: Rows, refused: Mask, source: _Sources) -> Mask:
    """Where one of systolic and diastolic was refused, the other of that device and moment: both may be in kPa."""
    result = np.zeros(len(rows), np.bool_)
    if not refused.any():
        return result
    pressure = np.flatnonzero(np.isin(rows.vital, _PRESSURES))
    lost = pressure[refused[pressure]]
    if lost.size:
        moments = np.unique(rows.device_time[lost])
        place = np.minimum(np.searchsorted(moments, rows.device_time[pressure]), moments.size - 1)
        key = source.wearers(pressure) * moments.size + place
        hit = (moments[place] == rows.device_time[pressure]) & np.isin(key, key[refused[pressure]])
        result[pressure[hit]] = True
    return result

"""Accepted rows become streams and one batch in the order of receipt, whatever their order in the file; copies go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from analytics.backtest.rows import Rows, Source, cursor
from analytics.scores.bands import Versions, as_written
from vigil.domain.errors import TableError
from vigil.domain.readings import COLUMN_TYPES, F64, I64, NO_SEQUENCE, U16, U32, ReadingBatch, Stream
from vigil.domain.vitals import VITALS

I32 = NDArray[np.int32]

#: The device of a patient's readings that name none, with the patient's place behind it.
PSEUDO_PREFIX = "backtest."

# Odd 64-bit numbers (the multipliers of xxHash64) that mix one column each into a fingerprint.
_MIX = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5, 0x85EBCA77C2B2AE63)


#: The most that a key of one number may be.
_LARGEST = 2**63 - 1
#: Sorting ties by all columns pays when they are at most one of so many rows.
_FEW = 8


@dataclass(frozen=True, slots=True)
class Arranged:
    patients: list[str]
    streams: list[Stream]
    patient_of_stream: I32
    readings: ReadingBatch
    duplicates: int


def order_kernel(stream: U32, at: I64, patient_of_stream: I32, value: F64, quality: U16) -> bool:
    """Where the rows ascend by patient and time, sorts those of each time by stream, in place. False: they do not ascend, or a
    stream has two values of one time; each row is a whole one still."""
    start = 0
    for i in range(at.size):
        if i > 0:
            one, other = patient_of_stream[stream[i - 1]], patient_of_stream[stream[i]]
            if other < one or (other == one and at[i] < at[i - 1]):
                return False
            if other > one or at[i] > at[i - 1]:
                start = i
        own, said, bits, place = stream[i], value[i], quality[i], i
        while place > start and stream[place - 1] > own:
            stream[place] = stream[place - 1]
            value[place] = value[place - 1]
            quality[place] = quality[place - 1]
            place -= 1
        stream[place] = own
        value[place] = said
        quality[place] = bits
        if place > start and stream[place - 1] == own:
            return False
    return True


def order_signature(numba_types: Any) -> Any:
    """The compiled signature of ``order_kernel``; ``numba_types`` is ``numba.types``."""
    t = numba_types
    times, patients = (t.Array(each, 1, "C", readonly=True) for each in (t.int64, t.int32))
    streams, values, bits = (t.Array(each, 1, "C") for each in (t.uint32, t.float64, t.uint16))
    return t.boolean(streams, times, patients, values, bits)


def group_kernel(slot: I64, at: I64, start: I64, newest: I64, order: I64) -> bool:
    """Fills ``order`` with the rows slot by slot, those of each as they came. Room: ``start`` i64 (slots + 1,) zeros, ``newest``
    i64 (slots,) less than any time. False, with ``order`` unfinished: of some slot a reading is not newer than the one before."""
    for i in range(slot.size):
        start[slot[i] + 1] += 1
    for k in range(1, start.size):
        start[k] += start[k - 1]
    for i in range(slot.size):
        s = slot[i]
        if at[i] <= newest[s]:
            return False
        newest[s] = at[i]
        order[start[s]] = i
        start[s] += 1
    return True


def group_signature(numba_types: Any) -> Any:
    """The compiled signature of ``group_kernel``; ``numba_types`` is ``numba.types``."""
    t = numba_types
    whole = t.Array(t.int64, 1, "C")
    return t.boolean(whole, t.Array(t.int64, 1, "C", readonly=True), whole, whole, whole)


def arrange(rows: Rows, keep: NDArray[np.bool_], kernels: Versions = as_written) -> Arranged:
    """Sorted by (patient, received, measured, stream, value, quality); of equal readings the first of that order stays. The
    columns of ``rows`` become the batch where all of them are kept.

    Equal: the same patient, device, vital, site, device time and value, and the same epoch and seq where one is given.
    """
    kinds = len(VITALS)
    chosen: NDArray[np.bool_] | slice = slice(None) if keep.all() else keep  # a slice copies nothing
    key = rows.source[chosen].astype(np.int64) * kinds + rows.vital[chosen]
    seen = np.zeros(max(len(rows.sources), 1) * kinds, np.bool_)
    seen[key] = True
    used = sorted((rows.sources[code // kinds], code % kinds, code) for code in np.flatnonzero(seen).tolist())
    patients = sorted({source.patient for source, _, _ in used})
    names = _device_names([source for source, _, _ in used], patients)
    streams = [Stream(n, names[source[:2]], vital, source.site) for n, (source, vital, _) in enumerate(used)]
    place = {patient: number for number, patient in enumerate(patients)}
    patient_of_stream = np.array([place[source.patient] for source, _, _ in used], np.int32)
    number = np.zeros(seen.size, np.uint32)
    number[[code for _, _, code in used]] = np.arange(len(used))
    batch = _batch(rows, chosen, number[key])
    if not _ordered_at_once(batch, patient_of_stream, kernels):
        order = _order(batch, patient_of_stream)
        if (order[1:] < order[:-1]).any():
            batch = _moved(batch, order)
    copies = _copies(batch)
    if copies.size:
        batch = taken(batch, np.delete(np.arange(len(batch)), copies))
        batch.ordinal[:] = np.arange(1, len(batch) + 1)
    return Arranged(patients, streams, patient_of_stream, batch, int(copies.size))


def _device_names(sources: list[Source], patients: list[str]) -> dict[tuple[str, str], str]:
    """A device id for each (patient, device), no two alike: a device that several patients wore is one for each of them."""
    worn = sorted({source[:2] for source in sources})
    place = {patient: number for number, patient in enumerate(patients)}
    wearers: dict[str, int] = {}
    for _, device in worn:
        wearers[device] = wearers.get(device, 0) + 1
    names = {(patient, device): device for patient, device in worn if device and wearers[device] == 1}
    taken = set(names.values())
    for patient, device in worn:
        if (patient, device) not in names:
            name = f"{device}#{place[patient]}" if device else f"{PSEUDO_PREFIX}{place[patient]}"
            while name in taken:
                name += "#"
            names[(patient, device)] = name
            taken.add(name)
    return names


def _batch(rows: Rows, keep: NDArray[np.bool_] | slice, stream: U32) -> ReadingBatch:
    seq = rows.seq[keep].astype(np.uint32)
    measured = rows.measured_at[keep]
    same = rows.measured_at is rows.device_time
    unnumbered = seq == NO_SEQUENCE
    return ReadingBatch(
        ordinal=np.arange(1, stream.size + 1, dtype=np.uint64),
        stream=stream,
        measured_at=measured,
        device_time=measured if same else rows.device_time[keep],
        received_at=measured if rows.received_at is rows.measured_at else rows.received_at[keep],
        value=rows.value[keep],
        quality=rows.quality[keep],
        epoch=seq if unnumbered.all() else np.where(unnumbered, np.uint32(NO_SEQUENCE), rows.epoch[keep]),
        seq=seq,
    )


def _moved(batch: ReadingBatch, order: NDArray[np.intp]) -> ReadingBatch:
    """All rows but their ordinals in another order; where no pack has a number there is nothing to move."""
    alike = {"ordinal"} | ({"epoch", "seq"} if batch.epoch is batch.seq else set())
    columns: dict[str, NDArray[Any]] = {name: getattr(batch, name) for name in COLUMN_TYPES}
    found = {id(column): column[order] for name, column in columns.items() if name not in alike}
    return ReadingBatch(*(column if name in alike else found[id(column)] for name, column in columns.items()))


def taken(batch: ReadingBatch, rows: NDArray[np.intp] | slice) -> ReadingBatch:
    """These rows; columns that were one array stay one, which is less to copy."""
    columns = [getattr(batch, name) for name in COLUMN_TYPES]
    found = {id(column): column[rows] for column in columns}
    return ReadingBatch(*(found[id(column)] for column in columns))


def _ordered_at_once(batch: ReadingBatch, patient_of_stream: I32, kernels: Versions) -> bool:
    """Are the rows in order, once those of each time are sorted? Only where stream, value and quality are all that differs."""
    one_time = batch.received_at is batch.measured_at and batch.device_time is batch.measured_at
    if not (one_time and batch.epoch is batch.seq):
        return False
    columns = batch.stream, batch.measured_at, patient_of_stream, batch.value, batch.quality
    return bool(kernels(order_kernel)(*columns))


def _order(batch: ReadingBatch, patient_of_stream: I32) -> NDArray[np.intp]:
    """Every column takes part, so that rows which tie are equal."""
    patient = patient_of_stream[batch.stream]
    order = _by_one_key(batch, patient)
    return _by_all_columns(batch, patient) if order is None else order


def _by_one_key(batch: ReadingBatch, patient: I32) -> NDArray[np.intp] | None:
    """Patient, receipt and, where that is when the values were measured, stream as one number: a table is most often sorted by
    the first two or by stream and time, and numpy's stable sort is quick with runs that are in order. The rows that tie are then
    sorted by all columns. None: the number would be too large, or too many rows tie."""
    if not len(batch):
        return np.empty(0, np.intp)
    first, streams = int(batch.received_at.min()), int(batch.stream.max()) + 1
    span = int(batch.received_at.max()) - first + 1
    at_once = batch.measured_at is batch.received_at
    if (int(patient.max()) + 1) * span * (streams if at_once else 1) > _LARGEST:
        return None
    key = batch.received_at - first
    key += patient * np.int64(span)
    if at_once:
        key *= streams
        key += batch.stream
    order = np.arange(key.size)
    if (key[1:] < key[:-1]).any():
        order = np.argsort(key, kind="stable")
        key = key[order]
    same = key[1:] == key[:-1]
    ties = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if ties.size > key.size // _FEW:
        return None
    rows = order[ties]
    value = batch.value[rows]
    columns: list[NDArray[Any]] = [batch.seq, batch.epoch, batch.device_time, batch.quality]
    within = np.lexsort(
        [
            *(each[rows] for each in columns),
            value,
            np.isnan(value),
            batch.stream[rows],
            batch.measured_at[rows],
            key[ties],
        ]
    )
    order[ties] = rows[within]
    return order


def _by_all_columns(batch: ReadingBatch, patient: I32) -> NDArray[np.intp]:
    """DuckDB uses all cores: numpy took two to three times as long for 10 million."""
    keys = {
        "patient": patient,
        "received_at": batch.received_at,
        "measured_at": batch.measured_at,
        "stream": batch.stream,
        "value": batch.value,  # DuckDB reads NaN as NULL
        "quality": batch.quality,
        "device_time": batch.device_time,
        "epoch": batch.epoch,
        "seq": batch.seq,
    }
    columns = ", ".join(f"{name} NULLS LAST" for name in keys)
    keys["place"] = np.arange(len(batch), dtype=np.uint32)
    with cursor() as con:
        con.register("keys", keys)
        try:
            found = con.execute(f"SELECT place FROM keys ORDER BY {columns}").fetchnumpy()["place"]
        except duckdb.OutOfMemoryException as error:
            raise TableError("the readings do not fit into memory: read them by groups of patients") from error
    return np.asarray(found, np.intp)


def _copies(batch: ReadingBatch) -> NDArray[np.intp]:
    """Places of the readings that came before in the batch. Fingerprints find the few that may be, a sort then makes sure."""
    if _each_time_once(batch):
        return np.empty(0, np.intp)
    columns: list[NDArray[Any]] = [batch.stream, batch.device_time, batch.value.view(np.uint64), batch.epoch, batch.seq]
    prints = np.zeros(len(batch), np.uint64)
    for column, factor in zip(columns, _MIX, strict=True):
        prints ^= column.astype(np.uint64) * np.uint64(factor)
        prints ^= prints >> np.uint64(29)
        prints *= np.uint64(_MIX[0])
    ordered = np.sort(prints)
    if not (ordered[1:] == ordered[:-1]).any():
        return np.empty(0, np.intp)
    order = np.argsort(prints, kind="stable")  # stable: among equal readings the order of the batch stays
    alike = _repeats([prints], order)
    order = order[np.append(alike, False) | np.append(False, alike)]
    if (_repeats([prints], order) & ~_repeats(columns, order)).any():  # different readings with one fingerprint
        suspects = np.sort(order)
        order = suspects[np.lexsort([column[suspects] for column in columns])]
    return order[1:][_repeats(columns, order)]


def _each_time_once(batch: ReadingBatch) -> bool:
    """Do the device times of every stream ascend, so that no reading can be a copy?"""
    stream, at = batch.stream, batch.device_time
    if at is not batch.received_at:  # else the batch is sorted by them and by stream
        # Numbers of 16 bits numpy sorts by counting, which takes a tenth of the time.
        order = np.argsort(stream.astype(np.uint16) if int(stream.max(initial=0)) < 2**16 else stream, kind="stable")
        stream, at = stream[order], at[order]
    return bool(((at[1:] > at[:-1]) | (stream[1:] != stream[:-1])).all())


def _repeats(columns: list[NDArray[Any]], order: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Of each row but the first: is it equal to the one before in this order?"""
    same = np.ones(order.size - 1, np.bool_)
    for column in columns:
        ordered = column[order]
        same &= ordered[1:] == ordered[:-1]
    return same

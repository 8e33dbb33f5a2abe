"""Accepted rows become streams and one batch in the order of receipt, whatever their order in the file; copies go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from analytics.backtest.rows import Rows, Source
from vigil.domain.errors import TableError
from vigil.domain.readings import NO_SEQUENCE, U32, ReadingBatch, Stream
from vigil.domain.vitals import VITALS

I32 = NDArray[np.int32]

#: The device of a patient's readings that name none, with the patient's place behind it.
PSEUDO_PREFIX = "backtest."

# Odd 64-bit numbers (the multipliers of xxHash64) that mix one column each into a fingerprint.
_MIX = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5, 0x85EBCA77C2B2AE63)


@dataclass(frozen=True, slots=True)
class Arranged:
    patients: list[str]
    streams: list[Stream]
    patient_of_stream: I32
    readings: ReadingBatch
    duplicates: int


def arrange(rows: Rows, keep: NDArray[np.bool_]) -> Arranged:
    """Sorted by (patient, received, measured, stream, value, quality); of equal readings the first of that order stays.

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
    batch = batch.take(_order(batch, patient_of_stream))
    copies = _copies(batch)
    if copies.size:
        batch = batch.take(np.delete(np.arange(len(batch)), copies))
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
    return ReadingBatch(
        ordinal=np.zeros(stream.size, np.uint64),
        stream=stream,
        measured_at=measured,
        device_time=measured if same else rows.device_time[keep],
        received_at=measured if rows.received_at is rows.measured_at else rows.received_at[keep],
        value=rows.value[keep],
        quality=rows.quality[keep],
        epoch=np.where(seq == NO_SEQUENCE, np.uint32(NO_SEQUENCE), rows.epoch[keep]),
        seq=seq,
    )


def _order(batch: ReadingBatch, patient_of_stream: I32) -> NDArray[np.intp]:
    """Every column takes part, so that rows which tie are equal. DuckDB uses all cores: numpy took two to
    three times as long for 10 million."""
    keys = {
        "patient": patient_of_stream[batch.stream],
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
    with duckdb.connect(":memory:", config={"temp_directory": ""}) as con:
        con.register("keys", keys)
        try:
            found = con.execute(f"SELECT place FROM keys ORDER BY {columns}").fetchnumpy()["place"]
        except duckdb.OutOfMemoryException as error:
            raise TableError("the readings do not fit into memory: read them by groups of patients") from error
    return np.asarray(found, np.intp)


def _copies(batch: ReadingBatch) -> NDArray[np.intp]:
    """Places of the readings that came before in the batch. Fingerprints find the few that may be, a sort then makes sure."""
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


def _repeats(columns: list[NDArray[Any]], order: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Of each row but the first: is it equal to the one before in this order?"""
    same = np.ones(order.size - 1, np.bool_)
    for column in columns:
        ordered = column[order]
        same &= ordered[1:] == ordered[:-1]
    return same

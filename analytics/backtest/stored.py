"""The readings in the store of a Vigil that is not running, with their patients, as the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from analytics.backtest.refused import Fault, RowReason
from analytics.backtest.rows import Rows, Source
from vigil.domain.errors import StoreError
from vigil.domain.people import Binding
from vigil.domain.readings import ReadingBatch, Stream
from vigil.store.duck import history, schema, streams
from vigil.store.duck.readings import COLUMNS, as_batch

_RUNNING = ("Could not set lock on file", "different configuration than existing connections")
_EVER = (np.iinfo(np.int64).min, np.iinfo(np.int64).max)


def stored_rows(path: Path, bindings: Sequence[Binding], first: int | None, last: int | None) -> tuple[Rows, Fault]:
    """The readings measured in [first, last) µs; ``source`` -1 and the ordinal among the faults where nobody wore the device.

    Nothing is judged again: they are what the live engine was given. Raises ``StoreError``.
    """
    known, batch = _read(path, _EVER[0] if first is None else first, _EVER[1] if last is None else last)
    source, sources = _worn(batch, known, bindings)
    rows = rows_of(batch, known, source, sources)
    return rows, Fault(RowReason.NO_PATIENT, "device", rows.numbers()[source < 0])


def rows_of(batch: ReadingBatch, known: Sequence[Stream], source: NDArray[np.int32], sources: Sequence[Source]) -> Rows:
    """``known``: the streams of the batch; ``source``, of each reading, into ``sources``; the number of a row is the ordinal."""
    vital = np.zeros(max((one.stream for one in known), default=0) + 1, np.int8)
    vital[[one.stream for one in known]] = [one.vital for one in known]
    return Rows(
        sources=list(sources),
        numbers=partial(batch.ordinal.astype, np.int64),
        source=source,
        vital=vital[batch.stream],
        device_time=batch.device_time,
        measured_at=batch.measured_at,
        received_at=batch.received_at,
        value=batch.value,
        quality=batch.quality,
        epoch=batch.epoch,
        seq=batch.seq.astype(np.int64),
        broken=np.empty(0, np.int64),
    )


def _worn(
    batch: ReadingBatch, known: Sequence[Stream], bindings: Sequence[Binding]
) -> tuple[NDArray[np.int32], list[Source]]:
    """Who wore the device of each reading at its measured time, stream by stream; -1 = nobody."""
    of_device: dict[str, list[Binding]] = {}
    for binding in bindings:
        of_device.setdefault(binding.device_id, []).append(binding)
    codes: dict[Source, int] = {}
    source = np.full(len(batch), -1, np.int32)
    order = np.argsort(batch.stream, kind="stable")
    streams_in_order = batch.stream[order]
    for stream in known:
        start, end = np.searchsorted(streams_in_order, [stream.stream, stream.stream + 1])
        rows = order[start:end]
        times = batch.measured_at[rows]
        for binding in of_device.get(stream.device_id, ()):
            worn = times >= binding.start
            if binding.end is not None:
                worn &= times < binding.end
            meaning = Source(binding.patient_id, stream.device_id, stream.site)
            source[rows[worn]] = codes.setdefault(meaning, len(codes))
    return source, list(codes)


def _read(path: Path, first: int, last: int) -> tuple[list[Stream], ReadingBatch]:
    if not path.is_file():
        raise StoreError(f"{path.name} does not exist: name the data folder of an installation of Vigil")
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "temp_directory": "",
    }
    try:
        with duckdb.connect(str(path), read_only=True, config=config) as con:
            con.execute("SET enable_progress_bar = false")
            schema.prepare(con, path, 0)  # only looks: the file is open for reading
            table = history.measured(con, path.parent / history.FOLDER, first, last)
            query = f"SELECT {COLUMNS} FROM {table} WHERE measured_at >= ? AND measured_at < ?"
            return streams.stored(con), as_batch(con.execute(query, [first, last]).fetchnumpy())
    except duckdb.Error as error:
        if any(text in str(error) for text in _RUNNING):
            raise StoreError(
                f"{path.name} is in use by a running Vigil: stop it (vigil up, vigil run core), or export a table from it"
            ) from error
        raise StoreError(f"{path.name} cannot be read: {type(error).__name__}") from error

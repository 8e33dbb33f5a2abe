"""Recordings as one table of readings: what a back-test reads, and anybody with DuckDB, pandas or a spreadsheet.

Columns, one row a reading: ``patient``, ``vital`` (canonical name such as heart_rate), ``measured_at``, ``value``,
``received_at``, ``quality`` (bits of ``vigil.domain.quality``), ``device``, ``site``. Parquet: both times are int64
microseconds since 1970 UTC, "tried, no value" is NaN with the NO_VALUE bit, no site is an empty text. CSV: times are ISO 8601
in UTC with microseconds; no value and no site are empty.

These are the device's words, before ingest: an impossible value is in the table and IMPLAUSIBLE is not set. Each recording is a
patient of its own, received as it was measured. Rows are sorted by recording, then time, then channel; the same recordings
give the same bytes (of one DuckDB version).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from simulators.recording import Channel, Recording
from vigil.domain.errors import InvalidInput
from vigil.domain.quality import Quality
from vigil.domain.times import SECOND, from_iso
from vigil.domain.vitals import BY_WIRE

#: Where every recording starts in a table: any fixed moment would do.
START_US = from_iso("2026-01-01T00:00:00Z")

_TRIED = int(Quality.CONTACT_LOST | Quality.NO_VALUE)  # as ingest stores a try without a value

# DuckDB reads NaN in a numpy column as NULL.
_SELECT = {
    ".parquet": """
        SELECT patient, vital, measured_at, coalesce(value, 'nan'::DOUBLE) AS value, measured_at AS received_at,
               quality, device, site FROM readings""",
    ".csv": """
        SELECT patient, vital, stamp AS measured_at, value, stamp AS received_at, quality, device, nullif(site, '') AS site
        FROM (SELECT *, strftime(make_timestamp(measured_at), '%Y-%m-%dT%H:%M:%S.%fZ') AS stamp FROM readings)""",
}
_FORMAT = {".parquet": "FORMAT parquet, COMPRESSION zstd", ".csv": "FORMAT csv, HEADER"}

_Table = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Written:
    """Rows of one vital: with a value, and of tries without one."""

    values: int
    tried: int


def check_path(path: Path) -> None:
    """``InvalidInput`` for a name that says neither Parquet nor CSV."""
    if path.suffix not in _FORMAT:
        raise InvalidInput(f"a table is written to a name that ends with {' or '.join(_FORMAT)}, not to {path}")


def write_table(recordings: Sequence[Recording], path: Path, start_us: int = START_US) -> dict[str, Written]:
    """Writes the table; second 0 of every recording is ``start_us``. Counts by canonical vital name.

    ``InvalidInput`` when the name ends with neither .parquet nor .csv or cannot be written.
    """
    check_path(path)
    table = _joined([_table(recording, start_us) for recording in recordings])
    target = str(path).replace("'", "''")
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")  # so that the order, and with it every byte, is fixed
        connection.register("readings", table)
        try:
            connection.execute(
                f"COPY ({_SELECT[path.suffix]}) TO '{target}' ({_FORMAT[path.suffix]}, USE_TMP_FILE true)"
            )
        except duckdb.Error as error:
            said = str(error).partition("\n")[0]
            raise InvalidInput(f"cannot write {path}: {said}") from error
    return _counts(table)


def _joined(tables: list[_Table]) -> _Table:
    if not tables:
        raise InvalidInput("there is no recording to write")
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def _table(recording: Recording, start_us: int) -> _Table:
    """The readings of one recording, sorted by time, then by the order of its channels."""
    parts = [_readings(recording, channel, start_us) for channel in recording.columns]
    table = _joined(parts)
    order = np.argsort(table["measured_at"], kind="stable")
    device = np.full(order.size, recording.device_id, dtype=object)
    return {"patient": device, "device": device, **{name: column[order] for name, column in table.items()}}


def _readings(recording: Recording, channel: Channel, start_us: int) -> _Table:
    name, site = channel
    column = recording.columns[channel]
    bits = recording.quality.get(channel, np.zeros(column.size, dtype=np.uint16)).copy()
    lost = recording.no_reading.get(channel, np.zeros(column.size, dtype=np.bool_))
    bits[lost] |= _TRIED
    said = np.isfinite(column) | lost
    size = int(said.sum())
    return {
        "vital": np.full(size, BY_WIRE[name].name, dtype=object),
        "site": np.full(size, site or "", dtype=object),
        "measured_at": start_us + recording.seconds[said] * SECOND,
        "value": np.where(lost, np.nan, column)[said],
        "quality": bits[said],
    }


def _counts(table: _Table) -> dict[str, Written]:
    vital, has_value = table["vital"], ~np.isnan(table["value"])
    counts = {}
    for name in sorted(set(vital.tolist())):
        of_vital = vital == name
        counts[name] = Written(int((of_vital & has_value).sum()), int((of_vital & ~has_value).sum()))
    return counts

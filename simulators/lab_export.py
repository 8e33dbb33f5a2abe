"""The readings of a ward with labels as one Parquet table of the back-test, made by some processes in bounded memory."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from simulators.export import START_US
from simulators.lab_ward import LabBed, WardPlan, lab_ward
from simulators.table import ReadingTable, readings
from vigil.domain.errors import InvalidInput
from vigil.domain.times import DAY
from vigil.domain.vitals import VITALS

#: Patients that are in memory at once, for each process; of 14 days some 100,000 readings each.
_AT_ONCE = 5

# DuckDB reads NaN in a numpy column as NULL. Dictionaries of names keep the file small.
_COPY = """
    COPY (SELECT patient, vital, measured_at, coalesce(value, 'nan'::DOUBLE) AS value, received_at, quality, device, site, seq
          FROM readings) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""
_JOIN = "COPY (SELECT * FROM read_parquet([{parts}])) TO '{path}' (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE true)"


@dataclass(frozen=True, slots=True)
class _Part:
    """Of a ward, the people from ``first`` on. A worker draws the ward anew: that takes half a second."""

    plan: WardPlan
    first: int
    faulty: bool
    path: Path

    @property
    def beds(self) -> tuple[LabBed, ...]:
        return lab_ward(self.plan)[self.first : self.first + _AT_ONCE]


def write_ward(
    plan: WardPlan,
    path: Path,
    *,
    faulty: bool,
    workers: int = 1,
    progress: Callable[[int], None] = lambda _done: None,
) -> None:
    """Everything received of these people from ``START_US`` on, patient by patient in their order.

    The same to the byte for any number of ``workers`` (of one DuckDB version). ``progress(done)`` counts patients.
    ``InvalidInput`` when it cannot be written.
    """
    parts = [
        _Part(plan, first, faulty, path.with_suffix(f".part{first:05d}")) for first in range(0, plan.count, _AT_ONCE)
    ]
    done = 0
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        running = {pool.submit(_write_part, part): part for part in parts}
        for future in as_completed(running):
            future.result()
            done += len(running[future].beds)
            progress(done)
    _execute(_JOIN.format(parts=", ".join(_quoted(part.path) for part in parts), path=_escaped(path)), path)
    for part in parts:
        part.path.unlink()


def _write_part(part: _Part) -> None:
    tables = [
        (bed, readings(bed.virtual(START_US, faulty=part.faulty), START_US + part.plan.days * DAY - 1))
        for bed in part.beds
    ]
    _execute(_COPY.format(path=_escaped(part.path)), part.path, _columns(tables))


def _columns(tables: Sequence[tuple[LabBed, ReadingTable]]) -> dict[str, NDArray[Any]]:
    names = np.array([kind.name for kind in VITALS], dtype=object)
    columns: dict[str, list[NDArray[Any]]] = {}
    for bed, table in tables:
        for name, values in {
            "patient": np.full(len(table), bed.patient_id, dtype=object),
            "vital": names[table.vital],
            "measured_at": table.measured_at,
            "value": table.value,
            "received_at": table.received_at,
            "quality": table.quality,
            "device": np.full(len(table), f"w-{bed.patient_id}", dtype=object),
            "site": np.array(table.sites, dtype=object)[table.site],
            "seq": table.seq,
        }.items():
            columns.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in columns.items()}


def _execute(query: str, path: Path, readings_of: dict[str, NDArray[Any]] | None = None) -> None:
    with duckdb.connect() as con:
        con.execute("SET threads = 1")  # so that the order, and with it every byte, is fixed
        if readings_of is not None:
            con.register("readings", readings_of)
        try:
            con.execute(query)
        except duckdb.Error as error:
            raise InvalidInput(f"cannot write {path.name}: {type(error).__name__}") from error


def _quoted(path: Path) -> str:
    return f"'{_escaped(path)}'"


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")

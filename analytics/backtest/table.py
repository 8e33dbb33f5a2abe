"""What a back-test runs on: recorded readings as columns, patient by patient in the order in which they were received.

From a CSV or Parquet file with the columns ``patient, vital, measured_at, value`` and, where known, ``received_at, quality,
device, site, seq``; or from the store of a Vigil that is not running. The order of the rows in the file means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analytics.backtest.accept import Wanted, accept
from analytics.backtest.arrange import I32, arrange
from analytics.backtest.refused import Refused, summed
from analytics.backtest.rows import Rows, distinct_patients, read_rows
from analytics.backtest.stored import stored_rows
from analytics.scores.bands import Versions, as_written
from vigil.domain.errors import TableError
from vigil.domain.people import Binding
from vigil.domain.readings import ReadingBatch, Stream


@dataclass(frozen=True, slots=True)
class Table:
    """``patients`` are sorted, those without a reading left out. ``streams[n].stream == n``; a stream belongs to one patient,
    ``patients[patient_of_stream[n]]``: a device that several wore is a device for each of them.

    ``readings``: sorted by (place of the patient, received_at, measured_at, stream, value, quality), ordinals from 1;
    ``device_time`` is the measured time as the file gave it, ``measured_at`` the receipt where that was more than 5 s ahead.
    ``duplicates``: readings that were there before and left out.
    """

    patients: list[str]
    streams: list[Stream]
    patient_of_stream: I32
    readings: ReadingBatch
    duplicates: int = 0
    refused: Refused = field(default_factory=Refused)


def read_table(
    path: Path,
    *,
    strict: bool,
    known_patients: frozenset[str] | None = None,
    first: int | None = None,
    last: int | None = None,
    patients: Sequence[str] | None = None,
    kernels: Versions = as_written,
) -> Table:
    """Reads a CSV or Parquet file; ``first`` and ``last`` keep measured times in [first, last), microseconds UTC.

    Times: ISO 8601 with Z or an offset, epoch milliseconds, or epoch microseconds (told by their size). An empty value or
    NaN is "tried, no value". ``patients`` are read and judged, the others not: a file that does not fit into memory can be
    read group by group (``read_patients``); every group then meets the rows whose patient cannot be told (reasons
    ``UNREADABLE_LINE``, ``BAD_NAME``, ``PATIENT_MISSING``). ``known_patients``: whoever else occurs is refused.

    Raises ``TableError`` for a file that is no table and, when ``strict``, for the first row that is no reading; otherwise
    such rows are counted in ``refused``. No text names a patient.
    """
    rows = read_rows(path, patients)
    keep, faults = accept(rows, Wanted(first, last, patients, known_patients), kernels)
    refused = summed(faults)
    if strict and refused.examples:
        raise TableError(f"{path.name}, {refused.examples[0]}")
    return _table(rows, keep, refused, kernels)


def read_patients(path: Path) -> list[str]:
    """All patients of a CSV or Parquet file, sorted, without reading its values. Raises ``TableError``."""
    return distinct_patients(path)


def from_store(
    path: Path,
    bindings: Sequence[Binding],
    *,
    first: int | None = None,
    last: int | None = None,
    patients: Sequence[str] | None = None,
    kernels: Versions = as_written,
) -> Table:
    """Reads the readings of an installation that is not running, ``path`` being its DuckDB file, opened for reading only.

    A reading belongs to the patient whose binding covers its measured time; without one it is counted as ``no_patient``,
    whichever ``patients`` are asked for.
    Raises ``StoreError`` when Vigil is running, or the file is missing, damaged or of another version.
    """
    rows, nobody = stored_rows(path, bindings, first, last)
    wanted = [patients is None or source.patient in patients for source in rows.sources]
    keep = (rows.source >= 0) & np.array([*wanted, False])[rows.source]
    return _table(rows, keep, summed([nobody]), kernels)


def _table(rows: Rows, keep: NDArray[np.bool_], refused: Refused, kernels: Versions) -> Table:
    found = arrange(rows, keep, kernels)
    return Table(found.patients, found.streams, found.patient_of_stream, found.readings, found.duplicates, refused)

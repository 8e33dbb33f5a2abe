"""Tables in the columns of the PhysioNet/CinC Challenge 2019, read into ``Hours``.

A row is an hour: ``patient_id, ICULOS`` (number of the hour) and measured values, empty or NaN where nothing was measured.
Parquet, CSV, or the Challenge's own PSV (one patient a file, without ``patient_id``: the file's name is the patient).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from analytics.risk.clean import PLAUSIBLE
from analytics.risk.hours import Hours
from vigil.domain.errors import TableError

ID, HOUR, LABEL = "patient_id", "ICULOS", "SepsisLabel"
_DELIMITERS = {".csv": ",", ".psv": "|"}
#: Columns whose unknown words mean "not known" and do not refuse the table.
_CATEGORIES = ("Gender", "Unit1", "Unit2")
_NOTHING = ("", "nan", "na", "n/a", "null", "none")

#: In at least this many patients the median of a column must be one that a ward can have; one very ill person may lie outside.
_A_WARD = 20
#: Medians that a ward can have, in the Challenge's units (temperature: Celsius or Fahrenheit). Our choice: far from the medians
#: of set A (84, 98, 37.1, 119, 77, 59, 18, 64 years), and apart from one another where columns are likely to be mistaken.
_WARD_MEDIANS = {
    "HR": (45.0, 140.0),
    "O2Sat": (85.0, 100.0),
    "Temp": (34.0, 105.0),
    "SBP": (85.0, 180.0),
    "MAP": (55.0, 125.0),
    "DBP": (35.0, 100.0),
    "Resp": (8.0, 40.0),
    "Age": (16.0, 100.0),
}
#: Pressures in falling order; where most hours contradict it, columns are swapped.
_PRESSURES = ("SBP", "MAP", "DBP")


def read_hours(path: Path, columns: Sequence[str], *, label: bool = False) -> Hours:
    """Patients in the order of their first rows, each one's hours ascending. ``columns``: those needed beside ``patient_id`` and
    ``ICULOS``; ``label`` adds ``SepsisLabel``.

    Raises ``TableError``: not to be read, no row, a column missing, a value that is no number, an hour missing, twice or no whole
    number, columns whose values cannot be what their name says. No text names a patient.
    """
    wanted = (*columns, LABEL) if label else tuple(columns)
    table = _read(path, wanted)
    ids, hour = _names(path, table[ID]), _hour_numbers(path, table[HOUR])
    names, first, patient = np.unique(ids, return_index=True, return_inverse=True)
    place = np.argsort(np.argsort(first))[patient]
    order = np.lexsort((hour, place))
    place, hour = place[order], hour[order]
    if ((np.diff(place) == 0) & (np.diff(hour) == 0)).any():
        raise TableError(f"{path.name}: an hour ({HOUR}) of a patient occurs twice")
    starts = np.append(np.flatnonzero(np.diff(place, prepend=-1)), len(place)).astype(np.int64)
    found = {name: _numbers(path, name, table[name])[order] for name in wanted}
    hours = Hours(tuple(str(name) for name in names[np.argsort(first)]), starts, hour, found)
    _check_meaning(path, hours)
    if label and not np.isin(found[LABEL], (0, 1)).all():
        raise TableError(f"{path.name}: {LABEL} must be 0 or 1 in every row")
    return hours


def _read(path: Path, wanted: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    """The columns as they stand in the file, NULL as masked."""
    suffix = path.suffix.lower()
    if suffix != ".parquet" and suffix not in _DELIMITERS:
        raise TableError(f"{path.name} is neither .parquet, .csv nor .psv")
    if not path.is_file():
        raise TableError(f"{path.name} cannot be read: no such file")
    with duckdb.connect(":memory:") as con:
        con.execute("SET enable_progress_bar = false")
        try:
            source = relation(con, path)
            one_patient = suffix == ".psv" and ID not in source.columns
            lacking = [name for name in (ID, HOUR, *wanted) if name not in source.columns]
            if one_patient:
                lacking.remove(ID)
            if lacking:
                raise TableError(f"{path.name} lacks the column{'s' * (len(lacking) > 1)} {', '.join(lacking)}")
            names = [name for name in (ID, HOUR, *wanted) if name in source.columns]
            found = source.select(*(duckdb.ColumnExpression(name) for name in names)).fetchnumpy()
        except duckdb.Error as error:  # not kept as the cause: its words may quote a row, and a row names a patient
            raise TableError(f"{path.name} cannot be read as a table: {type(error).__name__}") from None
    if one_patient:
        found[ID] = np.full(len(found[HOUR]), path.stem, dtype=object)
    if not len(found[HOUR]):
        raise TableError(f"{path.name} holds no row")
    return found


def relation(con: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyRelation:
    """The file by its ending. Raises ``duckdb.Error``."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return con.read_parquet(str(path))
    return con.read_csv(str(path), delimiter=_DELIMITERS[suffix], header=True, all_varchar=True)


def _names(path: Path, column: NDArray[np.generic]) -> NDArray[np.str_]:
    names = np.ma.filled(np.ma.asarray(column).astype(object), "")
    texts = np.array([str(name).strip() for name in names])
    if (texts == "").any():
        raise TableError(f"{path.name}, row {int(np.argmax(texts == '')) + 1}: {ID} is missing")
    return texts


def _hour_numbers(path: Path, column: NDArray[np.generic]) -> NDArray[np.int32]:
    hour = _numbers(path, HOUR, column)
    wrong = ~(np.isfinite(hour) & (hour == np.floor(hour)) & (np.abs(hour) < 2**24))
    if wrong.any():
        raise TableError(f"{path.name}, row {int(np.argmax(wrong)) + 1}: {HOUR} must be a whole number")
    return hour.astype(np.int32)


def _numbers(path: Path, name: str, column: NDArray[np.generic]) -> NDArray[np.float32]:
    """Infinite counts as not known, as do words in a column of categories."""
    masked = np.ma.asarray(column)
    if masked.dtype.kind in "iufb":
        values = np.ma.filled(masked.astype(np.float32), np.nan)
    else:
        values = _parsed(path, name, np.ma.filled(masked.astype(object), ""))
    result: NDArray[np.float32] = np.where(np.isfinite(values), values, np.float32(np.nan)).astype(np.float32)
    return result


def _parsed(path: Path, name: str, texts: NDArray[np.object_]) -> NDArray[np.float32]:
    distinct, place = np.unique(np.array([str(text).strip() for text in texts]), return_inverse=True)
    values = np.array([_number(text) for text in distinct], dtype=object)
    wrong = np.array([value is None for value in values])
    if wrong.any() and name not in _CATEGORIES:
        raise TableError(f"{path.name}, row {int(np.argmax(wrong[place])) + 1}: {name} is no number")
    result: NDArray[np.float32] = np.where(wrong, np.nan, values).astype(np.float32)[place]
    return result


def _number(text: str) -> float | None:
    if text.lower() in _NOTHING:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        return None


def _check_meaning(path: Path, hours: Hours) -> None:
    """A swapped column would be scored without a word; it shows in its median, and in pressures out of order."""
    for name, values in hours.columns.items():
        known = values[~np.isnan(values)]
        limits = _WARD_MEDIANS.get(name) if len(hours.ids) >= _A_WARD else None
        if name == "Temp" and limits is None:
            limits = (25.0, 113.0)
        low, high = limits or PLAUSIBLE.get(name, (-np.inf, np.inf))
        if name == "FiO2":
            high = 100.0
        if known.size and not low <= (middle := float(np.median(known))) <= high:
            raise TableError(
                f"{path.name}: {name} has the median {middle:.4g}, outside of {low:g} to {high:g}: swapped?"
            )
    for upper, lower in pairwise(_PRESSURES):
        if upper in hours.columns and lower in hours.columns:
            both = hours.columns[upper] - hours.columns[lower]
            both = both[~np.isnan(both)]
            if both.size and np.median(both) < 0:
                raise TableError(f"{path.name}: {upper} lies below {lower} in most hours: swapped?")

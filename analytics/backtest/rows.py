"""The rows of a table file as typed columns. DuckDB parses whole columns; what cannot be parsed keeps a mark of its own.

Two passes: the first finds the distinct (patient, device, site), the second reads numbers only, so that no text is held for
each row.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from analytics.backtest.files import Kind, TableFile, literal, opened
from vigil.domain.errors import TableError
from vigil.domain.quality import Quality
from vigil.domain.readings import F64, I64, NO_SEQUENCE, U16, U32
from vigil.domain.vitals import ACVPU, BY_NAME, VITALS

#: ``Rows.source`` where there is none: a blank line, a line that cannot be split, a name that cannot be used.
BLANK, UNREADABLE, BAD_NAME = -3, -2, -1
#: ``Rows.vital`` where the name is not in the table of vitals.
NO_VITAL = -1
#: Times that are none; a good one is far greater than these.
TIME_MISSING, TIME_UNREADABLE, TIME_WITHOUT_ZONE = (-9_000_000_000_000_000_000 - place for place in range(3))
#: ``Rows.value`` where the text is no finite number; NaN is "tried, no value".
NOT_A_NUMBER = np.inf
#: ``Rows.quality`` where the text is no number of bits: a pattern that nobody sends.
BAD_QUALITY = 0xFFFF
#: ``Rows.seq`` where the text is no sequence number.
BAD_SEQUENCE = -1

KNOWN_BITS = int(sum(Quality))

#: Epoch numbers above are microseconds, below milliseconds: 1e14 is the year 5138 in the one and 1973 in the other.
_MICROSECONDS_FROM = 100_000_000_000_000
#: Patient, device and site together, in letters.
_LONGEST_NAMES = 200
_CLOCK = r" *\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
_ZONE = r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?) *"


class Source(NamedTuple):
    """Whose readings: device and site are empty where the table does not say."""

    patient: str
    device: str
    site: str


@dataclass(slots=True)
class Rows:
    """Columns of one length. ``source`` i32 into ``sources``, ``vital`` i8, times i64 µs, ``value`` f64, ``quality`` u16,
    ``epoch`` u32, ``seq`` i64: each also holds the marks above. ``numbers()``: of the rows, as a person counts; most tables have
    no fault, and nobody asks. ``broken``: numbers of the lines that are not UTF-8."""

    sources: list[Source]
    numbers: Callable[[], I64]
    source: NDArray[np.int32]
    vital: NDArray[np.int8]
    device_time: I64
    measured_at: I64
    received_at: I64
    value: F64
    quality: U16
    epoch: U32
    seq: I64
    broken: I64

    def __len__(self) -> int:
        return int(self.source.size)


@cache
def _database(thread: int) -> duckdb.DuckDBPyConnection:  # noqa: ARG001 each has its own
    """Opened once: that takes as long as to read the values of one person."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "temp_directory": "",  # rows of patients are never spilled to a folder that nobody knows of
    }
    return duckdb.connect(":memory:", config=config)


atexit.register(_database.cache_clear)  # DuckDB complains aloud of a database that the end of the process finds open


def cursor() -> duckdb.DuckDBPyConnection:
    """A connection of its own to DuckDB in memory, cut off from network and disk, with all threads; to be closed."""
    con = _database(threading.get_ident()).cursor()
    con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false; RESET threads")  # no bar on standard output
    return con


@contextmanager
def connection(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A ``cursor`` whose errors become ``TableError``."""
    with cursor() as con:
        try:
            yield con
        except duckdb.OutOfMemoryException as error:
            raise TableError(f"{path.name} does not fit into memory: read it by groups of patients") from error
        except duckdb.Error as error:  # not kept as the cause: its words may quote a row, and a row names a patient
            raise TableError(f"{path.name} cannot be read as a table: {type(error).__name__}") from None


def read_rows(path: Path, patients: Sequence[str] | None) -> Rows:
    """Every row of the file but blank lines; of a Parquet file only those of ``patients``. Raises ``TableError``."""
    with connection(path) as con:
        table = opened(con, path, patients)
        _name_vitals(con)
        if patients is not None and not table.is_csv:
            con.execute("SET threads = 1")  # groups of patients are read side by side, by as many processes
        sources, found = _read(con, table, table.quick, patients)
        if table.is_csv and (found["source"][1:] == BAD_NAME).any():  # a name that the quick look has not seen
            sources, found = _read(con, table, table.query, patients)
        broken = _bad_lines(con) if table.is_csv else np.empty(0, np.int64)
    numbers = partial(_places, path, patients)
    if table.is_csv:
        _drop_header(found)
        numbers = partial(_line_numbers, found["source"].size, broken)
    if patients is None and not broken.size and (found["source"] == BLANK).all():
        raise TableError(f"{path.name} holds no row")
    return _columns(found, sources, numbers, broken)


def distinct_patients(path: Path) -> list[str]:
    """Every patient that a row names, sorted. Raises ``TableError``, also when there is none."""
    with connection(path) as con:
        table = opened(con, path)
        name = _text(table, "patient")
        skip = "OFFSET 1" if table.is_csv else ""
        rows = con.execute(f"SELECT DISTINCT {name} FROM (FROM ({table.query}) {skip}) WHERE fits").fetchall()
    found = sorted(row[0] for row in rows if row[0])
    if not found:
        raise TableError(f"{path.name} names no patient in any row")
    return found


# --- names ----------------------------------------------------------------------------------------------------------------


def _text(table: TableFile, column: str) -> str:
    """A name as text, empty where it is missing. What is typed is exact; around a field of a CSV there may be spaces."""
    kind = table.kinds.get(column)
    if kind is None:
        return "''"
    if kind is Kind.WHOLE:
        return f"coalesce({column}::VARCHAR, '')"
    return f"coalesce(trim({column}), '')" if table.is_csv else f"coalesce({column}, '')"


def _source(table: TableFile) -> str:
    return " || chr(31) || ".join(_text(table, column) for column in Source._fields)


def _read(
    con: duckdb.DuckDBPyConnection, table: TableFile, names_from: str, patients: Sequence[str] | None
) -> tuple[list[Source], dict[str, NDArray[Any]]]:
    sources = _name_sources(con, table, names_from, patients)
    _forget_bad_lines(con)
    return sources, con.execute(_parsed(table)).fetchnumpy()


def _name_sources(
    con: duckdb.DuckDBPyConnection, table: TableFile, names_from: str, patients: Sequence[str] | None
) -> list[Source]:
    """Makes the type ``source_name``, whose codes are the places in the list returned."""
    given = [name for name in Source._fields if name in table.kinds]
    names = ", ".join(_text(table, name) for name in Source._fields)
    distinct = f"SELECT DISTINCT {', '.join(given)} FROM ({names_from})"
    if given == ["patient"] and patients is not None and not table.is_csv:  # who else is there is not read
        names = "patient, '', ''"
        distinct = f"SELECT DISTINCT unnest([{', '.join(literal(name) for name in ('', *patients))}]) AS patient"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE names AS SELECT DISTINCT concat_ws(chr(31), {names}) AS name FROM ({distinct})"
    )
    usable = f"len(string_split(name, chr(31))) = 3 AND length(name) <= {_LONGEST_NAMES}"
    con.execute("DROP TYPE IF EXISTS source_name")
    con.execute(f"CREATE TYPE source_name AS ENUM (SELECT name FROM names WHERE {usable})")
    found = con.execute("SELECT unnest(enum_range(NULL::source_name))").fetchall()
    return [Source(*name.split("\x1f")) for (name,) in found]


def _name_vitals(con: duckdb.DuckDBPyConnection) -> None:
    names = ", ".join(f"'{kind.name}'" for kind in VITALS)
    con.execute(f"CREATE TYPE IF NOT EXISTS vital_name AS ENUM ({names})")


# --- parsing --------------------------------------------------------------------------------------------------------------


def _parsed(table: TableFile) -> str:
    kinds = table.kinds
    source, vital = (f"enum_code(TRY_CAST({text} AS {name}))" for text, name in (
        (_source(table), "source_name"), ("vital", "vital_name")))  # fmt: skip
    columns = [
        f"CASE WHEN fits THEN coalesce({source}, {BAD_NAME}) WHEN blank THEN {BLANK} ELSE {UNREADABLE} END::INTEGER AS source",
        f"coalesce({vital}, enum_code(TRY_CAST(trim(vital) AS vital_name)), {NO_VITAL})::TINYINT AS vital",
    ]
    columns += [f"{_moment(name, kinds[name])} AS {name}" for name in ("measured_at", "received_at") if name in kinds]
    columns.append(f"{_value(kinds['value'])} AS value")
    if "quality" in kinds:
        columns.append(f"{_whole('quality', kinds['quality'], 0, BAD_QUALITY, BAD_QUALITY - 1)}::USMALLINT AS quality")
    if "seq" in kinds:
        columns.append(f"{_whole('seq', kinds['seq'], NO_SEQUENCE, BAD_SEQUENCE, NO_SEQUENCE - 1)} AS seq")
    return f"SELECT {', '.join(columns)} FROM ({table.query})"


def _blank(column: str, kind: Kind) -> str:
    return f"coalesce(trim({column}), '') = ''" if kind is Kind.TEXT else f"{column} IS NULL"


def _moment(column: str, kind: Kind) -> str:
    """Microseconds UTC, or one of the marks for times that are none."""
    if kind is Kind.MOMENT:
        return (
            f"CASE WHEN {column} IS NULL THEN {TIME_MISSING} WHEN NOT isfinite({column}) THEN {TIME_UNREADABLE} "
            f"ELSE epoch_us({column}::TIMESTAMP) END"
        )
    number = f"TRY_CAST({column} AS {'BIGINT' if kind is Kind.WHOLE else 'DOUBLE'})"
    scaled = (
        f"CASE WHEN {number} BETWEEN {-_MICROSECONDS_FROM} AND {_MICROSECONDS_FROM} "
        f"THEN {number} * 1000 ELSE {number} END"
    )
    nothing = f"{column} IS NULL" if kind is Kind.WHOLE else f"coalesce(isnan({number}), {_blank(column, kind)})"
    numeric = (
        f"CASE WHEN {nothing} THEN {TIME_MISSING} ELSE coalesce(TRY_CAST({scaled} AS BIGINT), {TIME_UNREADABLE}) END"
    )
    if kind is not Kind.TEXT:
        return numeric
    # Reading a zone costs more than a plain time stamp, so the frequent Z goes the short way.
    return f"""
        CASE WHEN regexp_full_match({column}, '{_CLOCK}{_ZONE}')
             THEN coalesce(CASE WHEN ends_with({column}, 'Z') THEN epoch_us(TRY_CAST({column} AS TIMESTAMP))
                                ELSE epoch_us(TRY_CAST(trim({column}) AS TIMESTAMPTZ)) END, {TIME_UNREADABLE})
             WHEN regexp_full_match({column}, '{_CLOCK} *') THEN {TIME_WITHOUT_ZONE}
             ELSE {numeric} END"""


def _value(kind: Kind) -> str:
    """A finite number, NaN for "tried, no value", infinity for everything else; the letters of ACVPU as their codes."""
    coded = f"vital = '{VITALS[BY_NAME['consciousness'].index].name}'"
    if kind is not Kind.TEXT:
        number = "coalesce(value::DOUBLE, 'nan'::DOUBLE)"
        letter = "'inf'::DOUBLE"
    else:
        number = "TRY_CAST(value AS DOUBLE)"
        letter = (
            f"CASE WHEN {_blank('value', kind)} THEN 'nan'::DOUBLE "
            f"WHEN {coded} AND length(trim(value)) = 1 AND contains('{ACVPU}', trim(value)) "
            f"THEN strpos('{ACVPU}', trim(value)) - 1 ELSE 'inf'::DOUBLE END"
        )
    return f"coalesce({number}, {letter})"


def _whole(column: str, kind: Kind, nothing: int, wrong: int, top: int) -> str:
    """A whole number from 0 to ``top``; ``nothing`` where the field is empty, ``wrong`` where it is something else."""
    if kind is Kind.WHOLE:
        return f"CASE WHEN {column} BETWEEN 0 AND {top} THEN {column} WHEN {column} IS NULL THEN {nothing} ELSE {wrong} END"
    number = f"TRY_CAST({column} AS DOUBLE)"
    return (
        f"CASE WHEN {number} >= 0 AND {number} <= {top} AND {number} = floor({number}) THEN {number}::BIGINT "
        f"WHEN coalesce(isnan({number}), {_blank(column, kind)}) THEN {nothing} ELSE {wrong} END"
    )


# --- columns --------------------------------------------------------------------------------------------------------------


def _forget_bad_lines(con: duckdb.DuckDBPyConnection) -> None:
    """The first pass has met them too."""
    con.execute("DROP TABLE IF EXISTS bad_lines; DROP TABLE IF EXISTS bad_scans")


def _bad_lines(con: duckdb.DuckDBPyConnection) -> I64:
    """Numbers of the lines that DuckDB could not take: not UTF-8, or longer than 2 MB."""
    lines = con.execute("SELECT DISTINCT line FROM bad_lines ORDER BY line").fetchall()
    return np.array([line for (line,) in lines], np.int64)


def _drop_header(found: dict[str, NDArray[Any]]) -> None:
    for name in found:
        found[name] = found[name][1:]


def _places(path: Path, patients: Sequence[str] | None) -> I64:
    """The numbers of the rows of a Parquet file that were read."""
    with connection(path) as con:
        found: I64 = con.execute(f"SELECT place FROM ({opened(con, path, patients).query})").fetchnumpy()["place"]
        return found


def _line_numbers(size: int, broken: I64) -> I64:
    numbers = np.arange(2, size + broken.size + 2)
    return np.delete(numbers, broken - 2) if broken.size else numbers


def _columns(found: dict[str, Any], sources: list[Source], numbers: Callable[[], I64], broken: I64) -> Rows:
    size = found["source"].size
    measured = found["measured_at"]
    received = found.get("received_at", measured)
    if received is not measured and (missing := received == TIME_MISSING).any():
        received = np.where(missing, measured, received)
    value = found["value"]
    value += 0.0  # one zero only: -0.0 and 0.0 are the same value and must not differ in their bits
    value[np.isnan(value)] = np.nan
    return Rows(
        sources=sources,
        numbers=numbers,
        source=found["source"],
        vital=found["vital"],
        device_time=measured,
        measured_at=measured,
        received_at=received,
        value=value,
        quality=found["quality"] if "quality" in found else np.zeros(size, np.uint16),
        epoch=np.zeros(size, np.uint32),
        seq=found["seq"] if "seq" in found else np.broadcast_to(np.int64(NO_SEQUENCE), size),
        broken=broken,
    )

"""What a table file is, CSV or Parquet, told by its content; and its rows as a DuckDB query over the known columns."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import duckdb

from vigil.domain.errors import TableError

REQUIRED = ("patient", "vital", "measured_at", "value")
OPTIONAL = ("received_at", "quality", "device", "site", "seq")
COLUMNS = (*REQUIRED, *OPTIONAL)
TIMES = ("measured_at", "received_at")

#: A header longer than this is not one of ours.
_HEAD = 64 * 1024


class Kind(Enum):
    """What a column holds: text to be parsed, or a type that needs no parsing."""

    TEXT = "text"
    WHOLE = "whole numbers"
    REAL = "numbers"
    MOMENT = "timestamps in UTC"


@dataclass(frozen=True, slots=True)
class TableFile:
    """``query`` yields one row a line or record, with the columns of ``kinds`` as they stand in the file and ``place`` (row
    number; CSV: NULL, the rows come in the order of the lines), ``fits`` (the line could be split) and ``blank``. ``quick``
    yields the same columns without the last three, and perhaps not those of every row of a CSV, in a third of the time."""

    path: Path
    is_csv: bool
    kinds: dict[str, Kind]
    query: str
    quick: str


def opened(con: duckdb.DuckDBPyConnection, path: Path, patients: Sequence[str] | None = None) -> TableFile:
    """Raises ``TableError``: not to be read, empty, neither CSV nor Parquet, a column missing, unknown, twice or of a wrong
    type. ``patients`` leaves the other rows of a Parquet file unread; of a CSV file every line must be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise TableError(f"{path.name} cannot be read: {error.strerror}") from error
    if not head:
        raise TableError(f"{path.name} is empty")
    if head.startswith(b"PAR1"):
        return _parquet(con, path, patients)
    return _csv(path, head)


# --- CSV ------------------------------------------------------------------------------------------------------------------

# A line is a row: no vital sign holds a line break, and one quote that is never closed must not swallow the rest of the file.
# A field is bare, or quoted, with "" for a quote inside. Most lines hold no quote, or only empty quoted fields, or none that
# hides a comma: those take the short ways.
_PLAIN = r'(?:[^",]*|"[^",]*")(?:,(?:[^",]*|"[^",]*"))*'
_QUOTED = r'(?:[^",]*|"(?:[^"]|"")*")(?:,(?:[^",]*|"(?:[^"]|"")*"))*'
_FIELD = r',("(?:[^"]|"")*"|[^",]*)'

_SPLIT = f"""
    CASE WHEN NOT contains(line, '"') THEN string_split(line, ',')
         WHEN NOT contains(replace(line, ',""', ','), '"') THEN string_split(replace(line, ',""', ','), ',')
         WHEN regexp_full_match(line, '{_PLAIN}') THEN string_split(replace(line, '"', ''), ',')
         WHEN regexp_full_match(line, '{_QUOTED}')
         THEN list_transform(
             regexp_extract_all(',' || line, '{_FIELD}', 1),
             lambda part: CASE WHEN starts_with(part, '"') THEN replace(part[2:-2], '""', '"') ELSE part END)
         ELSE [] END
"""


def _csv(path: Path, head: bytes) -> TableFile:
    names = _header(path, head)
    columns = ", ".join(f'part[{place}] AS "{name}"' for place, name in enumerate(names, 1))
    lines = (
        f"read_csv({_quoted(path)}, auto_detect = false, header = false, delim = '\\x01', quote = '', escape = '', "
        "columns = {'line': 'VARCHAR'}, compression = 'none', strict_mode = false, store_rejects = true, "
        "rejects_limit = 0, rejects_table = 'bad_lines', rejects_scan = 'bad_scans')"
    )
    query = (
        f"SELECT {columns}, NULL AS place, len(part) = {len(names)} AS fits, coalesce(trim(line), '') = '' AS blank "
        f"FROM (SELECT line, {_SPLIT} AS part FROM {lines})"
    )
    texts = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    quick = (
        f"FROM read_csv({_quoted(path)}, auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', "
        f"columns = {{{texts}}}, compression = 'none', ignore_errors = true)"
    )
    return TableFile(path, True, dict.fromkeys(names, Kind.TEXT), query, quick)


def _header(path: Path, head: bytes) -> list[str]:
    """The column names of the first line. What the line says is quoted only when it plainly is a header, because a table
    without one begins with a patient."""
    first = head.splitlines()[0]
    try:
        text = first.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or (len(first) == len(head) == _HEAD):
        raise TableError(f"{path.name} is neither a CSV file in UTF-8 nor a Parquet file")
    names = [name.strip() for name in next(csv.reader([text]), [])]
    if not set(names) & set(REQUIRED):
        raise TableError(
            f"{path.name} has no header: the first line must name the columns, separated by commas "
            f"({', '.join(REQUIRED)}; where known {', '.join(OPTIONAL)})"
        )
    _check_names(path, names)
    return names


# --- Parquet --------------------------------------------------------------------------------------------------------------

_WHOLE = {sign + size for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")}
_NAMES = (Kind.TEXT, Kind.WHOLE)
_NUMBERS = (Kind.WHOLE, Kind.REAL, Kind.TEXT)
_ALLOWED = {
    **dict.fromkeys(TIMES, (Kind.WHOLE, Kind.REAL, Kind.MOMENT, Kind.TEXT)),
    **dict.fromkeys(("value", "quality", "seq"), _NUMBERS),
    **dict.fromkeys(("patient", "device", "site"), _NAMES),
    "vital": (Kind.TEXT,),
}


def _parquet(con: duckdb.DuckDBPyConnection, path: Path, patients: Sequence[str] | None) -> TableFile:
    source = f"read_parquet({_quoted(path)}, file_row_number = true, hive_partitioning = false)"
    try:
        described = con.execute(f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {source}").fetchall()
    except duckdb.Error as error:
        raise TableError(f"{path.name} cannot be read as a Parquet file: it is damaged or cut off") from error
    names = [row[0] for row in described]
    _check_names(path, names)
    kinds = {row[0]: _kind(path, row[0], row[1]) for row in described}
    columns = ", ".join(f'"{name}"' for name in names)
    query = f"SELECT {columns}, file_row_number + 1 AS place, true AS fits, false AS blank FROM {source}"
    if patients is not None:
        # By bare comparisons, so that DuckDB can pass over the row groups of others; with the rows of nobody.
        named = "patient::VARCHAR" if kinds["patient"] is Kind.WHOLE else "patient"
        wanted = ", ".join(literal(name) for name in ("", *patients))
        query += f" WHERE {named} IN ({wanted}) OR patient IS NULL"
    return TableFile(path, False, kinds, query, query)


def _kind(path: Path, name: str, sql_type: str) -> Kind:
    if sql_type in _WHOLE:
        kind = Kind.WHOLE
    elif sql_type in ("FLOAT", "DOUBLE") or sql_type.startswith("DECIMAL"):
        kind = Kind.REAL
    elif sql_type.startswith("TIMESTAMP"):
        kind = Kind.MOMENT
    elif sql_type == "VARCHAR" or sql_type.startswith("ENUM"):
        kind = Kind.TEXT
    else:
        raise TableError(f"{path.name}: the column {name} has the type {sql_type}; {_wanted(name)}")
    if kind not in _ALLOWED[name]:
        raise TableError(f"{path.name}: the column {name} holds {kind.value}; {_wanted(name)}")
    return kind


def _wanted(name: str) -> str:
    return f"it must hold {' or '.join(kind.value for kind in _ALLOWED[name])}"


# --- both -----------------------------------------------------------------------------------------------------------------


def _check_names(path: Path, names: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise TableError(f"{path.name}: the column {missing[0]} is missing; a table needs {', '.join(REQUIRED)}")
    strange = [name for name in names if name not in COLUMNS]
    if strange:
        raise TableError(
            f"{path.name}: the column {strange[0]!r} is not known; there may be {', '.join(COLUMNS)}, spelt like this"
        )
    twice = [name for name in COLUMNS if names.count(name) > 1]
    if twice:
        raise TableError(f"{path.name}: the column {twice[0]} is there twice")


def _quoted(path: Path) -> str:
    """The path as a literal that DuckDB does not take for a pattern of several files."""
    return literal(str(path).replace("[", "[[]").replace("*", "[*]").replace("?", "[?]"))


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

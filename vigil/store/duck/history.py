"""Closed days: their readings lie in Parquet files beside the database, sorted by stream and time.

A file is written whole and made safe; then, in one transaction, its rows leave the table ``readings`` and its line enters the
table ``parts``. A crash leaves at most a file that no line names, which the next opening removes. Values that come later for a
closed day wait in ``readings`` and become a further file of that day. A file never changes; its hash is in its line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import duckdb

from vigil.domain.errors import StoreError
from vigil.domain.times import DAY, utc_date
from vigil.runtime.files import sync
from vigil.store.duck.readings import COLUMNS

#: Beside the database.
FOLDER = "history"
#: Of a Parquet row group (ours): little more than a day of one stream at 1 Hz, so that a chart reads one or two of them.
GROUP_ROWS = 100_000

# ``newest``: rows in files that were the newest of their stream, so that opening need not read all files.
# ``given``: the greatest ordinal when readings were last forgotten; none is given twice.
TABLES = f"""
CREATE TABLE parts (
    file VARCHAR NOT NULL, day BIGINT NOT NULL, size BIGINT NOT NULL, sha256 VARCHAR NOT NULL,
    first_ordinal UBIGINT NOT NULL, last_ordinal UBIGINT NOT NULL, first_device_time BIGINT NOT NULL,
    last_device_time BIGINT NOT NULL, last_received BIGINT NOT NULL
);
CREATE TABLE newest AS SELECT {COLUMNS} FROM readings WHERE false;
CREATE TABLE given (ordinal UBIGINT NOT NULL);
"""


#: Parts with readings of a time: DAY, start, end.
MEASURED = "day + ? > ? AND day < ?"


@dataclass(frozen=True, slots=True)
class Part:
    """One file. ``day``: its first microsecond; all rows were measured on it. ``size``: rows. The others bound its rows."""

    file: str
    day: int
    size: int
    sha256: str
    first_ordinal: int
    last_ordinal: int
    first_device_time: int
    last_device_time: int
    last_received: int


_FIELDS = ", ".join(field.name for field in fields(Part))


def stored(con: duckdb.DuckDBPyConnection, where: str = "true", values: Sequence[int] = ()) -> list[Part]:
    query = f"SELECT {_FIELDS} FROM parts WHERE {where} ORDER BY day, file"
    return [Part(*row) for row in con.execute(query, list(values)).fetchall()]


def known(con: duckdb.DuckDBPyConnection) -> bool:
    """False: the file is of a version that has no closed days."""
    return bool(con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'parts'").fetchall())


def rows_of(con: duckdb.DuckDBPyConnection, folder: Path, where: str, values: Sequence[int]) -> str:
    """What to select from: the readings that are in no file yet, with those of the parts that are ``where``. Both must be seen in
    one transaction. Raises ``StoreError`` when a file is missing."""
    parts = stored(con, where, values)
    if not parts:
        return "readings"
    missing = [part.file for part in parts if not (folder / part.file).is_file()]
    if missing:
        raise StoreError(f"{', '.join(missing[:3])} is missing in {folder}: restore it from a backup")
    return f"(SELECT {COLUMNS} FROM readings UNION ALL SELECT {COLUMNS} FROM {files(folder, parts)})"


def measured(con: duckdb.DuckDBPyConnection, folder: Path, start: int, end: int) -> str:
    """What to select from for [start, end), as ``rows_of``."""
    return rows_of(con, folder, MEASURED, [DAY, start, end])


def files(folder: Path, parts: Collection[Part]) -> str:
    return f"read_parquet([{', '.join(_quoted(folder / part.file) for part in parts)}])"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def write(
    con: duckdb.DuckDBPyConnection, folder: Path, day: int, number: int, table: str, where: str, values: Sequence[int]
) -> Part | None:
    """A new file with the rows of ``table`` that are ``where``, all of one day, safe on the disk; None when there are none."""
    bounds = con.execute(
        "SELECT count(*), min(ordinal), max(ordinal), min(device_time), max(device_time), max(received_at) "
        f"FROM {table} WHERE {where}",
        list(values),
    ).fetchall()[0]
    if not bounds[0]:
        return None
    file = folder / f"{utc_date(day):%Y-%m-%d}.{number}.parquet"
    draft = file.with_suffix(".draft")
    folder.mkdir(mode=0o700, exist_ok=True)
    con.execute(
        f"COPY (SELECT {COLUMNS} FROM {table} WHERE {where} ORDER BY stream, measured_at, ordinal) TO {_quoted(draft)} "
        f"(FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, ROW_GROUP_SIZE {GROUP_ROWS})",
        list(values),
    )
    draft.chmod(0o600)
    sync(draft)
    digest = file_digest(draft)
    draft.rename(file)
    sync(folder)
    return Part(file.name, day, int(bounds[0]), digest, *(int(bound) for bound in bounds[1:]))


def enter(con: duckdb.DuckDBPyConnection, part: Part) -> None:
    con.execute(f"INSERT INTO parts VALUES ({', '.join('?' * len(fields(Part)))})", list(astuple(part)))


def forget(con: duckdb.DuckDBPyConnection, parts: Collection[Part]) -> None:
    con.execute("DELETE FROM parts WHERE list_contains(?, file)", [[part.file for part in parts]])


def days_to_close(con: duckdb.DuckDBPyConnection, before: int) -> list[int]:
    """Days with readings in no file, all of them measured before ``before``; microseconds of their beginning, in order."""
    query = "SELECT DISTINCT measured_at // ? FROM readings WHERE measured_at < ? ORDER BY 1"
    return [int(day) * DAY for (day,) in con.execute(query, [DAY, before]).fetchall()]


def strays(folder: Path, known: Collection[str]) -> Iterator[Path]:
    """Files of ours that no line names."""
    for pattern in ("*.parquet", "*.draft"):
        yield from (path for path in sorted(folder.glob(pattern)) if path.name not in known)


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

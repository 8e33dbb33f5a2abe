"""Readings: append, page by ordinal, range, buckets, exact look-up of those without a sequence number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np

from vigil.domain.errors import InvalidInput
from vigil.domain.quality import GATED
from vigil.domain.readings import COLUMN_TYPES, NO_SEQUENCE, ReadingBatch
from vigil.store import Buckets

COLUMNS = ", ".join(COLUMN_TYPES)
#: A measurement of the patient; stored NaN are NULL.
VALID = f"value IS NOT NULL AND (quality & {GATED}) = 0"


def append(con: duckdb.DuckDBPyConnection, batch: ReadingBatch, table: str = "readings") -> None:
    if not len(batch):
        return
    incoming = {name: np.ascontiguousarray(getattr(batch, name)) for name in COLUMN_TYPES}
    insert_columns(con, table, incoming, COLUMNS)


def insert_columns(con: duckdb.DuckDBPyConnection, table: str, incoming: Mapping[str, Any], select: str) -> None:  # noqa: ARG001
    """Appends numpy columns to a table whose columns are ``select`` in order: 10,000 rows in a few milliseconds."""
    # DuckDB finds ``incoming`` among the variables of this function; ``register`` would cost 0.4 ms more a table.
    con.execute(f"INSERT INTO {table} SELECT {select} FROM incoming")


def number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number that a query yields. Never by ``fetchone``: that leaves the result, and so the cursor, in use."""
    return int(con.execute(query).fetchall()[0][0])


def numbered(batch: ReadingBatch, head: int) -> ReadingBatch:
    """The batch with the ordinals that follow ``head``."""
    return replace(batch, ordinal=np.arange(head + 1, head + 1 + len(batch), dtype=np.uint64))


def head(con: duckdb.DuckDBPyConnection) -> int:
    """The greatest ordinal ever given: also when its reading is in a file, or need not be kept any more."""
    most = "coalesce(max({}), 0)".format
    places = (("ordinal", "readings"), ("last_ordinal", "parts"), ("ordinal", "given"))
    asked = ", ".join(f"(SELECT {most(column)} FROM {table})" for column, table in places)
    return number(con, f"SELECT greatest({asked})")


def after(con: duckdb.DuckDBPyConnection, table: str, ordinal: int, limit: int, head: int) -> ReadingBatch:
    # Ordinals are consecutive, so the page is a closed interval and the zone maps find it without a scan.
    first, last = max(ordinal, 0), min(max(ordinal, 0) + limit, head)
    if last <= first:
        return ReadingBatch.empty()
    query = f"SELECT {COLUMNS} FROM {table} WHERE ordinal > ? AND ordinal <= ? ORDER BY ordinal"
    return as_batch(con.execute(query, [first, last]).fetchnumpy())


def next_ordinal(con: duckdb.DuckDBPyConnection, table: str, ordinal: int) -> int | None:
    """The first that is greater; None at the end."""
    ((found,),) = con.execute(f"SELECT min(ordinal) FROM {table} WHERE ordinal > ?", [ordinal]).fetchall()
    return None if found is None else int(found)


def received(con: duckdb.DuckDBPyConnection, table: str, streams: Sequence[int], since: int) -> int:
    if not streams:
        return 0
    query = f"SELECT count(*) FROM {table} WHERE received_at >= ? AND list_contains(?, stream)"
    return int(con.execute(query, [since, list(streams)]).fetchall()[0][0])


def in_range(
    con: duckdb.DuckDBPyConnection, table: str, streams: Sequence[int], start: int, end: int, limit: int
) -> ReadingBatch:
    if not streams or start >= end or limit <= 0:
        return ReadingBatch.empty()
    # A join and bounds: a list of hundreds in the condition takes twice as long.
    asked = {"stream": np.unique(np.array(streams, np.uint32))}  # noqa: F841 - read by DuckDB
    query = (
        f"SELECT {COLUMNS} FROM {table} JOIN asked USING (stream) WHERE measured_at >= ? AND measured_at < ? "
        "AND stream BETWEEN ? AND ? ORDER BY measured_at DESC, ordinal DESC LIMIT ?"
    )
    values = [start, end, min(streams), max(streams), limit]
    newest_first = as_batch(con.execute(query, values).fetchnumpy())
    return newest_first.take(slice(None, None, -1))


def buckets(
    con: duckdb.DuckDBPyConnection, table: str, streams: Sequence[int], start: int, width: int, asked: tuple[int, int]
) -> Buckets:
    """Buckets of ``width`` from ``start``, of what was measured in ``asked``, [first, until)."""
    where = f"{_among(streams)} AND measured_at >= ? AND measured_at < ?" if streams else "false"
    query = f"""
        SELECT (measured_at - ?) // ? AS place,
               min(value) FILTER ({VALID}) AS minimum, max(value) FILTER ({VALID}) AS maximum,
               avg(value) FILTER ({VALID}) AS mean, arg_max(value, row(measured_at, ordinal)) FILTER ({VALID}) AS last,
               count(*) FILTER ({VALID})::UINTEGER AS count, count(*) FILTER (NOT ({VALID}))::UINTEGER AS bad
        FROM {table} WHERE {where} GROUP BY place ORDER BY place
    """
    values = [start, width, *streams, *asked] if streams else [start, width]
    return as_buckets(con.execute(query, values).fetchnumpy(), start, width)


def as_buckets(columns: Mapping[str, Any], start: int, width: int) -> Buckets:
    """``columns``: those of ``Buckets``, with the number of the bucket as ``place``."""
    return Buckets(
        start=plain(columns["place"], np.int64) * width + start,
        minimum=plain(columns["minimum"], np.float64),
        maximum=plain(columns["maximum"], np.float64),
        mean=plain(columns["mean"], np.float64),
        last=plain(columns["last"], np.float64),
        count=plain(columns["count"], np.uint32),
        bad=plain(columns["bad"], np.uint32),
    )


def bucketed(rows: ReadingBatch, start: int, width: int) -> Buckets:
    """What ``buckets`` says, of rows that are there already, by measured time then ordinal, none of them before ``start``."""
    place = (rows.measured_at - start) // width
    if not place.size:
        none, nobody = np.empty(0), np.empty(0, np.uint32)
        return Buckets(place, none, none, none, none, nobody, nobody)
    first = np.flatnonzero(np.r_[True, place[1:] != place[:-1]])
    good = ((rows.quality & np.uint16(GATED)) == 0) & ~np.isnan(rows.value)
    value = np.where(good, rows.value, np.nan)
    count = np.add.reduceat(good, first, dtype=np.uint32)
    total = np.add.reduceat(np.where(good, rows.value, 0.0), first)
    newest = np.maximum.reduceat(np.where(good, np.arange(place.size), -1), first)
    some = count > 0
    return Buckets(
        start=place[first] * width + start,
        minimum=np.fmin.reduceat(value, first),
        maximum=np.fmax.reduceat(value, first),
        mean=np.divide(total, count, out=np.full(first.size, np.nan), where=some),
        last=np.where(some, rows.value[newest], np.nan),
        count=count,
        bad=np.diff(np.r_[first, place.size]).astype(np.uint32) - count,
    )


def bucket_width(start: int, end: int, points: int) -> int:
    """Whole microseconds, rounded up: the last bucket may hang over the end. Raises ``InvalidInput``."""
    if points < 1:
        raise InvalidInput("points must be at least 1")
    return max(1, -(-(end - start) // points))


def unsequenced(con: duckdb.DuckDBPyConnection, table: str, keys: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    streams, times = zip(*keys, strict=True)
    asked = {"stream": np.array(streams, np.uint32), "device_time": np.array(times, np.int64)}  # noqa: F841 - read by DuckDB
    # The bounds let the zone maps leave out almost all of history before the join.
    rows = con.execute(
        f"SELECT DISTINCT stream, device_time FROM {table} JOIN asked USING (stream, device_time) "
        "WHERE seq = ? AND device_time BETWEEN ? AND ? AND stream BETWEEN ? AND ?",
        [NO_SEQUENCE, min(times), max(times), min(streams), max(streams)],
    ).fetchall()
    return {(int(stream), int(at)) for stream, at in rows}


def as_batch(columns: Mapping[str, Any]) -> ReadingBatch:
    return ReadingBatch(*(plain(columns[name], dtype) for name, dtype in COLUMN_TYPES.items()))


def plain(column: Any, dtype: type[np.generic]) -> np.ndarray[Any, np.dtype[Any]]:
    """A plain array: DuckDB masks the columns that hold NULL, which for us is NaN."""
    if isinstance(column, np.ma.MaskedArray):
        column = column.filled(np.nan) if np.issubdtype(dtype, np.floating) else column.data
    return np.asarray(column, dtype)


def _among(streams: Sequence[int]) -> str:
    return f"stream IN ({', '.join('?' * len(streams))})"

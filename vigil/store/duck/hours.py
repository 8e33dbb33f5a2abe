"""Roll-ups: each hour of each stream of what lies in files, for ``buckets`` of a month or a year, which open no file then.

They enter the table ``hours`` in the transaction that moves their readings out of ``readings``. What comes late for a closed day
makes further lines for the same hour; whoever asks adds them up, so that no line ever changes. Figures and counts are those of
the readings themselves; a mean differs by rounding only, as its sum is taken in another order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from vigil.domain.readings import I64, U32
from vigil.domain.times import HOUR
from vigil.store import Buckets
from vigil.store.duck.readings import VALID, as_buckets, insert_columns, number, plain

# ``minimum``, ``maximum``, ``last`` are NULL and ``last_at`` is 0 where no value of the hour can be used.
# ``unrolled``: files of closed days that were written before there were roll-ups, until theirs are made.
# ``forgotten``: of what was measured before then, only roll-ups are kept.
#: The lines of ``parts`` without roll-ups.
UNROLLED = "file IN (SELECT file FROM unrolled)"
TABLES = """
CREATE TABLE hours (
    stream UINTEGER NOT NULL, start BIGINT NOT NULL, count UINTEGER NOT NULL, bad UINTEGER NOT NULL, minimum DOUBLE,
    maximum DOUBLE, total DOUBLE NOT NULL, last DOUBLE, last_at BIGINT NOT NULL, last_ordinal UBIGINT NOT NULL
);
CREATE TABLE unrolled AS SELECT file FROM parts;
CREATE TABLE forgotten (before BIGINT NOT NULL);
"""

_COLUMNS = "stream, start, count, bad, minimum, maximum, total, last, last_at, last_ordinal"
_TYPES: tuple[type[np.generic], ...] = (
    np.uint32, np.int64, np.uint32, np.uint32, np.float64, np.float64, np.float64, np.float64, np.int64, np.uint64,
)  # fmt: skip
_NEWEST = "row(measured_at, ordinal)"

Columns = Mapping[str, np.ndarray[Any, np.dtype[Any]]]
#: [first, until) in microseconds.
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """Columns of equal length, by stream and hour: ``start`` in microseconds, ``count`` of readings."""

    stream: U32
    start: I64
    count: I64


def of(con: duckdb.DuckDBPyConnection, table: str, where: str, values: Sequence[int]) -> Columns:
    """The roll-ups of the readings in ``table`` that are ``where``."""
    query = f"""
        SELECT stream, measured_at // {HOUR} * {HOUR} AS start,
               count(*) FILTER ({VALID}) AS count, count(*) FILTER (NOT ({VALID})) AS bad,
               min(value) FILTER ({VALID}) AS minimum, max(value) FILTER ({VALID}) AS maximum,
               coalesce(sum(value) FILTER ({VALID}), 0) AS total, arg_max(value, {_NEWEST}) FILTER ({VALID}) AS last,
               coalesce(max(measured_at) FILTER ({VALID}), 0) AS last_at,
               coalesce(arg_max(ordinal, {_NEWEST}) FILTER ({VALID}), 0) AS last_ordinal
        FROM {table} WHERE {where} GROUP BY ALL ORDER BY stream, start
    """
    found = con.execute(query, list(values)).fetchnumpy()
    return {name: plain(found[name], dtype) for name, dtype in zip(_COLUMNS.split(", "), _TYPES, strict=True)}


def enter(con: duckdb.DuckDBPyConnection, made: Columns) -> None:
    insert_columns(con, "hours", made, _COLUMNS)


def forgotten(con: duckdb.DuckDBPyConnection) -> int:
    """Microseconds; 0 = every reading is kept."""
    return number(con, "SELECT coalesce(max(before), 0) FROM forgotten")


def forget_readings(con: duckdb.DuckDBPyConnection, before: int) -> None:
    """Their roll-ups stay. Those of files that have none yet are lost with them."""
    con.execute("DELETE FROM unrolled WHERE file NOT IN (SELECT file FROM parts)")
    con.execute("DELETE FROM forgotten WHERE before < ?", [before])
    if not forgotten(con):
        con.execute("INSERT INTO forgotten VALUES (?)", [before])


def span(start: int, end: int, width: int, closed: int, forgotten: int) -> Span | None:
    """Which whole hours of [start, end) the roll-ups answer: all that ended before ``closed`` where no bucket of ``width``
    divides one, else only what was ``forgotten``. None = none of them."""
    undivided = start + width >= end or (start % HOUR == 0 and width % HOUR == 0)
    first, until = -(-start // HOUR) * HOUR, min(end, max(closed, forgotten) if undivided else forgotten) // HOUR * HOUR
    return (first, until) if first < until else None


def counted(con: duckdb.DuckDBPyConnection, streams: Sequence[int], start: int, end: int) -> Counts:
    """How many readings, of any quality, the roll-ups of the hours that begin in [start, end) are made of."""
    if not streams:
        return Counts(np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0, np.int64))
    query = f"""
        SELECT stream, start, sum(count + bad)::BIGINT AS count FROM hours
        WHERE stream IN ({_listed(streams)}) AND start >= ? AND start < ? GROUP BY ALL ORDER BY stream, start
    """
    found = con.execute(query, [start, end]).fetchnumpy()
    return Counts(plain(found["stream"], np.uint32), plain(found["start"], np.int64), plain(found["count"], np.int64))


def buckets(
    con: duckdb.DuckDBPyConnection,
    table: str,
    streams: Sequence[int],
    start: int,
    width: int,
    asked: Span,
    rolled: Span,
) -> Buckets:
    """Buckets of ``width`` from ``start`` of the time ``asked``, from the roll-ups of ``rolled``, which lies in it, and from
    readings: what is left of it at both ends by ``table``, and of the hours themselves what is in no file yet."""
    since, end = asked
    first, until = rolled
    among = f"stream IN ({_listed(streams)})"
    pieces = [
        f"SELECT start AS moment, {_COLUMNS} FROM hours WHERE {among} AND start >= {first} AND start < {until}",
        _single("readings", f"{among} AND measured_at >= {first} AND measured_at < {until}"),
        _single(table, f"{among} AND measured_at >= {since} AND measured_at < {first}") if since < first else "",
        _single(table, f"{among} AND measured_at >= {until} AND measured_at < {end}") if until < end else "",
    ]
    query = f"""
        SELECT (moment - {start}) // {width} AS place, min(minimum) AS minimum, max(maximum) AS maximum,
               sum(total) / nullif(sum(count), 0) AS mean, arg_max(last, row(last_at, last_ordinal)) AS last,
               sum(count) AS count, sum(bad) AS bad
        FROM ({" UNION ALL ".join(piece for piece in pieces if piece)}) GROUP BY place ORDER BY place
    """
    return as_buckets(con.execute(query).fetchnumpy(), start, width)


def _listed(streams: Sequence[int]) -> str:
    return ", ".join(str(int(stream)) for stream in streams)


def joined(old: Buckets, new: Buckets) -> Buckets:
    """Of one row of buckets; all of ``new`` was measured later. The last of ``old`` may be the first of ``new``."""
    if not (old.start.size and new.start.size and old.start[-1] == new.start[0]):
        return Buckets(*(np.concatenate([getattr(old, name), getattr(new, name)]) for name in Buckets.__slots__))
    before, after = int(old.count[-1]), int(new.count[0])
    shared = {
        "start": new.start[0],
        "minimum": np.fmin(old.minimum[-1], new.minimum[0]),
        "maximum": np.fmax(old.maximum[-1], new.maximum[0]),
        "mean": _mean(float(old.mean[-1]), before, float(new.mean[0]), after),
        "last": new.last[0] if after else old.last[-1],
        "count": old.count[-1] + new.count[0],
        "bad": old.bad[-1] + new.bad[0],
    }
    return Buckets(
        *(np.r_[getattr(old, name)[:-1], shared[name], getattr(new, name)[1:]] for name in Buckets.__slots__)
    )


def _mean(one: float, of_one: int, other: float, of_other: int) -> float:
    if not (of_one and of_other):
        return one if of_one else other
    return (one * of_one + other * of_other) / (of_one + of_other)


def _single(table: str, where: str) -> str:
    """Readings as if each had an hour of its own."""
    usable = f"CASE WHEN {VALID} THEN value END"
    return f"""
        SELECT measured_at AS moment, stream, measured_at, ({VALID})::UINTEGER, (NOT ({VALID}))::UINTEGER, {usable}, {usable},
               coalesce({usable}, 0), {usable}, measured_at, ordinal
        FROM {table} WHERE {where}"""

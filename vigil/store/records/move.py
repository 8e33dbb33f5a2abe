"""All records from one database to another, row by row as they are stored: what is sealed stays sealed.

Each table is copied in one transaction, those that are pointed to first, so that an interrupted move leaves whole tables and is
gone on with by asking again. The same rows are hashed on both sides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Connection, MetaData, Table, delete, func, insert, select

from vigil.domain.errors import StoreError
from vigil.store.records.database import Database

#: Rows read, and written, at once (ours).
_ROWS = 1000
#: Written by the migrations and by the first opening: replaced, not added to.
_FROM_THE_START = frozenset({"counters", "key_checks"})
_VERSIONS = "alembic_version"
_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Moved:
    """``digest``: in hex, over the rows in any order. ``fresh``: copied now, not by an earlier try."""

    table: str
    rows: int
    digest: str
    fresh: bool


def move(source_url: str, target_url: str, told: Callable[[Moved], None]) -> None:
    """Both are brought to this version. ``told`` hears of each table when it is there. Nobody else may write to either.

    Raises ``StoreError``: the target holds other records, or not what was written; ``ConfigError`` for a URL.
    """
    source = Database(source_url)
    try:
        target = Database(target_url)
        try:
            with source.read() as read:
                for table in _tables(read):
                    told(_copied(read, table, target))
        finally:
            target.close()
    finally:
        source.close()


def _tables(con: Connection) -> Sequence[Table]:
    """As the database itself describes them: by our own types a sealed name would be opened on the way."""
    meta = MetaData()
    meta.reflect(con)
    return [table for table in meta.sorted_tables if table.name != _VERSIONS]


def _copied(read: Connection, table: Table, target: Database) -> Moved:
    wanted = _sum(_stored(read, table))
    with target.write() as con:
        place = Table(table.name, MetaData(), autoload_with=con)
        there = _sum(_stored(con, place))
        if there[0] and there == wanted and table.name not in _FROM_THE_START:
            return Moved(table.name, *wanted, fresh=False)
        if table.name in _FROM_THE_START:
            con.execute(delete(place))
        elif there[0]:
            raise StoreError(f"the target holds other records already (table {table.name}): give an empty database")
        for rows in _pages(_stored(read, table)):
            con.execute(insert(place), rows)
        _count_on(con, place)
        if _sum(_stored(con, place)) != wanted:
            raise StoreError(f"table {table.name} did not arrive as it was: nothing of it was kept")
    return Moved(table.name, *wanted, fresh=True)


def _stored(con: Connection, table: Table) -> Iterator[_Row]:
    rows = con.execute(select(table), execution_options={"yield_per": _ROWS})
    flags = {column.name for column in table.columns if isinstance(column.type, Boolean)}
    for row in rows.mappings():
        yield {name: _plain(value, name in flags) for name, value in row.items()}


def _plain(value: Any, flag: bool) -> Any:
    """One form for both databases; a NUL in a text as PostgreSQL keeps it."""
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    return bool(value) if flag and value is not None else value


def _pages(rows: Iterator[_Row]) -> Iterator[list[_Row]]:
    page: list[_Row] = []
    for row in rows:
        page.append(row)
        if len(page) == _ROWS:
            yield page
            page = []
    if page:
        yield page


def _sum(rows: Iterator[_Row]) -> tuple[int, str]:
    count, total = 0, 0
    for row in rows:
        count += 1
        told = repr(sorted(row.items())).encode()
        total += int.from_bytes(hashlib.sha256(told).digest(), "big")
    return count, f"{total % (1 << 256):064x}"


def _count_on(con: Connection, table: Table) -> None:
    """The next number that PostgreSQL gives follows the last that is there; SQLite looks by itself."""
    if con.dialect.name != "postgresql":
        return
    for column in table.primary_key.columns:
        sequence = con.execute(select(func.pg_get_serial_sequence(table.name, column.name))).scalar_one()
        last = con.execute(select(func.max(column))).scalar_one() if sequence is not None else None
        if last is not None:
            con.execute(select(func.setval(sequence, last)))

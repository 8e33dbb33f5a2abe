"""A number that grows with each change of what judging and the live view keep in memory, so that they read it again."""

from __future__ import annotations

from sqlalchemy import Connection, Table, select, update

_NAME = "revision"


def revision(con: Connection, counters: Table) -> int:
    return int(con.execute(select(counters.c.value).where(counters.c.name == _NAME)).scalar_one())


def changed(con: Connection, counters: Table) -> None:
    """To be called in the transaction of the change."""
    con.execute(update(counters).where(counters.c.name == _NAME).values(value=counters.c.value + 1))

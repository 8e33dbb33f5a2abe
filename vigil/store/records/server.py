"""Looking at records on a server without changing anything there: for the operator's commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.engine import make_url

from vigil.domain.audit import FIELDS, ROOT, Verdict, verify
from vigil.store.records.database import Database

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Server:
    """``address``: without user and password. ``collation``: how the database sorts text; C as SQLite does."""

    address: str
    version: str
    collation: str
    durable: bool

    @property
    def sorted_by_letter(self) -> bool:
        return self.collation.split(".")[0] in ("C", "POSIX")


def look(url: str) -> Server:
    """Raises ``ConfigError``, ``StoreError``."""
    database = Database(url, only_look=True)
    try:
        with database.read() as con:
            version, fsync = (
                str(con.execute(text(f"SHOW {name}")).scalar_one()) for name in ("server_version", "fsync")
            )
            named = text("SELECT datcollate FROM pg_database WHERE datname = current_database()")
            parsed = make_url(url)
            address = f"{parsed.host or 'local socket'}:{parsed.port or 5432}/{parsed.database}"
            return Server(address, version, str(con.execute(named).scalar_one()), fsync == "on")
    finally:
        database.close()


def verify_server(url: str, last: int | None = None, expect: str | None = None) -> Verdict:
    """As ``audit.verify_file``. The server does not tell the greatest number that it ever gave: that the end was cut off shows by
    ``expect`` only. Raises ``ConfigError``, ``StoreError``."""
    database = Database(url, only_look=True)
    try:
        with database.read() as con:
            asked = text("SELECT number, hash FROM audit_log ORDER BY number DESC OFFSET :last LIMIT 1")
            row = None if last is None else con.execute(asked, {"last": last}).one_or_none()
            start = (row.number, bytes(row.hash)) if row is not None else (0, ROOT)
            columns = ", ".join(FIELDS)
            entries = text(f"SELECT number, hash, {columns} FROM audit_log WHERE number > :after ORDER BY number")
            rows = con.execution_options(yield_per=_PAGE).execute(entries, {"after": start[0]})
            return verify(map(_entry, rows), start=start, expect=expect)
    finally:
        database.close()


def _entry(row: Row[Any]) -> tuple[int, tuple[object, ...], bytes]:
    number, hashed, *values = tuple(row)
    return number, tuple(values), bytes(hashed)

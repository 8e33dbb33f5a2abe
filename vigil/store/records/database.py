"""The connection: engine, SQLite settings, transactions, migration, errors translated."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from vigil.domain.errors import ConfigError, StoreError

_WRITING = {"vigil_writing": True}

# FULL: every commit is on the disk when it returns. A reader never waits for a writer in WAL mode.
_SQLITE_SETTINGS = (
    "PRAGMA busy_timeout = 10000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)


class Database:
    """Opens ``url`` and brings its tables up to date. Raises ``ConfigError`` for a bad URL, ``StoreError`` for the rest."""

    def __init__(self, url: str) -> None:
        self._writing = threading.Lock()
        self._closed = False
        self._engine = _engine(url)
        self._writer = self._engine.execution_options(**_WRITING)
        opened = False
        try:
            with self.write() as con:
                migrate(con)
            opened = True
        finally:
            if not opened:
                self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        with self._translated("reading"), self._open().connect() as con:
            yield con

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, durable when the block ends; one at a time, so that counted numbers are seen in their order."""
        with self._writing, self._translated("writing"):
            self._open()
            with self._writer.begin() as con:
                yield con

    def close(self) -> None:
        with self._writing:
            self._closed = True
            self._engine.dispose()

    def _open(self) -> Engine:
        if self._closed:
            raise StoreError("the records database is closed")
        return self._engine

    @contextmanager
    def _translated(self, act: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise StoreError(f"{act} the records database failed: {_words(error)}") from error


def migrate(con: Connection) -> None:
    """Runs the migrations that the database has not seen, inside the running transaction."""
    config = Config()
    config.set_main_option("script_location", "vigil.store.records:migrations")
    config.attributes["connection"] = con
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"the records database was written by another version of Vigil: {error}") from error


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
            raise ConfigError("the records database must be a file: every thread would see its own in-memory database")
        # Parameters are hidden because errors reach the log, and parameters are persons.
        engine = create_engine(parsed, hide_parameters=True, pool_size=8, max_overflow=56)
    except (ArgumentError, ImportError) as error:
        raise ConfigError(f"the URL of the records database cannot be used: {type(error).__name__}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself: ``_on_begin`` does
    for setting in _SQLITE_SETTINGS:
        connection.execute(setting).close()


def _on_begin(con: Connection) -> None:
    # A writer takes the lock at once: one that began as a reader could be refused in the middle.
    writing = con.get_execution_options().get("vigil_writing", False)
    con.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _words(error: SQLAlchemyError) -> str:
    # The driver's text may quote a row (PostgreSQL does for a broken constraint), so it is shown only where it is about
    # the database itself: locked, full, unreachable.
    cause = getattr(error, "orig", None)
    name = type(cause or error).__name__
    return f"{name}: {cause}" if isinstance(error, OperationalError) and cause else name

"""The connection: engine, SQLite settings, transactions, waiting for a server, migration, errors translated."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError

from vigil.domain.errors import ConfigError, StoreError
from vigil.store.records import postgresql

_LOG = logging.getLogger(__name__)
_WRITING = {"vigil_writing": True}

# FULL: every commit is on the disk when it returns. A reader never waits for a writer in WAL mode.
_SQLITE_SETTINGS = (
    "PRAGMA busy_timeout = 10000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is deleted or overwritten is overwritten in the file too
)


#: So long an erasure waits for readers of the file of changes, and writers for it (ours).
SCRUB_WAIT_MS = 500
#: Between two tries to reach a server (ours).
PAUSE_S = 0.5
#: Connections of one store to a server: a few stay open (ours; of the 100 that PostgreSQL takes by itself).
_KEPT, _MORE, _WAIT_S = 4, 12, 10


class Database:
    """Opens ``url`` and brings its tables up to date. Raises ``ConfigError`` for a bad URL, ``StoreError`` for the rest.

    ``patience_s``: how long a call waits for a server that is away before it fails; once one call has waited in vain, others fail
    at once until the server is back. Only the start of a transaction waits: what was lost in the middle is told to the caller.
    ``only_look``: the tables are left as they are.
    """

    def __init__(self, url: str, patience_s: float = 0.0, *, only_look: bool = False) -> None:
        self._writing = threading.Lock()
        self._closed = False
        self._leaving = threading.Event()
        self._waits, self._away, self._told = round(patience_s / PAUSE_S), False, False
        self._engine = _engine(url)
        self._server = self._engine.dialect.name == "postgresql"
        self._reader, self._writer = _modes(self._engine)
        opened = False
        try:
            with self.read() if only_look else self.write() as con:
                if self._server:
                    postgresql.check(con)
                if not only_look:
                    migrate(con)
            opened = True
        finally:
            if not opened:
                self._engine.dispose()

    @property
    def file(self) -> str | None:
        """None: a server."""
        return None if self._server else self._engine.url.database

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        with self._translated("reading"), self._begun(self._reader, postgresql.READERS_START) as con:
            yield con

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, durable when the block ends; one at a time, so that counted numbers are seen in their order."""
        with self._writing, self._translated("writing"), self._begun(self._writer, postgresql.WRITERS_TURN) as con:
            yield con
            with self._translated("committing to"):
                con.commit()

    def scrub(self, tables: Sequence[str], *, rewrite: bool = False) -> None:
        """What was overwritten before is in the files no more: in SQLite's file of changes (``rewrite``: in no free place of any
        page), or in these tables of PostgreSQL, which are written anew. Raises ``StoreError`` when others prevent it."""
        alone = {"isolation_level": "AUTOCOMMIT"} if self._server else {"vigil_alone": True}
        with self._writing, self._translated("scrubbing"), self._engine.execution_options(**alone).connect() as con:
            for name in tables if self._server else ():
                con.exec_driver_sql(f"VACUUM (FULL) {name}")
            if not self._server and not _scrubbed(con, rewrite):
                raise StoreError("what was overwritten may still be in the file of changes: ask again")

    def hurry(self) -> None:
        """From now on no call waits for the server: the process is about to end."""
        self._leaving.set()

    def close(self) -> None:
        self.hurry()
        with self._writing:
            self._closed = True
            self._engine.dispose()

    def _begun(self, engine: Engine, first: str) -> Connection:
        """A connection in a transaction that has begun, also on the server. To be closed, which rolls back."""
        waits, stale = 0 if self._away else self._waits, True
        while True:
            if self._closed:
                raise StoreError("the records database is closed")
            try:
                con = _started(engine, first if self._server else "")
            except DBAPIError as error:
                if error.connection_invalidated and stale:
                    stale = False  # it had waited in the pool since before the server was stopped: the next one is new
                    continue
                if not (self._server and postgresql.away(error)):
                    raise
                self._tell(f"the records database is away: {postgresql.todo(error)}")
                if waits == 0 or self._leaving.wait(PAUSE_S):
                    self._away = True
                    raise
                waits -= 1
            else:
                self._away = False
                self._tell("")
                return con

    def _tell(self, trouble: str) -> None:
        """Once when it begins, and when it is over."""
        if trouble and not self._told:
            _LOG.warning("%s", trouble)
        elif self._told and not trouble:
            _LOG.info("the records database is back")
        self._told = bool(trouble)

    @contextmanager
    def _translated(self, act: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            words = [f"{act} the records database failed: {_words(error)}"]
            if self._server and isinstance(error, DBAPIError):
                words += [postgresql.todo(error), postgresql.UNSURE if act == "committing to" else ""]
            raise StoreError("; ".join(filter(None, words))) from error


def _scrubbed(con: Connection, rewrite: bool) -> bool:
    """False: somebody reads all the time, and writers are not kept waiting for it."""
    con.exec_driver_sql(f"PRAGMA busy_timeout = {SCRUB_WAIT_MS}")
    try:
        if rewrite:
            con.exec_driver_sql("VACUUM")
        return not con.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
    finally:
        con.exec_driver_sql(_SQLITE_SETTINGS[0])


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
        if parsed.drivername in postgresql.DRIVERS:
            return _server_engine(parsed)
        if parsed.get_backend_name() != "sqlite":
            raise ConfigError(
                "the records are kept in SQLite or PostgreSQL: their URL begins with sqlite:/// or postgresql://"
            )
        if parsed.database in (None, "", ":memory:"):
            raise ConfigError("the records database must be a file: every thread would see its own in-memory database")
        # Parameters are hidden because errors reach the log, and parameters are persons.
        engine = create_engine(parsed, hide_parameters=True, pool_size=8, max_overflow=56)
    except (ArgumentError, ImportError, ValueError) as error:
        raise ConfigError(f"the URL of the records database cannot be used: {type(error).__name__}") from error
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _server_engine(url: URL) -> Engine:
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            pool_size=_KEPT,
            max_overflow=_MORE,
            pool_timeout=_WAIT_S,
            connect_args=postgresql.connecting(url),
        )
    except ImportError as error:
        raise ConfigError(
            "PostgreSQL needs psycopg, which is not installed: pip install 'vigil-rpm[postgres]'"
        ) from error
    event.listen(engine, "connect", postgresql.set_up)
    return engine


def _modes(engine: Engine) -> tuple[Engine, Engine]:
    """For readers, for writers."""
    if engine.dialect.name == "sqlite":
        return engine, engine.execution_options(**_WRITING)
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return reader, engine.execution_options(isolation_level="READ COMMITTED")


def _started(engine: Engine, first: str) -> Connection:
    con = engine.connect()
    try:
        con.begin()
        if first:
            con.exec_driver_sql(first)
    except SQLAlchemyError:
        con.close()
        raise
    return con


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself: ``_on_begin`` does
    for setting in _SQLITE_SETTINGS:
        connection.execute(setting).close()


def _on_begin(con: Connection) -> None:
    if con.get_execution_options().get("vigil_alone", False):
        return  # what SQLite does only outside of a transaction
    # A writer takes the lock at once: one that began as a reader could be refused in the middle.
    writing = con.get_execution_options().get("vigil_writing", False)
    con.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _words(error: SQLAlchemyError) -> str:
    # The driver's text may quote a row (PostgreSQL does for a broken constraint), so it is shown only where it is about
    # the database itself: locked, full, unreachable.
    cause = getattr(error, "orig", None)
    name = type(cause or error).__name__
    return f"{name}: {' '.join(str(cause).split())}" if isinstance(error, OperationalError) and cause else name

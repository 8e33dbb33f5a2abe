"""One open DuckDB file: a locked writer, a cursor for each reading thread, library errors translated."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from vigil.domain.errors import StoreError

_IN_USE = ("Could not set lock on file", "different configuration than existing connections")


@dataclass(frozen=True, slots=True)
class _Reader:
    cursor: duckdb.DuckDBPyConnection
    busy: threading.Lock = field(default_factory=threading.Lock)


class DuckFile:
    """Opens ``path`` for this object alone; raises ``StoreError`` when it is open elsewhere, in this process too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writing = threading.Lock()
        self._guard = threading.Lock()
        self._copying = threading.Lock()
        self._copier: duckdb.DuckDBPyConnection | None = None
        self._readers: dict[int, _Reader] = {}
        self._closed = False
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",  # a store must never reach for the network
            "autoload_known_extensions": "false",
            # DuckDB shares one file inside a process if the settings agree; two counters on it would give ordinals twice.
            "custom_user_agent": f"vigil-{id(self):x}",
        }
        try:
            self._con = duckdb.connect(str(path), config=config)
        except duckdb.Error as error:
            if any(text in str(error) for text in _IN_USE):
                raise StoreError(
                    f"{path} is in use by another running Vigil: stop that one, ask it over its API, or give another path"
                ) from error
            raise StoreError(f"{path} cannot be opened: {error}") from error

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The calling thread's cursor; sees everything committed so far."""
        reader = self._reader()
        with reader.busy, self._translated("reading"):
            if self._closed:
                raise StoreError(f"{self.path} is closed")
            yield reader.cursor

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction: committed with one fsync when the block ends, rolled back when it raises."""
        with self._writing, self._translated("writing"):
            if self._closed:
                raise StoreError(f"{self.path} is closed")
            self._con.execute("BEGIN")
            done = False
            try:
                yield self._con
                self._con.execute("COMMIT")
                done = True
            finally:
                if not done:
                    with suppress(duckdb.Error):  # a commit that failed has ended the transaction already
                        self._con.execute("ROLLBACK")

    @contextmanager
    def one_state(
        self, other: Path, name: str, cut: AbstractContextManager[None]
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor that sees one state of the file, whatever is committed meanwhile, with the new file ``other`` attached as
        ``name``. Writers wait while ``cut`` is entered and left, at that state. One at a time; ``close`` breaks it off."""
        with self._copying, self._translated("copying"):
            with self._guard:
                if self._closed:
                    raise StoreError(f"{self.path} is closed")
                cursor = self._copier = self._con.cursor()
            try:
                cursor.execute(f"ATTACH '{str(other).replace(chr(39), chr(39) * 2)}' AS {name}")
                try:
                    with self._writing, cut:
                        cursor.execute("BEGIN")
                        cursor.execute("SELECT count(*) FROM duckdb_tables()").fetchall()
                    yield cursor
                    cursor.execute("COMMIT")
                finally:
                    with suppress(duckdb.Error):  # nothing to roll back after the commit
                        cursor.execute("ROLLBACK")
                    cursor.execute(f"DETACH {name}")
            finally:
                self._copier = None
                cursor.close()

    def settle(self) -> None:
        """Waits until the reads that have begun are over. Not from inside of one."""
        with self._guard:
            readers = list(self._readers.values())
        for reader in readers:
            with reader.busy:
                pass

    def close(self) -> None:
        """Waits for running calls, writes the log into the file, lets go of it. Closing again does nothing."""
        while not self._copying.acquire(timeout=0.1):
            copier = self._copier
            if copier is not None:
                with suppress(duckdb.Error):  # closed just now
                    copier.interrupt()  # again and again: between two statements it has no effect
        try:
            self._close()
        finally:
            self._copying.release()

    def _close(self) -> None:
        with self._writing, self._guard:
            if self._closed:
                return
            self._closed = True
            for reader in self._readers.values():
                with reader.busy:
                    reader.cursor.close()
            self._readers.clear()
            try:
                with self._translated("closing"):
                    self._con.execute("CHECKPOINT")
            finally:
                self._con.close()

    def _reader(self) -> _Reader:
        # The number of a thread that has ended is given to a new one: as many cursors as threads alive at once.
        me = threading.get_ident()
        with self._guard:
            if self._closed:
                raise StoreError(f"{self.path} is closed")
            found = self._readers.get(me)
            if found is None:
                with self._translated("reading"):
                    found = self._readers[me] = _Reader(self._con.cursor())
            return found

    @contextmanager
    def _translated(self, act: str) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            raise StoreError(f"{act} {self.path} failed: {type(error).__name__}: {error}") from error

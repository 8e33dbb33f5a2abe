"""The readings of about a day once more, sorted by stream: who looks at one stream reads a few blocks, not everybody's day.

It is made from the database while that grows, by a thread that comes when a chunk is full and goes. It only helps: its file is
made anew at each start, and thrown away when anything about it fails. What it says is exact: it holds every reading measured
since a floor with an ordinal up to a mark, and who reads asks the database for those behind the mark.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from vigil.domain.errors import StoreError
from vigil.domain.readings import COLUMN_TYPES, ReadingBatch
from vigil.domain.times import HOUR
from vigil.runtime.clock import Clock
from vigil.store.duck.closing import ANY_TIME, Days
from vigil.store.duck.readings import COLUMNS, as_batch

logger = logging.getLogger(__name__)

#: Readings that are sorted together, and so many at most lie unsorted; 2 ms to look through (ours).
CHUNK = 1_000_000
#: Of a block. Smaller ones cost more to find than they save to read.
GROUP_ROWS = 16_384
#: Readings fetched at once: for so long, about 15 ms, no other thread of Python runs (ours).
FETCHED = 200_000
#: A chart of a day is answered from here; up to twice as much is kept, but not more readings than this, 10 bytes each (ours).
KEPT_US, MOST = 26 * HOUR, 200_000_000

_DDL = """
CREATE TABLE sorted.readings (
    ordinal UBIGINT, stream UINTEGER, measured_at BIGINT, device_time BIGINT, received_at BIGINT, value DOUBLE, quality USMALLINT,
    epoch UINTEGER, seq UINTEGER
)
"""
# Times that differ little from the measured one are kept as the difference, which takes next to no room.
_INSERT = """
INSERT INTO sorted.readings
SELECT ordinal, stream, measured_at, device_time - measured_at, received_at - measured_at, value, quality, epoch, seq
FROM incoming ORDER BY stream, measured_at, ordinal
"""
_OF_STREAM = """
SELECT ordinal, stream, measured_at, device_time + measured_at AS device_time, received_at + measured_at AS received_at, value,
    quality, epoch, seq
FROM sorted.readings WHERE stream = ? AND measured_at >= ? AND ordinal > ? AND ordinal <= ? LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class _File:
    """One to write, one to read."""

    writer: duckdb.DuckDBPyConnection
    reader: duckdb.DuckDBPyConnection


class ByStream:
    """Safe to use from several threads. ``path``: of the database, beside which the file lies. ``chunk``, ``most``: readings."""

    def __init__(self, days: Days, path: Path, clock: Clock, chunk: int = CHUNK, most: int = MOST) -> None:
        self._days, self._clock, self._chunk, self._most = days, clock, chunk, most
        self._path = path.with_suffix(".by_stream")
        self._making, self._reading = threading.Lock(), threading.Lock()
        self._leaving = threading.Event()
        self._thread: threading.Thread | None = None
        self._file: _File | None = None
        self._head = self._since = self._upto = self._size = 0
        self._unlink()

    def grow(self, head: int) -> None:
        """All readings up to ``head`` are committed. Returns at once; to be called by one thread at a time."""
        self._head = head
        if head - self._upto < self._chunk or self._leaving.is_set():
            return
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="by stream", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Until what was begun is done."""
        if self._thread is not None:
            self._thread.join()

    def rows(self, stream: int, since: int, after: int, head: int, most: int) -> tuple[ReadingBatch, int]:
        """Of the stream, in no order, measured from ``since`` on, with an ordinal behind ``after`` and up to ``head``: as far as
        they are here, ``most`` at most. And the ordinal up to which these are all: from there on the database must be asked."""
        with self._reading:
            upto = min(self._upto, head)
            if self._file is None or since < self._since or upto <= after:
                return ReadingBatch.empty(), after
            try:
                values = [stream, since, after, upto, most]
                return as_batch(self._file.reader.execute(_OF_STREAM, values).fetchnumpy()), upto
            except duckdb.Error as error:
                self._give_up(error)
                return ReadingBatch.empty(), after

    def clear(self) -> None:
        """Forgets everything, and begins anew."""
        with self._making:
            self._drop()

    def close(self) -> None:
        self._leaving.set()
        self.wait()
        self.clear()

    def _run(self) -> None:
        try:
            while self._head - self._upto >= self._chunk and not self._leaving.is_set():
                began = self._clock.monotonic()
                with self._making:
                    self._add(min(self._upto + self._chunk, self._head))
                # After a start there may be a day to sort: others need the processor too.
                self._leaving.wait(self._clock.monotonic() - began)
        except (duckdb.Error, StoreError, OSError) as error:
            self._give_up(error)
            self.clear()

    def _give_up(self, error: Exception) -> None:
        """Until the next start."""
        if not self._leaving.is_set():
            logger.warning("readings are no longer sorted by stream, charts are slower: %s", error)
        self._leaving.set()
        self._upto = 0

    def _add(self, upto: int) -> None:
        file = self._open() if self._file is None else self._file
        self._raise_floor(file)
        with self._days.measured(self._since, ANY_TIME) as (con, table):
            query = f"SELECT {COLUMNS} FROM {table} WHERE ordinal > ? AND ordinal <= ? AND measured_at >= ?"
            spans = [(first, min(first + FETCHED, upto), self._since) for first in range(self._upto, upto, FETCHED)]
            found = ReadingBatch.concat([as_batch(con.execute(query, list(span)).fetchnumpy()) for span in spans])
        incoming = {name: getattr(found, name) for name in COLUMN_TYPES}  # noqa: F841 - read by DuckDB
        file.writer.execute(_INSERT)
        self._size += len(found)
        self._upto = upto

    def _raise_floor(self, file: _File) -> None:
        now = self._clock.now_us()
        if self._size > self._most:
            floor = self._since + (now - self._since) // 2
        elif now - self._since > 2 * KEPT_US:
            floor = now - KEPT_US
        else:
            return
        with self._reading:  # whoever asks for more goes to the database from now on
            self._since = floor
        file.writer.execute("DELETE FROM sorted.readings WHERE measured_at < ?", [floor])
        self._size = int(file.writer.execute("SELECT count(*) FROM sorted.readings").fetchall()[0][0])

    def _open(self) -> _File:
        # Of its own, on one processor: ingest must not wait while a chunk is sorted.
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": 1,
            "memory_limit": "256MB",  # a chunk takes a quarter of it, the rest keeps blocks that were read
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        con = duckdb.connect(":memory:", config=config)
        name = str(self._path).replace("'", "''")
        con.execute(f"ATTACH '{name}' AS sorted (ROW_GROUP_SIZE {GROUP_ROWS})")
        con.execute(_DDL)
        self._path.chmod(0o600)
        file = _File(con, con.cursor())
        with self._reading:
            self._file, self._since = file, self._clock.now_us() - KEPT_US
        return file

    def _drop(self) -> None:
        with self._reading:
            if self._file is not None:
                self._file.reader.close()
                self._file.writer.close()
            self._file = None
            self._since = self._upto = self._size = 0
        self._unlink()

    def _unlink(self) -> None:
        for path in (self._path, self._path.with_suffix(".by_stream.wal")):
            with suppress(FileNotFoundError):
                path.unlink()

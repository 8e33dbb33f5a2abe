"""Moves closed days out of the database, and forgets days that need not be kept, while readings go on being written and read.

Whoever reads rows that may have moved does so by ``Days.rows``: in one transaction, which sees each row in exactly one place.
Reading what is younger than any move costs nothing more than before.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from vigil.domain.errors import StoreError
from vigil.domain.times import DAY, HOUR, utc_date
from vigil.store import Buckets
from vigil.store.duck import history, hours
from vigil.store.duck.connection import DuckFile
from vigil.store.duck.history import Part
from vigil.store.duck.latest import newest_rows
from vigil.store.duck.readings import append, head

logger = logging.getLogger(__name__)

#: Files of one day before they become one (ours).
MOST_FILES = 4
#: Readings that may not be forgotten yet, by ordinal: first and last.
Waiting = tuple[int, int]
#: Later than any reading.
ANY_TIME = int(np.iinfo(np.int64).max)
_IN_DAY = "measured_at >= ? AND measured_at < ?"


@dataclass(frozen=True, slots=True)
class Edge:
    """What is in files, or about to be, lies before ``day``, up to ``ordinal``, and is not newer by the other two."""

    day: int = 0
    ordinal: int = 0
    device_time: int = 0
    received: int = 0

    def beyond(self, part: Part) -> Edge:
        return Edge(
            max(self.day, part.day + DAY),
            max(self.ordinal, part.last_ordinal),
            max(self.device_time, part.last_device_time),
            max(self.received, part.last_received),
        )


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was measured before ``before`` was forgotten, ``count`` readings in files among it."""

    before: int
    count: int


class Days:
    """``folder``: where the files are. Safe to use from several threads."""

    def __init__(self, file: DuckFile, folder: Path) -> None:
        self._file = file
        self.folder = folder
        self.edge = Edge()
        #: Of what was measured before then, only roll-ups are kept; microseconds.
        self.forgotten = 0
        self._unrolled: list[int] = []
        self._moving = threading.Lock()

    def open(self, con: duckdb.DuckDBPyConnection) -> list[str]:
        """Finds the parts, and removes what a crash left. Returns the files that are missing."""
        parts = history.stored(con)
        edge = Edge()
        for part in parts:
            edge = edge.beyond(part)
        self.edge = edge
        self.forgotten = hours.forgotten(con)
        self._unrolled = [part.day for part in history.stored(con, hours.UNROLLED)]
        for stray in history.strays(self.folder, {part.file for part in parts}):
            with suppress(OSError):  # it does no harm, and the next opening tries again
                stray.unlink()
        return [part.file for part in parts if not (self.folder / part.file).is_file()]

    @contextmanager
    def rows(
        self, recent: Callable[[Edge], bool], where: str, values: Sequence[int]
    ) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
        """A cursor, and what to select readings from. ``recent``: is nothing of it in a file? Else ``where``, a condition of
        ``Part``, chooses the files."""
        with self._file.read() as con:
            if recent(self.edge):  # not before: a move waits for reads that have begun, and for no other
                yield con, "readings"
                return
            con.execute("BEGIN TRANSACTION READ ONLY")
            try:
                yield con, history.rows_of(con, self.folder, where, values)
            finally:
                with suppress(duckdb.Error):  # a query that failed has ended it
                    con.execute("ROLLBACK")

    def measured(self, start: int, end: int) -> AbstractContextManager[tuple[duckdb.DuckDBPyConnection, str]]:
        """Of what was measured in [start, end)."""
        return self.rows(lambda edge: start >= edge.day, history.MEASURED, [DAY, start, end])

    def rolled(self, start: int, end: int, width: int, since: int) -> hours.Span | None:
        """The hours of [since, end) that the roll-ups answer for buckets of ``width`` from ``start``; None = none."""
        ready = not any(start < day + DAY and day < end for day in self._unrolled)
        found = hours.span(start, end, width, self.edge.day if ready else 0, self.forgotten)
        if found is None or since <= found[0]:
            return found
        first = -(-since // HOUR) * HOUR
        return (first, found[1]) if first < found[1] else None

    def counted(self, streams: Sequence[int], start: int, end: int) -> hours.Counts:
        """How many readings the roll-ups of the hours that begin in [start, end) are made of."""
        with self._file.read() as con:
            return hours.counted(con, streams, start, end)

    def buckets(self, streams: Sequence[int], start: int, width: int, asked: hours.Span, rolled: hours.Span) -> Buckets:
        """From the roll-ups of ``rolled`` and, for the rest of ``asked``, the readings, as of one moment."""
        (since, end), (first, until) = asked, rolled
        edges = f"({history.MEASURED}) OR ({history.MEASURED})"
        with self.rows(lambda _: False, edges, [DAY, since, first, DAY, until, end]) as (con, table):
            return hours.buckets(con, table, streams, start, width, asked, rolled)

    def copy(self, to: Path) -> None:
        """All files into the folder ``to``, while they are held. A file never changes, so a second name for it will do."""
        with self._file.read() as con:
            parts = history.stored(con) if history.known(con) else []
        if parts:
            to.mkdir(mode=0o700)
        for part in parts:
            try:
                os.link(self.folder / part.file, to / part.file)
            except OSError:
                shutil.copyfile(self.folder / part.file, to / part.file)

    def close_before(self, before: int) -> int:
        """Moves the readings of all days that ended at or before ``before`` into files; how many. Raises ``StoreError``."""
        moved = 0
        with self._moving:
            self._roll()
            with self._file.read() as con:
                days = [day for day in history.days_to_close(con, before) if day + DAY <= before]
            for day in days:
                moved += self._close(day)
                self._merge(day)
        return moved

    def forget_before(self, before: int, waiting: Sequence[Waiting] = ()) -> Forgotten:
        """Forgets the readings of all days that ended at or before ``before``, but for the first day with a reading that is
        ``waiting`` and those after it."""
        with self._moving:
            self._roll()
            with self._file.write() as con:  # what is committed meanwhile may be waiting too
                limit = _first_waiting(con, before - before % DAY, waiting)
                parts = history.stored(con, "day + ? <= ?", [DAY, limit])
                self.forgotten = max(self.forgotten, limit)
                top = head(con)
                con.execute("DELETE FROM given")
                con.execute("INSERT INTO given VALUES (?)", [top])
                history.forget(con, parts)
                hours.enter(con, hours.of(con, "readings", "measured_at < ?", [limit]))
                con.execute("DELETE FROM readings WHERE measured_at < ?", [limit])
                con.execute("DELETE FROM newest WHERE measured_at < ?", [limit])
                hours.forget_readings(con, limit)
            self._unlink(parts)
        return Forgotten(limit, sum(part.size for part in parts))

    def forget_hours_before(self, before: int) -> None:
        """Forgets the roll-ups of all days that ended at or before ``before``."""
        with self._moving, self._file.write() as con:
            con.execute("DELETE FROM hours WHERE start < ?", [before - before % DAY])

    @contextmanager
    def held(self) -> Iterator[None]:
        """No file comes or goes."""
        with self._moving:
            yield

    def _close(self, day: int) -> int:
        values = [day, day + DAY]
        with self._snapshot() as con:
            parts = history.stored(con, "day = ?", [day])
            top = int(con.execute("SELECT coalesce(max(ordinal), 0) FROM readings").fetchall()[0][0])
            number = 1 + max((int(part.file.split(".")[1]) for part in parts), default=0)
            made = history.write(con, self.folder, day, number, "readings", _IN_DAY, values)
            newest = newest_rows(
                con, f"(SELECT * FROM newest UNION ALL SELECT * FROM readings WHERE {_IN_DAY})", values
            )
            rolled = hours.of(con, "readings", _IN_DAY, values)
        if made is None:
            return 0
        self.edge = self.edge.beyond(made)
        self._file.settle()  # whoever asked for less than the new edge has read by now
        with self._file.write() as con:
            gone = con.execute(f"DELETE FROM readings WHERE {_IN_DAY} AND ordinal <= ?", [*values, top]).fetchall()
            if gone != [(made.size,)]:
                raise StoreError(f"{made.file}: {made.size} readings were written, {gone} were to be moved")
            history.enter(con, made)
            hours.enter(con, rolled)
            con.execute("DELETE FROM newest")
            append(con, newest, "newest")
        logger.info("%s: %d readings of %s moved to a file", self.folder.name, made.size, utc_date(day))
        return made.size

    def _roll(self) -> None:
        """Makes the roll-ups of files that an earlier Vigil wrote."""
        if not self._unrolled:
            return
        with self._snapshot() as con:
            parts = history.stored(con, hours.UNROLLED)
        for part in parts:
            if not (self.folder / part.file).is_file():
                continue  # who asks for that day is told; the others need not wait for it
            with self._snapshot() as con:
                made = hours.of(con, history.files(self.folder, [part]), "true", ())
            with self._file.write() as con:
                hours.enter(con, made)
                con.execute("DELETE FROM unrolled WHERE file = ?", [part.file])
            days = self._unrolled.copy()
            days.remove(part.day)
            self._unrolled = days  # not in place: others go through it

    def _merge(self, day: int) -> None:
        """One file of many. The rows stay the same, so a reader may see either."""
        with self._snapshot() as con:
            parts = history.stored(con, "day = ?", [day])
            if len(parts) <= MOST_FILES:
                return
            number = 1 + max(int(part.file.split(".")[1]) for part in parts)
            table = history.files(self.folder, parts)
            made = history.write(con, self.folder, day, number, table, _IN_DAY, [day, day + DAY])
        if made is None or made.size != sum(part.size for part in parts):
            raise StoreError(f"the files of {utc_date(day)} do not hold what they should: restore them from a backup")
        with self._file.write() as con:
            history.forget(con, parts)
            history.enter(con, made)
        self._unlink(parts)

    @contextmanager
    def _snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.rows(lambda _: False, "false", ()) as (con, _):
            yield con

    def _unlink(self, parts: Sequence[Part]) -> None:
        self._file.settle()
        for part in parts:
            with suppress(FileNotFoundError):
                (self.folder / part.file).unlink()


def _first_waiting(con: duckdb.DuckDBPyConnection, before: int, waiting: Sequence[Waiting]) -> int:
    """The start of the first day before ``before`` with a reading that is waiting; ``before`` when there is none. A file counts
    for all ordinals between its least and its greatest: a day may wait for another's readings, never the other way."""
    first = before
    for least, greatest in waiting:
        for table, moment, low, high in (
            ("readings", "measured_at", "ordinal", "ordinal"),
            ("parts", "day", "first_ordinal", "last_ordinal"),
        ):
            query = f"SELECT min({moment}) FROM {table} WHERE {moment} < ? AND {low} <= ? AND {high} >= ?"
            ((found,),) = con.execute(query, [first, greatest, least]).fetchall()
            if found is not None:
                first = int(found) - int(found) % DAY
    return first

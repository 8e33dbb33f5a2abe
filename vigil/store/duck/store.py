"""``DuckReadingStore``: the protocol ``ReadingStore`` over one DuckDB file and a Parquet file for each closed day."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.risk import ModelState, Prediction
from vigil.domain.scores import Score
from vigil.domain.times import DAY
from vigil.runtime.clock import Clock
from vigil.store import Buckets, Commit, DeadLetter, Latest
from vigil.store.duck import deadletters, hours, latest, packs, readings, schema, streams
from vigil.store.duck import predictions as prediction_rows
from vigil.store.duck import scores as score_rows
from vigil.store.duck.by_stream import ByStream
from vigil.store.duck.closing import Days, Edge, Waiting
from vigil.store.duck.connection import DuckFile
from vigil.store.duck.copy import TableSum, copy
from vigil.store.duck.history import FOLDER
from vigil.store.duck.kept import Kept


class DuckReadingStore:
    """Append-only, one transaction and one fsync a commit; opening rebuilds ordinals, streams and latest values.

    One process, one object: raises ``StoreError`` when ``path`` is open elsewhere, is no Vigil store or has another schema
    version. Every call raises ``StoreError`` when DuckDB fails; a commit that failed has stored nothing, and the next one
    first reads the file again. A reading whose stream was never committed is refused with ``StoreError``.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._file = DuckFile(path)
        self._lock = threading.Lock()
        self._streams = streams.StreamBook(())
        self._latest = latest.LatestValues()
        self._days = Days(self._file, path.parent / FOLDER)
        self._by_stream = ByStream(self._days, path, clock)
        self._kept = Kept(self._days, by_stream=self._by_stream)
        #: Files that should be there and are not: what was measured then cannot be read.
        self.missing: list[str] = []
        self._head = self._last_dead = self._last_score = self._last_prediction = 0
        self._doubtful = True
        opened = False
        try:
            with self._file.write() as con:
                schema.prepare(con, path, clock.now_us())
                self.missing = self._days.open(
                    con
                )  # once: later, a file that no line names may be one that is being written
            self._reload()
            opened = True
        finally:
            if not opened:
                self._file.close()

    def commit(self, batch: Commit) -> ReadingBatch:
        with self._lock:
            if self._doubtful:
                self._reload()
            fresh = self._streams.fresh(batch.streams)
            self._streams.check(batch.readings.stream, fresh)
            stored = readings.numbered(batch.readings, self._head)
            head = self._head + len(stored)
            if not (len(stored) or fresh or batch.packs or batch.dead_letters):
                return stored
            self._doubtful = True
            with self._file.write() as con:
                streams.append(con, fresh)
                readings.append(con, stored)
                packs.append(con, batch.packs, head)
                deadletters.append(con, batch.dead_letters, self._last_dead)
            self._streams.add(fresh)
            self._latest.reserve(self._streams.size)
            self._latest.put(stored)
            self._head = head
            self._last_dead += len(batch.dead_letters)
            self._doubtful = False
            self._by_stream.grow(head)
            return stored

    def streams(self) -> list[Stream]:
        return self._streams.listed()

    def packs(self) -> Iterator[tuple[str, int, np.ndarray[tuple[int], np.dtype[np.uint32]]]]:
        return packs.stored(self._file)

    def pack_digest(self, device_id: str, epoch: int, seq: int) -> int | None:
        with self._file.read() as con:
            return packs.digest(con, device_id, epoch, seq)

    def has_unsequenced(self, keys: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        if not keys:
            return set()
        first, last = min(at for _, at in keys), max(at for _, at in keys)
        chosen = "last_device_time >= ? AND first_device_time <= ?"
        with self._days.rows(lambda edge: first > edge.device_time, chosen, [first, last]) as (con, table):
            return readings.unsequenced(con, table, keys)

    def after(self, ordinal: int, limit: int) -> ReadingBatch:
        found, head = ReadingBatch.empty(), self._head
        place: int | None = max(ordinal, 0)
        while not len(found) and place is not None and place < head and limit > 0:
            with self._days.rows(_after(place), "last_ordinal > ?", [place]) as (con, table):
                found = readings.after(con, table, place, limit, head)
                if not len(found):  # what was there need not be kept any more
                    after = readings.next_ordinal(con, table, place)
                    place = None if after is None else after - 1
        return found

    def head(self) -> int:
        return self._head

    def latest(self) -> Latest:
        return self._latest.view()

    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch:
        kept = self._kept_rows(streams, start, end)
        if kept is not None:
            return kept.take(np.arange(max(len(kept) - max(limit, 0), 0), len(kept)))
        if start < self._days.edge.day:
            # Nothing is newer than the newest; most who ask want that, and need not read every day.
            end = min(end, 1 + max((self._latest.seen_at(stream) for stream in streams), default=0))
            day = max(start, (end - 1) // DAY * DAY)
            found = self._in_range(streams, day, end, limit)
            if len(found) >= limit or day == start:
                return found
        return self._in_range(streams, start, end, limit)

    def _in_range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch:
        with self._days.measured(start, end) as (con, table):
            return readings.in_range(con, table, streams, start, end, limit)

    def buckets(self, streams: Sequence[int], start: int, end: int, points: int) -> Buckets:
        return self.windows(streams, start, end, readings.bucket_width(start, end, points), start)

    def windows(self, streams: Sequence[int], start: int, end: int, width: int, since: int) -> Buckets:
        """Buckets of ``width`` from ``start``, of what was measured in [since, end); ``start`` is not after ``since``."""
        rolled = self._days.rolled(start, end, width, since) if streams else None
        edge = since if rolled is None else max(rolled[1], min(end, self._days.edge.day))
        kept = self._kept_rows(streams, edge, end)
        if rolled is not None:
            asked = (since, end if kept is None else edge)
            old = self._days.buckets(streams, start, width, asked, rolled)
            return old if kept is None else hours.joined(old, readings.bucketed(kept, start, width))
        if kept is not None:
            return readings.bucketed(kept, start, width)
        with self._days.measured(since, end) as (con, table):
            return readings.buckets(con, table, streams, start, width, (since, end))

    def whole_since(self) -> int:
        return self._days.forgotten

    def counted(self, streams: Sequence[int], start: int, end: int) -> hours.Counts:
        """How many readings the roll-ups of the hours that begin in [start, end) are made of, also of forgotten days."""
        return self._days.counted(streams, start, end)

    def _kept_rows(self, streams: Sequence[int], start: int, end: int) -> ReadingBatch | None:
        """From memory, of one stream and a time that is not long past; else None: it would keep all that came after it."""
        if len(streams) != 1 or start >= end or self._latest.seen_at(streams[0]) >= end + (end - start):
            return None
        return self._kept.rows(streams[0], start, end, self._head)

    def delivered(self, device_id: str, since: int) -> int:
        numbers = [stream.stream for stream in self._streams.listed() if stream.device_id == device_id]
        with self._days.rows(lambda edge: since > edge.received, "last_received >= ?", [since]) as (con, table):
            return readings.received(con, table, numbers, since)

    def dead_letters(
        self, limit: int, before_id: int | None, device_id: str | None, reason: str | None
    ) -> list[DeadLetter]:
        with self._file.read() as con:
            return deadletters.newest(con, limit, before_id, device_id, reason)

    def append_scores(self, scores: Sequence[Score]) -> None:
        if not scores:
            return
        with self._lock:
            if self._doubtful:
                self._reload()
            self._doubtful = True
            with self._file.write() as con:
                score_rows.append(con, scores, self._last_score)
            self._last_score += len(scores)
            self._doubtful = False

    def scores(self, patient_id: str, start: int, end: int, limit: int) -> list[Score]:
        with self._file.read() as con:
            return score_rows.newest(con, patient_id, start, end, limit)

    def worst_scores(self, patient_id: str, start: int, end: int, points: int) -> list[Score]:
        if start >= end:
            return []
        with self._file.read() as con:
            return score_rows.worst(con, patient_id, start, end, points)

    def append_predictions(self, predictions: Sequence[Prediction]) -> None:
        if not predictions:
            return
        columns = prediction_rows.columns(predictions)
        with self._lock:
            if self._doubtful:
                self._reload()
            self._doubtful = True
            with self._file.write() as con:
                prediction_rows.append(con, columns, self._last_prediction)
            self._last_prediction += len(predictions)
            self._doubtful = False

    def predictions(
        self,
        patient_id: str,
        start: int,
        end: int,
        limit: int,
        *,
        model: str | None = None,
        state: ModelState | None = None,
    ) -> list[Prediction]:
        with self._file.read() as con:
            return prediction_rows.newest(con, patient_id, (start, end), limit, model, state)

    def latest_predictions(self) -> list[Prediction]:
        with self._file.read() as con:
            return prediction_rows.latest(con)

    def copy(self, to: Path, cut: AbstractContextManager[None]) -> dict[str, TableSum]:
        """Into a new file, as of one moment, while commits go on; see ``vigil.store.duck.copy``. The closed days come into
        ``FOLDER`` beside it, as links where the disk can."""
        with self._days.held():
            self._days.copy(to.parent / FOLDER)
            return copy(self._file, to, cut)

    def close_days(self, before: int) -> int:
        """Moves the readings of days that ended at or before ``before`` (measured, microseconds UTC) into files; how many."""
        return self._days.close_before(before)

    def forget_days(self, before: int, waiting: Sequence[Waiting] = ()) -> int:
        """Forgets the readings of days that ended at or before ``before``, for ever; how many of those in files. The numbers of
        their packs stay, so that they are not taken for new when they are sent again. A day with a reading that is ``waiting``,
        and the days after it, stay too."""
        forgotten = self._days.forget_before(before, waiting)
        self._latest.forget(forgotten.before)
        self._by_stream.clear()
        self._kept = Kept(self._days, by_stream=self._by_stream)
        return forgotten.count

    def forget_hours(self, before: int) -> None:
        """Forgets the roll-ups of days that ended at or before ``before``, for ever."""
        self._days.forget_hours_before(before)

    def close(self) -> None:
        """Writes DuckDB's log into the file. Later calls raise ``StoreError``; closing again does nothing."""
        self._by_stream.close()
        self._file.close()
        self._kept = Kept(self._days)

    def _reload(self) -> None:
        """Counters, streams and latest values from the file: at opening, and after a commit whose outcome is not known."""
        with self._file.read() as con:
            book = streams.StreamBook(streams.stored(con))
            values = latest.LatestValues(book.size)
            values.put(latest.newest_rows(con, "(SELECT * FROM readings UNION ALL SELECT * FROM newest)"))
            self._head = readings.head(con)
            self._last_dead = deadletters.last_id(con)
            self._last_score = score_rows.last_id(con)
            self._last_prediction = prediction_rows.last_id(con)
        self._streams, self._latest, self._doubtful = book, values, False


def _after(ordinal: int) -> Callable[[Edge], bool]:
    return lambda edge: ordinal >= edge.ordinal

"""The newest part of the streams that somebody has just looked at, kept in memory.

The store is append-only and its ordinals are consecutive, so what is kept stays exact: a later look reads only the rows that
were committed since, which lie together at the end of the file, however late their values are.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from vigil.domain.readings import ReadingBatch
from vigil.store.duck.by_stream import ByStream
from vigil.store.duck.closing import ANY_TIME, Days
from vigil.store.duck.readings import COLUMNS, as_batch

#: Rows kept of one stream, two days at one a second, and of all (ours): 54 bytes each.
MOST_OF_STREAM, MOST = 200_000, 1_000_000


@dataclass(frozen=True, slots=True)
class _Part:
    """All rows with ``measured_at`` >= ``since`` and an ordinal up to ``head``, by measured time then ordinal."""

    since: int
    head: int
    rows: ReadingBatch


class Kept:
    """Safe to use from several threads. ``most_of_stream``, ``most``: rows. ``by_stream``: where a first look finds them soon."""

    def __init__(
        self,
        days: Days,
        most_of_stream: int = MOST_OF_STREAM,
        most: int = MOST,
        by_stream: ByStream | None = None,
    ) -> None:
        self._days, self._by_stream = days, by_stream
        self._most_of_stream, self._most = most_of_stream, most
        self._lock = threading.Lock()
        self._parts: OrderedDict[int, _Part] = OrderedDict()
        self._size = 0
        self._too_long: dict[int, int] = {}

    def rows(self, stream: int, start: int, end: int, head: int) -> ReadingBatch | None:
        """Rows with start <= measured_at < end, by measured time then ordinal, of those with an ordinal up to ``head``, all of
        which must be committed; a view, not to be changed. None where they are too many to be kept: then ask the file."""
        with self._lock:
            part = self._parts.get(stream)
            if self._too_long.get(stream, start) > start:
                return None
        if part is None or part.since > start:
            part = _Part(start, head, self._read(stream, start, 0, head))
        elif part.head < head:
            part = _Part(part.since, head, _joined(part.rows, self._read(stream, part.since, part.head, head)))
        if not self._keep(stream, part, start + (end - start) // 2):
            return None
        low, high = np.searchsorted(part.rows.measured_at, [start, end])
        own = part.rows.take(slice(int(low), int(high)))
        # Another thread may have kept it up to a later ordinal than this one asks for.
        return own if part.head == head else own.take(own.ordinal <= np.uint64(head))

    def _keep(self, stream: int, part: _Part, middle: int) -> bool:
        """False when it is too long. Whoever asks from before ``middle`` again is told so without a look."""
        with self._lock:
            known = self._parts.pop(stream, None)
            self._size -= 0 if known is None else len(known.rows)
            if len(part.rows) > self._most_of_stream:
                self._too_long[stream] = middle
                return False
            self._parts[stream] = part
            self._size += len(part.rows)
            while self._size > self._most:
                _, oldest = self._parts.popitem(last=False)
                self._size -= len(oldest.rows)
        return True

    def _read(self, stream: int, since: int, after: int, head: int) -> ReadingBatch:
        """One row more than may be kept tells that there are too many."""
        known, most = ReadingBatch.empty(), self._most_of_stream + 1
        if self._by_stream is not None:
            known, after = self._by_stream.rows(stream, since, after, head, most)
        query = (
            f"SELECT {COLUMNS} FROM {{table}} WHERE ordinal > ? AND ordinal <= ? AND stream = ? AND measured_at >= ? "
            f"LIMIT {most}"
        )
        # What was committed after ``after`` may have moved since.
        with self._days.measured(since, ANY_TIME) as (con, table):
            newer = as_batch(con.execute(query.format(table=table), [after, head, stream, since]).fetchnumpy())
        found = ReadingBatch.concat([known, newer])
        return found.take(np.lexsort((found.ordinal, found.measured_at)))


def _joined(old: ReadingBatch, new: ReadingBatch) -> ReadingBatch:
    """Both by measured time then ordinal; ``new`` has the later ordinals."""
    if not len(new):
        return old
    both = ReadingBatch.concat([old, new])
    if not len(old) or new.measured_at[0] >= old.measured_at[-1]:
        return both
    return both.take(np.argsort(both.measured_at, kind="stable"))

"""The newest value of every stream, held in arrays so that a ward of any size is read at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import duckdb
import numpy as np
from numpy.typing import NDArray

from vigil.domain.quality import GATED
from vigil.domain.readings import ReadingBatch
from vigil.store import Latest
from vigil.store.duck.readings import COLUMNS, VALID, as_batch

# Two scans: the newest times of each stream, then the rows that have them. ``LatestValues.put`` settles ties by ordinal.
_NEWEST = f"""
WITH rows_ AS (SELECT {COLUMNS} FROM {{table}}), times AS (
    SELECT stream, max(measured_at) AS seen, max(measured_at) FILTER ({VALID}) AS valid FROM rows_ GROUP BY stream
)
SELECT DISTINCT {", ".join("r." + name for name in COLUMNS.split(", "))}
FROM rows_ r JOIN times t ON r.stream = t.stream AND (r.measured_at = t.seen OR r.measured_at = t.valid)
"""


def newest_rows(con: duckdb.DuckDBPyConnection, table: str, values: Sequence[int] = ()) -> ReadingBatch:
    """Of ``table``, the rows that may be the newest, or the newest valid, of their stream."""
    return as_batch(con.execute(_NEWEST.format(table=table), list(values)).fetchnumpy())


def is_valid(batch: ReadingBatch) -> NDArray[np.bool_]:
    ungated: NDArray[np.bool_] = (batch.quality & np.uint16(GATED)) == 0
    return ungated & ~np.isnan(batch.value)


class LatestValues:
    """Grows by doubling. ``view`` hands out copies, so that a reader never sees half of an update."""

    def __init__(self, size: int = 0) -> None:
        self._lock = threading.Lock()
        self._now = _blank(max(size, 64))

    def reserve(self, size: int) -> None:
        """Room for streams 0 to ``size - 1``, with or without values."""
        with self._lock:
            self._grow(size)

    def put(self, batch: ReadingBatch) -> None:
        """Takes what is newer by measured time, then by ordinal; ``batch`` must be later than all batches before it."""
        if not len(batch):
            return
        ordered = batch.take(np.lexsort((batch.ordinal, batch.measured_at, batch.stream)))
        seen = _last_of_stream(ordered)
        valid = _last_of_stream(ordered.take(is_valid(ordered)))
        with self._lock:
            self._grow(int(seen.stream[-1]) + 1)
            now = self._now
            newer = seen.take(seen.measured_at >= now.seen_at[seen.stream])
            now.seen_at[newer.stream] = newer.measured_at
            now.seen_quality[newer.stream] = newer.quality
            newer = valid.take(valid.measured_at >= now.measured_at[valid.stream])
            now.measured_at[newer.stream] = newer.measured_at
            now.received_at[newer.stream] = newer.received_at
            now.value[newer.stream] = newer.value
            now.quality[newer.stream] = newer.quality

    def view(self) -> Latest:
        with self._lock:
            now = self._now
            return Latest(
                measured_at=now.measured_at.copy(),
                received_at=now.received_at.copy(),
                value=now.value.copy(),
                quality=now.quality.copy(),
                seen_at=now.seen_at.copy(),
                seen_quality=now.seen_quality.copy(),
            )

    def forget(self, before: int) -> None:
        """Values measured before then are not known any more."""
        with self._lock:
            now, blank = self._now, _blank(self._now.value.size)
            old = now.measured_at < before
            for name in ("measured_at", "received_at", "value", "quality"):
                getattr(now, name)[old] = getattr(blank, name)[old]
            old = now.seen_at < before
            for name in ("seen_at", "seen_quality"):
                getattr(now, name)[old] = getattr(blank, name)[old]

    def seen_at(self, stream: int) -> int:
        """Measured time of the stream's newest value of any quality; 0 = none yet."""
        with self._lock:
            return int(self._now.seen_at[stream]) if stream < self._now.seen_at.size else 0

    def _grow(self, needed: int) -> None:
        old = self._now
        size = old.value.size
        if needed <= size:
            return
        new = _blank(max(2 * size, needed))
        for name in ("measured_at", "received_at", "value", "quality", "seen_at", "seen_quality"):
            getattr(new, name)[: old.value.size] = getattr(old, name)
        self._now = new


def _blank(size: int) -> Latest:
    return Latest(
        measured_at=np.zeros(size, np.int64),
        received_at=np.zeros(size, np.int64),
        value=np.full(size, np.nan),
        quality=np.zeros(size, np.uint16),
        seen_at=np.zeros(size, np.int64),
        seen_quality=np.zeros(size, np.uint16),
    )


def _last_of_stream(ordered: ReadingBatch) -> ReadingBatch:
    """Of rows sorted by stream, the last of each."""
    last = np.ones(len(ordered), np.bool_)
    last[:-1] = ordered.stream[1:] != ordered.stream[:-1]
    return ordered.take(last)

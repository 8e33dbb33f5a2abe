"""The questions of ``ReadingStore`` that InfluxDB can answer: ``latest``, ``range``, ``buckets``. The journal keeps the rest.

Of two values of one stream for one microsecond, the later ordinal counts as the newer one, as in the journal, unless a whole
thousand lies between them: nanoseconds hold the last three digits of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from vigil.domain.errors import InvalidInput
from vigil.domain.readings import COLUMN_TYPES, ReadingBatch, Stream
from vigil.store import Buckets, Latest
from vigil.store.influx import flux
from vigil.store.influx.lines import PLACES, Tags, is_copied, tags_of

#: Series named in one question (ours).
MOST_SERIES = 200
Row = Mapping[str, Any]


class Asked(Protocol):
    @property
    def bucket(self) -> str: ...
    def query(self, flux: str) -> Iterable[Row]: ...


@dataclass(slots=True)
class _Bucket:
    low: float = np.nan
    high: float = np.nan
    total: float = 0.0
    count: int = 0
    all: int = 0
    last: tuple[int, float] = (-1, np.nan)


class InfluxHistory:
    """``streams``: the journal's, which say what a series is called. Every call raises ``StoreError`` when there is no answer."""

    def __init__(self, server: Asked, streams: Callable[[], Sequence[Stream]]) -> None:
        self._server = server
        self._streams = streams

    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch:
        """As ``ReadingStore.range``."""
        if start >= end or limit <= 0:
            return ReadingBatch.empty()
        found = [
            _batch(self._server.query(flux.rows(self._server.bucket, list(chosen), start, end, limit)), chosen)
            for chosen in self._chosen(streams)
        ]
        every = ReadingBatch.concat(found)
        return every.take(np.lexsort((every.ordinal, every.measured_at))[-limit:])

    def buckets(self, streams: Sequence[int], start: int, end: int, points: int) -> Buckets:
        """As ``ReadingStore.buckets``, but from readings alone. The figures of each series are computed there, pooled here."""
        if points < 1:
            raise InvalidInput("points must be at least 1")
        return self.windows(streams, start, end, max(1, -(-(end - start) // points)))

    def windows(self, streams: Sequence[int], start: int, end: int, width: int) -> Buckets:
        """Buckets of ``width`` microseconds from ``start``, of what was measured in [start, end)."""
        pooled: dict[int, _Bucket] = {}
        for chosen in self._chosen(streams) if start < end else ():
            for row in self._server.query(flux.buckets(self._server.bucket, list(chosen), start, end, width)):
                name, at = row["result"], int(row["at"])
                measured = at // PLACES if name == "last" else at
                _pool(pooled.setdefault((measured - start) // width, _Bucket()), name, at, row["_value"])
        made = [pooled[place] for place in sorted(pooled)]
        return Buckets(
            start=np.array([start + place * width for place in sorted(pooled)], np.int64),
            minimum=np.array([one.low for one in made], np.float64),
            maximum=np.array([one.high for one in made], np.float64),
            mean=np.array([one.total / one.count if one.count else np.nan for one in made], np.float64),
            last=np.array([one.last[1] for one in made], np.float64),
            count=np.array([one.count for one in made], np.uint32),
            bad=np.array([one.all - one.count for one in made], np.uint32),
        )

    def latest(self) -> Latest:
        """As ``ReadingStore.latest``, by a question about all series; where a value that cannot be used came after the last
        usable one, by another one."""
        every = self._streams()
        numbers = {tags_of(one): one.stream for one in every}
        found: dict[tuple[str, int], tuple[int, Any]] = {}
        for row in self._server.query(flux.latest(self._server.bucket)):
            stream = numbers.get(_tags(row))
            if stream is not None:  # else of a stream of another journal
                found[row["result"], stream] = (int(row["at"]), row["_value"])
        made = _blank(max((one.stream for one in every), default=-1) + 1)
        for name, stream in list(found):
            if name == "quality":
                at, quality = found["quality", stream]
                made.seen_at[stream], made.seen_quality[stream] = at // PLACES, quality
            elif name == "value":
                at, value = found["value", stream]
                made.measured_at[stream], made.value[stream] = at // PLACES, value
                same = found["quality", stream][0] == at
                here = (found["quality", stream][1], found["received_at", stream][1])
                made.quality[stream], made.received_at[stream] = here if same else self._usable(stream, at)
        return made

    def _usable(self, stream: int, at: int) -> tuple[int, int]:
        """Quality and time of receipt of the usable value at ``at``, nanoseconds."""
        moment = at // PLACES
        rows = self.range([stream], moment, moment + 1, PLACES)
        (place,) = np.flatnonzero(rows.ordinal % np.uint64(PLACES) == at % PLACES)
        return int(rows.quality[place]), int(rows.received_at[place])

    def _chosen(self, streams: Sequence[int]) -> Iterator[dict[Tags, int]]:
        """What the streams are called, so many as one question may name."""
        wanted = set(streams)
        known = [one for one in self._streams() if one.stream in wanted and is_copied(one)]
        for first in range(0, len(known), MOST_SERIES):
            yield {tags_of(one): one.stream for one in known[first : first + MOST_SERIES]}


def _batch(rows: Iterable[Row], numbers: Mapping[Tags, int]) -> ReadingBatch:
    columns: dict[str, list[Any]] = {name: [] for name in COLUMN_TYPES}
    for row in rows:
        usable = row.get("value")  # a column in which no row has anything is not there
        value = row.get("gated") if usable is None else usable
        for name in COLUMN_TYPES:
            if name not in ("stream", "value"):
                columns[name].append(row[name])
        columns["stream"].append(numbers[_tags(row)])
        columns["value"].append(np.nan if value is None else value)
    return ReadingBatch(*(np.array(columns[name], dtype) for name, dtype in COLUMN_TYPES.items()))


def _tags(row: Row) -> Tags:
    return Tags(row["device"], row["vital"], row["site"])


def _pool(into: _Bucket, name: str, at: int, value: Any) -> None:
    if name == "min":
        into.low = np.fmin(into.low, value)
    elif name == "max":
        into.high = np.fmax(into.high, value)
    elif name == "sum":
        into.total += value
    elif name == "count":
        into.count += value
    elif name == "all":
        into.all += value
    elif at > into.last[0]:
        into.last = (at, value)


def _blank(size: int) -> Latest:
    return Latest(
        measured_at=np.zeros(size, np.int64),
        received_at=np.zeros(size, np.int64),
        value=np.full(size, np.nan),
        quality=np.zeros(size, np.uint16),
        seen_at=np.zeros(size, np.int64),
        seen_quality=np.zeros(size, np.uint16),
    )

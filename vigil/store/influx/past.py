"""The past as one: what the journal keeps, and what it has forgotten from the copy in InfluxDB. Each reading counts once.

The roll-ups, which the journal keeps of what it forgets, say how many readings there were. So it is noticed when the copy has
fewer (its bucket keeps less time, or it refused some), and when it has other ones: a value that a person entered is named there
by the number of its stream only, which in a journal that was restored or begun anew can be somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from vigil.domain.errors import StoreError
from vigil.domain.people import MANUAL_PREFIX
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.times import HOUR
from vigil.runtime.clock import Clock
from vigil.store import Buckets, Latest
from vigil.store.duck.hours import Counts, joined
from vigil.store.duck.readings import bucket_width, bucketed
from vigil.store.influx.older import WAIT_S, History, Older
from vigil.store.past import Lack, Missing

T = TypeVar("T")
#: Readings that InfluxDB is asked for in one question (ours): it takes some 0.1 ms to put one together of its fields.
MOST_ROWS = 20_000


class Journal(Protocol):
    """What the past needs of the embedded store."""

    def streams(self) -> list[Stream]: ...
    def latest(self) -> Latest: ...
    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch: ...
    def buckets(self, streams: Sequence[int], start: int, end: int, points: int) -> Buckets: ...
    def windows(self, streams: Sequence[int], start: int, end: int, width: int, since: int) -> Buckets: ...
    def counted(self, streams: Sequence[int], start: int, end: int) -> Counts: ...
    def whole_since(self) -> int: ...


class CopiedPast:
    """A ``Past`` for one request. ``rollups_end``: the journal forgets roll-ups too, so that InfluxDB is asked for what they
    would say."""

    def __init__(self, journal: Journal, older: Older, clock: Clock, *, rollups_end: bool) -> None:
        self._journal, self._older, self._clock = journal, older, clock
        self._rollups_end = rollups_end
        self._left_s = WAIT_S
        self._short: set[int] = set()
        self.missing: Missing | None = None

    def latest(self) -> Latest:
        return self._journal.latest()

    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch:
        found = self._journal.range(streams, start, end, limit)
        # Asked for after the readings: what is forgotten between the two is in both answers then, and not in none.
        edge = min(end, self._journal.whole_since())
        if start >= edge or limit <= 0 or (len(found) >= limit and found.measured_at[0] >= edge):
            return found
        wanted = min(limit, MOST_ROWS)
        since = self._newest(streams, start, edge, wanted)
        old = self._ask(edge, lambda history: history.range(streams, since, edge, wanted))
        if old is None:
            self._short.update(streams)
            return found
        if len(old) == wanted < limit:
            self._lack(int(old.measured_at[0]), Lack.TOO_MANY)
        own = self._own(old, streams)
        if len(old) == wanted or self._lacks(own, streams, start, edge):
            self._short.update(streams)
        every = _once(ReadingBatch.concat([own, found]))
        return every.take(slice(max(len(every) - limit, 0), None))

    def buckets(self, streams: Sequence[int], start: int, end: int, points: int) -> Buckets:
        width = bucket_width(start, end, points)
        edge = min(end, self._journal.whole_since())
        if start >= edge or self._rolled(start, edge, width):
            return self._journal.buckets(streams, start, end, points)
        new = self._journal.windows(streams, start, end, width, edge) if edge < end else None
        if min(end, self._journal.whole_since()) != edge:
            return self.buckets(streams, start, end, points)  # a day was forgotten just now
        old = self._ask(edge, lambda history: self._windows(history, streams, start, edge, width))
        if old is None or int(old.count.sum()) + int(old.bad.sum()) < self._expected(streams, start, edge):
            return self._journal.buckets(streams, start, end, points)
        return old if new is None else joined(old, new)

    def is_whole(self, streams: Sequence[int], start: int) -> bool:
        return start >= self._journal.whole_since() or self._short.isdisjoint(streams)

    def exceeds(self, streams: Sequence[int], start: int, end: int, limit: int) -> bool:
        return self._expected(streams, start, min(end, self._journal.whole_since())) > limit

    def _rolled(self, start: int, edge: int, width: int) -> bool:
        """Do the roll-ups say all that the readings would?"""
        return not self._rollups_end and start % HOUR == width % HOUR == edge % HOUR == 0

    def _newest(self, streams: Sequence[int], start: int, end: int, limit: int) -> int:
        """As late a start as may be for the newest ``limit`` of [start, end): InfluxDB puts rows together, then counts them."""
        known = self._journal.counted(streams, start // HOUR * HOUR, end)
        order = np.argsort(known.start)[::-1]
        full = np.flatnonzero(np.cumsum(known.count[order]) >= limit)
        return max(start, int(known.start[order[full[0]]])) if full.size else start

    def _windows(self, history: History, streams: Sequence[int], start: int, end: int, width: int) -> Buckets:
        if not self._entered(streams):
            return history.windows(streams, start, end, width)
        rows = history.range(streams, start, end, MOST_ROWS)  # if there are more, they are fewer than expected
        return bucketed(self._own(rows, streams), start, width)

    def _ask(self, edge: int, question: Callable[[History], T]) -> T | None:
        """None = there is no answer, and none is waited for in the rest of this request."""
        began = self._clock.monotonic()
        try:
            if self._left_s > 0:
                return self._older.ask(question, self._left_s)
        except StoreError:  # the log has why
            self._left_s = 0.0
        finally:
            self._left_s -= self._clock.monotonic() - began
        self._lack(edge, Lack.UNREACHABLE)
        return None

    def _lack(self, before: int, why: Lack) -> None:
        if self.missing is None or before > self.missing.before:
            self.missing = Missing(before, why)

    def _expected(self, streams: Sequence[int], start: int, end: int) -> int:
        """How many readings there were in the whole hours of [start, end), as far as roll-ups are kept."""
        first, until = -(-start // HOUR) * HOUR, end // HOUR * HOUR
        if first >= until:
            return 0
        return int(self._journal.counted(streams, first, until).count.sum())

    def _lacks(self, old: ReadingBatch, streams: Sequence[int], start: int, end: int) -> bool:
        """Are there fewer than there were?"""
        first, until = -(-start // HOUR) * HOUR, end // HOUR * HOUR
        there = int(((old.measured_at >= first) & (old.measured_at < until)).sum())
        return there < self._expected(streams, start, end)

    def _entered(self, streams: Sequence[int]) -> set[int]:
        """Those of values that people entered."""
        wanted = set(streams)
        return {
            one.stream
            for one in self._journal.streams()
            if one.stream in wanted and one.device_id.startswith(MANUAL_PREFIX)
        }

    def _own(self, rows: ReadingBatch, streams: Sequence[int]) -> ReadingBatch:
        """Without entered values of an hour of which the roll-ups know fewer: some of them are another journal's."""
        entered = sorted(self._entered(streams))
        if not entered or not len(rows):
            return rows
        hour = rows.measured_at // HOUR * HOUR
        known = self._journal.counted(entered, int(hour[0]), int(hour[-1]) + 1)
        counts = dict(
            zip(zip(known.stream.tolist(), known.start.tolist(), strict=True), known.count.tolist(), strict=True)
        )
        places = list(zip(rows.stream.tolist(), hour.tolist(), strict=True))
        there: dict[tuple[int, int], int] = {}
        for place in places:
            there[place] = there.get(place, 0) + 1
        own = [place[0] not in entered or there[place] <= counts.get(place, 0) for place in places]
        return rows.take(np.array(own, np.bool_))


def _once(rows: ReadingBatch) -> ReadingBatch:
    """By measured time then ordinal. What came late for a forgotten day may be here and there."""
    ordered = rows.take(np.lexsort((rows.stream, rows.ordinal, rows.measured_at)))
    first = np.ones(len(ordered), np.bool_)
    columns = (ordered.stream, ordered.ordinal, ordered.measured_at)
    first[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return ordered.take(first)

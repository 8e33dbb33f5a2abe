"""Late readings: each slot that got some is judged again from the last checkpoint before them, once for a whole backfill.

A slot waits until nothing late has come for it for ``QUIET``, at most ``LONGEST``; one tick judges about ``SHARE`` readings
again, the longest waiting first, so that a day's backfill for a hundred patients never stops what is live.
A late reading that is severe and fresh is not made to wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Saved
from analytics.episodes import Spans, brought_up, episodes
from analytics.intake import Intake
from analytics.order import in_canonical_order
from analytics.quality import COUNTS
from analytics.slots import LATENESS_WINDOW, Slots
from vigil.domain.readings import I64, ReadingBatch
from vigil.domain.times import SECOND
from vigil.store import EVERY_READING, ReadingHistory

#: Nothing late for so long: the backfill is over (ours), microseconds.
QUIET = 5 * SECOND
LONGEST = 60 * SECOND
#: Readings judged again in one tick, about (ours): a third of a second with the embedded store on two busy cores.
SHARE = 200_000


@dataclass(frozen=True, slots=True)
class Dirty:
    """``since``: the earliest late reading, measured; ``ordinal``: of the newest late one, received at ``received_at``; ``first``
    and ``last``: when it was marked, server time; ``urgent``: one of them is severe and fresh."""

    since: int
    ordinal: int
    received_at: int
    first: int
    last: int
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """What a slot's readings say now. ``spans``: its episodes since ``start``; ``codes`` (detectors,): what the newest reading
    that counts is; ``newest``: that reading as a batch of one, or empty; ``judged``: how many readings that took."""

    slot: int
    start: int
    dirty: Dirty
    spans: Spans
    codes: NDArray[np.uint8]
    newest: ReadingBatch
    judged: int


class Late:
    def __init__(self, slots: Slots, intake: Intake, readings: ReadingHistory) -> None:
        self._slots = slots
        self._intake = intake
        self._readings = readings
        self._dirty: dict[int, Dirty] = {}

    @property
    def waiting(self) -> int:
        """How many slots are to be judged again."""
        return len(self._dirty)

    def mark(self, slot: I64, batch: ReadingBatch, urgent: NDArray[np.bool_], now: int) -> None:
        """Late readings, ascending by ordinal."""
        for each in np.unique(slot).tolist():
            rows = np.flatnonzero(slot == each)
            since, at_once = int(batch.measured_at[rows].min()), bool(urgent[rows].any())
            first = now
            if (known := self._dirty.get(each)) is not None:
                since, first, at_once = min(since, known.since), known.first, at_once or known.urgent
            last = rows[-1]
            ordinal, received = int(batch.ordinal[last]), int(batch.received_at[last])
            self._dirty[each] = Dirty(since, ordinal, received, first, now, at_once)

    def due(self, now: int, *, all_of_it: bool = False) -> list[int]:
        """Slots whose backfill is over or has waited too long, the longest waiting first."""
        over = [
            (dirty.first, slot)
            for slot, dirty in self._dirty.items()
            if all_of_it or now - dirty.last >= QUIET or now - dirty.first >= LONGEST
        ]
        return [slot for _, slot in sorted(over)]

    def next_due(self) -> int | None:
        """When the next slot's turn comes, server time."""
        return min((min(dirty.last + QUIET, dirty.first + LONGEST) for dirty in self._dirty.values()), default=None)

    def judge_again(self, slot: int, position: int, now: int) -> Again:
        """Set the slot's memory back and judge everything since from the store, up to the ordinal ``position``."""
        dirty = self._dirty.pop(slot)
        engine, checkpoints = self._intake.engine, self._intake.checkpoints
        checkpoint = checkpoints.before(slot, dirty.since)
        checkpoints.drop_after(slot, dirty.since)
        start = checkpoint.boundary if checkpoint is not None else self._from_the_beginning(slot, dirty.since)
        running = {} if checkpoint is None else checkpoint.running
        engine.put_slot(slot, None if checkpoint is None else checkpoint.row, running)
        batch = self._stored(slot, start, position)
        last_at = np.zeros(len(batch), np.int64) if checkpoint is None else np.full(len(batch), start, np.int64)
        judged, events = self._intake.judge(np.full(len(batch), slot, np.int64), batch, last_at, now)
        spans = episodes(events, batch.measured_at, running)
        spans = brought_up(spans, engine.running(slot))
        valid = np.flatnonzero(judged.gate == COUNTS)
        newest = valid[-1:]
        codes = judged.codes[:, newest[0]] if newest.size else np.zeros(len(engine.detectors), np.uint8)
        return Again(slot, start, dirty, spans, codes, batch.take(newest), len(batch))

    def _from_the_beginning(self, slot: int, since: int) -> int:
        """Without a checkpoint the slot is as young as its first reading, or the late one was before that."""
        first_at = self._intake.order.first_at
        first_at[slot] = min(int(first_at[slot]), since)
        return int(first_at[slot])

    def _stored(self, slot: int, start: int, position: int) -> ReadingBatch:
        slots = self._slots
        first, end = max(start, int(slots.start[slot])), int(slots.end[slot])
        batch = self._readings.range([int(slots.stream[slot])], first, end, EVERY_READING)
        inside = (batch.ordinal <= np.uint64(position)) & (batch.received_at - batch.measured_at <= LATENESS_WINDOW)
        batch = batch.take(inside)
        return batch.take(in_canonical_order(np.full(len(batch), slot, np.int64), batch))

    def saved(self, prefix: str) -> Saved:
        rows = [(slot, d.since, d.ordinal, d.received_at, d.first, d.last, d.urgent) for slot, d in self._dirty.items()]
        return {f"{prefix}.dirty": np.array(rows, np.int64).reshape(len(rows), 7)}

    def load(self, saved: Mapping[str, NDArray[Any]], prefix: str) -> None:
        """Raises ``KeyError`` when an array is missing."""
        rows = saved[f"{prefix}.dirty"].tolist()
        self._dirty = {row[0]: Dirty(row[1], row[2], row[3], row[4], row[5], bool(row[6])) for row in rows}

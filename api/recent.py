"""The last five hours of each stream in 5-minute means: for the small curve and the trend arrow on a card.

Kept in memory from the batches on the bus; what was before the start is read from the store, a few streams at a time. A mean
is good enough here: nothing is judged by it, and the patient's charts come from the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vigil.bus.board import Bus
from vigil.domain.quality import GATED
from vigil.domain.readings import F64, I64, ReadingBatch
from vigil.domain.times import MINUTE
from vigil.runtime.clock import Clock
from vigil.store import ReadingStore

Item = TypeVar("Item")

BUCKET_US = 5 * MINUTE
#: Buckets kept: the last hour, and the four before it.
KEPT, LAST_HOUR = 60, 12
#: Points of a curve: four hours.
CURVE = 48
#: Batches that may wait between two looks; the oldest are lost to the means only.
WAITING = 200
#: In one look, streams are read from the store until so many are done or so much time has passed.
SEEDED_AT_ONCE, SEEDING_S = 8, 0.02

#: The change of the last hour's median against the four hours before that is worth a full arrow; half of it is half an
#: arrow (reference page "The nurse station" section 3).
FULL_ARROW = {"spo2": 2.0, "resp_rate": 4.0, "heart_rate": 15.0, "bp_sys": 20.0, "body_temp": 0.8}
#: Buckets with values that the last hour and the time before must have at least (ours); with fewer the trend is unknown.
LEAST_NOW, LEAST_BEFORE = 1, 2
TRENDS = ("down2", "down1", "flat", "up1", "up2")


class Recent:
    """Columns by stream number, a ring of buckets each. Not safe from several threads: its owner holds a lock."""

    def __init__(self, readings: ReadingStore, bus: Bus, clock: Clock) -> None:
        self._readings = readings
        self._clock = clock
        self._batches = bus.readings.subscribe(WAITING)
        self._total = np.zeros((0, KEPT))
        self._count = np.zeros((0, KEPT), np.int64)
        self._bucket = np.zeros((0, KEPT), np.int64)
        self._seeded = np.zeros(0, np.bool_)

    def refresh(self) -> None:
        """Takes what came since the last time."""
        while (batch := self._batches.next(timeout=0)) is not None:
            self.add(batch)

    def reserve(self, streams: I64) -> None:
        """Room for these streams, with or without values."""
        if streams.size:
            self._grow(int(streams.max()) + 1)

    def add(self, batch: ReadingBatch) -> None:
        """Unusable values are left out, and so is what is older than five hours or lies ahead of the clock."""
        newest = self._clock.now_us() // BUCKET_US
        bucket = batch.measured_at // BUCKET_US
        good = (batch.quality & np.uint16(GATED)) == 0
        good &= ~np.isnan(batch.value) & (bucket <= newest) & (bucket > newest - KEPT)
        if not good.any():
            return
        stream, bucket, value = batch.stream[good].astype(np.int64), bucket[good], batch.value[good]
        self._grow(int(stream.max()) + 1)
        place = bucket % KEPT
        outdated = self._bucket[stream, place] != bucket
        self._total[stream[outdated], place[outdated]] = 0.0
        self._count[stream[outdated], place[outdated]] = 0
        self._bucket[stream, place] = bucket
        np.add.at(self._total, (stream, place), value)
        np.add.at(self._count, (stream, place), 1)

    def means(self, streams: I64, since: I64) -> tuple[I64, F64]:
        """Bucket starts (µs, oldest first, one row for all) and a row of means a stream; NaN where there is no value, or where
        the bucket began before ``since`` (the binding's start)."""
        newest = self._clock.now_us() // BUCKET_US
        wanted = np.arange(newest - KEPT + 1, newest + 1)
        place = wanted % KEPT
        rows = streams[:, None]
        count = self._count[rows, place]
        held = (self._bucket[rows, place] == wanted) & (count > 0) & (wanted * BUCKET_US >= since[:, None])
        means = np.full(held.shape, np.nan)
        np.divide(self._total[rows, place], count, out=means, where=held)
        return wanted * BUCKET_US, means

    def seed(self, streams: I64) -> None:
        """Reads the past of some of these streams, of each once. Call it again and again."""
        until = (self._clock.now_us() // BUCKET_US + 1) * BUCKET_US
        for number in seeding(streams[~self._seeded[streams]].tolist(), self._clock):
            found = self._readings.buckets([number], until - KEPT * BUCKET_US, until, KEPT)
            bucket = found.start // BUCKET_US
            place = bucket % KEPT
            self._total[number, place] = np.where(found.count > 0, found.mean, 0.0) * found.count
            self._count[number, place] = found.count
            self._bucket[number, place] = bucket
            self._seeded[number] = True

    def _grow(self, needed: int) -> None:
        size = self._seeded.size
        if needed <= size:
            return
        more = max(needed, 2 * size) - size
        self._total = np.vstack([self._total, np.zeros((more, KEPT))])
        self._count = np.vstack([self._count, np.zeros((more, KEPT), np.int64)])
        self._bucket = np.vstack([self._bucket, np.zeros((more, KEPT), np.int64)])
        self._seeded = np.concatenate([self._seeded, np.zeros(more, np.bool_)])


def seeding(waiting: Sequence[Item], clock: Clock) -> Iterator[Item]:
    """Those that are read from the store in one look."""
    started = clock.monotonic()
    for one in waiting[:SEEDED_AT_ONCE]:
        yield one
        if clock.monotonic() - started > SEEDING_S:
            return


def medians(means: F64) -> F64:
    """The median of each row without its NaN; NaN for a row that has nothing else."""
    ordered = np.sort(means, axis=1)  # NaN go to the end
    count = (~np.isnan(means)).sum(axis=1)
    rows = np.arange(len(means))
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    middle = (ordered[rows, low] + ordered[rows, np.minimum(high, means.shape[1] - 1)]) / 2
    return np.where(count > 0, middle, np.nan)


def trends(means: F64, full: NDArray[np.float64]) -> list[str]:
    """One word a row: the last hour against the four hours before; ``full`` is the change worth a full arrow."""
    before, now = means[:, :-LAST_HOUR], means[:, -LAST_HOUR:]
    enough = ((~np.isnan(now)).sum(axis=1) >= LEAST_NOW) & ((~np.isnan(before)).sum(axis=1) >= LEAST_BEFORE)
    change = np.nan_to_num(medians(now) - medians(before))
    step = np.sign(change) * ((np.abs(change) >= full / 2).astype(int) + (np.abs(change) >= full))
    return [TRENDS[int(one) + 2] if known else "unknown" for one, known in zip(step, enough, strict=True)]

"""river, the library that most people would take for this: what a user of it would write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.bench.streams import Feed, Readings
from vigil.runtime.clock import Clock

if TYPE_CHECKING:
    from river.anomaly import GaussianScorer

#: Readings that each scorer has learnt before measuring. Its grace period ends with them, so that it judges all that is measured,
#: as it would after the 100 of its default, which would take minutes for a million streams.
LEARNT = 3
#: Readings between two looks at the clock.
_PIECE = 20_000


class Peer:
    """One ``GaussianScorer`` for each stream, in a list by the number of the stream."""

    def __init__(self, scorer: type[GaussianScorer], streams: int, feed: Feed) -> None:
        self._scorers = [scorer(grace_period=LEARNT) for _ in range(streams)]
        past = feed.take(LEARNT * streams)
        for slot, value in zip(past.slot.tolist(), past.value.tolist(), strict=True):
            self._scorers[slot].learn_one(None, value)
        self.readings = 0

    @property
    def bytes_a_stream(self) -> int:
        """As river counts them."""
        return int(self._scorers[0]._raw_memory_usage)

    def rate(self, readings: Readings, limit_s: float, clock: Clock) -> float:
        """Readings a second over as many of them as ``limit_s`` allow. The columns are made into lists before the clock runs."""
        scorers, seconds, read = self._scorers, 0.0, 0
        for part in readings.batches(_PIECE):
            pairs = list(zip(part.slot.tolist(), part.value.tolist(), strict=True))
            start = clock.monotonic()
            for slot, value in pairs:
                scorer = scorers[slot]
                scorer.score_one(None, value)
                scorer.learn_one(None, value)
            seconds += clock.monotonic() - start
            read += len(pairs)
            if seconds > limit_s:
                break
        self.readings += read
        return read / seconds


def gaussian_scorer() -> type[GaussianScorer] | None:
    """None where river is not installed: it is for development only."""
    try:
        from river.anomaly import GaussianScorer
    except ImportError:
        return None
    return GaussianScorer

"""The detector stack against river's GaussianScorer: the same readings, in turns, round by round."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

import numpy as np

from analytics.engine.compiled import Kernels
from analytics.engine.engine import Engine, Judged
from analytics.quality import COUNTS
from cli.bench.peer import Peer, gaussian_scorer
from cli.bench.streams import ALIKE, KINDS, Feed, Readings, vital_of
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.times import MINUTE, SECOND
from vigil.runtime.clock import Clock

T = TypeVar("T")

_START = 1_767_225_600_000_000
#: After two days every detector of the stack judges; before that most of them are cheap.
WARM_UP_MINUTES = 48 * 60
#: A batch is timed over no more than so many calls.
_MOST_CALLS = 2000


@dataclass(frozen=True, slots=True)
class Effort:
    """``readings``: the most of a round and batch. ``river_s``: river's most seconds at one number of streams."""

    rounds: int
    readings: int
    river_s: float


@dataclass(slots=True)
class Tally:
    """What the stack said about the last batches measured: it must have done its work. ``judged``: scores that are a number, of
    ``scores``; ``odd``: readings that some detector finds odd."""

    readings: int = 0
    scores: int = 0
    judged: int = 0
    infinite: int = 0
    odd: int = 0
    gated: int = 0

    def add(self, said: Judged) -> None:
        self.readings += said.gate.size
        self.scores += said.scores.size
        self.judged += int(np.count_nonzero(~np.isnan(said.scores)))
        self.infinite += int(np.count_nonzero(np.isinf(said.scores)))
        self.odd += int(np.count_nonzero(said.flags))
        self.gated += int(np.count_nonzero(said.gate != COUNTS))


@dataclass(slots=True)
class Contest:
    """At one number of streams. Rates in readings a second, one a round: ``ours`` by batch; ``river`` is empty where it is not
    installed. ``river_readings``: how many it got in all."""

    streams: int
    ours: dict[int, list[float]]
    river: list[float] = field(default_factory=list)
    river_readings: int = 0
    river_bytes_a_stream: int = 0
    bytes_a_stream: int = 0
    tally: Tally = field(default_factory=Tally)

    def rate(self, batch: int) -> float:
        return median(self.ours[batch])

    @property
    def river_rate(self) -> float | None:
        return median(self.river) if self.river else None

    def ratio(self, batch: int) -> float | None:
        """The median of the ratios of the rounds: what slows a round down slows both."""
        if not self.river:
            return None
        return median(own / other for own, other in zip(self.ours[batch], self.river, strict=True))


def contest(kernels: Kernels, streams: int, batches: Sequence[int], effort: Effort, clock: Clock) -> Contest:
    engine, feed = warmed(kernels, streams)
    scorer = gaussian_scorer()
    peer = Peer(scorer, streams, feed) if scorer else None
    found = Contest(streams, {batch: [] for batch in batches}, bytes_a_stream=engine.bytes_per_slot)
    gc.collect()
    gc.freeze()  # or a collection walks over river's millions of objects, perhaps while the clock runs for the other
    for _ in range(effort.rounds):
        for batch in batches:
            readings = feed.take(min(effort.readings, batch * _MOST_CALLS))
            seconds, said = timed(clock, lambda: judge(engine, readings, batch))  # noqa: B023 - called at once
            found.ours[batch].append(len(readings) / seconds)
            found.tally.add(said)
        if peer:
            found.river.append(peer.rate(readings, effort.river_s / effort.rounds, clock))
    gc.unfreeze()
    if peer:
        found.river_readings, found.river_bytes_a_stream = peer.readings, peer.bytes_a_stream
    return found


def two_threads(kernels: Kernels, streams: int, batch: int, effort: Effort, clock: Clock) -> tuple[float, float]:
    """Rate of one thread over all streams, and of two threads over disjoint halves of them."""
    half = streams // 2
    whole, *halves = (warmed(kernels, size) for size in (streams, half, half))
    one, two = list[float](), list[float]()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(effort.rounds):
            readings = whole[1].take(effort.readings)
            seconds, _ = timed(clock, lambda: judge(whole[0], readings, batch))  # noqa: B023 - called at once
            one.append(len(readings) / seconds)
            parts = [feed.take(effort.readings // 2) for _, feed in halves]
            seconds, _ = timed(
                clock,
                lambda: list(pool.map(judge, [engine for engine, _ in halves], parts, [batch] * 2)),  # noqa: B023
            )
            two.append(sum(map(len, parts)) / seconds)
    return median(one), median(two)


def warmed(kernels: Kernels, streams: int) -> tuple[Engine, Feed]:
    """An engine that has seen two days of each stream, and the recording that goes on from there. At most ``ALIKE`` streams are
    lived through, the others get a copy of the memory of one that is alike."""
    seeds = min(streams, ALIKE)
    engine = Engine(kernels)
    engine.extend_to(streams)
    clear, gap = round(DEFAULT_POLICY.clear_delay_s * SECOND), 5 * MINUTE
    # A value a minute: none is asked to be confirmed by the next.
    profiles = [engine.profiles.of(DEFAULT_POLICY, "bench", kind.index, False, clear, gap) for kind in KINDS]
    engine.profile[:streams] = np.array(profiles)[vital_of(streams)]
    before = Feed(seeds, _START, seed=1)
    for _ in range(WARM_UP_MINUTES // 60):
        judge(engine, before.take(60 * seeds), 60 * seeds)
    alike = np.arange(streams) % ALIKE
    engine.record[:streams] = engine.record[alike]
    return engine, Feed(streams, _START + WARM_UP_MINUTES * MINUTE, seed=2)


def judge(engine: Engine, readings: Readings, batch: int) -> Judged:
    """What the engine says about the last batch."""
    for part in readings.batches(batch):
        said = engine.update(part.slot, part.at, part.value, part.quality)
    return said


def timed(clock: Clock, work: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and the result."""
    start = clock.monotonic()
    result = work()
    return clock.monotonic() - start, result

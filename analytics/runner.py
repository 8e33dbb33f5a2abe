"""The stage as a thread: catch up from the store, then take batches as they are committed and tick each second."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from analytics.directory import Directory
from analytics.engine.compiled import Kernels
from analytics.kernels import every_kernel
from analytics.pipeline import Pipeline
from analytics.recover import REBUILD_FROM, load, position_before, replayed, save
from analytics.risk.stream.live import RiskPlan
from analytics.self_test import SelfTestPlan
from analytics.state import State
from vigil.bus.board import Bus
from vigil.bus.topic import Subscription
from vigil.domain.readings import ReadingBatch
from vigil.domain.times import SECOND
from vigil.runtime.clock import Clock
from vigil.runtime.metrics import Metrics
from vigil.runtime.supervise import guard
from vigil.store import ReadingHistory, WardRecords

_LOG = logging.getLogger(__name__)

TICK_S = 1.0
SNAPSHOT_S = 10.0
#: Batches waiting for us; when they are so many, ingest waits.
_QUEUE = 256
#: Waiting batches are judged together up to this many readings.
_TOGETHER = 200_000
#: Readings that waited longer than this mean that we lag: silence is not judged meanwhile.
_LAG = 10 * SECOND


class Analytics:
    """Judges the readings of one core process.

    ``start`` and ``stop`` run it as a thread; ``catch_up``, ``process`` and ``tick`` drive it by hand on any clock. After a
    crash it is not started again: the process must end, and a new one recovers.
    """

    def __init__(
        self,
        readings: ReadingHistory,
        records: WardRecords,
        bus: Bus,
        clock: Clock,
        snapshot_path: Path,
        metrics: Metrics | None = None,
        kernels: Kernels | None = None,
        self_test: SelfTestPlan | None = None,
        risk: RiskPlan | None = None,
    ) -> None:
        self._readings = readings
        self._records = records
        self._bus = bus
        self._clock = clock
        self._path = snapshot_path
        self._metrics = metrics or Metrics()
        self._kernels = kernels or Kernels()
        self._self_test = self_test
        self._risk = risk
        self._pipeline: Pipeline | None = None
        self._live_since: int | None = None
        self._newest_received = 0
        self._behind = False
        self._saved_position = -1
        self._saved_at = clock.monotonic()
        self._subscription: Subscription[ReadingBatch] | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        counter, gauge = self._metrics.counter, self._metrics.gauge
        self._count = counter("analytics_readings_total", "Readings judged")
        self._nobody = counter("analytics_readings_unassigned_total", "Readings of nobody under watch")
        self._scored = counter("analytics_scores_total", "Scores made")
        self._rebuilt = counter("analytics_rebuilds_total", "Starts without a usable snapshot")
        self._unsaved = counter("analytics_snapshot_failures_total", "Snapshots that could not be written")
        self._lag = gauge("analytics_lag_seconds", "From the receipt of the newest judged reading to its judgement")
        self._failures = gauge(
            "analytics_detectors_failed", "Detectors that raised and are switched off until the next start"
        )
        self._position = gauge("analytics_position_ordinal", "Ordinal of the last reading judged")

    @property
    def ready(self) -> bool:
        """Has it caught up with the store, so that what it says is about now?"""
        return self._live_since is not None

    @property
    def position(self) -> int:
        """Ordinal of the last reading judged."""
        return 0 if self._pipeline is None else self._pipeline.state.position

    @property
    def failed_detectors(self) -> list[str]:
        """Names of the detectors that raised and are switched off until the next start."""
        if self._pipeline is None:
            return []
        engine = self._pipeline.state.engine
        return [engine.detectors[number].name for number in sorted(engine.failed)]

    @property
    def state(self) -> State:
        """What it remembers of the readings judged so far."""
        return self._running().state

    # --- by hand ---------------------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Load the snapshot, or start anew, and replay what the store has after it."""
        pipeline = self._recovered()
        self._pipeline = pipeline
        self._replay(pipeline)
        _LOG.info("caught up at reading %d", pipeline.state.position)

    def process(self, batch: ReadingBatch) -> None:
        """Judge a batch from the bus. Readings judged before are left out, and missing ones are fetched from the store."""
        pipeline = self._running()
        position = pipeline.state.position
        batch = batch.take(batch.ordinal > np.uint64(position))
        if not len(batch):
            return
        first = int(batch.ordinal[0])
        if first > position + 1:
            self._replay(pipeline, first - 1)
        self._judge(pipeline, batch)

    def tick(self) -> None:
        """What happens each second."""
        pipeline = self._running()
        now = self._clock.now_us()
        self._note_backlog(now)
        self._scored.inc(pipeline.on_tick(now, self._live_since, behind=self._behind))
        if self._clock.monotonic() - self._saved_at >= SNAPSHOT_S and pipeline.past.empty:
            self.save()

    def save(self) -> None:
        """Write a snapshot unless nothing came since the last one. Only when no past episode waits to be told.

        A disk that cannot take it does not stop the judging: the old snapshot stands, and a restart replays more.
        """
        pipeline = self._running()
        self._saved_at = self._clock.monotonic()
        if pipeline.state.position == self._saved_position:
            return
        try:
            save(self._path, pipeline.state, self._records.last_seq())
        except OSError as error:
            self._unsaved.inc()
            _LOG.error("the snapshot cannot be written: %s", error.strerror)
        else:
            self._saved_position = pipeline.state.position

    # --- as a thread -----------------------------------------------------------------------------------------------

    def start(self, on_crash: Callable[[str, Exception], None] | None = None) -> None:
        """Catch up, then go on in a thread of its own. ``on_crash`` is told from that thread when it fails; it should end the
        process, which then recovers. Without it a failure is only logged."""
        self._kernels.compile_in_background(every_kernel())
        self.catch_up()
        self._subscription = self._bus.readings.subscribe(_QUEUE, must=True)
        self._replay(self._running())  # what was stored between the two lines above
        run = guard("analytics", self._run, on_crash or (lambda _name, _error: None))
        self._thread = threading.Thread(target=run, name="analytics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Judge what has come, write a snapshot and end the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        try:
            self._live()
            self._finish()
        finally:
            self._unsubscribe()

    def _live(self) -> None:
        next_tick = self._clock.monotonic()
        while not self._stopping.is_set():
            wait = next_tick - self._clock.monotonic()
            batch = self._next(min(max(wait, 0.0), 0.2))
            if batch is not None:
                self.process(batch)
            if self._clock.monotonic() >= next_tick:
                self.tick()
                next_tick = max(next_tick + TICK_S, self._clock.monotonic())

    def _finish(self) -> None:
        while (batch := self._next(0)) is not None:
            self.process(batch)
        if self._pipeline is not None:
            self._pipeline.end(self._clock.now_us())
            self.save()

    def _next(self, timeout: float) -> ReadingBatch | None:
        """The next batch with all that wait behind it."""
        assert self._subscription is not None
        first = self._subscription.next(timeout)
        if first is None:
            return None
        batches, size = [first], len(first)
        while size < _TOGETHER and (more := self._subscription.next(0)) is not None:
            batches.append(more)
            size += len(more)
        return first if len(batches) == 1 else ReadingBatch.concat(batches)

    def _unsubscribe(self) -> None:
        """Also frees a publisher that waits for room."""
        if self._subscription is not None:
            self._subscription.close()
            while self._subscription.next(0) is not None:
                pass

    # --- parts -----------------------------------------------------------------------------------------------------

    def _running(self) -> Pipeline:
        if self._pipeline is None:
            self.catch_up()
        assert self._pipeline is not None
        return self._pipeline

    def _recovered(self) -> Pipeline:
        now = self._clock.now_us()
        directory = Directory(self._records)
        directory.move_to(now)
        directory.refresh()
        snapshot = load(self._path, State(directory, self._readings, self._kernels), self._readings)
        if snapshot is None:
            state, seq = State(directory, self._readings, self._kernels), 0
            state.position = position_before(self._readings, now - REBUILD_FROM)
            self._rebuilt.inc()
        else:
            state, seq = snapshot.state, snapshot.seq
        self._saved_position = -1 if snapshot is None else state.position
        pipeline = Pipeline(
            state,
            directory,
            self._readings,
            self._records,
            self._bus,
            self._clock,
            self._metrics,
            self_test=self._self_test,
            risk=self._risk,
        )
        pipeline.begin(now, seq)
        return pipeline

    def _replay(self, pipeline: Pipeline, until: int | None = None) -> None:
        for batch in replayed(self._readings, pipeline.state, until):
            self._judge(pipeline, batch)

    def _judge(self, pipeline: Pipeline, batch: ReadingBatch) -> None:
        now = self._clock.now_us()
        self._nobody.inc(pipeline.on_batch(batch, now))
        self._count.inc(len(batch))
        self._lag.set((now - int(batch.received_at[-1])) / 1e6)
        self._position.set(pipeline.state.position)
        self._failures.set(len(pipeline.state.engine.failed))
        self._newest_received = int(batch.received_at[-1])

    def _note_backlog(self, now: int) -> None:
        """Live from the first tick without a backlog; a new backlog makes the count of silence start again."""
        waiting = self._subscription is not None and self._subscription.depth > 0
        self._behind = waiting and now - self._newest_received > _LAG
        if self._behind:
            self._live_since = None if self._live_since is None else now
        elif self._live_since is None:
            self._live_since = now

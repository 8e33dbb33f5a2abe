"""Reads from the broker, gathers micro-batches, runs them, acknowledges them."""

from __future__ import annotations

import logging
import queue
import threading
from concurrent.futures import Future

from ingest.acknowledge import Acknowledger
from ingest.bind import Binder
from ingest.commit import Committer
from ingest.count import Counts
from ingest.dedupe import Deduper
from ingest.manual import Entry
from ingest.pipeline import Pipeline
from ingest.sequences import Sequences
from ingest.streams import Streams
from vigil.bus.board import Bus
from vigil.domain.errors import StoreError
from vigil.runtime.clock import Clock
from vigil.runtime.config import Settings
from vigil.runtime.metrics import Metrics
from vigil.runtime.mqtt import Message, Subscriber
from vigil.store import ReadingStore, RecordStore
from vigil.wire import topics

logger = logging.getLogger(__name__)

CLIENT_ID = "ingest"
#: Under backlog a batch grows to this many times its size: one fsync then covers more.
BACKLOG_FACTOR = 10


class Ingest:
    """Stage 3 in one object: ``start`` connects and begins, ``stop`` finishes what was read.

    ``enter`` is safe from any thread and returns the future ordinals of a person's entry.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        broker_port: int,
        password: str,
        readings: ReadingStore,
        records: RecordStore,
        bus: Bus,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._settings = settings.ingest
        self._clock = clock
        self._queue: queue.Queue[Message | Entry | None] = queue.Queue(self._settings.queue_messages)
        self._stopping = threading.Event()
        self.subscriber = Subscriber(
            host=settings.broker.host,
            port=broker_port,
            client_id=CLIENT_ID,
            password=password,
            filters=topics.telemetry_filters(settings.tenant),
            receive_maximum=min(65535, self._settings.batch_messages * BACKLOG_FACTOR),
            clock=clock,
            on_message=self._queue.put,
        )
        sequences = Sequences(readings.packs())
        streams = Streams(readings.streams())
        self._committer = Committer(readings, sequences, streams, clock)
        self._counts = Counts(metrics)
        self.pipeline = Pipeline(
            Binder(records),
            Deduper(readings, sequences, streams),
            self._committer,
            Acknowledger(settings.tenant, sequences, self.subscriber.publish, clock),
            self._counts,
            bus,
        )

    @property
    def failing(self) -> str:
        """Why the store refuses at present; empty when it does not."""
        return self._committer.failing

    @property
    def queue_depth(self) -> int:
        return self._queue.qsize()

    def enter(self, patient_id: str, values: tuple[tuple[int, float, int], ...]) -> Future[list[int]]:
        """Raises ``StoreError`` when the queue is full: a person must be told, not kept waiting."""
        entry = Entry(patient_id, values, self._clock.now_us())
        try:
            self._queue.put_nowait(entry)
        except queue.Full as error:
            raise StoreError("ingest is busy: the entry was not stored, try again") from error
        return entry.done

    def connect(self) -> None:
        self.subscriber.start()

    def run(self) -> None:
        """Thread main: until ``stop``."""
        while not self._stopping.is_set():
            self._round()

    def stop(self) -> None:
        """Leaves unacknowledged messages with the broker; they come again."""
        self.subscriber.stop()
        self._stopping.set()
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            logger.debug("the queue is full; the thread wakes by itself")

    def _round(self) -> None:
        messages, entries = self._gather()
        self._counts.queue.set(self._queue.qsize())
        if messages:
            started = self._clock.monotonic()
            self.pipeline.run(messages)
            for message in messages:
                self.subscriber.acknowledge(message)
            self._counts.commit_seconds.observe(self._clock.monotonic() - started)
        for entry in entries:
            self.pipeline.enter(entry)
        self.pipeline.flush()

    def _gather(self) -> tuple[list[Message], list[Entry]]:
        """Up to ``batch_messages``, or what came within ``batch_ms`` of the first; more when more is waiting already."""
        messages: list[Message] = []
        entries: list[Entry] = []
        wait = self._settings.batch_ms / 1000
        deadline: float | None = None
        while True:
            full = len(messages) >= self._settings.batch_messages
            if len(messages) >= self._settings.batch_messages * BACKLOG_FACTOR:
                break
            left = wait if deadline is None else deadline - self._clock.monotonic()
            try:
                item = self._queue.get_nowait() if full or left <= 0 else self._queue.get(timeout=left)
            except queue.Empty:
                break
            if deadline is None:
                deadline = self._clock.monotonic() + wait
            if item is None:
                break
            if isinstance(item, Message):
                messages.append(item)
            else:
                entries.append(item)
                break  # a person waits: commit now
        return messages, entries

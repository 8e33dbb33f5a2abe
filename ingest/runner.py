"""Reads from the broker, gathers micro-batches, runs them, acknowledges them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from ingest.acknowledge import Acknowledger
from ingest.apart import Apart
from ingest.bind import Binder
from ingest.clocks import Clocks
from ingest.commit import Committer
from ingest.count import Counts
from ingest.dedupe import Deduper
from ingest.fair import Bounds, FairQueue
from ingest.gaps import Gaps, passed_over
from ingest.manual import Entry
from ingest.overflow import Overflow
from ingest.overload import Overload
from ingest.pipeline import Pipeline
from ingest.repeats import Repeats
from ingest.sequences import Sequences
from ingest.streams import Streams
from ingest.talk import Talk
from ingest.tell import Teller
from ingest.time import Timekeeper
from ingest.whose import Whose
from ingest.whose_alert import WhoseAlert
from vigil.bus.board import Bus
from vigil.domain.device_clock import DeviceClock
from vigil.domain.errors import StoreError
from vigil.domain.phrases import Phrase
from vigil.runtime.broker.acl import INGEST, INGEST_APART
from vigil.runtime.clock import Clock
from vigil.runtime.config import Settings
from vigil.runtime.metrics import Metrics
from vigil.runtime.mqtt import Message, Subscriber
from vigil.runtime.supervise import guard
from vigil.store import ReadingStore, RecordStore
from vigil.wire import topics

#: Under backlog a batch grows to this many times its size: one fsync then covers more. Not to more bytes than this (ours), or the
#: acknowledgements of its first pack would wait for seconds: about 100,000 values.
BACKLOG_FACTOR, BATCH_BYTES = 10, 2 * 1024 * 1024
#: Entries of people that wait at most (ours).
ENTRIES = 100
#: How often it is looked at what comes too fast.
_WATCH_EVERY_S = 0.5


class Ingest:
    """Stage 3 in one object: ``start`` connects and begins, ``stop`` finishes what was read.

    ``enter`` is safe from any thread and returns the future ordinals of a person's entry. ``set_apart`` tells the broker whose
    telemetry comes by a second line (``apart``); None = there is none.
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
        set_apart: Callable[[frozenset[str]], None] | None = None,
    ) -> None:
        chosen = settings.ingest
        self._settings = chosen
        self._clock = clock
        self._entries: queue.Queue[Entry] = queue.Queue(ENTRIES)
        self._stopping = threading.Event()
        self._connection = 0
        telemetry, talk = topics.telemetry_filters(settings.tenant), topics.talk_filters(settings.tenant)

        backlog = chosen.batch_messages * BACKLOG_FACTOR

        def line(client_id: str, filters: list[str], most: int, take: Callable[[Message], None]) -> Subscriber:
            return Subscriber(
                host=settings.broker.host,
                port=broker_port,
                client_id=client_id,
                password=password,
                filters=filters,
                receive_maximum=min(65_535, most),
                clock=clock,
                on_message=take,
                tls=settings.broker.trust,
            )

        self.subscriber = line(INGEST, [*telemetry, *talk], chosen.queue_messages + backlog, self._take)
        self._second = None if set_apart is None else line(INGEST_APART, telemetry, backlog, self._take_apart)
        sequences = Sequences(readings.packs(), passed_over(readings))
        streams = Streams(readings.streams())
        self._clocks = Clocks()
        self._clocks.rebuild(readings)
        self._counts = Counts(metrics)
        self._committer = Committer(readings, sequences, streams, clock)
        publish = self.subscriber.publish
        self._acknowledger = Acknowledger(settings.tenant, sequences, publish, clock)
        keep = self._committer.keep
        self._gaps = Gaps(settings.tenant, sequences, self._acknowledger, publish, keep, clock, self._counts)
        returned, denied = self._acknowledger.returned, self._gaps.denied
        self._talk = Talk(settings.tenant, records, bus, publish, clock, metrics, returned=returned, denied=denied)
        teller = Teller(settings.tenant, publish, clock)
        bounds = Bounds(
            chosen.queue_messages,
            chosen.queue_bytes,
            chosen.device_bytes,
            chosen.device_rate,
            chosen.device_burst,
            chosen.grace_s,
        )
        self._queue = FairQueue(bounds, clock, patient=lambda: bool(self.failing))
        self._overload = Overload(self._queue, records, bus, clock)
        self._overflow = Overflow(self._gaps, teller, self._overload, keep, self._acknowledge, clock, self._counts)
        self._apart = None
        if set_apart is not None and self._second is not None:
            second = self._second
            self._apart = Apart(self._queue, set_apart, lambda: second.connected, clock)
        self._watch = threading.Thread(
            target=guard("overload", self._watch_load, _ignore), name="overload", daemon=True
        )
        binder = Binder(records)
        self.pipeline = Pipeline(
            binder,
            Deduper(readings, sequences, streams),
            self._committer,
            self._acknowledger,
            self._gaps,
            teller,
            self._counts,
            bus,
            Timekeeper(self._clocks),
            Repeats(),
            Whose(readings, records, binder, WhoseAlert(records, bus, clock)),
        )

    @property
    def failing(self) -> str:
        """Why the store refuses at present; empty when it does not."""
        return self._committer.failing

    def clock_of(self, device_id: str) -> DeviceClock | None:
        """What is known of a device's clock; None while nothing live was heard of it. Safe from any thread."""
        return self._clocks.clock(device_id, self._clock.now_us())

    @property
    def queue_depth(self) -> int:
        return self._queue.messages

    @property
    def overload(self) -> list[Phrase]:
        """Why readings are dropped or come late at present; empty when they do not."""
        return list(self._overload.trouble().values())

    def enter(self, patient_id: str, values: tuple[tuple[int, float, int], ...]) -> Future[list[int]]:
        """Raises ``StoreError`` when too many wait: a person must be told, not kept waiting."""
        entry = Entry(patient_id, values, self._clock.now_us())
        try:
            self._entries.put_nowait(entry)
        except queue.Full as error:
            raise StoreError("ingest is busy: the entry was not stored, try again") from error
        self._queue.wake()
        return entry.done

    def connect(self) -> None:
        self._watch.start()
        self.subscriber.start()
        if self._second is not None:
            self._second.start()

    def run(self) -> None:
        """Thread main: until ``stop``."""
        while not self._stopping.is_set():
            self._round()

    def stop(self) -> None:
        """Leaves unacknowledged messages with the broker; they come again."""
        self._stopping.set()
        self._queue.close()
        self.subscriber.stop()
        if self._second is not None:
            self._second.stop()
        if self._watch.is_alive():
            self._watch.join()

    def _take(self, message: Message) -> None:
        """On the network thread: telemetry waits its turn, the rest of what devices say is heard at once."""
        if self._talk.hear(message):
            self.subscriber.acknowledge(message)
            return
        for dropped in self._queue.offer(message):
            self._overflow.note(dropped)

    def _take_apart(self, message: Message) -> None:
        for dropped in self._queue.offer(replace(message, apart=True)):
            self._overflow.note(dropped)

    def _acknowledge(self, message: Message) -> None:
        line = self._second if message.apart else self.subscriber
        if line is not None:
            line.acknowledge(message)

    def _round(self) -> None:
        messages = self._gather()
        self._counts.queue.set(self._queue.messages)
        if messages:
            started = self._clock.monotonic()
            readings = self.pipeline.run(messages)
            for message in messages:
                self._acknowledge(message)
            self._counts.commit_seconds.observe(self._clock.monotonic() - started)
            self.pipeline.flush()
            self.pipeline.hand_on(readings)
        while not self._entries.empty():
            self.pipeline.enter(self._entries.get_nowait())
        self._listen()
        self._overflow.flush()
        self.pipeline.flush()

    def _gather(self) -> list[Message]:
        """Up to ``batch_messages``, or what came within ``batch_ms`` of the first; more when more is waiting already. No wait
        for a person."""
        wait = self._settings.batch_ms / 1000
        if not self._queue.wait(1, wait) and self._queue.messages:
            self._queue.wait(self._settings.batch_messages, wait)
        return self._queue.take(self._settings.batch_messages * BACKLOG_FACTOR, BATCH_BYTES)

    def _listen(self) -> None:
        """What was heard beside telemetry, and whether the broker was gone."""
        connection = sum(line.connection for line in (self.subscriber, self._second) if line is not None)
        if connection != self._connection:
            self._connection = connection
            self._gaps.lost_on_the_way()
        self._talk.flush()

    def _watch_load(self) -> None:
        """Beside the thread that stores, because that one may be what is slow."""
        while not self._stopping.wait(_WATCH_EVERY_S):
            if self._apart is not None:
                self._apart.tick(self._overload.too_fast())
            self._overload.tick()


def _ignore(_name: str, _error: Exception) -> None:
    """The health check still says it, and the log has why."""

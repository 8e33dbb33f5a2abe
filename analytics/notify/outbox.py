"""Empties the outbox: one thread a channel, so that a receiver that hangs holds back nobody else, and never the judging.

At least once: a try is recorded after it was made, so a crash in between repeats it under the same idempotency key.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from analytics.notify.backoff import next_try
from analytics.notify.channel import Channel, Message, Outcome
from vigil.bus.board import Bus
from vigil.domain.deliveries import Attempt, Delivery, State
from vigil.domain.errors import StoreError
from vigil.domain.times import SECOND
from vigil.runtime.clock import Clock
from vigil.runtime.metrics import Metrics
from vigil.runtime.supervise import attempt, guard
from vigil.store import DeliveryRecords

_LOG = logging.getLogger(__name__)
#: A new log line wakes the channels; what waits for another try is looked for this often, seconds.
POLL_S = 0.5
#: A try that takes longer is reported as trouble, microseconds.
STUCK_US = 30 * SECOND
#: A send may still be under way when the process ends; it is repeated after the next start.
_JOIN_S = 6.0
NO_CHANNEL = "the settings have no channel of this name"


class Worker:
    """Sends what is due in one channel, the most urgent first; ``step`` drives it by hand."""

    def __init__(self, channel: Channel, records: DeliveryRecords, clock: Clock, metrics: Metrics, page: str) -> None:
        self.name = channel.name
        #: Why the last try did not succeed; empty when it did.
        self.trouble = ""
        #: When the try that is under way was begun, microseconds UTC.
        self.busy_since: int | None = None
        self._channel = channel
        self._records = records
        self._clock = clock
        self._page = page
        self._count = metrics.counter(
            "analytics_deliveries_total", "Tries to send a notice, by the state after it", ("channel", "state")
        )

    def step(self, now: int) -> bool:
        """Sends one notice; False when none is due at ``now``. Raises ``StoreError``."""
        due = self._records.due_deliveries(self.name, now, 1)
        for delivery in due:
            self._try(delivery)
        return bool(due)

    def _try(self, delivery: Delivery) -> None:
        lines = [one for one in self._records.transitions(alert_id=delivery.alert_id) if one.seq <= delivery.seq]
        message = Message(delivery, lines[-1], tuple(line.after for line in lines[:-1]), self._page)
        self.busy_since = self._clock.now_us()
        outcome = self._sent(message)
        self.busy_since = None
        now = self._clock.now_us()
        state, next_at = outcome.state, None
        if state is State.QUEUED:
            next_at = next_try(delivery.delivery_id, message.line.after.priority, delivery.attempts + 1, now)
            state = State.FAILED if next_at is None else state
        self._records.attempted(Attempt(delivery.delivery_id, now, state, outcome.why, next_at))
        self._count.labels(self.name, state.value).inc()
        self.trouble = outcome.why
        level = logging.WARNING if outcome.why else logging.INFO
        _LOG.log(level, "notice %s by %s: %s %s", delivery.delivery_id, self.name, state.value, outcome.why)

    def _sent(self, message: Message) -> Outcome:
        """A fault of a sender is one failed try, not the end of the channel."""
        outcomes: list[Outcome] = []
        error = attempt(f"channel {self.name}", lambda: outcomes.append(self._channel.send(message)))
        return outcomes[0] if error is None else Outcome(State.QUEUED, f"the sender failed: {type(error).__name__}")


class Outbox:
    """``page``: address of the page for links, empty when it is not known."""

    def __init__(
        self,
        channels: Sequence[Channel],
        records: DeliveryRecords,
        bus: Bus,
        clock: Clock,
        metrics: Metrics,
        page: str = "",
    ) -> None:
        self.workers = [Worker(channel, records, clock, metrics, page) for channel in channels]
        self._records = records
        self._clock = clock
        self._stopping = threading.Event()
        self._awake = {worker.name: threading.Event() for worker in self.workers}
        self._threads: list[threading.Thread] = []
        self._lines = bus.transitions.subscribe(1, wake=self._wake)
        self._queued = metrics.gauge("analytics_deliveries_queued", "Notices that wait to be sent", ("channel",))
        self._age = metrics.gauge("analytics_delivery_queue_age_seconds", "Age of the oldest of them", ("channel",))

    def tend(self, now: int) -> None:
        """Counts what waits, and fails what waits for a channel that is not there. Raises ``StoreError``."""
        waiting = {each.channel: each for each in self._records.backlog()}
        if not waiting.keys() <= self._awake.keys():
            lost = self._records.abandon(list(self._awake), NO_CHANNEL)
            _LOG.error("%d notices are for channels that the settings do not have: they failed", lost)
        for name in self._awake:
            each = waiting.get(name)
            self._queued.labels(name).set(each.queued if each else 0)
            self._age.labels(name).set((now - each.oldest_at) / SECOND if each else 0)

    @property
    def trouble(self) -> dict[str, str]:
        """Channel to why its last try did not succeed, or does not end."""
        now = self._clock.now_us()
        stuck = {worker.name for worker in self.workers if now - (worker.busy_since or now) > STUCK_US}
        found = {worker.name: worker.trouble for worker in self.workers if worker.trouble}
        return found | dict.fromkeys(stuck, f"one try takes longer than {STUCK_US // SECOND} s")

    def start(self, on_crash: Callable[[str, Exception], None]) -> None:
        """``on_crash`` is told from the thread that failed; it should end the process, which then recovers."""
        runs = {worker.name: self._emptying(worker) for worker in self.workers}
        runs["tend"] = self._tending
        for name, run in runs.items():
            thread = threading.Thread(target=guard(f"notify {name}", run, on_crash), name=f"notify {name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake()
        until = self._clock.monotonic() + _JOIN_S
        for thread in self._threads:
            thread.join(timeout=max(0.0, until - self._clock.monotonic()))
        self._lines.close()

    def _wake(self) -> None:
        for event in self._awake.values():
            event.set()

    def _emptying(self, worker: Worker) -> Callable[[], None]:
        awake = self._awake[worker.name]

        def run() -> None:
            while not self._stopping.is_set():
                awake.clear()
                if not self._worked(worker):
                    awake.wait(POLL_S)

        return run

    def _worked(self, worker: Worker) -> bool:
        try:
            return worker.step(self._clock.now_us())
        except StoreError as error:  # what was sent and could not be recorded is sent again, under the same key
            _LOG.error("channel %s: %s", worker.name, error)
            self._stopping.wait(POLL_S)
            return False

    def _tending(self) -> None:
        while not self._stopping.wait(POLL_S):
            try:
                self.tend(self._clock.now_us())
            except StoreError as error:
                _LOG.error("the outbox cannot be counted: %s", error)

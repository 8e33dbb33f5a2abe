"""What is heard beside telemetry: the network thread leaves it here, the thread of ingest deals with it.

Nothing of it has to survive a crash: the broker keeps each ``state``, and a device that gets no answer asks again. So a message
is acknowledged when it was heard.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from ingest.instruct import Instructor
from ingest.presence import Presence
from vigil.bus.board import Bus
from vigil.runtime.clock import Clock
from vigil.runtime.metrics import Metrics
from vigil.runtime.mqtt import Message
from vigil.store import RecordStore
from vigil.wire import topics

#: Results that may wait (ours): each device has a few; more are dropped, and counted.
MOST_WAITING = 10_000
_EVERY_S = 1.0


class Talk:
    """``hear`` is safe from the network thread; ``flush`` is called by ingest's own, in each of its rounds.

    ``publish(topic, payload)`` may lose a message. ``returned(device)``: it has a new connection. ``denied(device, payload)``:
    what it said on ``res/backfill``.
    """

    def __init__(
        self,
        tenant: str,
        records: RecordStore,
        bus: Bus,
        publish: Callable[[str, bytes], None],
        clock: Clock,
        metrics: Metrics,
        *,
        returned: Callable[[str], None],
        denied: Callable[[str, bytes], None],
    ) -> None:
        self._instructor = Instructor(tenant, records, bus, publish, clock, metrics)
        self._presence = Presence(bus.presence, self._online, metrics)
        self._returned, self._denied = returned, denied
        self._clock = clock
        self._lock = threading.Lock()
        self._states: dict[str, Message] = {}
        self._results: list[tuple[str, str, Message]] = []
        self._next = clock.monotonic()
        self._dropped = metrics.counter("ingest_results_dropped_total", "Results dropped because too many waited")

    def hear(self, message: Message) -> bool:
        """False: this is no talk but telemetry, or nothing that is known."""
        found = topics.parse_talk(message.topic)
        if found is None:
            return False
        sender, name = found
        with self._lock:
            if name == "state":
                self._states[sender] = message  # only the last word counts, and there is one for each account
            elif len(self._results) < MOST_WAITING:
                self._results.append((sender, name, message))
            else:
                self._dropped.inc()
        return True

    def flush(self) -> None:
        with self._lock:
            states, self._states = self._states, {}
            results, self._results = self._results, []
        for sender, message in states.items():
            self._presence.hear(sender, message.payload, message.received_at)
        for sender, name, message in results:
            if name == "backfill":
                self._denied(sender, message.payload)
            else:
                self._instructor.result(sender, name, message.payload, message.received_at)
        now = self._clock.monotonic()
        if now >= self._next:
            self._next = now + _EVERY_S
            self._presence.settle(self._clock.now_us())
            self._instructor.tick()

    def _online(self, name: str, at: int) -> None:
        """Gateways get none of these: their computer keeps its own time, and their packs are acknowledged by device."""
        if not name.startswith(topics.GATEWAY_PREFIX):
            self._returned(name)
            self._instructor.online(name, at)

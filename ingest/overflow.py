"""What the intake dropped: nothing of it is silent.

A pack with epoch and seq comes again, so it is only counted. One without is kept as a dead letter ``rate_limited`` as long as
there is room; beyond that it is counted, and one dead letter a minute and device says how many. The network thread notes what
was dropped, the thread of ingest deals with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from ingest.count import Counts
from ingest.fair import MESSAGE_BYTES, Dropped
from ingest.gaps import Gaps
from ingest.overload import Overload
from ingest.tell import Teller
from vigil.domain.errors import RefusalReason
from vigil.runtime.clock import Clock
from vigil.runtime.mqtt import Message
from vigil.store import DeadLetter

#: Dead letters of dropped messages: bytes that wait to be stored, and how many in a minute (ours).
ROOM_BYTES, KEPT_A_MINUTE = 4 * 1024 * 1024, 1000
_MINUTE_S = 60.0
_REASON = RefusalReason.RATE_LIMITED.value


class Overflow:
    """``acknowledge`` is the PUBACK: at once for what is not kept, after the commit for what is. ``keep`` stores dead letters."""

    def __init__(
        self,
        gaps: Gaps,
        teller: Teller,
        overload: Overload,
        keep: Callable[[list[DeadLetter]], None],
        acknowledge: Callable[[Message], None],
        clock: Clock,
        counts: Counts,
    ) -> None:
        self._gaps = gaps
        self._teller = teller
        self._overload = overload
        self._keep = keep
        self._acknowledge = acknowledge
        self._clock = clock
        self._counts = counts
        self._lock = threading.Lock()
        self._devices: set[str] = set()
        self._waiting: list[Dropped] = []
        self._bytes = 0
        self._kept = 0
        self._beyond: dict[str, int] = {}
        self._minute = clock.monotonic()

    def note(self, dropped: Dropped) -> None:
        self._counts.dropped.labels("too_fast" if dropped.too_fast else "no_room").inc()
        self._overload.note(dropped)
        with self._lock:
            self._devices.add(dropped.device_id)
            if not _comes_again(dropped.message.payload):
                size = len(dropped.message.payload) + MESSAGE_BYTES
                if self._kept < KEPT_A_MINUTE and self._bytes + size <= ROOM_BYTES:
                    self._kept += 1
                    self._bytes += size
                    self._waiting.append(dropped)
                    return
                self._beyond[dropped.device_id] = self._beyond.get(dropped.device_id, 0) + 1
                self._counts.dropped_for_good.inc()
        self._acknowledge(dropped.message)

    def flush(self) -> None:
        """Stores what is kept, and tells the devices."""
        with self._lock:
            devices, self._devices = self._devices, set()
            kept, self._waiting, self._bytes = self._waiting, [], 0
            beyond = self._next_minute()
        for device_id in devices | self._overload.waiting_apart():
            self._gaps.lost_on_the_way(device_id)
        for device_id in devices:
            self._teller.refused(device_id, RefusalReason.RATE_LIMITED)
        letters = [_letter(each) for each in kept] + [self._summary(*each) for each in beyond.items()]
        if letters:
            self._keep(letters)
        for each in kept:
            self._acknowledge(each.message)

    def _next_minute(self) -> dict[str, int]:
        """What was beyond the room in the minute that has ended, by device."""
        now = self._clock.monotonic()
        if now - self._minute < _MINUTE_S:
            return {}
        self._minute, self._kept = now, 0
        beyond, self._beyond = self._beyond, {}
        return beyond

    def _summary(self, device_id: str, count: int) -> DeadLetter:
        detail = f"{count} more messages without epoch and seq were dropped, and are not kept"
        return DeadLetter(self._clock.now_us(), "", device_id, _REASON, detail, b"")


def _letter(dropped: Dropped) -> DeadLetter:
    message = dropped.message
    detail = "faster than the limit" if dropped.too_fast else "no room"
    return DeadLetter(message.received_at, message.topic, dropped.device_id, _REASON, detail, message.payload)


def _comes_again(payload: bytes) -> bool:
    """Has it epoch and seq? Looked for, not decoded: this runs for each message of a flood. JSON may hide them in escapes; then
    the message is kept as a dead letter and comes again as well."""
    return b"epoch" in payload and b"seq" in payload

"""Server-sent events: the frame on the wire, and one client's bounded queue."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from api.auth import Principal, Right
from api.care import Reach

#: Ticks that wait for a slow client; one more and they are all replaced by a snapshot.
MOST_TICKS = 5
#: Alerts that wait for a slow client; one more and its connection is closed, to be opened again with a snapshot.
MOST_ALERTS = 500


def frame(event: str, data: Mapping[str, Any], seq: int | None = None) -> bytes:
    """One event; ``seq`` becomes its id, from which a client resumes."""
    head = f"event: {event}\n" if seq is None else f"event: {event}\nid: {seq}\n"
    return head.encode() + b"data: " + msgspec.json.encode(data) + b"\n\n"


RELOAD = frame("reload", {"why": "this connection was too slow for the alerts"})


class Client:
    """Frames on their way to one client. Lives in the event loop's thread.

    Alerts are never dropped. Ticks may be: then the client ``starts over`` with a snapshot, so that no value stays wrong.
    ``test``: it is a watchdog, which wants the alerts of the self-test and nothing else.
    """

    def __init__(self, who: Principal, reach: Reach, test: bool = False) -> None:
        self.who = who
        self.names = who.may(Right.NAMES)
        self.reach = reach
        self.test = test
        self.closed = False
        self.last_words = b""
        self._alerts: deque[tuple[int, bytes]] = deque()
        self._ticks: deque[tuple[int, bytes]] = deque()
        self._ready = asyncio.Event()
        self._over = False
        self._tick_from = -1
        self._alert_from = 0

    def offer_alert(self, seq: int, data: bytes) -> None:
        if seq <= self._alert_from:
            return
        if len(self._alerts) >= MOST_ALERTS:
            self.last_words = RELOAD
            self.close()
            return
        self._alerts.append((seq, data))
        self._ready.set()

    def offer_news(self, data: bytes) -> None:
        """What is in no log, and is sent with the alerts."""
        self.offer_alert(sys.maxsize, data)

    def offer_tick(self, number: int, data: bytes) -> int:
        """How many ticks were dropped for it."""
        if self._over or number <= self._tick_from:
            return 0
        if len(self._ticks) >= MOST_TICKS:
            dropped = len(self._ticks) + 1
            self.start_over()
            return dropped
        self._ticks.append((number, data))
        self._ready.set()
        return 0

    def start_over(self) -> None:
        """The next frame after the waiting alerts is a snapshot; the caller builds it."""
        self._ticks.clear()
        self._over = True
        self._ready.set()

    def turn(self, reach: Reach) -> None:
        """It may see others from now on. What waits may be about who is not among them; the snapshot tells the rest again."""
        self.reach = reach
        self._alerts.clear()
        self.start_over()

    def take_start_over(self) -> bool:
        over, self._over = self._over and not self._alerts, self._over and bool(self._alerts)
        return over

    def skip_ticks(self, number: int) -> None:
        """Ticks up to ``number`` are contained in the snapshot that is sent now."""
        self._tick_from = number
        self._ticks = deque(item for item in self._ticks if item[0] > number)

    def skip_alerts(self, seq: int) -> None:
        self._alert_from = seq
        self._alerts = deque(item for item in self._alerts if item[0] > seq)

    async def next(self) -> bytes | None:
        """The next frame, alerts first; None when it is time to start over or to end."""
        await self._ready.wait()
        if self._alerts:
            return self._alerts.popleft()[1]
        if self._ticks and not self._over:
            return self._ticks.popleft()[1]
        if not (self._over or self.closed):
            self._ready.clear()
        return None

    def close(self) -> None:
        self.closed = True
        self._ready.set()

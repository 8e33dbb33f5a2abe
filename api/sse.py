"""Server-sent events: the frame on the wire, plain and packed, and one client's bounded queue."""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from functools import cached_property
from typing import Any

import msgspec

from api.auth import Principal, Right
from api.care import Reach

#: Ticks that wait for a slow client; one more and they are all replaced by a snapshot.
MOST_TICKS = 5
#: Alerts that wait for a slow client; one more and its connection is closed, to be opened again with a snapshot.
MOST_ALERTS = 500


#: How gzip begins (RFC 1952): no name, no time, any system.
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


class Frame(bytes):
    """One event as it is sent."""

    @cached_property
    def packed(self) -> bytes:
        """A part of a deflate stream that refers to no other part, so that all who are sent this event share it: a tenth of the
        bytes to copy for each of them."""
        squeeze = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        return squeeze.compress(self) + squeeze.flush(zlib.Z_SYNC_FLUSH)


def frame(event: str, data: Mapping[str, Any], seq: int | None = None) -> Frame:
    """One event; ``seq`` becomes its id, from which a client resumes."""
    head = f"event: {event}\n" if seq is None else f"event: {event}\nid: {seq}\n"
    return Frame(head.encode() + b"data: " + msgspec.json.encode(data) + b"\n\n")


def takes_gzip(accepted: str) -> bool:
    """``accepted``: the header ``Accept-Encoding``."""
    for one in accepted.lower().split(","):
        name, _, quality = one.partition(";")
        if name.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


async def packed(frames: AsyncGenerator[Frame]) -> AsyncIterator[bytes]:
    """As one gzip stream. It has no end: that would need a sum over all that this one client was sent."""
    yield GZIP_HEAD
    async with aclosing(frames):
        async for one in frames:
            yield one.packed


RELOAD = frame("reload", {"why": "this connection was too slow for the alerts"})


class Client:
    """Frames on their way to one client. Lives in the event loop's thread.

    Alerts are never dropped. Ticks may be: then the client ``starts over`` with a snapshot, so that no value stays wrong.
    ``test``: it is a watchdog, which wants the alerts of the self-test and nothing else. ``gzip``: it is sent packed frames.
    """

    def __init__(self, who: Principal, reach: Reach, test: bool = False, gzip: bool = False) -> None:
        self.who = who
        self.names = who.may(Right.NAMES)
        self.reach = reach
        self.test, self.gzip = test, gzip
        self.closed = False
        self.last_words: Frame | None = None
        self._alerts: deque[tuple[int, Frame]] = deque()
        self._ticks: deque[tuple[int, Frame]] = deque()
        self._ready = asyncio.Event()
        self._over = False
        self._tick_from = -1
        self._alert_from = 0

    def offer_alert(self, seq: int, data: Frame) -> None:
        if seq <= self._alert_from:
            return
        if len(self._alerts) >= MOST_ALERTS:
            self.last_words = RELOAD
            self.close()
            return
        self._alerts.append((seq, data))
        self._ready.set()

    def offer_news(self, data: Frame) -> None:
        """What is in no log, and is sent with the alerts."""
        self.offer_alert(sys.maxsize, data)

    def offer_tick(self, number: int, data: Frame) -> int:
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

    async def next(self) -> Frame | None:
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

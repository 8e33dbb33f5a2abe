"""What has come and is not stored yet, by device, so that a flood of one does not delay the others. Bounded.

Devices take turns. Of each, and among all, live packs go before history, except that every ``HISTORY_TURN``-th turn is
history's, so that it never stands still. Inside a device each topic keeps its order.

A device that sends faster than the limit, or holds more than its share of the memory, loses what is too much at once. When
there is no room at all, the broker waits for a moment: it may be handing over what it kept while we were away. If there is
none for longer, what comes is more than can be stored, and a broker that waits would delay everybody: then the device that
holds most loses its newest message, history before live, and the broker is drained. Whoever offers is told what was dropped: a
sender with seq sends it again until ``cmd/ack`` covers it.

Of those who are ``apart`` there is never more than a part of the room in here: they wait at the broker, in a line of their own.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from vigil.runtime.clock import Clock
from vigil.runtime.mqtt import Message

#: Of a waiting message beside topic and payload: the objects that hold it (measured 260 with CPython 3.11; rounded up).
MESSAGE_BYTES = 400
#: One turn in so many is history's (ours).
HISTORY_TURN = 8
#: The part of the room from which on it is crowded, and which those apart may fill (ours): about what one large batch takes.
CROWDED = 0.1
_LIVE = "vitals"
_PRUNE_FROM = 1024
_LOOK_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """``messages`` and ``bytes`` for all, ``device_bytes`` for one device; ``rate`` packs a second and device after the first
    ``burst``, rate 0 = no limit; ``grace_s``: so long may it be full before anything is dropped for it."""

    messages: int
    bytes: int
    device_bytes: int
    rate: float
    burst: int
    grace_s: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """``too_fast``: beyond the rate of its device; else there was no room."""

    message: Message
    device_id: str
    too_fast: bool


@dataclass(slots=True, eq=False)
class _Lane:
    """One device. ``tokens`` at monotonic ``at``; what it holds in ``bytes``; what it has ``offered`` since that was asked."""

    device_id: str
    tokens: float
    at: float
    bytes: int = 0
    offered: int = 0
    live: deque[Message] = field(default_factory=deque)
    history: deque[Message] = field(default_factory=deque)


class FairQueue:
    """``offer`` from the threads of the two lines, ``take`` from another. ``patient`` True: nothing is dropped for lack of room
    now. ``apart``: devices that have the second line."""

    def __init__(self, bounds: Bounds, clock: Clock, patient: Callable[[], bool] = lambda: False) -> None:
        self._bounds = bounds
        self._clock = clock
        self._patient = patient
        self._changed = threading.Condition()
        self._lanes: dict[str, _Lane] = {}
        self._live: deque[_Lane] = deque()
        self._history: deque[_Lane] = deque()
        self._greediest: tuple[_Lane, int] | None = None
        self._full_since: float | None = None
        self._prune_at = _PRUNE_FROM
        self._turn = 0
        self._wanted = 0
        self._woken = False
        self._closed = False
        self._held = False
        self.apart: frozenset[str] = frozenset()
        #: Monotonic, when the second line had to wait for room last.
        self.held_at = -math.inf
        self.messages = 0
        self.bytes = 0

    def offer(self, message: Message) -> list[Dropped]:
        """Takes the message in; what had to be dropped for it, or itself. Waits at most ``grace_s``, or while ``patient``.

        A message of the second line waits as long as it is crowded here; for what the first still brings of those apart
        nobody waits.
        """
        head, _, channel = message.topic.rpartition("/")
        device_id = _device_of(head)
        size = len(message.payload) + len(message.topic) + MESSAGE_BYTES
        with self._changed:
            lane = self._lanes.get(device_id)
            if lane is None:
                lane = self._opened(device_id)
            lane.offered += size
            if self._bounds.rate and not self._allowed(lane):
                return [Dropped(message, device_id, too_fast=True)]
            if message.apart:
                self._hold(lane, size)
                if self._closed:
                    return []
            elif device_id in self.apart and not self._fits(size):
                return [Dropped(message, device_id, too_fast=False)]
            if lane.bytes + size > self._bounds.device_bytes:
                return [Dropped(message, device_id, too_fast=False)]
            dropped: list[Dropped] = []
            if not self._fits(size):
                self._wait_for_room(size)
                if self._closed:
                    return []
                self._make_room(lane, size, dropped)
                if not self._fits(size):
                    return [*dropped, Dropped(message, device_id, too_fast=False)]
            self._put(lane, message, channel == _LIVE, size)
        return dropped

    def close(self) -> None:
        """Ends every wait: what is offered from now on is neither taken nor dropped, so that the broker keeps it."""
        with self._changed:
            self._closed = self._woken = True
            self._changed.notify_all()

    def wake(self) -> None:
        """Ends the wait of ``wait`` at once, or the next one."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def wait(self, messages: int, timeout_s: float) -> bool:
        """Until so many are waiting or ``wake`` was called, at most ``timeout_s``. True when it was called."""
        with self._changed:
            self._wanted = messages
            self._changed.wait_for(lambda: self._woken or self.messages >= messages, timeout_s)
            self._wanted = 0
            woken, self._woken = self._woken, False
            return woken

    def take(self, most: int, most_bytes: int) -> list[Message]:
        """At most so many, by turns; none more once they have ``most_bytes`` together."""
        taken: list[Message] = []
        with self._changed:
            least = self.bytes - most_bytes
            while self.messages and len(taken) < most and self.bytes > least:
                self._turn += 1
                historic = self._history and (not self._live or self._turn % HISTORY_TURN == 0)
                lane = (self._history if historic else self._live).popleft()
                waiting = lane.history if historic else lane.live
                message = waiting.popleft()
                if waiting:
                    (self._history if historic else self._live).append(lane)
                self._left(lane, message)
                taken.append(message)
            if self._held:
                self._changed.notify_all()
            if self._full_since is not None:
                if 2 * self.messages <= self._bounds.messages and 2 * self.bytes <= self._bounds.bytes:
                    self._full_since = None
                self._changed.notify_all()
        return taken

    @property
    def crowded(self) -> bool:
        with self._changed:
            return self._is_crowded(0)

    def offered(self) -> dict[str, int]:
        """Bytes by device since this was asked last, what was dropped included."""
        with self._changed:
            found = {lane.device_id: lane.offered for lane in self._lanes.values() if lane.offered}
            for lane in self._lanes.values():
                lane.offered = 0
        return found

    def oldest_live(self) -> int | None:
        """When the live message that waits longest was received, microseconds UTC; None when none waits."""
        with self._changed:
            return min((lane.live[0].received_at for lane in self._live), default=None)

    def _opened(self, device_id: str) -> _Lane:
        now = self._clock.monotonic()
        if len(self._lanes) >= self._prune_at:
            rested = now - self._bounds.burst / self._bounds.rate if self._bounds.rate else now
            self._lanes = {name: lane for name, lane in self._lanes.items() if lane.bytes or lane.at > rested}
            self._prune_at = max(_PRUNE_FROM, 2 * len(self._lanes))
        lane = self._lanes[device_id] = _Lane(device_id, float(self._bounds.burst), now)
        return lane

    def _allowed(self, lane: _Lane) -> bool:
        now = self._clock.monotonic()
        lane.tokens = min(lane.tokens + (now - lane.at) * self._bounds.rate, float(self._bounds.burst))
        lane.at = now
        if lane.tokens < 1:
            return False
        lane.tokens -= 1
        return True

    def _fits(self, size: int) -> bool:
        return self.messages < self._bounds.messages and self.bytes + size <= self._bounds.bytes

    def _is_crowded(self, size: int) -> bool:
        most, most_bytes = CROWDED * self._bounds.messages, CROWDED * self._bounds.bytes
        return self.messages >= most or self.bytes + size > most_bytes

    def _hold(self, lane: _Lane, size: int) -> None:
        while not self._closed and (self._is_crowded(size) or lane.bytes + size > self._bounds.device_bytes):
            self._held, self.held_at = True, self._clock.monotonic()
            self._changed.wait(_LOOK_AGAIN_S)
        self._held = False

    def _wait_for_room(self, size: int) -> None:
        """Counted from when it was full first, until half of it was free again: a crowd that never ends is made to wait once."""
        if self._full_since is None:
            self._full_since = self._clock.monotonic()
        until = self._full_since + self._bounds.grace_s
        while not self._closed and not self._fits(size):
            left = until - self._clock.monotonic()
            if left <= 0 and not self._patient():
                return
            self._changed.wait(min(left, _LOOK_AGAIN_S) if left > 0 else _LOOK_AGAIN_S)

    def _make_room(self, lane: _Lane, size: int, dropped: list[Dropped]) -> None:
        """Others lose until it fits, as long as they hold more than this device would."""
        while not self._fits(size):
            greedy = self._find_greediest()
            if greedy is None or greedy.bytes <= lane.bytes + size:
                return
            dropped.append(self._drop_newest(greedy))

    def _put(self, lane: _Lane, message: Message, live: bool, size: int) -> None:
        waiting, ring = (lane.live, self._live) if live else (lane.history, self._history)
        if not waiting:
            ring.append(lane)
        waiting.append(message)
        lane.bytes += size
        self.bytes += size
        self.messages += 1
        if self._wanted and self.messages >= self._wanted:
            self._changed.notify_all()

    def _find_greediest(self) -> _Lane | None:
        """Searched anew when the last one has shrunk to less than nine tenths: a search looks at every lane."""
        if self._greediest is None or self._greediest[0].bytes < 0.9 * self._greediest[1]:
            lane = max(self._lanes.values(), key=lambda each: each.bytes, default=None)
            self._greediest = (lane, lane.bytes) if lane is not None and lane.bytes else None
        return self._greediest[0] if self._greediest is not None else None

    def _drop_newest(self, lane: _Lane) -> Dropped:
        waiting, ring = (lane.history, self._history) if lane.history else (lane.live, self._live)
        message = waiting.pop()
        if not waiting:
            ring.remove(lane)
        self._left(lane, message)
        return Dropped(message, lane.device_id, too_fast=False)

    def _left(self, lane: _Lane, message: Message) -> None:
        size = len(message.payload) + len(message.topic) + MESSAGE_BYTES
        lane.bytes -= size
        self.bytes -= size
        self.messages -= 1


def _device_of(head: str) -> str:
    """Of ``rpm/v1/{tenant}/d/{device}/tel``: whatever else a topic is, it waits in one common lane."""
    parts = head.split("/")
    return parts[4] if len(parts) == 6 else ""

"""Who sends so much that the others must not wait behind it: its telemetry comes by a second line.

The broker keeps what waits for a connection of the core in one queue, first come first served, and drops the newest when that is
full. So a flood makes the values of all the others old before ingest, which is fair, has seen any of them. The rights of the two
connections say whose telemetry comes by which; each has its own queue at the broker (decision 0058).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from ingest.fair import FairQueue
from vigil.domain.errors import BrokerError
from vigil.domain.people import is_device_id
from vigil.runtime.clock import Clock

logger = logging.getLogger(__name__)

#: While the intake is crowded, a device of which more is read goes apart: bytes a second, 25 packs of six values (ours). No more
#: than that, because a core that is short of processor time reads little of a flood as well.
MUCH_BYTES_S = 16 * 1024
#: It comes back when it has sent less, and the second line never had to wait, for so long (ours).
BACK_S = 30.0


class Apart:
    """``tick`` about twice a second. ``set_apart`` tells the broker, and raises ``BrokerError`` where it cannot be told;
    ``connected``: whether the second line stands."""

    def __init__(
        self,
        queue: FairQueue,
        set_apart: Callable[[frozenset[str]], None],
        connected: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._set_apart = set_apart
        self._connected = connected
        self._clock = clock
        #: When each was last seen to send much, and who is apart as far as the broker was told; None: not told since the start.
        self._much_at: dict[str, float] = {}
        self._told: frozenset[str] | None = None
        self._before: dict[str, int] = {}
        self._at = (clock.monotonic(), clock.monotonic())
        self._failing = False

    def tick(self, too_fast: Iterable[str]) -> None:
        """``too_fast``: devices beyond their limit."""
        now = self._clock.monotonic()
        much = self._much(now)
        if self._queue.crowded:
            self._much_at |= dict.fromkeys(much, now)
        else:
            self._much_at |= dict.fromkeys(much & self._much_at.keys(), now)
        self._much_at |= dict.fromkeys(too_fast, now)
        if now - self._queue.held_at >= BACK_S:
            self._much_at = {device: at for device, at in self._much_at.items() if now - at < BACK_S}
        self._tell(frozenset(filter(is_device_id, self._much_at)) if self._connected() else frozenset())

    def _much(self, now: float) -> set[str]:
        """Of the last two ticks together: one alone may be short."""
        offered = self._queue.offered()
        least = MUCH_BYTES_S * (now - self._at[0])
        found = {device for device, size in offered.items() if size + self._before.get(device, 0) > least}
        self._before, self._at = offered, (self._at[1], now)
        return found

    def _tell(self, apart: frozenset[str]) -> None:
        if apart == self._told:
            return
        try:
            self._set_apart(apart)
        except BrokerError as error:
            if not self._failing:
                logger.warning("devices that flood the broker are not set apart: %s", error)
            self._failing = True
            return
        if apart or self._told:
            logger.warning("devices that send much and wait in a line of their own: %d", len(apart))
        self._failing, self._told = False, apart
        self._queue.apart = apart

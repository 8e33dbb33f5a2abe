"""Slows down guessing of the access key."""

from __future__ import annotations

import math
import threading
from collections import deque

from vigil.runtime.clock import Clock

#: Wrong keys that one address may send in a window, and that all addresses together may.
PER_ADDRESS, OVERALL = 10, 100
WINDOW_S = 60.0
#: Addresses remembered at once; the longest unheard-of is forgotten first.
MOST_ADDRESSES = 1000


class FailureLimit:
    """Counts failures in a sliding window. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._all: deque[float] = deque()
        self._by_address: dict[str, deque[float]] = {}

    def wait_s(self, address: str) -> int:
        """Whole seconds until this address may try again; 0 = now."""
        with self._lock:
            return max(self._left(self._by_address.get(address), PER_ADDRESS), self._left(self._all, OVERALL))

    def failed(self, address: str) -> None:
        now = self._clock.monotonic()
        with self._lock:
            own = self._by_address.pop(address, None) or deque()
            self._by_address[address] = own
            for times, most in ((own, PER_ADDRESS), (self._all, OVERALL)):
                times.append(now)
                while len(times) > most:
                    times.popleft()
            while len(self._by_address) > MOST_ADDRESSES:
                del self._by_address[next(iter(self._by_address))]

    def _left(self, times: deque[float] | None, most: int) -> int:
        if times is None or len(times) < most:
            return 0
        return max(0, math.ceil(times[0] + WINDOW_S - self._clock.monotonic()))

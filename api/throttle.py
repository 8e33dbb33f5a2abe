"""Slows down guessing of keys, codes and passwords."""

from __future__ import annotations

import math
import threading
from collections import deque

from vigil.runtime.clock import Clock

#: Wrong keys that one address may send in a window, and that all addresses together may.
PER_ADDRESS, OVERALL = 10, 100
#: Wrong passwords for one name, from one address, and in one session (ours). All together may send any number: whoever guesses
#: from many addresses must not keep everybody out.
PER_NAME = 5
WINDOW_S = 60.0
#: Addresses remembered at once; the longest unheard-of is forgotten first.
MOST_ADDRESSES = 1000


class FailureLimit:
    """Counts failures in a sliding window. ``most``: of one address, or of whatever else is counted by; ``overall`` None = any
    number. Safe to use from several threads."""

    def __init__(self, clock: Clock, most: int = PER_ADDRESS, overall: int | None = OVERALL) -> None:
        self._clock, self._most, self._overall = clock, most, overall
        self._lock = threading.Lock()
        self._all: deque[float] = deque()
        self._by_address: dict[str, deque[float]] = {}

    def wait_s(self, address: str) -> int:
        """Whole seconds until this address may try again; 0 = now."""
        with self._lock:
            own = self._left(self._by_address.get(address), self._most)
            return own if self._overall is None else max(own, self._left(self._all, self._overall))

    def failed(self, address: str) -> None:
        now = self._clock.monotonic()
        with self._lock:
            own = self._by_address.pop(address, None) or deque()
            self._by_address[address] = own
            for times, most in ((own, self._most), (self._all, self._overall or 0)):
                times.append(now)
                while len(times) > most:
                    times.popleft()
            while len(self._by_address) > MOST_ADDRESSES:
                del self._by_address[next(iter(self._by_address))]

    def forgive(self, address: str) -> None:
        """The newest one was none: it was counted before it was known to be right."""
        with self._lock:
            for times in (self._by_address.get(address), self._all):
                if times:
                    times.pop()
            if not self._by_address.get(address, True):
                del self._by_address[address]  # or tries that were none would push out others

    def _left(self, times: deque[float] | None, most: int) -> int:
        if times is None or len(times) < most:
            return 0
        return max(0, math.ceil(times[0] + WINDOW_S - self._clock.monotonic()))

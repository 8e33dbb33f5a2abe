"""How fast history may go, so that it takes its share of the line and no more."""

from __future__ import annotations

from vigil.runtime.clock import Clock

#: A bite of history shrinks when its packs took longer than the first to reach the broker, and grows below the second (ours).
SLOW_S, FAST_S = 0.5, 0.25
MAX_BITE_PACKS = 16
#: A second, where nothing else is set (ours).
HISTORY_PACKS_S = 100.0


class Pace:
    """A token bucket: ``packs_s`` packs a second on the long run, at most one second's worth at once. And bites: the packs under
    way together, one at first, as many as the line takes within half a second."""

    def __init__(self, packs_s: float, clock: Clock) -> None:
        self._packs_s = packs_s
        self._clock = clock
        self._tokens = packs_s
        self._filled_s = clock.monotonic()
        self._bite = 1

    def new_line(self) -> None:
        """Nobody knows yet how fast this connection is."""
        self._bite = 1

    def bite(self) -> int:
        """Packs that may go now."""
        now = self._clock.monotonic()
        self._tokens = min(self._packs_s, self._tokens + (now - self._filled_s) * self._packs_s)
        self._filled_s = now
        return min(int(self._tokens), self._bite)

    def sent(self, packs: int, took_s: float) -> None:
        self._tokens -= packs
        if took_s > SLOW_S:
            self._bite = max(1, self._bite // 2)
        elif took_s < FAST_S and packs == self._bite:
            self._bite = min(MAX_BITE_PACKS, self._bite * 2)

    @property
    def next_s(self) -> float:
        """Seconds until one more may go; never so few that a rounding keeps the loop busy."""
        return max(0.001, (1.0 - self._tokens) / self._packs_s)

"""A vital as a device shows it, step by step, and the random bursts that disturb it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.noise import Floats
from vigil.domain.quality import Quality


@dataclass(slots=True)
class Signal:
    """Columns ``(n,)``: ``values`` in the unit of the vital (NaN = tried, no value) and ``quality`` bits."""

    values: Floats
    quality: NDArray[np.int64]

    @classmethod
    def of(cls, values: Floats) -> Signal:
        return cls(values, np.zeros(values.size, dtype=np.int64))

    def mark(self, where: NDArray[np.bool_], bit: Quality) -> None:
        self.quality[where] |= int(bit)

    def lose(self, where: NDArray[np.bool_]) -> None:
        """No contact: the device tried and got nothing. Never a zero."""
        self.values[where] = np.nan
        self.mark(where, Quality.CONTACT_LOST)


def log_uniform(shortest_s: float, longest_s: float) -> Callable[[np.random.Generator], float]:
    """Lengths between two bounds, short ones more often."""

    def draw(rng: np.random.Generator) -> float:
        return float(math.exp(rng.uniform(math.log(shortest_s), math.log(longest_s))))

    return draw


def rate_for_share(share: float, shortest_s: float, longest_s: float) -> float:
    """How many log-uniform bursts a second of quiet cover ``share`` of the time.

    >>> round(rate_for_share(0.01, 1.0, 25.0) * 3600, 1)
    4.9
    """
    mean = (longest_s - shortest_s) / math.log(longest_s / shortest_s)
    return share / (1.0 - share) / mean


class Bursts:
    """Random episodes on the device's own time. ``per_s``: starts a second of quiet; ``size``: a unit normal number each."""

    def __init__(
        self, rng: np.random.Generator, per_s: float, length_s: Callable[[np.random.Generator], float]
    ) -> None:
        self._rng = rng
        self._per_s = per_s
        self._length_s = length_s
        self._start = self._end = self._size = 0.0
        if per_s > 0.0:
            self._next()

    def _next(self) -> None:
        self._start = self._end + float(self._rng.exponential(1.0 / self._per_s))
        self._end = self._start + self._length_s(self._rng)
        self._size = float(self._rng.standard_normal())

    def over(self, elapsed_s: Floats) -> tuple[NDArray[np.bool_], Floats]:
        """For each step: is a burst going on, and its size. Times must not go back between calls."""
        inside = np.zeros(elapsed_s.size, dtype=np.bool_)
        size = np.zeros(elapsed_s.size)
        if self._per_s <= 0.0:
            return inside, size
        while True:
            now = (elapsed_s >= self._start) & (elapsed_s < self._end)
            inside |= now
            size[now] = self._size
            if self._end > elapsed_s[-1]:
                return inside, size
            self._next()

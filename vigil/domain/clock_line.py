"""The lower envelope of a device clock's lags, and the line through it.

``lag`` is time of receipt minus device time: the delay of the way, less what the clock is ahead. A delay is never negative, so
the lowest lags show the clock and all above them is delay ("minimum-delay filtering"). The line is the edge of the lower convex
hull over the mean time (after Moon, Skelly and Towsley 1999): of all lines below the points the nearest to them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from vigil.domain.times import DAY, MINUTE, SECOND

#: Fraction of a second that a second of the clock may be off. A quartz keeps 20 to 100 millionths; ours.
MOST_DRIFT = 250e-6
#: Bins of a device, their first and their greatest width: 24 h at most are looked back on. Ours.
BINS, FIRST_WIDTH, LAST_WIDTH = 32, 10 * SECOND, 45 * MINUTE
#: Fewer bins make no line. Ours.
LEAST_BINS = 4
#: An uncertainty that allows a correction: a quarter of the offset, at least the first and at most the second, seconds. Ours.
LEAST_BOUND, MOST_BOUND = 1.5, 5.0
#: How closely the lowest lags of two bins can agree at best, seconds (a scheduler's grain); ours.
_GRAIN = 0.02


@dataclass(frozen=True, slots=True)
class Line:
    """``shift``: microseconds to add to a device time at true time ``at``; ``slope``: how fast that grows, give or take
    ``slope_error``. Known from packs received in [``start``, ``at``]; ``base``: uncertainty there, seconds."""

    start: int
    at: int
    shift: int
    slope: float
    base: float
    slope_error: float

    def shift_at(self, time: int) -> int:
        return self.shift + round(self.slope * (time - self.at))

    def uncertainty(self, time: int) -> float:
        """Seconds, at a true time."""
        beyond = max(time - self.at, self.start - time, 0)
        return self.base + self.growth * beyond / SECOND

    def true_time(self, device: int) -> int:
        """When a device time was."""
        return device + self.shift_at(device + self.shift)

    @property
    def growth(self) -> float:
        """Of the uncertainty outside, seconds a second: a clock that runs worse than a bad quartz is none."""
        return min(self.slope_error, MOST_DRIFT)

    @property
    def bound(self) -> float:
        """The uncertainty up to which the line may correct a time, seconds."""
        return min(max(LEAST_BOUND, abs(self.shift) / SECOND / 4), MOST_BOUND)

    @property
    def holds_until(self) -> int:
        """The last moment at which it is certain enough."""
        return self.at + round((self.bound - self.base) / self.growth * SECOND)


class Envelope:
    """The least lag of each bin of receipt time. Full, the bins become twice as wide; at the greatest width the oldest goes."""

    __slots__ = ("_number", "_width", "lags", "times")

    def __init__(self) -> None:
        self.times: list[int] = []
        self.lags: list[int] = []
        self._width = FIRST_WIDTH
        self._number = -1

    def add(self, received: int, lag: int) -> bool:
        """True when a bin was closed. A server clock that was set back puts its packs into the newest bin."""
        number = received // self._width
        if number <= self._number:
            if lag < self.lags[-1]:
                self.times[-1], self.lags[-1] = max(received, self.times[-1]), lag
            return False
        self._number = number
        self.times.append(received)
        self.lags.append(lag)
        if len(self.times) > BINS:
            self._make_room()
        return True

    def _make_room(self) -> None:
        if self._width >= LAST_WIDTH:
            del self.times[0], self.lags[0]
            return
        self._width = min(2 * self._width, LAST_WIDTH)
        kept: dict[int, tuple[int, int]] = {}
        for time, lag in zip(self.times, self.lags, strict=True):
            number = time // self._width
            if number not in kept or lag < kept[number][1]:
                kept[number] = (time, lag)
        self.times = [time for time, _ in kept.values()]
        self.lags = [lag for _, lag in kept.values()]
        self._number = self.times[-1] // self._width
        if len(self.times) > BINS:
            self._make_room()

    @property
    def longest_gap(self) -> int:
        """Between the bins that ``line`` looks at, microseconds."""
        return max((after - before for before, after in itertools.pairwise(self.times[:-1])), default=0)

    def line(self, floor: float) -> Line | None:
        """Of the closed bins; the newest one still fills. None with fewer than ``LEAST_BINS``."""
        while self.times[0] < self.times[-1] - DAY:
            del self.times[0], self.lags[0]
        return fit(self.times[:-1], self.lags[:-1], floor) if len(self.times) > LEAST_BINS else None


def fit(times: list[int], lags: list[int], floor: float) -> Line:
    """The line below all points that is nearest to them; level where they show no drift.

    ``floor`` seconds are added to the uncertainty. At least two points, times rising.
    """
    first, last = times[0], times[-1]
    span = max(last - first, 1)
    left, right = _edge(times, lags)
    slope = (lags[right] - lags[left]) / (times[right] - times[left])
    anchor = lags[left] - slope * (times[left] - last)
    above = [lag - anchor - slope * (time - last) for time, lag in zip(times, lags, strict=True)]
    slope_error = (_GRAIN * SECOND + 2 * _upper(above)) * 2 / span
    if abs(slope) <= slope_error:
        slope, anchor = 0.0, float(min(lags))
        above = [lag - anchor for lag in lags]
    base = floor + max(_upper(above), _apart(above)) / SECOND
    return Line(first, last, round(anchor), slope, base, slope_error)


def _upper(above: list[float]) -> float:
    """Three quarters of the bins lie no further above the line."""
    return sorted(above)[(3 * len(above) - 1) // 4]


def _apart(above: list[float]) -> float:
    """How far the line stays off a quarter of the bins: it is none then, but a step too small to be one, or a growing queue."""
    size = max(len(above) // 4, 2)
    return max(min(above[start : start + size]) for start in range(0, len(above) - size + 1, size))


def _edge(times: list[int], lags: list[int]) -> tuple[int, int]:
    """Places of the two points whose edge of the lower convex hull spans the mean time."""
    hull: list[int] = []
    for place, (time, lag) in enumerate(zip(times, lags, strict=True)):
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            if (lags[b] - lags[a]) * (time - times[a]) < (lag - lags[a]) * (times[b] - times[a]):
                break
            hull.pop()
        hull.append(place)
    count, total = len(times), sum(times)
    right = next((at for at in range(1, len(hull)) if times[hull[at]] * count >= total), len(hull) - 1)
    return hull[right - 1], hull[right]

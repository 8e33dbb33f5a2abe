"""Sleep and effort: when a person sleeps, and how many METs (multiples of the resting energy) the person spends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulators.noise import Floats, entropy, normal_share
from simulators.person import People

DAY_S = 86_400.0

#: Quantiles of MET, awake and at night (M, CGMacros). "MET" there is calories over the person's own 1st percentile.
_SHARE = np.array([0, 0.05, 0.25, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99, 0.999, 1])
_AWAKE = np.array([1, 1, 1.1, 1.3, 1.36, 2.6, 3.0, 3.2, 3.6, 4.0, 5.14, 6.0, 6.96, 8.6, 9])
_NIGHT = np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1.1, 1.3, 2.6, 3.32, 4])

#: Shares of the variance of the effort process: minute-to-minute, 4 min, 60 min.
EFFORT_WEIGHTS = {"met_quick": 0.05**0.5, "met_mid": 0.50**0.5, "met_slow": 0.45**0.5}
EFFORT_TAU_S = {"met_quick": 12.0, "met_mid": 240.0, "met_slow": 3600.0}


def mean_effort_awake() -> float:
    """Mean of MET - 1 over waking minutes; where filters of effort start."""
    return float(np.sum(np.diff(_SHARE) * (_AWAKE[1:] + _AWAKE[:-1]) / 2.0)) - 1.0


def effort(drive: Floats, awake: NDArray[np.bool_], people: People) -> Floats:
    """MET - 1 from the unit-variance ``drive``, ``(n, persons)``; frail people spend about 0.6 of it."""
    share = normal_share(drive + people.met_offset)
    met = np.where(awake, np.interp(share, _SHARE, _AWAKE), np.interp(share, _SHARE, _NIGHT))
    return np.asarray((met - 1.0) * people.effort, dtype=np.float64)


class DayDraws:
    """Normal numbers of each person for each local day; the same whenever the day is asked for."""

    def __init__(self, seed: int, persons: int) -> None:
        self._seed = seed
        self._persons = persons
        self._days: dict[int, Floats] = {}

    def __call__(self, day: int) -> Floats:
        """``(4, persons)``: heart rate of the day, bedtime, waking time, weight of the day."""
        if day not in self._days:
            if len(self._days) > 16:
                self._days.clear()
            self._days[day] = entropy(self._seed, day).standard_normal((4, self._persons))
        return self._days[day]

    def row(self, index: int, days: NDArray[np.int64]) -> Floats:
        """``(n, persons)``: number ``index`` of the day each step lies in; days do not go back."""
        if days[0] == days[-1]:  # nearly always, and much quicker
            return np.broadcast_to(self(int(days[0]))[index], (days.size, self._persons))
        unique, place = np.unique(days, return_inverse=True)
        return np.stack([self(int(day))[index] for day in unique])[place]


#: A: how much bedtime and waking time of one person move from day to day, hours.
SLEEP_DAY_SD_H = 0.7


def awake_at(local_s: Floats, people: People, days: DayDraws) -> NDArray[np.bool_]:
    """Who is awake, ``(n, persons)``; ``local_s``: local seconds of each step, day 0 starting at 0."""
    day = np.floor(local_s / DAY_S).astype(np.int64)
    hour = ((local_s - day * DAY_S) / 3600.0)[:, None]
    bed_today = people.sleep_on_h + SLEEP_DAY_SD_H * days.row(1, day)
    bed_yesterday = people.sleep_on_h + SLEEP_DAY_SD_H * days.row(1, day - 1)
    rise = people.sleep_off_h + SLEEP_DAY_SD_H * days.row(2, day)
    asleep = (hour >= bed_today) | ((hour < rise) & (hour >= bed_yesterday - 24.0))
    return np.asarray(~asleep)

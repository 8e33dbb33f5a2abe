"""Harmless events in everybody's life that look like trouble: stairs, a cold, pain, a sensor that counts steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.activity import DAY_S
from simulators.noise import Floats, entropy

#: Rise and fall of an event, as a share of its duration (A): full from a sixth to two thirds of it.
_SHAPE_AT, _SHAPE = np.array([0.0, 1 / 6, 2 / 3, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])

#: Events of the day start while people are up (A).
_FIRST_H, _LAST_H = 8.0, 21.5
_NIGHT_H = (0.0, 6.0)


@dataclass(frozen=True, slots=True)
class Decoy:
    """One kind of event. ``effort``: METs above rest; ``hr``, ``rr`` /min, ``temp`` Cel.

    ``hr_shown``: what a fooled sensor reads; ``glucose_shown``: mg/dL that are added to what a glucose sensor reads.
    ``any_hour``: at night too; ``night``: only then.
    """

    name: str
    per_day: float
    minutes: float
    effort: float = 0.0
    hr: float = 0.0
    rr: float = 0.0
    temp: float = 0.0
    hr_shown: float | None = None
    any_hour: bool = False
    glucose_shown: float = 0.0
    night: bool = False


@dataclass(frozen=True, slots=True)
class _Event:
    decoy: Decoy
    start_s: float

    def course(self, local_s: Floats) -> Floats:
        share = (local_s - self.start_s) / (60.0 * self.decoy.minutes)
        return np.asarray(np.interp(share, _SHAPE_AT, _SHAPE, left=0.0, right=0.0), dtype=np.float64)

    def going_on(self, local_s: Floats) -> NDArray[np.bool_]:
        return np.asarray((local_s >= self.start_s) & (local_s < self.start_s + 60.0 * self.decoy.minutes))


class DecoyLife:
    """The decoys of one person: which day has which event depends on ``seed`` and the day only."""

    def __init__(self, decoys: Sequence[Decoy], seed: int) -> None:
        self._decoys = tuple(decoys)
        self._seed = seed
        self._longest_s = 60.0 * max((decoy.minutes for decoy in decoys), default=0.0)
        self._days: dict[int, list[_Event]] = {}

    def deltas(self, local_s: Floats) -> Mapping[str, Floats]:
        """A ``Push`` on the true values."""
        sums = {name: np.zeros(local_s.size) for name in ("hr", "rr", "temp", "fever", "effort")}
        for event in self._near(local_s):
            shape = event.course(local_s)
            decoy = event.decoy
            sums["hr"] += decoy.hr * shape
            sums["rr"] += decoy.rr * shape
            sums["temp"] += decoy.temp * shape
            sums["fever"] += decoy.temp * shape
            sums["effort"] = np.maximum(sums["effort"], decoy.effort * event.going_on(local_s))
        return {name: values for name, values in sums.items() if np.any(values)}

    def heart_rate_shown(self, local_s: Floats) -> Floats:
        """What the fooled sensor shows, NaN where it is not fooled."""
        shown = np.full(local_s.size, np.nan)
        for event in self._near(local_s):
            if event.decoy.hr_shown is not None:
                shown[event.going_on(local_s)] = event.decoy.hr_shown
        return shown

    def glucose_pressed(self, local_s: float) -> float:
        """How much a glucose sensor reads too low (negative) because its wearer lies on it, mg/dL."""
        at = np.array([local_s])
        return min((float(event.decoy.glucose_shown * event.course(at)[0]) for event in self._near(at)), default=0.0)

    def _near(self, local_s: Floats) -> list[_Event]:
        if local_s.size == 0 or not self._decoys:
            return []
        first, last = float(local_s[0]), float(local_s[-1])
        days = range(int((first - self._longest_s) // DAY_S), int(last // DAY_S) + 1)
        return [
            event
            for day in days
            for event in self._of_day(day)
            if event.start_s <= last and event.start_s + 60.0 * event.decoy.minutes > first
        ]

    def _of_day(self, day: int) -> list[_Event]:
        if day not in self._days:
            if len(self._days) > 16:
                self._days.clear()
            rng = entropy(self._seed, day)
            events = []
            for decoy in self._decoys:
                hours = rng.uniform(*_hours_of(decoy), rng.poisson(decoy.per_day))
                events += [_Event(decoy, day * DAY_S + 3600.0 * float(hour)) for hour in hours]
            self._days[day] = events
        return self._days[day]


def _hours_of(decoy: Decoy) -> tuple[float, float]:
    if decoy.night:
        return _NIGHT_H
    return (0.0, 24.0) if decoy.any_hour else (_FIRST_H, _LAST_H)

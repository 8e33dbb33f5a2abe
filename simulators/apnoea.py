"""Sleep apnoea: all night long, breathing stops, oxygen falls, the sleeper half wakes and oxygen is back. Not a deterioration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulators.noise import Floats, entropy
from vigil.domain.errors import ScenarioError

#: A: how much the length of an apnoea varies (log SD), and the longest there is, seconds; 40 s is a fall of 10 points.
_LENGTH_LOG_SD, _LONGEST_S = 0.25, 40.0
#: G: heart rate dips while breath is held, jumps at the arousal by 5 to 15 and is back within some 15 s (A).
_DIP, _JUMP, _JUMP_S = -5.0, (5.0, 15.0), 15.0
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Apnoea:
    """Cycles of a sleeping hour: ``per_h`` by severity; fall and rise in seconds and % a second; ``cycle_s``: shortest and
    longest time from one fall to the next while they come in a row."""

    severity: str
    per_h: Mapping[str, float]
    fall_s: float
    fall_per_s: float
    rise_per_s: float
    cycle_s: tuple[float, float]

    def __post_init__(self) -> None:
        if self.severity not in self.per_h:
            raise ScenarioError(f"apnoea: severity {self.severity!r} is none of {', '.join(self.per_h)}")

    @property
    def cycles_per_h(self) -> float:
        return self.per_h[self.severity]


@dataclass(frozen=True, slots=True)
class _Cycle:
    """``start_s``: local seconds; ``depth``: % lost at the end of the fall; ``jump``: beats/min at the arousal."""

    start_s: float
    fall_s: float
    rise_s: float
    depth: float
    jump: float

    @property
    def end_s(self) -> float:
        return self.start_s + self.fall_s + max(self.rise_s, _JUMP_S)

    def oxygen(self, local_s: Floats) -> Floats:
        low_s = self.start_s + self.fall_s
        return np.interp(local_s, (self.start_s, low_s, low_s + self.rise_s), (0.0, -self.depth, 0.0))

    def heart(self, local_s: Floats) -> Floats:
        arousal_s = self.start_s + self.fall_s
        at = (self.start_s, arousal_s - 1.0, arousal_s + 2.0, arousal_s + _JUMP_S)
        return np.interp(local_s, at, (0.0, _DIP, self.jump, 0.0))


class ApnoeaNights:
    """The cycles of one person: which hour has which depends on ``seed`` and the hour only. Who is awake has none."""

    def __init__(self, apnoea: Apnoea, seed: int) -> None:
        self._apnoea = apnoea
        self._seed = seed
        self._hours: dict[int, list[_Cycle]] = {}

    def deltas(self, local_s: Floats) -> Mapping[str, Floats]:
        """A ``Push`` on the true values."""
        oxygen, heart = np.zeros(local_s.size), np.zeros(local_s.size)
        for hour in range(int(local_s[0] // _HOUR_S), int(local_s[-1] // _HOUR_S) + 1):
            for cycle in self._of_hour(hour):
                if cycle.end_s > local_s[0] and cycle.start_s <= local_s[-1]:
                    oxygen += cycle.oxygen(local_s)
                    heart += cycle.heart(local_s)
        return {"spo2_asleep": oxygen, "hr_asleep": heart}

    def _of_hour(self, hour: int) -> list[_Cycle]:
        """A cycle ends in the hour it starts in, so that no hour needs to know its neighbour."""
        if hour not in self._hours:
            if len(self._hours) > 48:
                self._hours.clear()
            self._hours[hour] = self._draw(entropy(self._seed, hour), hour * _HOUR_S)
        return self._hours[hour]

    def _draw(self, rng: np.random.Generator, hour_s: float) -> list[_Cycle]:
        kind = self._apnoea
        quiet_s = max(_HOUR_S / kind.cycles_per_h - sum(kind.cycle_s) / 2.0, 1.0)
        cycles: list[_Cycle] = []
        start_s = float(rng.exponential(quiet_s))
        while True:
            fall_s = min(kind.fall_s * float(np.exp(_LENGTH_LOG_SD * rng.standard_normal())), _LONGEST_S)
            depth = -kind.fall_per_s * fall_s
            cycle = _Cycle(hour_s + start_s, fall_s, depth / kind.rise_per_s, depth, float(rng.uniform(*_JUMP)))
            if cycle.end_s > hour_s + _HOUR_S:
                return cycles
            cycles.append(cycle)
            length_s = max(float(rng.uniform(*kind.cycle_s)), cycle.end_s - cycle.start_s)
            start_s += length_s + float(rng.exponential(quiet_s))

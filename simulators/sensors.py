"""Sensors that only some people wear: glucose, beat-to-beat variability, an arterial line.

Marks as in the reference page "Physiology": M measured, P published, G general knowledge, A assumed by us.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Protocol

import numpy as np

from simulators.beats import SINUS_CV, SINUS_LAG1, intervals, rmssd_ms
from simulators.physiology import Block

Reading = tuple[str, float]


class Sensor(StrEnum):
    #: Continuous glucose monitor under the skin, a value each 5 min.
    GLUCOSE = "glucose"
    #: Beat-to-beat variability of the optical sensor, a strip of 100 beats each 5 min.
    HRV = "hrv"
    #: Mean pressure of an arterial line each minute; in intensive care.
    ARTERIAL = "arterial"


class Extra(Protocol):
    """``optical``: it reads nothing while the probe is off."""

    every_s: float
    optical: bool

    def read(self, truth: Block, index: int) -> Reading:
        """Wire name and what is shown at step ``index``."""
        ...


class GlucoseMonitor:
    """P: mean absolute relative difference 9.9 %, lag 5 to 15 min; 40 to 400 mg/dL is what such monitors show (G)."""

    every_s, optical = 300.0, False
    #: The difference of 9.9 % is an SD of 12.4 %; its share of the sensor and of a slow error with 3 h of memory is A.
    _BIAS_SD, _DRIFT_SD, _DRIFT_S = 0.07, 0.10, 10_800.0
    _LAG_S = 600.0

    def __init__(self, rng: np.random.Generator, pressed: Callable[[float], float]) -> None:
        """``pressed``: mg/dL that a sensor which is lain upon reads too low (negative), by local seconds."""
        self._rng = rng
        self._pressed = pressed
        self._bias, self._drift = rng.standard_normal(2).tolist()
        self._tissue: float | None = None

    def read(self, truth: Block, index: int) -> Reading:
        blood = float(truth.glucose[index, 0])
        before = blood if self._tissue is None else self._tissue
        self._tissue = blood + math.exp(-self.every_s / self._LAG_S) * (before - blood)
        keep = math.exp(-self.every_s / self._DRIFT_S)
        self._drift = keep * self._drift + math.sqrt(1.0 - keep**2) * float(self._rng.standard_normal())
        shown = self._tissue * (1.0 + self._BIAS_SD * self._bias + self._DRIFT_SD * self._drift)
        shown += self._pressed(float(truth.local_s[index]))
        return "glu-mgdl", float(round(min(max(shown, 40.0), 400.0)))


class BeatVariability:
    """RMSSD of a strip. M (Welltory): its logarithm differs by SD 0.46 between persons and by 0.40 within one."""

    every_s, optical = 300.0, True
    _BEATS = 100
    _PERSON_LOG_SD, _STRIP_LOG_SD = 0.46, 0.40

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._usual_cv = SINUS_CV * math.exp(self._PERSON_LOG_SD * float(rng.standard_normal()))

    def read(self, truth: Block, index: int) -> Reading:
        now = float(self._rng.standard_normal())
        cv, lag1 = float(truth.beat_cv[index, 0]), float(truth.beat_lag1[index, 0])
        if cv == 0.0:
            cv, lag1 = self._usual_cv * math.exp(self._STRIP_LOG_SD * now), SINUS_LAG1
        strip = intervals(float(truth.hr[index, 0]), cv, lag1, self._BEATS, self._rng)
        return "hrv", float(round(min(rmssd_ms(strip), 500.0)))


class ArterialLine:
    """A: right within 1 mmHg. Flushes and coughs of the real ones are not made."""

    every_s, optical = 60.0, False
    _SD = 1.0

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def read(self, truth: Block, index: int) -> Reading:
        shown = float(truth.map[index, 0]) + self._SD * float(self._rng.standard_normal())
        return "map", float(max(round(shown), 10))


def _worn(sensor: Sensor, rng: np.random.Generator, pressed: Callable[[float], float]) -> Extra:
    if sensor is Sensor.GLUCOSE:
        return GlucoseMonitor(rng, pressed)
    return BeatVariability(rng) if sensor is Sensor.HRV else ArterialLine(rng)


class ExtraSensors:
    """Those of one person. What one shows does not depend on which others are worn."""

    def __init__(self, worn: Iterable[Sensor], rng: np.random.Generator, pressed: Callable[[float], float]) -> None:
        chosen = set(worn)
        streams = zip(Sensor, rng.spawn(len(Sensor)), strict=True)
        self._worn = [_worn(sensor, own, pressed) for sensor, own in streams if sensor in chosen]

    def at(self, truth: Block, index: int, elapsed_s: float, step_s: float, worn: bool) -> list[Reading]:
        """Wire names and values due at this step; ``worn``: is the optical probe on?"""
        if not self._worn:
            return []
        due = [extra for extra in self._worn if elapsed_s % extra.every_s < step_s - 1e-9]
        readings = [(extra.optical, extra.read(truth, index)) for extra in due]
        return [reading for optical, reading in readings if worn or not optical]

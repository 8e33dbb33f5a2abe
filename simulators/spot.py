"""Readings that come now and then: cuff, thermometers, scale, battery."""

from __future__ import annotations

import numpy as np

from simulators.device import DeviceSettings
from simulators.physiology import Block

#: Cuff: a device is off by SD 4.8 (30 % of home units by 5 mmHg or more, P); one reading scatters by SD 4 (A).
_CUFF_BIAS_SD, _CUFF_SD = 4.8, 4.0
#: Patch thermometer and the skin under it (A); the skin follows a fever in part.
_TEMP_BIAS_SD, _TEMP_SD = 0.15, 0.08
_SKIN_LEVEL, _SKIN_PERSON_SD, _SKIN_SD, _SKIN_FOLLOWS = 33.5, 0.6, 0.15, 0.6
#: A full battery lasts two days and is charged again at 15 % (A).
_BATTERY_S, _BATTERY_LEAST = 48 * 3600.0, 15.0


class SpotReadings:
    """One person's cuff, thermometer, scale and battery."""

    def __init__(self, rng: np.random.Generator, settings: DeviceSettings) -> None:
        bias = rng.standard_normal(4)
        self._cuff = (float(_CUFF_BIAS_SD * bias[0]), float(0.6 * _CUFF_BIAS_SD * bias[1]))
        self._temp_bias = float(_TEMP_BIAS_SD * bias[2])
        self._skin = float(_SKIN_LEVEL + _SKIN_PERSON_SD * bias[3])
        self._charge = float(rng.uniform(55.0, 100.0))
        self._settings = settings
        self._rng = rng

    def at(self, truth: Block, index: int, elapsed_s: float, step_s: float, worn: bool) -> list[tuple[str, float]]:
        """Wire names and values due at this step; a thermometer that is not worn says nothing."""
        due = [
            elapsed_s % every < step_s - 1e-9
            for every in (
                self._settings.temperature_every_s,
                self._settings.pressure_every_s,
                self._settings.battery_every_s,
                self._settings.weight_every_s,
            )
        ]
        readings: list[tuple[str, float]] = []
        if due[0]:
            temperatures = self._temperatures(truth, index)
            readings += temperatures if worn else []
        if due[1]:
            readings += self._pressure(truth, index)
        if due[2]:
            readings.append(("batt", float(round(self._battery(elapsed_s)))))
        if due[3]:
            readings.append(("wt", round(float(truth.weight[index, 0]), 1)))
        return readings

    def _temperatures(self, truth: Block, index: int) -> list[tuple[str, float]]:
        scatter = self._rng.standard_normal(2)
        true = float(truth.temp[index, 0])
        body = true + self._temp_bias + _TEMP_SD * float(scatter[0])
        skin = self._skin + _SKIN_FOLLOWS * (true - 36.6) + _SKIN_SD * float(scatter[1])
        return [("skin", round(skin, 1)), ("temp", round(body, 1))]

    def _pressure(self, truth: Block, index: int) -> list[tuple[str, float]]:
        scatter = self._rng.standard_normal(2)
        systolic = float(truth.sbp[index, 0]) + self._cuff[0] + _CUFF_SD * float(scatter[0])
        diastolic = float(truth.dbp[index, 0]) + self._cuff[1] + 0.75 * _CUFF_SD * float(scatter[1])
        shown = max(round(systolic), 30)
        return [("sbp", float(shown)), ("dbp", float(max(min(round(diastolic), shown - 6), 15)))]

    def _battery(self, elapsed_s: float) -> float:
        span = 100.0 - _BATTERY_LEAST
        used = (100.0 - self._charge) + 100.0 * elapsed_s / _BATTERY_S
        return 100.0 - used % span

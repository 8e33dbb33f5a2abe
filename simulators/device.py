"""The wearable: what an oximeter with heart rate and a breathing belt make of the true values, second by second.

Averaging, resolution, lag, errors and gaps after the reference page "Physiology", sections 3, 6 and 7; marks: M measured,
P published, A assumed by us.
Heart rate and SpO2 come from one optical probe: they fail together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.noise import Floats, MovingMean, OrnsteinUhlenbeck
from simulators.physiology import Block
from simulators.sensors import Sensor
from simulators.signal import Bursts, Signal, log_uniform, rate_for_share
from simulators.wrist import ACTIVE_EFFORT, GAPS_PER_DAY, gap_minutes
from vigil.domain.quality import Quality

#: Averaging window of the shown number, seconds (5 to 8, M by the share of unchanged seconds).
_WINDOW_S = {"hr": 5.0, "spo2": 8.0, "rr": 8.0}
#: A finger shows the blood of 15 s ago (P 10 to 20 s).
_PROBE_LAG_S = 15.0

#: Slow errors, unit variance here, scaled below: time constants in seconds (A).
_ERROR_TAU_S = {"hr": 30.0, "spo2": 1800.0, "rr": 60.0, "pi": 1200.0}
_HR_ERROR, _HR_ACTIVE_FACTOR = 0.6, 2.33
#: SpO2 error at rest, SD 1.2 in all (P), of which 0.9 stays with the person (A).
_SPO2_PERSON_SD, _SPO2_DRIFT_SD = 0.9, 0.8
#: Breathing sensor, M: nearly all are right within 0.3, some persons are counted wrongly for hours.
_RR_BIAS_SD, _RR_WITHIN_SD, _RR_GROSS_SHARE = 0.3, 0.6, 0.15
#: Nobody lies between: all four wrong persons of 27 were more than 2.5 off, root mean square 6.0 (M), which these two give.
_RR_GROSS_LEAST, _RR_GROSS_MORE = 2.5, 3.8
#: One belt in 27 loses the breath for 46 % of the time, in bursts of 8 to 58 s; all lose 1.2 % in bursts of 3 to 26 s (M).
_BAD_BELT = (1 / 27, 0.46, 8.0, 58.0)
_BELT_GAPS = (0.012, 3.0, 26.0)
_PROBE_GAPS = (0.01, 1.0, 25.0)  # M
#: Hand movement: 4 % of the waking time in bursts of 5 to 60 s, SpO2 wrong by -5 SD 6 (P; shares A). Nine in ten are noticed (A).
_MOTION = (0.04, 5.0, 60.0)
_MOTION_BIAS, _MOTION_SD, _MOTION_NOTICED = -5.0, 6.0, 0.9
#: Wild heart-rate numbers: 5.6 bursts an hour beyond 10 beats/min, about 4 s each (M); SD 14 puts half of 11 an hour there (A).
_WILD_PER_S, _WILD_SD = 11.0 / 3600.0, 14.0
#: Below this perfusion index the optical numbers are of low confidence (reference page "Vital-sign vocabulary").
LOW_PERFUSION_INDEX = 0.4


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """How a device samples and sends; times in seconds.

    ``joined_steps``: measurement times in one pack. ``spo2_bias``: added to what the oximeter shows (fairness: 0 to 4).
    ``sensors``: worn besides the usual ones and those of the scenario.
    ``disturbed``: random gaps, motion and wild numbers of daily life; off = only resolution, averaging and small errors.
    """

    joined_steps: int = 1
    temperature_every_s: float = 60.0
    pressure_every_s: float = 900.0
    battery_every_s: float = 600.0
    weight_every_s: float = 86_400.0
    spo2_bias: float = 0.0
    disturbed: bool = True
    sensors: tuple[Sensor, ...] = ()


class Wearable:
    """One person's device; blocks of steps of ``step_s`` real seconds."""

    def __init__(self, rng: np.random.Generator, step_s: float, settings: DeviceSettings) -> None:
        self._settings = settings
        self._step_s = step_s
        bias = rng.standard_normal(4)
        share = rng.random(3)
        gross = float(np.copysign(_RR_GROSS_LEAST + _RR_GROSS_MORE * abs(bias[2]), bias[2]))
        self.rr_bias = gross if share[0] < _RR_GROSS_SHARE else float(bias[1] * _RR_BIAS_SD)
        self._spo2_bias = float(bias[0] * _SPO2_PERSON_SD) + settings.spo2_bias
        self._log_pi = float(np.log(3.0) + 0.5 * bias[3])
        self._window = {
            vital: MovingMean(round(seconds / step_s), round(_PROBE_LAG_S / step_s) if vital == "spo2" else 0)
            for vital, seconds in _WINDOW_S.items()
        }
        children = rng.spawn(8)  # new ones to the end: their place is their seed
        self._error = OrnsteinUhlenbeck(_ERROR_TAU_S, 1, children[0])
        belt = _BAD_BELT[1:] if share[1] < _BAD_BELT[0] else _BELT_GAPS
        self._belt_gaps = self._bursts(children[1], *belt)
        self._probe_gaps = self._bursts(children[2], *_PROBE_GAPS)
        self._motion = self._bursts(children[3], *_MOTION)
        on = 1.0 if settings.disturbed else 0.0
        self._wild = Bursts(children[4], on * _WILD_PER_S, log_uniform(1.0, 10.0))
        self._taken_off = Bursts(
            children[5], on * GAPS_PER_DAY / 86_400.0, lambda drawn: 60.0 * float(gap_minutes(drawn)[0])
        )
        self._notice = children[6]
        self._irregular = children[7]

    def _bursts(self, rng: np.random.Generator, share: float, shortest_s: float, longest_s: float) -> Bursts:
        per_s = rate_for_share(share, shortest_s, longest_s) if self._settings.disturbed else 0.0
        return Bursts(rng, per_s, log_uniform(shortest_s, longest_s))

    def measure(self, truth: Block, elapsed_s: Floats, fooled_hr: Floats) -> dict[str, Signal]:
        """hr, spo2, rr and pi for the block of one person. ``fooled_hr``: what a step-counting sensor reads, NaN elsewhere."""
        error = {name: column[:, 0] for name, column in self._error.advance(elapsed_s.size, self._step_s).items()}
        active = truth.effort[:, 0] >= ACTIVE_EFFORT
        moving, motion_size = self._motion.over(elapsed_s)
        moving &= truth.awake[:, 0]
        pi = Signal.of(np.clip(np.exp(self._log_pi + 0.3 * error["pi"]), 0.02, 20.0))
        signals = {
            "hr": self._heart_rate(truth, elapsed_s, error["hr"], active, fooled_hr),
            "spo2": self._saturation(truth, error["spo2"], moving, motion_size),
            "rr": self._breathing(truth, error["rr"]),
            "pi": pi,
        }
        noticed = moving & (self._notice.random(elapsed_s.size) < _MOTION_NOTICED)
        off, _ = self._taken_off.over(elapsed_s)
        lost, _ = self._probe_gaps.over(elapsed_s)
        silent, _ = self._belt_gaps.over(elapsed_s)
        for vital in ("hr", "spo2", "pi"):
            signals[vital].lose(lost | off)
        signals["rr"].lose(silent | off)
        for vital in ("hr", "spo2"):
            signals[vital].mark(noticed, Quality.MOTION)
            signals[vital].mark(pi.values < LOW_PERFUSION_INDEX, Quality.LOW_PERFUSION)
        return signals

    def _heart_rate(
        self, truth: Block, elapsed_s: Floats, error: Floats, active: NDArray[np.bool_], fooled: Floats
    ) -> Signal:
        scale = np.where(active, _HR_ERROR * _HR_ACTIVE_FACTOR, _HR_ERROR)
        shown = self._window["hr"].advance(self._counted(truth) + scale * error)
        wild, size = self._wild.over(elapsed_s)
        shown = shown + np.where(wild, _WILD_SD * size, 0.0)
        return Signal.of(np.maximum(np.where(np.isnan(fooled), shown, fooled), 0.0))

    def _counted(self, truth: Block) -> Floats:
        """Pulses of each step as a rate: where beats are irregular, chance decides how many fall into it."""
        pulse, cv = truth.pulse[:, 0], truth.beat_cv[:, 0]
        if not np.any(cv):
            return pulse
        beats = np.maximum(pulse * self._step_s / 60.0, 1.0)
        drawn = self._irregular.standard_normal(cv.size)
        return np.asarray(pulse * np.maximum(1.0 + cv / np.sqrt(beats) * drawn, 0.2), dtype=np.float64)

    def _saturation(self, truth: Block, error: Floats, moving: NDArray[np.bool_], motion_size: Floats) -> Signal:
        shown = self._window["spo2"].advance(truth.spo2[:, 0])
        shown = shown + self._spo2_bias + _SPO2_DRIFT_SD * error
        shown = shown + np.where(moving, _MOTION_BIAS + _MOTION_SD * motion_size, 0.0)
        return Signal.of(np.clip(shown, 35.0, 100.0))

    def _breathing(self, truth: Block, error: Floats) -> Signal:
        shown = self._window["rr"].advance(truth.rr[:, 0])
        return Signal.of(np.maximum(shown + self.rr_bias + _RR_WITHIN_SD * error, 0.0))

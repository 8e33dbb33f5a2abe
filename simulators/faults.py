"""What goes wrong with a device while its wearer may be well or may be dying: neither must hide the other.

Shapes are ours (A) after the reference page "Physiology", section 6 (device errors).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from simulators.noise import Floats
from simulators.signal import Bursts, Signal, log_uniform, rate_for_share
from vigil.domain.errors import ScenarioError
from vigil.domain.quality import Quality


class FaultKind(StrEnum):
    #: A probe works loose: values fall with the contact bit set, then nothing is read.
    LOOSE_PROBE = "loose_probe"
    #: The hand moves without end: SpO2 reads low, heart rate wanders, the motion bit is set.
    MOTION = "motion"
    #: The probe repeats its last numbers and does not know it: no bit is set.
    STUCK = "stuck"
    #: No connection: packs wait and come later as backfill.
    OFFLINE = "offline"
    #: The battery level sinks to nothing within ``amount`` seconds, then the device is silent until it is charged.
    DEAD_BATTERY = "dead_battery"
    #: The device's clock is ``amount`` seconds ahead (negative: behind).
    CLOCK_JUMP = "clock_jump"
    #: The device forgot the time: its clock starts at 1970.
    CLOCK_RESET = "clock_reset"
    #: Each pack goes out ``amount`` times.
    DUPLICATES = "duplicates"
    #: Cold fingers: a low perfusion index with its bit, SpO2 reads 1 to 3 low, and now and then nothing is read.
    LOW_PERFUSION = "low_perfusion"
    #: The oximeter reads ``amount`` points (0 to 4) too high, as on dark skin, and does not know it.
    OXIMETER_BIAS = "oximeter_bias"


#: What ``Fault.amount`` is when nothing is said, its least and its most.
_AMOUNTS = {
    FaultKind.DEAD_BATTERY: (1800.0, 1.0, 86_400.0),
    FaultKind.CLOCK_JUMP: (3600.0, -1e10, 1e10),
    FaultKind.DUPLICATES: (5.0, 2.0, 1000.0),
    FaultKind.OXIMETER_BIAS: (2.0, 0.0, 4.0),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """From ``start_s`` after the device's start for ``duration_s`` (infinite = for good), again each ``every_s`` (None = once).

    ``amount``: see ``FaultKind``; None = the usual one.
    """

    kind: FaultKind
    start_s: float
    duration_s: float
    every_s: float | None = None
    amount: float | None = None

    def __post_init__(self) -> None:
        if not self.duration_s > 0.0 or not 0.0 <= self.start_s < math.inf:
            raise ScenarioError(f"fault {self.kind}: needs a start of 0 or later and a duration")
        if self.every_s is not None and self.every_s <= self.duration_s:
            raise ScenarioError(f"fault {self.kind}: must repeat later than it lasts")
        if self.amount is not None:
            _, least, most = _AMOUNTS.get(self.kind, (0.0, math.inf, -math.inf))
            if not least <= self.amount <= most:
                raise ScenarioError(f"fault {self.kind}: no amount of {self.amount:g}")

    @property
    def how_much(self) -> float:
        """``amount``, or the usual one."""
        return _AMOUNTS[self.kind][0] if self.amount is None else self.amount

    def into(self, elapsed_s: Floats) -> Floats:
        """Seconds into the fault, NaN while there is none."""
        since = elapsed_s - self.start_s
        if self.every_s is not None:
            since = np.where(since >= 0.0, since % self.every_s, since)
        return np.where((since >= 0.0) & (since < self.duration_s), since, np.nan)


OPTICAL = ("hr", "spo2", "pi")

#: A loose probe reads wrongly for this long, losing up to this much SpO2, before it reads nothing.
_SLIP_S, _SLIP_SPO2 = 30.0, 25.0
_MOTION_SPO2, _MOTION_SPO2_SD, _MOTION_HR_SD, _MOTION_RR_SD = -7.0, 3.0, 8.0, 3.0
#: Low perfusion: perfusion index (% , A), points of SpO2 lost (G), share of time without a value and its bursts in seconds (A).
_COLD_PI, _COLD_SPO2 = (0.1, 0.35), (1.0, 3.0)
_COLD_LOST, _COLD_LOST_S = 0.10, (2.0, 30.0)


class Faults:
    """The faults of one device, applied to what it would have shown."""

    def __init__(self, faults: Sequence[Fault], rng: np.random.Generator) -> None:
        self._faults = tuple(faults)
        self._rng = rng
        self._frozen: dict[str, tuple[float, int]] = {}
        cold, lost = rng.spawn(2)  # their own streams: they came after the others
        self._cold_pi, self._cold_spo2 = float(cold.uniform(*_COLD_PI)), float(cold.uniform(*_COLD_SPO2))
        self._lost = Bursts(lost, rate_for_share(_COLD_LOST, *_COLD_LOST_S), log_uniform(*_COLD_LOST_S))

    def _of(self, kind: FaultKind, elapsed_s: Floats) -> list[tuple[Fault, Floats]]:
        """The faults of this kind, with the seconds into them."""
        return [(fault, fault.into(elapsed_s)) for fault in self._faults if fault.kind is kind]

    def offline(self, elapsed_s: Floats) -> NDArray[np.bool_]:
        """Is the device without connection?"""
        away = np.zeros(elapsed_s.size, dtype=np.bool_)
        for _, into in self._of(FaultKind.OFFLINE, elapsed_s):
            away |= ~np.isnan(into)
        return away

    def charge(self, elapsed_s: Floats) -> Floats:
        """Share of its usual charge that the battery has; 0 = the device is dead and says nothing."""
        left = np.ones(elapsed_s.size)
        for fault, into in self._of(FaultKind.DEAD_BATTERY, elapsed_s):
            left = np.minimum(left, np.nan_to_num(np.maximum(1.0 - into / fault.how_much, 0.0), nan=1.0))
        return left

    def device_time(self, t_us: NDArray[np.int64], elapsed_s: Floats) -> NDArray[np.int64]:
        """What the device's clock says at the true times ``t_us``."""
        said = t_us.copy()
        for fault, into in self._of(FaultKind.CLOCK_JUMP, elapsed_s):
            said += np.where(np.isnan(into), 0, round(fault.how_much * 1e6))
        for _, into in self._of(FaultKind.CLOCK_RESET, elapsed_s):
            said = np.where(np.isnan(into), said, np.rint(np.nan_to_num(into) * 1e6).astype(np.int64))
        return said

    def copies(self, elapsed_s: Floats) -> NDArray[np.int64]:
        """How often a pack goes out."""
        times = np.ones(elapsed_s.size, dtype=np.int64)
        for fault, into in self._of(FaultKind.DUPLICATES, elapsed_s):
            times = np.where(np.isnan(into), times, np.maximum(times, round(fault.how_much)))
        return times

    def apply(self, signals: Mapping[str, Signal], elapsed_s: Floats) -> None:
        """Change ``signals`` in place, in the order the faults were given."""
        for fault in self._faults:
            into = fault.into(elapsed_s)
            during = ~np.isnan(into)
            if fault.kind is FaultKind.STUCK:
                self._freeze(signals, during)
            elif fault.kind is FaultKind.LOOSE_PROBE and during.any():
                _loosen(signals, into, during)
            elif fault.kind is FaultKind.MOTION and during.any():
                self._shake(signals, during)
            elif fault.kind is FaultKind.LOW_PERFUSION and during.any():
                self._cool(signals, during, elapsed_s)
            elif fault.kind is FaultKind.OXIMETER_BIAS:
                spo2 = signals["spo2"].values
                spo2[during] = np.minimum(spo2 + fault.how_much, 100.0)[during]

    def _freeze(self, signals: Mapping[str, Signal], during: NDArray[np.bool_]) -> None:
        for vital in OPTICAL:
            signal = signals[vital]
            for step in np.flatnonzero(during | np.isfinite(signal.values)):
                if not during[step]:
                    self._frozen[vital] = (float(signal.values[step]), int(signal.quality[step]))
                elif vital in self._frozen:
                    signal.values[step], signal.quality[step] = self._frozen[vital]
                else:
                    self._frozen[vital] = (float(signal.values[step]), int(signal.quality[step]))

    def _shake(self, signals: Mapping[str, Signal], during: NDArray[np.bool_]) -> None:
        drawn = self._rng.standard_normal((3, during.size))
        moves = {
            "spo2": _MOTION_SPO2 + _MOTION_SPO2_SD * drawn[0],
            "hr": _MOTION_HR_SD * drawn[1],
            "rr": _MOTION_RR_SD * drawn[2],
        }
        for vital, move in moves.items():
            signal = signals[vital]
            most = 100.0 if vital == "spo2" else 350.0
            signal.values[during] = np.clip(signal.values + move, 3.0, most)[during]
            signal.mark(during, Quality.MOTION)

    def _cool(self, signals: Mapping[str, Signal], during: NDArray[np.bool_], elapsed_s: Floats) -> None:
        lost, _ = self._lost.over(elapsed_s)
        signals["pi"].values[during] = np.minimum(signals["pi"].values, self._cold_pi)[during]
        spo2 = signals["spo2"].values
        spo2[during] = np.maximum(spo2 - self._cold_spo2, 35.0)[during]
        for vital in ("hr", "spo2"):
            signals[vital].mark(during, Quality.LOW_PERFUSION)
        for vital in OPTICAL:
            signals[vital].lose(during & lost)


def _loosen(signals: Mapping[str, Signal], into: Floats, during: NDArray[np.bool_]) -> None:
    slipped = np.clip(np.nan_to_num(into) / _SLIP_S, 0.0, 1.0)
    falls = {
        "spo2": np.maximum(signals["spo2"].values - _SLIP_SPO2 * slipped, 35.0),
        "hr": signals["hr"].values * (1.0 - 0.4 * slipped),
        "pi": np.maximum(signals["pi"].values * (1.0 - slipped), 0.02),
    }
    for vital, values in falls.items():
        signals[vital].values[during] = values[during]
        signals[vital].mark(during, Quality.CONTACT_LOST)
        signals[vital].lose(during & (into >= _SLIP_S))

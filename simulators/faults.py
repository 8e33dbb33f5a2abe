"""What goes wrong with a device while its wearer may be well or may be dying: neither must hide the other.

Shapes are ours (A) after the reference page "Physiology", section 6 (device errors).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from simulators.noise import Floats
from simulators.signal import Signal
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


@dataclass(frozen=True, slots=True)
class Fault:
    """From ``start_s`` after the device's start for ``duration_s``, again each ``every_s`` (None = once)."""

    kind: FaultKind
    start_s: float
    duration_s: float
    every_s: float | None = None

    def __post_init__(self) -> None:
        if self.duration_s <= 0.0 or self.start_s < 0.0:
            raise ScenarioError(f"fault {self.kind}: needs a start of 0 or later and a duration")
        if self.every_s is not None and self.every_s <= self.duration_s:
            raise ScenarioError(f"fault {self.kind}: must repeat later than it lasts")

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


class Faults:
    """The faults of one device, applied to what it would have shown."""

    def __init__(self, faults: Sequence[Fault], rng: np.random.Generator) -> None:
        self._faults = tuple(faults)
        self._rng = rng
        self._frozen: dict[str, tuple[float, int]] = {}

    def offline(self, elapsed_s: Floats) -> NDArray[np.bool_]:
        """Is the device without connection?"""
        away = np.zeros(elapsed_s.size, dtype=np.bool_)
        for fault in self._faults:
            if fault.kind is FaultKind.OFFLINE:
                away |= ~np.isnan(fault.into(elapsed_s))
        return away

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

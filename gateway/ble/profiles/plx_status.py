"""The status fields of both pulse oximeter characteristics as quality bits.

Bits after ``reference/ble_gatt`` section 5; what they do to a value after its sections 5 and 11. Where those say nothing the
choice is ours: calibration under way, faults, poor signals and an unknown sensor make a value questionable, signal analysis
under way an early estimate. Measurement ongoing, validated, fully qualified and the extended display update change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from vigil.domain.quality import Quality

_Meaning = TypeVar("_Meaning")

_MEASUREMENT = {
    6: Quality.EARLY_ESTIMATE,
    10: Quality.TEST,  # demonstration
    11: Quality.TEST,
    12: Quality.QUESTIONABLE,  # calibration under way
    14: Quality.QUESTIONABLE,
}
_MEASUREMENT_ABSENT = {13: "unavailable", 15: "invalid"}
_STORED = 1 << 9

_SENSOR = {
    1: Quality.QUESTIONABLE,  # equipment malfunction
    2: Quality.QUESTIONABLE,  # irregular signal processing
    3: Quality.QUESTIONABLE,  # inadequate signal
    4: Quality.QUESTIONABLE,  # poor signal
    5: Quality.LOW_PERFUSION,
    6: Quality.QUESTIONABLE,  # erratic signal
    8: Quality.QUESTIONABLE,  # questionable pulse
    9: Quality.EARLY_ESTIMATE,  # analysis under way
    10: Quality.QUESTIONABLE,  # interference
    11: Quality.CONTACT_LOST,
    12: Quality.QUESTIONABLE,  # unknown sensor
    13: Quality.CONTACT_LOST,
    14: Quality.QUESTIONABLE,  # sensor malfunctioning
    15: Quality.CONTACT_LOST,
}
_SENSOR_ABSENT = {
    7: "non-pulsatile",
    11: "sensor unconnected to user",
    13: "sensor displaced",
    15: "sensor disconnected",
}


@dataclass(frozen=True, slots=True)
class PlxStatus:
    """``absent``: why there is no usable value; empty where there is one."""

    quality: int = 0
    stored: bool = False
    absent: str = ""


def plx_status(measurement: int, sensor: int) -> PlxStatus:
    """``measurement`` u16 and ``sensor`` u24 as sent; 0 where the field was not sent."""
    absent = _among(measurement, _MEASUREMENT_ABSENT) + _among(sensor, _SENSOR_ABSENT)
    quality = Quality.GOOD
    for bit in _among(measurement, _MEASUREMENT) + _among(sensor, _SENSOR):
        quality |= bit
    return PlxStatus(int(quality), bool(measurement & _STORED), ", ".join(absent))


def _among(bits: int, meanings: Mapping[int, _Meaning]) -> list[_Meaning]:
    return [meaning for bit, meaning in meanings.items() if bits >> bit & 1]

"""PLX Continuous Measurement 0x2A5F: an oximeter that stays on.

The fast and the slow averages are checked and left out: the normal one is the reading, and the table of vitals has no second
name for the same thing at another speed. A frame in the wrong byte order (an old BLE113 demonstration: ``00 00 62 00 3C``) is
decoded as it stands, 512 million percent, and refused by the platform's range.
"""

from __future__ import annotations

from gateway.ble.measurement import Measurement
from gateway.ble.profiles.frame import Frame
from gateway.ble.profiles.plx_status import plx_status
from gateway.ble.profiles.plx_values import plx_values
from gateway.ble.profiles.profile import Profile, uuid

NAME = "PLX Continuous Measurement"

_FAST, _SLOW, _MEASUREMENT_STATUS, _SENSOR_STATUS, _PERFUSION = 1, 2, 4, 8, 16


def decode(data: bytes) -> Measurement:
    """``spo2``, ``hr`` (the pulse, site "finger") and ``pi`` where sent. It carries no time."""
    frame = Frame(NAME, data)
    flags = frame.unsigned(1)
    spo2, pulse = frame.sfloat(), frame.sfloat()
    for average in (_FAST, _SLOW):
        if flags & average:
            frame.unsigned(4)
    measurement = frame.unsigned(2) if flags & _MEASUREMENT_STATUS else 0
    sensor = frame.unsigned(3) if flags & _SENSOR_STATUS else 0
    perfusion = frame.sfloat() if flags & _PERFUSION else None
    frame.end()
    status = plx_status(measurement, sensor)
    values, note = plx_values(spo2, pulse, perfusion, status)
    return Measurement(values, stored=status.stored, note=note)


PROFILE = Profile(NAME, uuid(0x1822), uuid(0x2A5F), "notify", decode)

"""PLX Spot-check Measurement 0x2A5E: one reading of a finger clip, now or from its memory."""

from __future__ import annotations

from gateway.ble.measurement import Measurement
from gateway.ble.profiles.date_time import date_time
from gateway.ble.profiles.frame import Frame
from gateway.ble.profiles.plx_status import plx_status
from gateway.ble.profiles.plx_values import plx_values
from gateway.ble.profiles.profile import Profile, uuid

NAME = "PLX Spot-check Measurement"

_TIME, _MEASUREMENT_STATUS, _SENSOR_STATUS, _PERFUSION, _CLOCK_NOT_SET = 1, 2, 4, 8, 16


def decode(data: bytes) -> Measurement:
    """``spo2``, ``hr`` (the pulse, site "finger") and ``pi`` where sent."""
    frame = Frame(NAME, data)
    flags = frame.unsigned(1)
    spo2, pulse = frame.sfloat(), frame.sfloat()
    shown = date_time(frame).local() if flags & _TIME else None
    measurement = frame.unsigned(2) if flags & _MEASUREMENT_STATUS else 0
    sensor = frame.unsigned(3) if flags & _SENSOR_STATUS else 0
    perfusion = frame.sfloat() if flags & _PERFUSION else None
    frame.end()
    status = plx_status(measurement, sensor)
    values, note = plx_values(spo2, pulse, perfusion, status)
    clock_set = not flags & _CLOCK_NOT_SET and (shown is not None or not flags & _TIME)
    return Measurement(values, shown if clock_set else None, clock_set, status.stored, note=note)


PROFILE = Profile(NAME, uuid(0x1822), uuid(0x2A5E), "indicate", decode)

"""Current Time 0x2A2B: what the peripheral's own clock shows when it is asked.

The reference page does not cover it. 10 bytes after ``oesmith/gatt-xml`` (current_time, exact_time_256): Date Time, day of the
week u8 (0 unknown, 1 Monday to 7), fractions of the second u8 (1/256 s), adjust reason u8 (bits: by hand, by reference, time
zone, daylight saving).
"""

from __future__ import annotations

from gateway.ble.measurement import LocalTime, Measurement
from gateway.ble.profiles.date_time import date_time
from gateway.ble.profiles.frame import Frame
from gateway.ble.profiles.profile import Profile, uuid
from vigil.domain.times import SECOND

NAME = "Current Time"


def decode(data: bytes) -> Measurement:
    """No vital, only ``device_time``. Day of the week and adjust reason say nothing that the offset to it does not."""
    frame = Frame(NAME, data)
    shown = date_time(frame).local()
    weekday, fractions, _reason = frame.unsigned(1), frame.unsigned(1), frame.unsigned(1)
    frame.end()
    if weekday > 7:
        frame.bad(f"day {weekday} of the week")
    if shown is None:
        return Measurement(clock_set=False, note="the clock is not set")
    return Measurement(device_time=LocalTime(shown.us + fractions * SECOND // 256))


PROFILE = Profile(NAME, uuid(0x1805), uuid(0x2A2B), "read", decode)

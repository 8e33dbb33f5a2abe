"""Battery Level 0x2A19."""

from __future__ import annotations

from gateway.ble.measurement import Measurement, Value
from gateway.ble.profiles.frame import Frame
from gateway.ble.profiles.profile import Profile, uuid

NAME = "Battery Level"


def decode(data: bytes) -> Measurement:
    """``batt`` in %. More than 100 % is a ``BadFrame``."""
    frame = Frame(NAME, data)
    level = frame.unsigned(1)
    frame.end()
    if level > 100:
        frame.bad(f"{level} %")
    return Measurement((Value("batt", float(level)),))


PROFILE = Profile(NAME, uuid(0x180F), uuid(0x2A19), "read", decode)

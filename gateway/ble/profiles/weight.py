"""Weight Measurement 0x2A9D: scales.

Body mass index and height are checked and left out: the table of vitals has no name for them. The steps are the default ones,
0.005 kg or 0.01 lb; a scale whose Weight Scale Feature 0x2A9E declares others is not supported.
"""

from __future__ import annotations

from decimal import Decimal

from gateway.ble.measurement import Measurement
from gateway.ble.profiles.date_time import date_time
from gateway.ble.profiles.floats import Number, Special
from gateway.ble.profiles.frame import Frame
from gateway.ble.profiles.profile import Profile, uuid
from gateway.ble.profiles.value import users, value

NAME = "Weight Measurement"
KG_PER_POUND = Decimal("0.45359237")
KG_STEP = Decimal("0.005")
POUND_STEP = Decimal("0.01")

_IMPERIAL, _TIME, _USER, _INDEX_AND_HEIGHT = 1, 2, 4, 8
_UNSUCCESSFUL = 0xFFFF


def decode(data: bytes) -> Measurement:
    """``wt`` in kg, with the user index where the scale tells several people apart."""
    frame = Frame(NAME, data)
    flags = frame.unsigned(1)
    steps = frame.unsigned(2)
    shown = date_time(frame).local() if flags & _TIME else None
    user, user_unknown = users(frame.unsigned(1) if flags & _USER else None)
    if flags & _INDEX_AND_HEIGHT:
        frame.unsigned(4)
    frame.end()
    weight: Number = Special.NAN if steps == _UNSUCCESSFUL else Decimal(steps)
    return Measurement(
        (value("wt", weight, factor=POUND_STEP * KG_PER_POUND if flags & _IMPERIAL else KG_STEP),),
        shown,
        clock_set=shown is not None or not flags & _TIME,
        user=user,
        user_unknown=user_unknown,
        note="wt: the scale did not succeed" if steps == _UNSUCCESSFUL else "",
    )


PROFILE = Profile(NAME, uuid(0x181D), uuid(0x2A9D), "indicate", decode)

"""Heart Rate Measurement 0x2A37: straps and bands.

Energy expended and beat intervals (1/1024 s) are checked and left out: the table of vitals has no name for them. Reserved flag
bits are ignored here and in the other profiles: a field that they announce would be trailing bytes.
"""

from __future__ import annotations

from gateway.ble.measurement import Measurement, Value
from gateway.ble.profiles.frame import Frame
from gateway.ble.profiles.profile import Profile, uuid
from vigil.domain.quality import Quality

NAME = "Heart Rate Measurement"

_WIDE, _CONTACT, _CONTACT_SUPPORTED, _ENERGY, _INTERVALS = 1, 2, 4, 8, 16


def decode(data: bytes) -> Measurement:
    """``hr``. A rate measured without skin contact is nobody's pulse and is not kept; without support for contact it is.

    0 /min is "no value": a strap that finds no beat sends it, and cannot tell a heart that stands still from a dry electrode.
    """
    frame = Frame(NAME, data)
    flags = frame.unsigned(1)
    rate = frame.unsigned(2 if flags & _WIDE else 1)
    if flags & _ENERGY:
        frame.unsigned(2)
    if flags & _INTERVALS:
        _check_intervals(frame)
    frame.end()
    if flags & (_CONTACT_SUPPORTED | _CONTACT) == _CONTACT_SUPPORTED:
        return Measurement((Value("hr", None, int(Quality.CONTACT_LOST)),), note="hr: no skin contact")
    if not rate:
        return Measurement((Value("hr", None, int(Quality.CONTACT_LOST)),), note="hr: no beat found")
    return Measurement((Value("hr", float(rate)),))


def _check_intervals(frame: Frame) -> None:
    if not frame.left:
        frame.bad("beat intervals are announced, none is there")
    while frame.left:
        frame.unsigned(2)


PROFILE = Profile(NAME, uuid(0x180D), uuid(0x2A37), "notify", decode)

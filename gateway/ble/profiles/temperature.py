"""Temperature Measurement 0x2A1C: thermometers."""

from __future__ import annotations

from gateway.ble.measurement import Measurement
from gateway.ble.profiles.date_time import date_time
from gateway.ble.profiles.floats import Number, Special
from gateway.ble.profiles.frame import Frame
from gateway.ble.profiles.profile import Profile, uuid
from gateway.ble.profiles.value import value, why_missing

NAME = "Temperature Measurement"

_FAHRENHEIT, _TIME, _TYPE = 1, 2, 4

#: Temperature types 1 to 9.
_SITES = ("armpit", "body", "ear", "finger", "gastro-intestinal", "mouth", "rectum", "toe", "tympanum")
#: What these tell is no body temperature: a score must not take a cold toe for hypothermia (ours).
_LIMBS = ("finger", "toe")


def decode(data: bytes) -> Measurement:
    """``temp`` in degrees Celsius, ``skin`` at a finger or toe; the type is its site. A type outside the list tells no site."""
    frame = Frame(NAME, data)
    flags = frame.unsigned(1)
    sent = frame.float32()
    shown = date_time(frame).local() if flags & _TIME else None
    kind = frame.unsigned(1) if flags & _TYPE else 0
    frame.end()
    site = _SITES[kind - 1] if 1 <= kind <= len(_SITES) else None
    name = "skin" if site in _LIMBS else "temp"
    number = _celsius(sent) if flags & _FAHRENHEIT else sent
    return Measurement(
        (value(name, number, site=site),),
        shown,
        clock_set=shown is not None or not flags & _TIME,
        note=why_missing(**{name: sent}),
    )


def _celsius(fahrenheit: Number) -> Number:
    return fahrenheit if isinstance(fahrenheit, Special) else (fahrenheit - 32) * 5 / 9


PROFILE = Profile(NAME, uuid(0x1809), uuid(0x2A1C), "indicate", decode)

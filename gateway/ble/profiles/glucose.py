"""Glucose Measurement 0x2A18: meters.

The reference page gives the status field its width only; its bits are those of Nordic's Kotlin-BLE-Library (GlucoseStatus), and
what they do to a value is our choice. The context 0x2A34 (meal, exercise) that may follow is not read.
"""

from __future__ import annotations

from gateway.ble.measurement import LocalTime, Measurement, Value
from gateway.ble.profiles.date_time import FIRST_YEAR, LAST_YEAR, DateTime, date_time
from gateway.ble.profiles.floats import Number
from gateway.ble.profiles.frame import Frame
from gateway.ble.profiles.profile import Profile, uuid
from gateway.ble.profiles.value import value, why_missing
from vigil.domain.quality import Quality
from vigil.domain.times import MINUTE

NAME = "Glucose Measurement"
MGDL_PER_KG_L = 100_000
MMOL_L_PER_MOL_L = 1000

_OFFSET, _CONCENTRATION, _MOLAR, _STATUS = 1, 2, 4, 8

#: Capillary, venous, arterial and undetermined blood or plasma; interstitial fluid.
_SAMPLES = range(1, 10)
_CONTROL_SAMPLE = 10
_CONTROL_LOCATION = 4
_SITES = {1: "finger", 2: "alternate", 3: "earlobe"}

#: Sensor malfunction, sample too small, strip badly inserted, strip of a wrong type, result outside what the meter can process
#: (5 and 6), meter too hot, too cold, strip pulled out too soon, general fault. Bit 0 is the battery.
_DOUBTS = sum(1 << bit for bit in range(1, 11))
_TIME_FAULT = 1 << 11

_FIRST, _LAST = LocalTime.of(FIRST_YEAR, 1, 1, 0, 0, 0), LocalTime.of(LAST_YEAR, 12, 31, 23, 59, 59)


def decode(data: bytes) -> Measurement:
    """``glu-mgdl`` or ``glu-mmol``, whichever the meter measures in, with its record number.

    Control solution is never a patient's value: the record then holds none, as where no concentration was sent.
    """
    frame = Frame(NAME, data)
    flags = frame.unsigned(1)
    sequence = frame.unsigned(2)
    base = date_time(frame)
    shown = _measured(frame, base, frame.signed(2) if flags & _OFFSET else 0)
    concentration, sample, location = _concentration(frame) if flags & _CONCENTRATION else (None, 0, 0)
    status = frame.unsigned(2) if flags & _STATUS else 0
    frame.end()
    values, note = _values(concentration, bool(flags & _MOLAR), sample, location, status)
    clock_set = shown is not None and not status & _TIME_FAULT
    return Measurement(values, shown if clock_set else None, clock_set, sequence=sequence, note=note)


def _measured(frame: Frame, base: DateTime, offset_minutes: int) -> LocalTime | None:
    """The base time as the user has moved the clock since."""
    shown = base.local()
    if shown is None:
        return None
    moved = LocalTime(shown.us + offset_minutes * MINUTE)
    if not _FIRST <= moved <= _LAST:
        frame.bad(f"time offset {offset_minutes} min leaves the calendar")
    return moved


def _concentration(frame: Frame) -> tuple[Number, int, int]:
    """(kg/L or mol/L, sample type, sample location)"""
    concentration = frame.sfloat()
    location, sample = divmod(frame.unsigned(1), 16)
    return concentration, sample, location


def _values(
    concentration: Number | None, molar: bool, sample: int, location: int, status: int
) -> tuple[tuple[Value, ...], str]:
    name, factor = ("glu-mmol", MMOL_L_PER_MOL_L) if molar else ("glu-mgdl", MGDL_PER_KG_L)
    if concentration is None:
        return (), "no concentration"
    if sample == _CONTROL_SAMPLE or location == _CONTROL_LOCATION:
        return (), "control solution, not blood"
    # A sample type of a later standard may be one that is not the patient's either.
    doubted = status & _DOUBTS or sample not in _SAMPLES
    quality = int(Quality.QUESTIONABLE) if doubted else 0
    note = why_missing(**{name: concentration})
    return (value(name, concentration, quality, _SITES.get(location), factor),), note


PROFILE = Profile(NAME, uuid(0x1808), uuid(0x2A18), "notify", decode)

"""Blood Pressure Measurement 0x2A35: cuffs.

The Intermediate Cuff Pressure 0x2A36 has the same layout with the pressure of the moment in the systolic place. It is no reading,
so no profile exists for it.
"""

from __future__ import annotations

from decimal import Decimal

from gateway.ble.measurement import Measurement, Value
from gateway.ble.profiles.date_time import date_time
from gateway.ble.profiles.floats import Special
from gateway.ble.profiles.frame import Frame
from gateway.ble.profiles.profile import Profile, uuid
from gateway.ble.profiles.value import users, value, why_missing
from vigil.domain.quality import Quality
from vigil.domain.vitals import BY_WIRE

NAME = "Blood Pressure Measurement"
MMHG_PER_KPA = Decimal("7.50062")

#: Tells the pulse that a cuff counted from the heart rate of an electrocardiogram.
PULSE_SITE = "cuff"

_KPA, _TIME, _PULSE, _USER, _STATUS = 1, 2, 4, 8, 16
_BODY_MOVED, _CUFF_LOOSE, _IMPROPER_POSITION = 1, 2, 32


def decode(data: bytes) -> Measurement:
    """``sbp``, ``dbp``, ``map`` in mmHg, and ``hr`` (the pulse, site "cuff") where sent.

    A cuff that works out no mean pressure sends a special for it: ``map`` is left out.
    """
    frame = Frame(NAME, data)
    flags = frame.unsigned(1)
    systolic, diastolic, mean = frame.sfloat(), frame.sfloat(), frame.sfloat()
    shown = date_time(frame).local() if flags & _TIME else None
    pulse = frame.sfloat() if flags & _PULSE else None
    user, user_unknown = users(frame.unsigned(1) if flags & _USER else None)
    quality = _quality(frame.unsigned(2) if flags & _STATUS else 0)
    frame.end()
    factor = MMHG_PER_KPA if flags & _KPA else 1
    values = [value("sbp", systolic, quality, factor=factor), value("dbp", diastolic, quality, factor=factor)]
    notes = [why_missing(sbp=systolic, dbp=diastolic, map=mean)]
    if any(_refused(one) for one in values):
        notes.append("map: not sent beside a pressure that the platform refuses")
    elif not isinstance(mean, Special):
        values.append(value("map", mean, quality, factor=factor))
    if pulse is not None:
        values.append(value("hr", pulse, quality, PULSE_SITE))
        notes.append(why_missing(hr=pulse))
    return Measurement(
        tuple(values),
        shown,
        clock_set=shown is not None or not flags & _TIME,
        user=user,
        user_unknown=user_unknown,
        note="; ".join(filter(None, notes)),
    )


def _quality(status: int) -> int:
    """An irregular pulse and a pulse outside the cuff's limits are findings about the person, not faults of the reading."""
    quality = Quality.MOTION if status & _BODY_MOVED else Quality.GOOD
    if status & (_CUFF_LOOSE | _IMPROPER_POSITION):
        quality |= Quality.QUESTIONABLE
    return int(quality)


def _refused(pressure: Value) -> bool:
    """A systolic of 18.9 mmHg is one of 18.9 kPa with the wrong flag. Ingest refuses the pair, but would keep its mean."""
    low, high = BY_WIRE[pressure.name].reject
    return pressure.value is not None and not low <= pressure.value <= high


PROFILE = Profile(NAME, uuid(0x1810), uuid(0x2A35), "indicate", decode)

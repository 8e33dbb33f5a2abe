"""What an oximeter measured, as values: the same for the spot-check and the continuous characteristic."""

from __future__ import annotations

from dataclasses import replace

from gateway.ble.measurement import Value
from gateway.ble.profiles.floats import Number
from gateway.ble.profiles.plx_status import PlxStatus
from gateway.ble.profiles.value import value, why_missing

#: Tells the pulse of an oximeter from the heart rate of an electrocardiogram, as recordings do.
PULSE_SITE = "finger"


def plx_values(
    spo2: Number, pulse: Number, perfusion: Number | None, status: PlxStatus
) -> tuple[tuple[Value, ...], str]:
    """The values and the note. ``spo2`` and ``perfusion`` in %, ``pulse`` in /min; ``perfusion`` None: not sent."""
    values = [value("spo2", spo2, status.quality), value("hr", pulse, status.quality, PULSE_SITE)]
    numbers = {"spo2": spo2, "hr": pulse}
    if perfusion is not None:
        values.append(value("pi", perfusion, status.quality))
        numbers["pi"] = perfusion
    if status.absent:
        return tuple(replace(one, value=None) for one in values), status.absent
    return tuple(values), why_missing(**numbers)

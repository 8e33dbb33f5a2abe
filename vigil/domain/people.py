"""Patients, devices and the binding of one to the other."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

#: What a person enters belongs to the pseudo device ``manual.<patient>``; no real device may have such an id.
MANUAL_PREFIX = "manual."
#: Synthetic patients that try the alarms all the time, and their devices, have ids that begin so; nobody else may.
SELF_TEST_PREFIX = "self-test."

DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def is_device_id(text: str) -> bool:
    """One MQTT topic level, a file-safe name, no wildcard.

    >>> is_device_id("w-0a1b2c3d"), is_device_id("w/+"), is_device_id("")
    (True, False, False)
    """
    return DEVICE_ID.fullmatch(text) is not None


def is_test(patient_id: str) -> bool:
    """Is this the synthetic patient of a self-test? The id alone says so, so that whatever carries it can be left out.

    >>> is_test("self-test.up"), is_test("p-0412")
    (True, False)
    """
    return patient_id.startswith(SELF_TEST_PREFIX)


@dataclass(frozen=True, slots=True)
class Patient:
    """A person under watch. ``patient_id`` is opaque; the name is stored encrypted and shown on the page only.

    ``spo2_scale2_by``: who prescribed NEWS2 SpO2 scale 2 (confirmed hypercapnic failure, target 88-92 %); empty = scale 1.
    ``demo``: not a real person; every view says so.
    """

    patient_id: str
    family: str
    given: str
    born: date
    sex: str
    ward: str
    pregnant: bool = False
    spo2_scale2_by: str = ""
    spo2_scale2_at: int = 0
    demo: bool = False
    discharged_at: int | None = None

    @property
    def test(self) -> bool:
        """Nobody at all: judged like everyone, left out of every list, count and export."""
        return is_test(self.patient_id)

    def age(self, on: date) -> int:
        return on.year - self.born.year - ((on.month, on.day) < (self.born.month, self.born.day))


@dataclass(frozen=True, slots=True)
class Device:
    """A sensor that publishes. ``interval_s``: expected seconds between values by canonical vital name, where it differs
    from the vital's table; a vital that the device does not measure is simply never expected until its first value."""

    device_id: str
    model: str
    interval_s: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Binding:
    """Device worn by patient from ``start`` (inclusive) to ``end`` (exclusive; None = still), microseconds UTC."""

    binding_id: int
    device_id: str
    patient_id: str
    start: int
    end: int | None

    def covers(self, at: int) -> bool:
        return self.start <= at and (self.end is None or at < self.end)

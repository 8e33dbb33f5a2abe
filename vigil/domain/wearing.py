"""Is a device on the person whom it was bound to? The end of the record says so; the other end is the person with the device.

The device asks its wearer (a press of the button), or somebody looks at the device and the person and says so on the page. Until
then the binding *waits*: its values are judged, because a device that cannot ask is no reason to watch nobody. Where the wearer
says "not mine", a technical alert calls for a look; the values are judged on, because he may be confused and the alarm true.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vigil.domain.people import MANUAL_PREFIX, Binding, is_test

#: Name of the technical alert.
RULE = "whose.device"
#: ``Word.by`` of the wearer, through the device.
AT_THE_DEVICE = ""


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody said of a binding. ``by``: login name of who looked, or ``AT_THE_DEVICE``. ``text``: the device's own words.
    ``at``: heard, microseconds UTC."""

    confirmed: bool
    by: str
    text: str
    at: int


class Standing(StrEnum):
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    DENIED = "denied"


def standing(word: Word | None) -> Standing:
    """Of a running binding with its newest word.

    >>> standing(None).value, standing(Word(True, AT_THE_DEVICE, "", 0)).value
    ('waiting', 'confirmed')
    """
    if word is None:
        return Standing.WAITING
    return Standing.CONFIRMED if word.confirmed else Standing.DENIED


def asks(binding: Binding) -> bool:
    """Is there a device and a person? Not for what is typed in, nor for the self-test."""
    return not binding.device_id.startswith(MANUAL_PREFIX) and not is_test(binding.patient_id)

"""From a number as sent to a value in the unit of the vital table."""

from __future__ import annotations

from decimal import Decimal

from gateway.ble.measurement import Value
from gateway.ble.profiles.floats import Number, Special

#: Bluetooth user index that says "unknown".
UNKNOWN_USER = 255


def value(name: str, number: Number, quality: int = 0, site: str | None = None, factor: Decimal | int = 1) -> Value:
    """``number`` × ``factor``; a special is "tried, no value"."""
    return Value(name, None if isinstance(number, Special) else float(number * factor), quality, site)


def why_missing(**numbers: Number) -> str:
    """The note for the specials among ``numbers``, each by its wire name.

    >>> why_missing(spo2=Special.NAN, hr=Decimal(60))
    'spo2: not a number'
    """
    return "; ".join(f"{name}: {number.value}" for name, number in numbers.items() if isinstance(number, Special))


def users(index: int | None) -> tuple[int | None, bool]:
    """(user, user unknown) of a user index; None where the frame has none."""
    return (None, True) if index == UNKNOWN_USER else (index, False)

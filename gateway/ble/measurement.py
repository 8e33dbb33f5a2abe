"""What one value of a Bluetooth characteristic says. Bytes that break the layout raise ``vigil.domain.errors.BadFrame``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 a peripheral's clock has no zone


@dataclass(frozen=True, slots=True, order=True)
class LocalTime:
    """What a peripheral's own clock shows: ``us`` microseconds after its 1970-01-01T00:00. It has no zone and is not UTC.

    UTC = ``us`` + the offset between the gateway's clock and the peripheral's.

    >>> str(LocalTime.of(2024, 11, 29, 23, 8, 57))
    '2024-11-29T23:08:57'
    """

    us: int

    @classmethod
    def of(cls, year: int, month: int, day: int, hour: int, minute: int, second: int) -> LocalTime:
        """Raises ``ValueError`` for a day that the calendar does not have."""
        shown = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
        return cls((shown - _EPOCH) // timedelta(microseconds=1))

    def __str__(self) -> str:
        return (_EPOCH + timedelta(microseconds=self.us)).isoformat()


@dataclass(frozen=True, slots=True)
class Value:
    """``name``: wire name, in the unit that the table of vitals binds to it. ``value`` None: tried, no value.

    ``quality``: the device's bits of ``vigil.domain.quality``. ``site``: where on the body, None where the frame does not tell.
    """

    name: str
    value: float | None
    quality: int = 0
    site: str | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One frame. ``device_time`` None: none sent, or not to be used because the clock is not set.

    ``clock_set`` is False only where the frame shows that the peripheral does not know the time. ``stored``: it says that the
    values come from its memory. ``sequence``: its record number (glucose, u16, wraps). ``user``: its user index;
    ``user_unknown``: it has several users and does not know which. ``note``: why a value is missing; for the log.
    """

    values: tuple[Value, ...] = ()
    device_time: LocalTime | None = None
    clock_set: bool = True
    stored: bool = False
    sequence: int | None = None
    user: int | None = None
    user_unknown: bool = False
    note: str = ""

"""Date Time 0x2A08: 7 bytes, the peripheral's own clock, without zone."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.ble.measurement import LocalTime
from gateway.ble.profiles.frame import Frame

FIRST_YEAR, LAST_YEAR = 1582, 9999


@dataclass(frozen=True, slots=True)
class DateTime:
    """Year, month and day are None where the peripheral does not know them."""

    year: int | None
    month: int | None
    day: int | None
    hour: int
    minute: int
    second: int

    def local(self) -> LocalTime | None:
        """None where a part of the date is unknown, or the calendar does not have the day (30 February): a clock that
        nobody set. The values beside it are good."""
        if self.year is None or self.month is None or self.day is None:
            return None
        try:
            return LocalTime.of(self.year, self.month, self.day, self.hour, self.minute, self.second)
        except ValueError:
            return None


def date_time(frame: Frame) -> DateTime:
    """The next 7 bytes. A field outside its own range, such as month 13, is a ``BadFrame``: no clock counts so, the bytes are
    something else, and so may be the values before and after them."""
    return DateTime(
        _known(frame, "year", 2, FIRST_YEAR, LAST_YEAR),
        _known(frame, "month", 1, 1, 12),
        _known(frame, "day", 1, 1, 31),
        _within(frame, "hour", 23),
        _within(frame, "minute", 59),
        _within(frame, "second", 59),
    )


def _known(frame: Frame, part: str, size: int, first: int, last: int) -> int | None:
    number = frame.unsigned(size)
    if number and not first <= number <= last:
        frame.bad(f"{part} {number}")
    return number or None


def _within(frame: Frame, part: str, last: int) -> int:
    number = frame.unsigned(1)
    if number > last:
        frame.bad(f"{part} {number}")
    return number

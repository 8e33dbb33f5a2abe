"""Dates as a search states them: a range of the stated precision, compared as ranges (R4 search, section "date")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from vigil.domain.times import HOUR, MINUTE, SECOND, from_iso

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")

_FORM = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<clock>\d\d:\d\d(?P<second>:\d\d(?:\.(?P<fraction>\d{1,9}))?)?)(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)

FIRST, LAST = -62_135_596_800_000_000, 253_402_300_800_000_000
"""Years 1 to 9999, microseconds UTC."""


@dataclass(frozen=True, slots=True)
class DateTest:
    """``prefix`` against [``low``, ``high``), microseconds UTC."""

    prefix: str
    low: int
    high: int

    def holds(self, at: int) -> bool:
        match self.prefix:
            case "gt" | "sa":
                return at >= self.high
            case "lt" | "eb":
                return at < self.low
            case "ge":
                return at >= self.low
            case "le":
                return at < self.high
            case "ne":
                return not self.low <= at < self.high
        return self.low <= at < self.high

    @property
    def bounds(self) -> tuple[int, int]:
        """No time outside [start, end) can hold."""
        match self.prefix:
            case "gt" | "sa":
                return self.high, LAST
            case "lt" | "eb":
                return FIRST, self.low
            case "ge":
                return self.low, LAST
            case "le":
                return FIRST, self.high
            case "ne":
                return FIRST, LAST
        return self.low, self.high


def date_test(text: str, now: int) -> DateTest:
    """Raises ``ValueError`` with the reason. A time without a zone is UTC; "about" is a tenth of the distance to ``now``.

    >>> date_test("ge2026-01", 0)
    DateTest(prefix='ge', low=1767225600000000, high=1769904000000000)
    """
    prefix = text[:2] if text[:2] in PREFIXES else "eq"
    low, high = date_range(text.removeprefix(prefix) if text[:2] == prefix else text)
    if prefix == "ap":
        slack = abs(now - low) // 10
        low, high = max(FIRST, low - slack), min(LAST, high + slack)
    return DateTest(prefix, low, high)


def date_range(text: str) -> tuple[int, int]:
    """[low, high) in microseconds UTC of a date of any precision, from ``2026`` to ``2026-01-01T08:30:00.123+01:00``.

    An unescaped ``+`` that has become a space is put right. Raises ``ValueError``.
    """
    found = _FORM.fullmatch(text.strip().replace(" ", "+"))
    if found is None:
        raise ValueError("not a date like 2026, 2026-01, 2026-01-01 or 2026-01-01T08:30:00Z")
    part = found.groupdict()
    try:
        return _range(part)
    except (ValueError, OverflowError) as error:
        raise ValueError("there is no such date") from error


def _range(part: dict[str, str | None]) -> tuple[int, int]:
    day = f"{part['year']}-{part['month'] or '01'}-{part['day'] or '01'}"
    if part["clock"] is not None:
        clock = part["clock"].partition(".")[0]
        micros = (part["fraction"] or "")[:6]
        low = from_iso(f"{day}T{clock if part['second'] else clock + ':00'}{part['zone'] or 'Z'}")
        low += int(micros.ljust(6, "0"))
        width = 10 ** (6 - len(micros)) if micros else SECOND if part["second"] else MINUTE
        return low, low + width
    low = from_iso(f"{day}T00:00:00Z")
    if part["day"] is not None:
        return low, low + 24 * HOUR
    first = datetime.fromisoformat(day)
    months = 1 if part["month"] is not None else 12
    follows = first.year * 12 + first.month - 1 + months
    if follows // 12 > 9999:
        return low, LAST
    return low, from_iso(f"{follows // 12:04d}-{follows % 12 + 1:02d}-01T00:00:00Z")


def full_time(text: str) -> int:
    """Microseconds of a time with seconds and a zone, as a measurement needs it. Raises ``ValueError``."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("not a FHIR dateTime")
    if found["second"] is None or found["zone"] is None:
        raise ValueError("must be precise to the second and have a zone: the day alone cannot be judged")
    return date_range(text)[0]

"""Times of day at which limits differ, on the clock of the wall: night limits, weekends.

A schedule holds from ``start`` (inclusive) to ``end`` (exclusive); one that ends at or before its start goes on past midnight
and belongs to the day on which it began. Where the clock is put forward or back the wall's time decides, so a night is an hour
shorter or longer, and a schedule may begin twice or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vigil.domain.times import MINUTE, SECOND

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 1440
#: The longest that any weekly schedule waits, with an hour for a change of the clock, minutes.
_LONGEST_WAIT = 7 * MINUTES_A_DAY + 60


@dataclass(frozen=True, slots=True)
class Schedule:
    """``start``, ``end``: minutes after local midnight. ``days``: those on which it begins, 0 = Monday. ``values``: what it
    sets, by the path of the value (``limit.spo2.low.priority``)."""

    start: int
    end: int
    days: tuple[int, ...]
    values: dict[str, Any]

    @property
    def words(self) -> str:
        """Its times in words.

        >>> Schedule(1320, 420, (4, 5), {}).words
        '22:00 to 07:00 fri, sat'
        """
        times = f"{clock(self.start)} to {clock(self.end)}"
        return times if len(self.days) == len(DAYS) else f"{times} {', '.join(DAYS[day] for day in self.days)}"

    @property
    def span(self) -> tuple[int, int, tuple[int, ...]]:
        return self.start, self.end, self.days

    def holds(self, day: int, minute: int) -> bool:
        """On that day of the week, so many minutes after midnight?"""
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        return (day in self.days and minute >= self.start) or ((day - 1) % 7 in self.days and minute < self.end)


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def zone(name: str) -> tzinfo | None:
    """The time zone of an IANA name such as ``Europe/Berlin``; None when there is none. UTC needs no data base of zones."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def held_at(schedules: Sequence[Schedule], timezone: str, at: int) -> tuple[Schedule, ...]:
    """Those that hold at a moment, microseconds UTC, in their order."""
    day, minute = _wall(timezone, at)
    return tuple(each for each in schedules if each.holds(day, minute))


def next_turn(schedules: Sequence[Schedule], timezone: str, at: int) -> int | None:
    """The first moment after ``at`` at which other schedules hold; None = they never change. Microseconds UTC."""
    return _next_turn(tuple(each.span for each in schedules), timezone, at - at % MINUTE)


def turning_points(schedules: Sequence[Schedule]) -> list[tuple[int, int]]:
    """Every (day, minute) of a week at which a schedule begins or ends."""
    begins = {(day, each.start) for each in schedules for day in each.days}
    ends = {((day + (each.end <= each.start)) % 7, each.end) for each in schedules for day in each.days}
    return sorted(begins | ends)


def _wall(timezone: str, at: int) -> tuple[int, int]:
    there = zone(timezone)
    assert there is not None, timezone  # refused when the policy was written
    local = datetime.fromtimestamp(at // SECOND, there)
    return local.weekday(), local.hour * 60 + local.minute


@lru_cache(maxsize=256)  # patients of one programme turn at the same moments
def _next_turn(spans: tuple[tuple[int, int, tuple[int, ...]], ...], timezone: str, at: int) -> int | None:
    schedules = [Schedule(*span, {}) for span in spans]

    def held(moment: int) -> list[bool]:
        day, minute = _wall(timezone, moment)
        return [each.holds(day, minute) for each in schedules]

    now = held(at)
    # Minute by minute, because the clock of the wall may jump: at most a week, and once for each turn.
    moments = range(at + MINUTE, at + _LONGEST_WAIT * MINUTE, MINUTE)
    return next((moment for moment in moments if held(moment) != now), None) if schedules else None

"""Who is on call when: a weekly pattern of shifts in local time, with overrides for single days and stand-ins for some hours.

Local times become UTC in a way that keeps their order: one that a clock change skips is the moment of the change, one that it
repeats is the first of the two. So shifts that touch on the wall clock touch in UTC, and a rota without a hole in its local week
has none in any week of any year. All times of functions are microseconds UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

from vigil.domain.times import SECOND

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY_MIN = 24 * 60
WEEK_MIN = 7 * DAY_MIN

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shift:
    """``days``: weekdays on which it begins, 0 = Monday. ``start`` and ``end``: minutes after local midnight; an ``end`` that is
    not after ``start`` is on the next day."""

    days: tuple[int, ...]
    start: int
    end: int
    person: str

    @property
    def minutes(self) -> int:
        """Length on the wall clock: 1 to 1440.

        >>> Shift((0,), 22 * 60, 6 * 60, "li").minutes, Shift((0,), 0, 0, "li").minutes
        (480, 1440)
        """
        return (self.end - self.start - 1) % DAY_MIN + 1


@dataclass(frozen=True, slots=True)
class Override:
    """``person`` takes the shifts that begin on the local ``day``: those of ``replaces``, or all where it is empty."""

    day: date
    person: str
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class StandIn:
    """``person`` is on call instead of ``replaces``, or of whoever is where it is empty, from ``start`` to ``end``: local times
    without a zone. Of two at the same time the later one in the list counts."""

    start: datetime
    end: datetime
    person: str
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Rota:
    """``timezone``: IANA name. ``fallback``: on call whenever no shift runs; empty = nobody."""

    timezone: str
    shifts: tuple[Shift, ...]
    overrides: tuple[Override, ...] = ()
    fallback: str = ""
    stand_ins: tuple[StandIn, ...] = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """[start, end) in which the same persons are on call, the one whose shift began last first. ``filled``: no shift runs, and
    the fallback is on call."""

    start: int
    end: int
    persons: tuple[str, ...]
    filled: bool


@dataclass(frozen=True, slots=True)
class ShiftChange:
    """``outgoing``: who is no longer on call from ``at`` on; ``incoming``: all who are then, newest shift first."""

    at: int
    outgoing: tuple[str, ...]
    incoming: tuple[str, ...]


def on_call(rota: Rota, at: int) -> list[str]:
    """Newest shift first."""
    return list(stretches(rota, at, at + 1)[0].persons)


def holes(rota: Rota, start: int, end: int) -> list[tuple[int, int]]:
    """Intervals inside [start, end) in which no shift runs, whether a fallback fills them or not."""
    return [(one.start, one.end) for one in stretches(rota, start, end) if one.filled]


def shift_changes(rota: Rota, start: int, end: int) -> list[ShiftChange]:
    """Moments inside [start, end) at which somebody comes or goes, in order."""
    changes = []
    for before, after in pairwise(stretches(rota, start - 1, end)):
        if set(before.persons) != set(after.persons):
            outgoing = tuple(one for one in before.persons if one not in after.persons)
            changes.append(ShiftChange(after.start, outgoing, after.persons))
    return changes


def stretches(rota: Rota, start: int, end: int) -> list[Stretch]:
    """[start, end) without a gap, in order. ``start`` must be before ``end``."""
    duties = [duty for duty in _duties(rota, start, end) if duty[0] < end and duty[1] > start]
    zone = zone_of(rota.timezone)
    instead = [(instant(one.start, zone), instant(one.end, zone), one) for one in rota.stand_ins]
    inner = {moment for begin, until, _ in (*duties, *instead) for moment in (begin, until) if start < moment < end}
    found: list[Stretch] = []
    for begin, until in pairwise(sorted({start, end} | inner)):
        running = sorted((one for one in duties if one[0] <= begin < one[1]), key=lambda one: (-one[0], one[2]))
        planned = tuple(person for _, _, person in running) or _fallback(rota)
        standing = [one for since, to, one in instead if since <= begin < to]
        persons = tuple(dict.fromkeys(_standing_for(person, standing) for person in planned))
        stretch = Stretch(begin, until, persons, not running and persons == planned)
        last = found[-1] if found else None
        if last is not None and (last.persons, last.filled) == (stretch.persons, stretch.filled):
            found[-1] = Stretch(last.start, until, last.persons, last.filled)
        else:
            found.append(stretch)
    return found


def week_gaps(shifts: tuple[Shift, ...]) -> list[tuple[int, int]]:
    """Holes of the local week as minutes since Monday 00:00; one that goes on into the next week ends after 10080.

    >>> week_gaps((Shift((0, 1, 2, 3, 4, 5, 6), 0, 0, "li"),))
    []
    >>> week_gaps((Shift((0, 1, 2, 3, 4), 480, 480, "li"),))
    [(7680, 10560)]
    """
    taken = sorted((day * DAY_MIN + one.start, one.minutes) for one in shifts for day in one.days)
    if not taken:
        return [(0, WEEK_MIN)]
    # One week from the first shift everything repeats. A Sunday shift that runs into Monday holds some of its start.
    first = taken[0][0]
    reach = max(first, max(begin + minutes for begin, minutes in taken) - WEEK_MIN)
    gaps = []
    for begin, minutes in [*taken, (first + WEEK_MIN, 0)]:
        if begin > reach:
            gaps.append((reach, begin))
        reach = max(reach, begin + minutes)
    return gaps


def week_words(minute: int) -> str:
    """A minute of the local week in words.

    >>> week_words(10560), week_words(10080)
    ('Monday 08:00', 'Monday 00:00')
    """
    day, rest = divmod(minute % WEEK_MIN, DAY_MIN)
    return f"{DAYS[day]} {rest // 60:02d}:{rest % 60:02d}"


def zone_of(name: str) -> tzinfo:
    """UTC needs no database of time zones, which a bare machine may lack. Raises ``ZoneInfoNotFoundError`` or ``ValueError``."""
    return UTC if name == "UTC" else ZoneInfo(name)


def local_time(at: int, zone: tzinfo) -> datetime:
    """The wall clock at ``at``, without zone."""
    return (_EPOCH + timedelta(microseconds=at)).astimezone(zone).replace(tzinfo=None, fold=0)


def instant(local: datetime, zone: tzinfo) -> int:
    """The moment at which the wall clock reaches ``local``: it never goes back when ``local`` goes on."""
    at = _utc(local.replace(tzinfo=zone))
    if local_time(at, zone) == local:
        return at
    # Skipped: the change of the clock lies after the one reading of ``local`` and not after the other.
    before, after = _utc(local.replace(tzinfo=zone, fold=1)) // SECOND, at // SECOND
    offset = _offset(after, zone)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if _offset(middle, zone) == offset else (middle, after)
    return after * SECOND


def _duties(rota: Rota, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """(begin, end, person) of every shift that may touch [start, end)."""
    zone = zone_of(rota.timezone)
    # Two days earlier: a shift may begin on the day before, and a zone may skip a day (Samoa did in 2011).
    day, last = local_time(start, zone).date() - 2 * _DAY, local_time(end, zone).date()
    while day <= last:
        midnight = datetime.combine(day, datetime.min.time())
        for shift in rota.shifts:
            if day.weekday() in shift.days:
                begin = midnight + timedelta(minutes=shift.start)
                until = begin + timedelta(minutes=shift.minutes)
                yield instant(begin, zone), instant(until, zone), _person(rota, shift, day)
        day += _DAY


def _person(rota: Rota, shift: Shift, day: date) -> str:
    """An override that names whom it replaces counts before one that replaces all."""
    of_day = {one.replaces: one.person for one in rota.overrides if one.day == day}
    return of_day.get(shift.person) or of_day.get("") or shift.person


def _standing_for(person: str, stand_ins: Sequence[StandIn]) -> str:
    return next((one.person for one in reversed(stand_ins) if one.replaces in ("", person)), person)


def _fallback(rota: Rota) -> tuple[str, ...]:
    return (rota.fallback,) if rota.fallback else ()


def _utc(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _offset(second: int, zone: tzinfo) -> timedelta | None:
    return (_EPOCH + timedelta(seconds=second)).astimezone(zone).utcoffset()

"""Who is on call and who is next, a week of the rota, whom each level calls, as JSON; and who stands in for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo

from api import shape
from api.shape import Json
from vigil.domain.errors import InvalidInput
from vigil.domain.policy import Policy
from vigil.domain.rota import ShiftChange, Stretch, instant, local_time, stretches, zone_of
from vigil.domain.teams import EVERYBODY, MEMBER, StandIn, Team, on_call, shift_changes, targets
from vigil.domain.times import DAY

#: A rota repeats each week: whoever does not come in these days comes by an override only.
AHEAD_US = 8 * DAY
_DAY = timedelta(days=1)


def members(team: Team, user_ids: Iterable[str]) -> list[Json]:
    found = [member for one in user_ids if (member := team.member(one)) is not None]
    return [{"id": one.user_id, "name": one.name, "channels": list(one.channels)} for one in found]


def next_change(team: Team, at: int) -> Json | None:
    """The first moment after ``at`` (microseconds UTC) at which somebody comes or goes; None = not in eight days."""
    changes = shift_changes(team, at + 1, at + AHEAD_US)
    return _change(team, changes[0]) if changes else None


def _change(team: Team, one: ShiftChange) -> Json:
    return {
        "at": shape.iso(one.at),
        "leaving": members(team, one.outgoing),
        "on_call": members(team, one.incoming),
    }


def end_of_duty(team: Team, person: str, at: int) -> Json | None:
    """The first change at which the person, on call at ``at``, is so no longer; None = is not on call, or not in eight days."""
    if person not in on_call(team, at):
        return None
    changes = shift_changes(team, at + 1, at + AHEAD_US)
    return next((_change(team, one) for one in changes if person in one.outgoing), None)


def today(team: Team, at: int) -> date:
    """The team's own day at ``at`` (microseconds UTC)."""
    return local_time(at, zone_of(team.rota.timezone)).date()


def week(team: Team, days: Sequence[date]) -> list[Json]:
    """For each person the hours of each day, by the wall clock, cut at midnight; holes come last, with who stands in."""
    zone = zone_of(team.rota.timezone)
    hours = [_hours(_day(team, day, zone), zone) for day in days]
    lines = dict.fromkeys((one.user_id, False) for one in team.members) | {(team.rota.fallback, True): None}
    return [
        {"person": person, "name": _name(team, person), "filled": filled, "hours": row}
        for person, filled in lines
        if any(row := [of_day.get((person, filled), []) for of_day in hours])
    ]


def levels(team: Team, policy: Policy) -> list[Json]:
    """Whom each level calls: "on_call", "everyone", or a name; and how long the one before may stay unanswered."""
    return [
        {
            "who": [_name(team, who.removeprefix(MEMBER)) for who in level.who],
            "channels": list(level.channels),
            "after_s": {**policy.escalate_s, **level.after_s},
        }
        for level in team.chain
    ]


def levels_for(team: Team, person: str, at: int) -> list[int]:
    """The levels, from 0, that call this person at ``at``."""
    return [
        level
        for level in range(len(team.chain))
        if any(one.person in (person, EVERYBODY) for one in targets(team, level, at))
    ]


def with_stand_in(team: Team, person: str, replaces: str, start: datetime, end: datetime) -> Team:
    """``person`` is on call instead of ``replaces`` ("" = whoever is) from ``start`` to ``end``, local times, whatever was said
    of this time before; "" = as the weekly rota and its overrides say. Raises ``InvalidInput`` where that changes nothing."""
    before = team.rota
    kept = [piece for one in before.stand_ins for piece in _outside(one, replaces, start, end)]
    added = [StandIn(start, end, person, replaces)] if person else []
    after = replace(before, stand_ins=tuple(sorted([*kept, *added], key=lambda one: (one.start, one.replaces != ""))))
    zone = zone_of(before.timezone)
    since, until = instant(start, zone), instant(end, zone)
    if since >= until or stretches(before, since, until) == stretches(after, since, until):
        raise InvalidInput("this changes nothing: nobody of this name is on call in this time, or it is so already")
    return replace(team, rota=after)


def _outside(one: StandIn, replaces: str, start: datetime, end: datetime) -> Iterator[StandIn]:
    """What is left of a stand-in when another word is given of [start, end)."""
    if replaces not in ("", one.replaces) or one.end <= start or one.start >= end:
        yield one
        return
    if one.start < start:
        yield replace(one, end=start)
    if one.end > end:
        yield replace(one, start=end)


def _day(team: Team, day: date, zone: tzinfo) -> list[Stretch]:
    """Empty for a day that the zone skips."""
    start, end = (instant(datetime.combine(one, time.min), zone) for one in (day, day + _DAY))
    return stretches(team.rota, start, end) if start < end else []


def _hours(day: Iterable[Stretch], zone: tzinfo) -> dict[tuple[str, bool], list[str]]:
    """By person and whether no shift runs; whoever stays while others come and go has one entry."""
    spans: dict[tuple[str, bool], list[tuple[int, int]]] = {}
    for one in day:
        for person in one.persons:
            held = spans.setdefault((person, one.filled), [])
            start = held.pop()[0] if held and held[-1][1] == one.start else one.start
            held.append((start, one.end))
    return {key: [f"{_clock(start, zone)}–{_clock(end, zone)}" for start, end in held] for key, held in spans.items()}


def _clock(at: int, zone: tzinfo) -> str:
    return f"{local_time(at, zone):%H:%M}"


def _name(team: Team, user_id: str) -> str:
    """What is no member's id stays as it is."""
    found = team.member(user_id)
    return user_id if found is None else found.name

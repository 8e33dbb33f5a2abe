"""A team as a document: TOML in, JSON by the API, checked as a whole before it holds. ``docs/teams.md`` shows one.

A document that would leave somebody uncalled is refused with every reason at once. A hole in the rota is refused too, unless a
fallback is named: then the fallback fills it, and the answer says at once which intervals that are.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from vigil.domain.errors import TeamError
from vigil.domain.rota import Override, Rota, Shift, StandIn, week_gaps, week_words, zone_of
from vigil.domain.team_check import team_problems
from vigil.domain.team_shape import DAY_NAMES, PRIORITIES, shape_of
from vigil.domain.teams import DEFAULT_CHAIN, Level, Member, Team

_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Filled:
    """An interval of each local week in which only the fallback is on call, in words: "Saturday 20:00"."""

    start: str
    end: str
    person: str


@dataclass(frozen=True, slots=True)
class Accepted:
    team: Team
    filled: tuple[Filled, ...]


def parse_team(text: str, channels: frozenset[str], others: Iterable[Team] = ()) -> Accepted:
    """From TOML; otherwise as ``read_team``."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TeamError([f"not a TOML document: {error}"]) from error
    except (ValueError, RecursionError) as error:  # thousands of digits, or of brackets
        raise TeamError(
            ["not a TOML document that can be read: a number is too long, or brackets lie too deep"]
        ) from error
    return read_team(document, channels, others)


def read_team(document: Mapping[str, Any], channels: frozenset[str], others: Iterable[Team] = ()) -> Accepted:
    """``channels``: names that a member may have; ``others``: the teams that hold already.

    Raises ``TeamError`` with every reason at once.
    """
    shape = shape_of(document)
    team = built(shape.readable)
    problems = shape.problems + team_problems(team, channels, others, shape.broken)
    if problems:
        raise TeamError(problems)
    return Accepted(team, filled(team))


def filled(team: Team) -> tuple[Filled, ...]:
    """Where only the fallback is on call, in order of the week."""
    person = team.rota.fallback
    return tuple(Filled(week_words(start), week_words(end), person) for start, end in week_gaps(team.rota.shifts))


def built(document: Mapping[str, Any]) -> Team:
    """The team of a document whose shape is right, as one is that was accepted before.

    Raises ``KeyError``, ``TypeError`` or ``ValueError`` for another one, and where this machine does not know the time zone.
    """
    zone_of(document["timezone"])
    rota = Rota(
        timezone=document["timezone"],
        shifts=tuple(_shift(one) for one in document.get("shift", ())),
        overrides=tuple(
            Override(_date(one["date"]), one["person"], one.get("replaces", "")) for one in document.get("override", ())
        ),
        fallback=document.get("fallback", ""),
        stand_ins=tuple(
            StandIn(_moment(one["start"]), _moment(one["end"]), one["person"], one.get("replaces", ""))
            for one in document.get("stand_in", ())
        ),
    )
    members = tuple(Member(one["id"], one["name"], tuple(one["channels"])) for one in document["member"])
    chain = tuple(_level(one) for one in document.get("level", ())) or DEFAULT_CHAIN
    return Team(document["id"], document["ward"], members, rota, chain)


def team_document(team: Team) -> dict[str, Any]:
    """JSON-ready, and read again as the same team."""
    return {
        "id": team.team_id,
        "ward": team.ward,
        "timezone": team.rota.timezone,
        "fallback": team.rota.fallback,
        "member": [{"id": one.user_id, "name": one.name, "channels": list(one.channels)} for one in team.members],
        "shift": [
            {
                "days": [DAY_NAMES[day] for day in one.days],
                "from": f"{one.start // 60:02d}:{one.start % 60:02d}",
                "to": f"{one.end // 60:02d}:{one.end % 60:02d}",
                "person": one.person,
            }
            for one in team.rota.shifts
        ],
        "override": [
            {"date": one.day.isoformat(), "person": one.person, "replaces": one.replaces} for one in team.rota.overrides
        ],
        "stand_in": [
            {
                "start": one.start.isoformat(timespec="minutes"),
                "end": one.end.isoformat(timespec="minutes"),
                "person": one.person,
                "replaces": one.replaces,
            }
            for one in team.rota.stand_ins
        ],
        "level": [
            {
                "who": list(one.who),
                "channels": list(one.channels),
                "after": {priority: seconds / _MINUTE_S for priority, seconds in one.after_s.items()},
            }
            for one in team.chain
        ],
    }


def _shift(entry: Mapping[str, Any]) -> Shift:
    days = tuple(sorted({DAY_NAMES.index(day) for day in entry["days"]}))
    return Shift(days, _minutes(entry["from"]), _minutes(entry["to"]), entry["person"])


def _level(entry: Mapping[str, Any]) -> Level:
    who, after = entry["who"], entry.get("after", {})
    by_priority = after if isinstance(after, Mapping) else dict.fromkeys(PRIORITIES, after)
    seconds = {priority: float(minutes) * _MINUTE_S for priority, minutes in by_priority.items()}
    return Level((who,) if isinstance(who, str) else tuple(who), tuple(entry.get("channels", ())), seconds)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _date(value: str | date) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _moment(value: str | datetime) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value

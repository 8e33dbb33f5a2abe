"""Would everybody be called? What a team's document gets wrong although each of its parts can be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from vigil.domain.rota import instant, stretches, week_gaps, week_words, zone_of
from vigil.domain.teams import EVERYONE, MEMBER, ON_CALL, Level, Member, Team

#: Somebody who is away for longer has another rota (ours).
LONGEST_STAND_IN = timedelta(days=92)


def team_problems(
    team: Team, channels: frozenset[str], others: Iterable[Team], broken: frozenset[str] = frozenset()
) -> list[str]:
    """Every reason. ``broken``: parts of the document that ``team`` lacks, about which nothing can be said."""
    problems = _ward_problems(team, others)
    if not {"member", "level"} & broken:
        problems += _channel_problems(team, channels)
    if "member" not in broken:
        problems += _member_problems(team)
    if "shift" not in broken:
        problems += _override_problems(team)
    if not {"shift", "override", "fallback", "timezone"} & broken:
        problems += _stand_in_problems(team)
    if not {"shift", "fallback"} & broken and not team.rota.fallback:
        problems += [
            f"rota: nobody is on call from {week_words(start)} to {week_words(end)}, and there is no fallback"
            for start, end in week_gaps(team.rota.shifts)
        ]
    return problems


def _member_problems(team: Team) -> list[str]:
    ids = [member.user_id for member in team.members]
    named = [
        *(("shift", one.person) for one in team.rota.shifts),
        *(("override", person) for one in team.rota.overrides for person in (one.person, one.replaces)),
        *(("stand_in", person) for one in team.rota.stand_ins for person in (one.person, one.replaces)),
        ("fallback", team.rota.fallback),
        *(("level", who.removeprefix(MEMBER)) for one in team.chain for who in one.who if who.startswith(MEMBER)),
    ]
    problems = [] if ids else ["a team needs at least one member"]
    problems += [f"member {one} is given twice" for one in sorted(set(ids)) if ids.count(one) > 1]
    strangers = [(where, person) for where, person in dict.fromkeys(named) if person and person not in ids]
    return problems + [f"{where}: no member is called {person}" for where, person in strangers]


def _channel_problems(team: Team, channels: frozenset[str]) -> list[str]:
    """Unknown names, and levels that could not reach whom they call."""
    used = [(f"member {one.user_id}", one.channels) for one in team.members]
    used += [(f"level {number}", one.channels) for number, one in enumerate(team.chain, 1)]
    problems = [
        f"{where}: no channel is called {name}" for where, names in used for name in names if name not in channels
    ]
    problems += [f"member {one.user_id} has no channel" for one in team.members if not one.channels]
    for number, level in enumerate(team.chain, 1):
        problems += [
            f"level {number}: {member.user_id} has none of its channels"
            for member in _reachable(team, level)
            if level.channels and member.channels and not set(level.channels) & set(member.channels)
        ]
    return problems


def _reachable(team: Team, level: Level) -> list[Member]:
    """Everybody whom the level may have to call at some time."""
    on_call = {one.person for one in team.rota.shifts} | {one.person for one in team.rota.overrides}
    on_call |= {team.rota.fallback, *(one.person for one in team.rota.stand_ins)}
    return [
        member
        for member in team.members
        if EVERYONE in level.who
        or f"{MEMBER}{member.user_id}" in level.who
        or (ON_CALL in level.who and member.user_id in on_call)
    ]


def _override_problems(team: Team) -> list[str]:
    """One that replaces nobody is a mistake in writing: whoever wrote it believes that somebody else is called."""
    problems = []
    seen = set()
    for one in team.rota.overrides:
        where = f"override {one.day.isoformat()}"
        if (one.day, one.replaces) in seen:
            problems.append(f"{where}: {one.replaces or 'everybody'} is replaced twice")
        seen.add((one.day, one.replaces))
        persons = {shift.person for shift in team.rota.shifts if one.day.weekday() in shift.days}
        if not persons:
            problems.append(f"{where}: no shift begins on this day")
        elif one.replaces and one.replaces not in persons:
            problems.append(f"{where}: {one.replaces} has no shift that begins on this day")
    return problems


def _stand_in_problems(team: Team) -> list[str]:
    """As an override, one that replaces nobody is a mistake."""
    rota, problems = team.rota, []
    zone = zone_of(rota.timezone)
    for place, one in enumerate(rota.stand_ins):
        where = f"stand_in {one.start.isoformat(timespec='minutes')}"
        if not timedelta() < one.end - one.start <= LONGEST_STAND_IN:
            problems.append(f"{where}: must end after it begins, and no more than {LONGEST_STAND_IN.days} days later")
            continue
        span = instant(one.start, zone), instant(one.end, zone)
        without = replace(rota, stand_ins=rota.stand_ins[:place])
        on_call = (
            {person for stretch in stretches(without, *span) for person in stretch.persons}
            if span[0] < span[1]
            else set()
        )
        if not on_call or (one.replaces and one.replaces not in on_call):
            problems.append(f"{where}: {one.replaces or 'nobody'} is not on call in this time")
    return problems


def _ward_problems(team: Team, others: Iterable[Team]) -> list[str]:
    return [
        f"ward {team.ward} has the team {one.team_id} already"
        for one in others
        if one.ward == team.ward and one.team_id != team.team_id
    ]

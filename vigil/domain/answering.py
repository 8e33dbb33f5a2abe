"""What an alert's team says of a line of its log: how long it may stay unanswered, and whom a person's command calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vigil.domain.alerts import Alert, Handling, Transition
from vigil.domain.changed import changed
from vigil.domain.deliveries import APP, Target
from vigil.domain.teams import Team, after_us, last_level, targets


def timed(line: Transition, before: Alert | None, team: Team) -> Transition:
    """A deadline that this line set comes when the team's next level says, where it says so: counted from the line, or from the
    end of a snooze that runs, under which no deadline comes."""
    after = line.after
    if after.deadline_at is None or after.handling is not Handling.UNACKNOWLEDGED:
        return line
    if before is not None and before.deadline_at == after.deadline_at:
        return line
    wait = after_us(team, after.escalation_level + 1, after.priority)
    since = max(line.at, after.snoozed_until or 0)
    return line if wait is None else replace(line, after=changed(after, deadline_at=since + wait))


def of_level(teams: Sequence[Team], level: int, at: int) -> tuple[Target, ...]:
    """Whom a level calls: of all teams that answer for the alert, each channel of a person once."""
    return tuple(dict.fromkeys(target for team in teams for target in targets(team, level, at)))


def of_person(teams: Sequence[Team], user_id: str) -> tuple[Target, ...]:
    """By whatever channels he has in these teams; who is in none of them sees it on the page."""
    members = [member for team in teams if (member := team.member(user_id)) is not None]
    found = (Target(channel, user_id) for member in members for channel in member.channels)
    return tuple(dict.fromkeys(found)) or (Target(APP, user_id),)


def is_last(teams: Sequence[Team], level: int) -> bool:
    """Is nobody above this level, in any of the teams? After it the chain would begin anew."""
    return all(level % len(team.chain) == last_level(team) for team in teams)

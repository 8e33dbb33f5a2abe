"""Teams: who is called for the alerts of a ward, in which order and by which channel. The rota is in ``rota``.

A document becomes a team in ``team_file``, which refuses one that would leave somebody uncalled; these functions trust it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from vigil.domain import rota as rotas
from vigil.domain.alerts import Priority
from vigil.domain.deliveries import APP, Target
from vigil.domain.rota import Override, Rota, Shift, ShiftChange, StandIn
from vigil.domain.times import SECOND

__all__ = ["DEFAULT_CHAIN", "DEFAULT_TEAM", "EVERYBODY", "EVERYONE", "MEMBER", "ON_CALL"]
__all__ += ["Level", "Member", "Override", "Rota", "Shift", "ShiftChange", "StandIn", "Team", "TeamVersion"]
__all__ += ["after_us", "holes", "last_level", "loops", "on_call", "shift_changes", "targets", "team_of_ward"]

#: ``Target.person`` of a call to everybody who has the page open.
EVERYBODY = ""
#: Words of ``Level.who`` beside ``member:<id>``.
ON_CALL, EVERYONE, MEMBER = "on_call", "everyone", "member:"


@dataclass(frozen=True, slots=True)
class Member:
    """``user_id``: the name that the person logs in with. ``channels``: names of configured channels, and "app"."""

    user_id: str
    name: str
    channels: tuple[str, ...] = (APP,)


@dataclass(frozen=True, slots=True)
class Level:
    """One step of the escalation. ``who``: "on_call", "everyone", "member:<id>". ``channels``: by which, empty = all that each
    person has. ``after_s``: seconds without an answer to the level before, by priority; where none is given the policy's hold.
    That of the first level is how long the last one may stay unanswered before all starts anew."""

    who: tuple[str, ...]
    channels: tuple[str, ...] = ()
    after_s: dict[str, float] = field(default_factory=dict)


#: For a document that names no level: ours, needs clinical sign-off.
DEFAULT_CHAIN = (Level((ON_CALL,)), Level((EVERYONE,)))


@dataclass(frozen=True, slots=True)
class Team:
    """Answers for the alerts of one ward. ``chain`` has at least one level."""

    team_id: str
    ward: str
    members: tuple[Member, ...]
    rota: Rota
    chain: tuple[Level, ...] = DEFAULT_CHAIN

    @property
    def version(self) -> str:
        """Names the content, as a policy's does."""
        text = json.dumps(asdict(self), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def member(self, user_id: str) -> Member | None:
        return next((one for one in self.members if one.user_id == user_id), None)


@dataclass(frozen=True, slots=True)
class TeamVersion:
    """A team as somebody has set it. ``at``: server time, microseconds UTC."""

    team: Team
    author: str
    reason: str
    at: int


#: Holds where no team is configured: each call goes to the page, for everybody.
DEFAULT_TEAM = Team("", "", (), Rota("UTC", ()), (Level((EVERYONE,)),))


def team_of_ward(teams: Iterable[Team], ward: str) -> Team:
    """The team of this ward, else the built-in one."""
    return next((one for one in teams if one.ward == ward), DEFAULT_TEAM)


def targets(team: Team, level: int, at: int) -> tuple[Target, ...]:
    """Whom to call by what; never empty. Level 0 is the first notice; past the last level it starts anew, see ``loops``."""
    step = team.chain[level % len(team.chain)]
    if not team.members:
        return (Target(APP, EVERYBODY),)
    persons = dict.fromkeys(person for who in step.who for person in _persons(team, who, at))
    members = [member for person in persons if (member := team.member(person)) is not None]
    return tuple(
        Target(channel, member.user_id)
        for member in members
        for channel in member.channels
        if not step.channels or channel in step.channels
    )


def last_level(team: Team) -> int:
    """The level after which there is nobody else to call."""
    return len(team.chain) - 1


def loops(team: Team, level: int) -> int:
    """How often everybody has been called in vain when ``level`` is reached: 0 up to the last level."""
    return level // len(team.chain)


def after_us(team: Team, level: int, priority: Priority) -> int | None:
    """How long the level before may stay unanswered until ``level`` is called, microseconds; None = as the policy says."""
    seconds = team.chain[level % len(team.chain)].after_s.get(priority.value)
    return None if seconds is None else round(seconds * SECOND)


def on_call(team: Team, at: int) -> list[str]:
    """User ids, the newest shift first; none in the built-in team, which has no rota."""
    return rotas.on_call(team.rota, at)


def holes(team: Team, start: int, end: int) -> list[tuple[int, int]]:
    """Intervals inside [start, end) in which no shift runs: in an accepted team the fallback is on call then."""
    return rotas.holes(team.rota, start, end)


def shift_changes(team: Team, start: int, end: int) -> list[ShiftChange]:
    """Moments inside [start, end) at which somebody comes or goes, in order."""
    return rotas.shift_changes(team.rota, start, end)


def _persons(team: Team, who: str, at: int) -> list[str]:
    if who == ON_CALL:
        return on_call(team, at)
    if who == EVERYONE:
        return [member.user_id for member in team.members]
    return [who.removeprefix(MEMBER)]

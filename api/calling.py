"""Whom a person's command calls, and who can be asked: by the teams that answer for the alert, as analytics calls by them too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from api.accounts import AccountBook
from api.auth import Principal, Right
from api.care import OF_WARD, View
from api.context import Context
from api.errors import Problem
from vigil.domain.alerts import Alert, Transition
from vigil.domain.answering import is_last, of_level, of_person
from vigil.domain.calls import CALL, Call, How
from vigil.domain.deliveries import Target
from vigil.domain.errors import InvalidInput
from vigil.domain.people import is_test
from vigil.domain.self_test import PLATFORM
from vigil.domain.teams import EVERYBODY, Team, team_of_ward

#: By user id, what the person is called.
People = dict[str, str]


def ward_of(here: Context, alert: Alert) -> str:
    """The patient's, or the one whose devices are silent; empty for what is wrong with Vigil itself."""
    if alert.patient_id == PLATFORM:
        return alert.rule.removeprefix(OF_WARD) if alert.rule.startswith(OF_WARD) else ""
    return here.care.wards().get(alert.patient_id, "")


def team_of(here: Context, alert: Alert) -> Team:
    return team_of_ward(here.deps.records.teams(), ward_of(here, alert))


def teams_of(here: Context, alert: Alert) -> Sequence[Team]:
    """What is wrong with Vigil itself is every team's business."""
    teams = here.deps.records.teams()
    ward = ward_of(here, alert)
    if alert.patient_id == PLATFORM and not ward and teams:
        return teams
    return (team_of_ward(teams, ward),)


def people(here: Context, seen: View, alert: Alert) -> People:
    """Who can be asked to deal with the alert: members of its teams, and people whose account lets them act there."""
    teams = [team for team in teams_of(here, alert) if seen.ward(team.ward)]
    found = {member.user_id: member.name for team in teams for member in team.members}
    return {name: found[name] for name in sorted(found)} | _by_account(here.accounts, ward_of(here, alert), found)


def _by_account(accounts: AccountBook, ward: str, known: People) -> People:
    return {
        user.user_id: user.display or user.user_id
        for user in accounts.users()
        if user.user_id not in known
        and user.enabled
        and (user.wards is None or ward in user.wards)
        and Principal(user.user_id, user.role, 0, user.wards).may(Right.ACT)
    }


def asked(here: Context, seen: View, line: Transition, to: str) -> tuple[Transition, Sequence[Target]]:
    """The line of an assignment calls the person who is asked. Raises ``InvalidInput`` for somebody who cannot be asked."""
    alert = line.after
    if to not in people(here, seen, alert):
        raise InvalidInput("to: nobody of this name can be asked to deal with this alert")
    return _now(line), of_person(teams_of(here, alert), to) if not is_test(alert.patient_id) else ()


def next_level(here: Context, line: Transition) -> tuple[Transition, Sequence[Target]]:
    """The line of an escalation calls the level that it has reached.

    Raises ``Problem`` (409) where the level before was the last; ``called`` then says whom that one calls, nobody by name =
    everybody who has the page open.
    """
    alert, level = line.after, line.after.escalation_level
    teams = teams_of(here, alert)
    if is_last(teams, level - 1):
        targets = of_level(teams, level - 1, line.at)
        called = list(dict.fromkeys(_name(teams, one.person) for one in targets if one.person != EVERYBODY))
        raise Problem(HTTPStatus.CONFLICT, _nobody_above(called), {"called": called})
    return _now(line), of_level(teams, level, line.at) if not is_test(alert.patient_id) else ()


def _nobody_above(called: Sequence[str]) -> str:
    whom = ", ".join(called) or "everybody who has the page open"
    return f"the last level has been called: {whom}. Nobody is above it"


def _name(teams: Sequence[Team], user_id: str) -> str:
    return next((member.name for team in teams if (member := team.member(user_id)) is not None), user_id)


def _now(line: Transition) -> Transition:
    """A person has decided: nothing holds this call back."""
    return replace(line, detail={**line.detail, CALL: Call(How.NOW).row()})

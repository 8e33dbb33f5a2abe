"""How long a line may stay unanswered, and whom a person's command calls: as the alert's team says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.domain.lives import HIGH, LATER, MEDIUM, NOW, acked, after, by, line_of, opened
from vigil.domain.answering import is_last, of_level, of_person, timed
from vigil.domain.deliveries import Target
from vigil.domain.lifecycle import Acknowledge, ReturnToList, Snooze
from vigil.domain.teams import DEFAULT_TEAM, Level, Member, Rota, Team
from vigil.domain.times import MINUTE, SECOND

LI, WANG = Member("li", "Li Na"), Member("wang", "Dr Wang", ("app", "pager"))
CHAIN = (Level(("member:li",)), Level(("member:wang",), after_s={"medium": 90.0}))
TEAM = Team("t", "north", (LI, WANG), Rota("UTC", ()), CHAIN)
OTHER = replace(TEAM, team_id="u", chain=(Level(("everyone",)),))


def test_a_deadline_comes_when_the_next_level_says() -> None:
    mine = acked(opened())
    line = line_of(mine, ReturnToList(by("nurse", LATER), mine.version))
    assert timed(line, mine, TEAM).after.deadline_at == LATER + 90 * SECOND
    assert timed(line, mine, DEFAULT_TEAM) == line


def test_under_a_snooze_no_deadline_comes() -> None:
    alert = opened()
    until = LATER + 10 * MINUTE
    line = line_of(alert, Snooze(by("nurse", LATER), 1, until, "known"))
    assert timed(line, alert, TEAM).after.deadline_at == until + 90 * SECOND


@pytest.mark.parametrize("priority", [HIGH, MEDIUM])
def test_a_deadline_that_stands_and_a_reminder_stay(priority: object) -> None:
    alert = opened(MEDIUM if priority is MEDIUM else HIGH)
    taken = line_of(alert, Acknowledge(by("nurse", LATER), 1))
    assert timed(taken, alert, TEAM) == taken
    assert timed(replace(taken, after=replace(alert, version=2)), alert, TEAM).after.deadline_at == alert.deadline_at


def test_a_level_and_a_person_are_called_by_their_channels_once() -> None:
    assert of_level((TEAM,), 0, NOW) == (Target("app", "li"),)
    assert of_level((TEAM, OTHER), 1, NOW) == (Target("app", "wang"), Target("pager", "wang"), Target("app", "li"))
    assert of_person((TEAM, OTHER), "wang") == (Target("app", "wang"), Target("pager", "wang"))
    assert of_person((TEAM,), "ada") == (Target("app", "ada"),)


def test_nobody_is_above_the_last_level_of_all_teams() -> None:
    assert [is_last((TEAM,), level) for level in range(4)] == [False, True, False, True]
    assert [is_last((TEAM, OTHER), level) for level in range(2)] == [False, True]
    assert is_last((DEFAULT_TEAM,), 0)
    assert after(opened(), Acknowledge(by("nurse", LATER), 1)).escalation_level == 0

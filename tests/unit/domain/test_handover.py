"""Facts of the hand-over note: where a score went, what happened, when the shift began."""

from __future__ import annotations

import pytest

from vigil.domain.handover import Course, bounded, course, shift_began
from vigil.domain.rota import Rota, Shift
from vigil.domain.scores import Score, ScoreStatus
from vigil.domain.teams import DEFAULT_TEAM, Member, Team
from vigil.domain.times import from_iso, to_iso

DAILY = tuple(range(7))


def score(lower: int | None, upper: int | None, *missing: str, name: str = "news2") -> Score:
    return Score(name, "p-1", 0, ScoreStatus.PARTIAL, None, lower, upper, None, False, (), missing)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (score(3, 3), score(3, 3), Course.STEADY),
        (score(3, 3), score(2, 2), Course.DOWN),
        (score(3, 6, "a"), score(3, 6, "a"), Course.STEADY),
        (score(3, 6, "a"), score(4, 7, "a"), Course.UP),
        (score(3, 3), score(1, 4, "a"), Course.UNCLEAR),
        (score(3, 3), score(0, 2, "a"), Course.DOWN),
        (score(1, 4, "a"), score(4, 4), Course.UNCLEAR),
        (score(1, 4, "a"), score(5, 8, "b"), Course.UP),
    ],
)
def test_where_a_score_went(first: Score, last: Score, expected: Course) -> None:
    assert course(first, last) is expected


def test_scores_that_do_not_apply_are_left_out() -> None:
    known = score(1, 2)
    assert bounded([score(None, None), known, score(1, 2, name="mews")]) == [known]


TEAM = Team(
    "north",
    "north",
    (Member("li", "Li"), Member("chen", "Chen")),
    Rota("UTC", (Shift(DAILY, 7 * 60, 19 * 60 + 15, "li"), Shift(DAILY, 19 * 60, 7 * 60, "chen"))),
)


@pytest.mark.parametrize(
    ("now", "began"),
    [
        ("2026-06-02T06:59:00Z", "2026-06-01T19:00:00.000Z"),
        ("2026-06-02T07:30:00Z", "2026-06-01T19:00:00.000Z"),  # the shift of half an hour ago has nothing to tell
        ("2026-06-02T19:05:00Z", "2026-06-02T07:00:00.000Z"),  # both are on call
        ("2026-06-02T20:30:00Z", "2026-06-02T19:00:00.000Z"),  # not 19:15, when somebody only left
    ],
)
def test_the_shift_that_a_note_is_about(now: str, began: str) -> None:
    assert to_iso(shift_began(TEAM, from_iso(now))) == began


def test_without_a_rota_a_shift_is_twelve_hours() -> None:
    assert to_iso(shift_began(DEFAULT_TEAM, from_iso("2026-06-02T06:00:00Z"))) == "2026-06-01T18:00:00.000Z"

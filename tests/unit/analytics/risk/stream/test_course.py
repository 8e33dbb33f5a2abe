"""Drawn rows of decisions: ``^`` above the threshold, ``=`` below it, ``_`` below 0.8 of it, ``?`` abstained, a space a gap."""

from __future__ import annotations

import pytest

from analytics.risk.stream.course import FRESH, follow
from analytics.risk.stream.grid import QUARTER
from tests.unit.analytics.ward import START
from vigil.domain.risk import ModelState, Prediction, Source

_PROBABILITY = {"^": 0.5, "=": 0.45, "_": 0.3, "?": 0.9}
THRESHOLD = 0.5


def decision(sign: str, place: int) -> Prediction:
    source = Source.NEWS2 if sign == "?" else Source.MODEL
    at, risk = START + place * QUARTER, _PROBABILITY[sign]
    return Prediction("p", "m", "v", at, at, 0, ModelState.ACTIVE, source, risk, risk, risk, risk >= THRESHOLD)


def drawn(row: str) -> str:
    """``o`` where an alert is open after the decision, ``.`` where none is; a space where nothing was decided."""
    course, found = FRESH, ""
    for place, sign in enumerate(row, 1):
        if sign != " ":
            course = follow(course, decision(sign, place), THRESHOLD)
        found += " " if sign == " " else "o" if course.open else "."
    return found


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("__^__^_^__", ".........."),  # never two in a row
        ("^^", ".o"),
        ("^^=====", ".oooooo"),  # below the threshold is not quiet
        ("^^____^^", ".oooo..o"),
        ("^^___=___", ".oooooooo"),  # four in a row
        ("^^___=____", ".oooooooo."),
        ("^?^^", "...o"),  # abstaining begins the count anew
        ("^^___?____", ".oooooooo."),
        ("????", "...."),  # NEWS2 has a rule of its own
        ("^    ^^", ".    .o"),  # more than an hour apart
        ("^   ^", ".   o"),
        ("^^__     ____", ".ooo     ooo."),
    ],
)
def test_opens_and_ends(row: str, expected: str) -> None:
    assert drawn(row) == expected


def test_an_older_decision_changes_nothing() -> None:
    course = follow(follow(FRESH, decision("^", 1), THRESHOLD), decision("^", 2), THRESHOLD)
    assert follow(course, decision("_", 2), THRESHOLD) == course
    assert follow(course, decision("_", 1), THRESHOLD) == course


def test_quiet_begins_with_the_first_of_the_row() -> None:
    course = FRESH
    for place, sign in enumerate("^^=____", 1):
        course = follow(course, decision(sign, place), THRESHOLD)
    assert course.quiet_at == START + 4 * QUARTER

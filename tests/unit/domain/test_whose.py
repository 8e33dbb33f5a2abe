"""When is a weight another person's? A steady person is never asked about, a partner of another weight always."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.errors import VersionConflict
from vigil.domain.times import DAY, HOUR
from vigil.domain.whose import Answer, Weight, WhoseQuestion, jumps

#: kg: of grown people; a scale for adults.
PEOPLE = st.floats(40, 200)
GAPS = st.integers(1, 400 * DAY)


@given(kg=PEOPLE, gap=GAPS, noise=st.floats(-1, 1), clothes=st.floats(-2, 2), weekly=st.floats(-1, 1))
def test_one_person_is_never_asked(kg: float, gap: int, noise: float, clothes: float, weekly: float) -> None:
    """Two weights apart by noise of the day (SD 0.5 kg: two of them), clothes and a slow change of 1 kg a week."""
    new = kg + weekly * gap / (7 * DAY) + noise + clothes
    assert not jumps(Weight(0, kg), Weight(gap, new))


@given(kg=PEOPLE, share=st.floats(-0.35, 0.35), gap=st.integers(-7 * DAY, 7 * DAY))
def test_within_a_week_another_person_is_asked_from_five_kilograms_and_eight_percent_on(
    kg: float, share: float, gap: int
) -> None:
    away = share * kg
    if abs(abs(away) - max(5.0, 0.08 * kg)) > 1e-6:
        assert jumps(Weight(0, kg), Weight(gap, kg + away)) == (abs(away) > 5.0 and abs(away) > 0.08 * kg)


@given(kg=PEOPLE, other=PEOPLE, gap=GAPS)
def test_a_longer_gap_never_makes_a_question(kg: float, other: float, gap: int) -> None:
    if not jumps(Weight(0, kg), Weight(gap, other)):
        assert not jumps(Weight(0, kg), Weight(gap + DAY, other))


@given(kg=PEOPLE, other=PEOPLE, gap=GAPS)
def test_a_late_weight_is_judged_by_the_same_gap(kg: float, other: float, gap: int) -> None:
    assert jumps(Weight(gap, kg), Weight(0, other)) == jumps(Weight(0, kg), Weight(gap, other))


def test_the_worst_gain_of_heart_failure_is_judged_and_not_asked_about() -> None:
    """10 lb, from where odds are 7.7 times (Chaudhry 2007), within one day."""
    for kg in (40.0, 60.0, 90.0):
        assert not jumps(Weight(0, kg), Weight(DAY, kg + 10 * 0.45359237))


def test_a_question_is_answered_once() -> None:
    question = WhoseQuestion("s-1", "p-1", Weight(HOUR, 80.0), HOUR, Weight(0, 60.0), HOUR)
    question.require_open()
    with pytest.raises(VersionConflict):
        replace(question, answer=Answer(None, "", "n", 0)).require_open()


def test_no_gap_is_no_division() -> None:
    assert jumps(Weight(5, 60.0), Weight(5, 66.0))
    assert not jumps(Weight(5, 60.0), Weight(5, math.nextafter(65.0, 0)))

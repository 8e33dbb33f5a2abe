"""Probabilities said as people of a hundred."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.risk import ModelState, Prediction, Source
from vigil.domain.risk_words import label, likelihood

LEARNED = "; learned in intensive care, not at home."


def said(probability: float, low: float, high: float, model: str = "sepsis-home", source: Source = Source.MODEL) -> str:
    return likelihood(
        Prediction("p-1", model, "0" * 12, 0, 0, 0, ModelState.ACTIVE, source, probability, low, high, False)
    )


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0.071, 0.05, 0.09), "About 7 of 100 people with such values went on to sepsis within 6 h (5 to 9)"),
        ((0.0149, 0.01, 0.02), "About 1 of 100 people with such values went on to sepsis within 6 h (1 to 2)"),
        ((0.009, 0.002, 0.03), "Fewer than 1 of 100 people with such values went on to sepsis within 6 h (up to 3)"),
        ((0.0, 0.0, 0.004), "Fewer than 1 of 100 people with such values went on to sepsis within 6 h"),
        ((1.0, 0.97, 1.0), "About 100 of 100 people with such values went on to sepsis within 6 h (97 to 100)"),
    ],
)
def test_people_of_a_hundred(numbers: tuple[float, float, float], words: str) -> None:
    assert said(*numbers) == words + LEARNED


def test_each_model_says_what_it_foretells() -> None:
    assert label("hypotension") == ("mean pressure below 60 mmHg for 30 min within the hour, learned in intensive care")
    assert label("sepsis-hospital") == label("sepsis-home") == "sepsis onset within 6 h, learned in intensive care"
    assert said(0.2, 0.1, 0.3, "hypotension", Source.NEWS2) == (
        "About 20 of 100 people with such a NEWS2 had a mean pressure below 60 mmHg within the hour (10 to 30)"
        + LEARNED
    )


def test_a_model_of_another_name_is_called_by_it() -> None:
    assert label("falls-ward-3") == "the event of falls-ward-3, learned in intensive care"
    assert "had the event of falls-ward-3" in said(0.2, 0.1, 0.3, "falls-ward-3")


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_it_is_never_nobody_of_a_hundred_and_always_said_where_it_was_learned(
    one: float, two: float, three: float
) -> None:
    low, middle, high = sorted((one, two, three))
    words = said(middle, low, high)
    assert " 0 of 100" not in words
    assert words.endswith(LEARNED)

"""Which inputs of NEWS2 to ask for first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.news2 import INPUTS, News2Inputs, ask_for, band_of, news2
from vigil.domain.scores import Band

NORMAL = News2Inputs(16, 98, False, 120, 70, True, 37.0)
CASES = [
    ({}, False, ()),
    # Alone each could make a single 3, oxygen could not.
    ({"oxygen": None, "body_temp": None, "resp_rate": None}, False, ("resp_rate", "body_temp", "oxygen")),
    # Known part 3: both reach the medium band, breathing adds more.
    ({"heart_rate": 120, "bp_sys": 105, "oxygen": None, "resp_rate": None}, False, ("resp_rate", "oxygen")),
    # Known part 4: oxygen reaches 6, breathing 7 and with it the high band.
    ({"heart_rate": 120, "bp_sys": 95, "oxygen": None, "alert": None}, False, ("consciousness", "oxygen")),
    # Scale 2, SpO2 97: to be on oxygen is worth 5.
    ({"spo2": 97, "oxygen": None, "resp_rate": None}, True, ("oxygen", "resp_rate")),
    ({"spo2": 92, "oxygen": None, "resp_rate": None}, True, ("resp_rate", "oxygen")),
    # High already: what could add most.
    ({"heart_rate": 140, "bp_sys": 80, "spo2": 93, "oxygen": None, "body_temp": None}, False, ("body_temp", "oxygen")),
]


@pytest.mark.parametrize(("change", "scale2", "expected"), CASES)
def test_what_could_raise_the_band_most_comes_first(
    change: dict[str, float | bool | None], scale2: bool, expected: tuple[str, ...]
) -> None:
    assert ask_for(news2(replace(NORMAL, **change), scale2=scale2)) == expected  # type: ignore[arg-type]


def test_nothing_is_asked_where_it_does_not_apply() -> None:
    assert ask_for(news2(News2Inputs(), age=12)) == ()


WORST: dict[str, tuple[float | bool, ...]] = {
    "resp_rate": (5, 30), "spo2": (70, 100), "oxygen": (True,), "bp_sys": (60,), "heart_rate": (30,),
    "consciousness": (False,), "body_temp": (33.0,),
}  # fmt: skip
FIELD = {**{name: name for name in INPUTS}, "consciousness": "alert"}
BANDS = list(Band)
numbers: dict[str, st.SearchStrategy[float | bool]] = {
    "resp_rate": st.integers(5, 30),
    "spo2": st.integers(80, 100),
    "oxygen": st.booleans(),
    "bp_sys": st.integers(80, 230),
    "heart_rate": st.integers(35, 140),
    "alert": st.booleans(),
    "body_temp": st.integers(340, 400).map(lambda tenths: tenths / 10),
}
some_missing = st.builds(News2Inputs, **{name: st.none() | each for name, each in numbers.items()})


@given(some_missing, st.booleans())
def test_the_order_is_that_of_the_bands_really_reached(inputs: News2Inputs, scale2: bool) -> None:
    """Put each missing input to its worst by itself and score again."""
    result = news2(inputs, scale2=scale2)
    reached = []
    for name in ask_for(result):
        worst = [news2(replace(inputs, **{FIELD[name]: value}), scale2=scale2) for value in WORST[name]]  # type: ignore[arg-type]
        lower, single_3 = max((each.lower or 0, each.single_3) for each in worst)
        reached.append((BANDS.index(band_of(lower, single_3)), lower))
    assert set(ask_for(result)) == set(result.missing)
    assert reached == sorted(reached, reverse=True)

"""qSOFA against the vectors of the reference page "Early-warning scores", section 3."""

from __future__ import annotations

import itertools
import math

import pytest

from vigil.domain.qsofa import INPUTS, QSofaInputs, qsofa
from vigil.domain.scores import ScoreStatus

# RR, SBP, ACVPU -> total
VECTORS = [(22, 100, "A", 2), (21, 101, "A", 0), (22, 101, "A", 1), (16, 100, "C", 2), (30, 80, "U", 3)]


@pytest.mark.parametrize(("resp_rate", "bp_sys", "letter", "total"), VECTORS)
def test_vector(resp_rate: float, bp_sys: float, letter: str, total: int) -> None:
    result = qsofa(QSofaInputs(resp_rate, bp_sys, letter == "A"), infection_suspected=True)
    assert (result.status, result.total, result.lower, result.upper) == (ScoreStatus.COMPLETE, total, total, total)
    assert result.positive is (total >= 2)


@pytest.mark.parametrize(
    ("inputs", "points"),
    [
        (QSofaInputs(resp_rate=21.4), {"resp_rate": 0}),
        (QSofaInputs(resp_rate=21.5), {"resp_rate": 1}),
        (QSofaInputs(bp_sys=100.4), {"bp_sys": 1}),
        (QSofaInputs(bp_sys=100.5), {"bp_sys": 0}),
    ],
)
def test_rounded_as_on_a_chart_first(inputs: QSofaInputs, points: dict[str, int]) -> None:
    result = qsofa(inputs, infection_suspected=True)
    assert {name: each for name, each in result.points.items() if each is not None} == points


def test_without_a_suspected_infection_it_does_not_apply() -> None:
    result = qsofa(QSofaInputs(30, 80, False), infection_suspected=False)
    assert result.status is ScoreStatus.NOT_APPLICABLE
    assert (result.total, result.lower, result.upper, result.positive) == (None, None, None, None)
    assert result.why


WAYS: dict[str, tuple[float | bool, ...]] = {"resp_rate": (16, 25), "bp_sys": (90, 120), "alert": (True, False)}


@pytest.mark.parametrize("known", list(itertools.product(*((None, *ways) for ways in WAYS.values()))))
def test_every_mixture_of_known_and_missing(known: tuple[float | bool | None, ...]) -> None:
    ways = [[value] if value is not None else all_of for value, all_of in zip(known, WAYS.values(), strict=True)]
    totals = [
        qsofa(QSofaInputs(*each), infection_suspected=True).lower  # type: ignore[arg-type]
        for each in itertools.product(*ways)
    ]
    result = qsofa(QSofaInputs(*known), infection_suspected=True)  # type: ignore[arg-type]
    bounds = [total for total in totals if total is not None]
    assert (result.lower, result.upper) == (min(bounds), max(bounds))
    assert result.positive is (True if min(bounds) >= 2 else False if max(bounds) < 2 else None)
    assert result.missing == tuple(name for name, value in zip(INPUTS, known, strict=True) if value is None)


def test_nan_is_not_known() -> None:
    assert qsofa(QSofaInputs(math.nan, 90, False), infection_suspected=True).missing == ("resp_rate",)

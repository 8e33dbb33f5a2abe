"""The whole judgement: repeatable, stored, and refused where it would be wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.risk.evaluate.events import Setting
from analytics.risk.evaluate.report import Baseline, Report, brief, judge
from tests.unit.analytics.risk.evaluate.tables import ward
from vigil.domain.errors import InvalidInput, ModelError

DRAWS = 20


@pytest.fixture(scope="module")
def report() -> Report:
    hours, y, risk = ward(300)
    return judge(y, risk, risk >= 0.3, hours, 1, draws=DRAWS)


def test_the_true_risk_beats_news2_and_the_paired_gain_says_so(report: Report) -> None:
    gain = report.compared.gain["auroc"]

    assert report.baseline_name == "NEWS2 ≥ 5"
    assert gain.low is not None
    assert gain.low > 0


def test_it_survives_its_file_unchanged(report: Report) -> None:
    assert Report.from_json(report.to_json()) == report


def test_the_same_seed_gives_the_same_bytes(report: Report) -> None:
    hours, y, risk = ward(300)

    assert judge(y, risk, risk >= 0.3, hours, 1, draws=DRAWS).to_json() == report.to_json()


def test_no_stay_is_named(report: Report) -> None:
    assert "stay-" not in report.to_json()


def test_a_damaged_file_is_no_report(report: Report) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        Report.from_json(report.to_json().replace('"stays"', '"stay"'))


def test_another_baseline_and_another_setting() -> None:
    """One row a record, as when a forecast is made once: no utility, and what it has to beat is handed over."""
    hours, y, risk = ward(300)
    pressure = np.round(80 - 40 * risk)
    against = Baseline("last hour's mean pressure", -pressure, pressure < 65)

    found = judge(
        y,
        risk,
        risk > 0.3,
        hours,
        1,
        baseline=against,
        setting=Setting(lead=0, early=0, late=0, utility=False),
        draws=DRAWS,
    )

    assert found.baseline_name == "last hour's mean pressure"
    assert "utility" not in found.compared.model
    assert found.compared.gain["auroc"].value == pytest.approx(0, abs=0.05)


def test_nobody_with_an_event_leaves_figures_undefined_but_no_accident() -> None:
    hours, y, risk = ward(30)
    found = judge(y * 0, risk, risk > 0.3, hours, 1, draws=DRAWS)

    assert found.events is None
    assert found.compared.model["auroc"].value is None
    assert found.calibration.slope.value is None


def test_one_patient_with_one_reading() -> None:
    hours, y, risk = ward(1)

    assert judge(y, risk, risk > 0.3, hours, 1, draws=DRAWS).stays is None


def test_one_more_test_elsewhere(report: Report) -> None:
    hours, y, risk = ward(300)
    found = brief(y, risk, risk >= 0.3, hours.starts, 1, name="same stays", draws=DRAWS)

    assert (found.stays, found.events) == (300, report.events)
    assert found.figures["auroc"] == report.compared.model["auroc"]
    assert found.figures["slope"] == report.calibration.slope


@pytest.mark.parametrize(
    ("p", "y", "why"),
    [
        ([0.5, math.nan], [0, 1], "no probability"),
        ([0.5, 1.2], [0, 1], "no probability"),
        ([0.5, 0.5], [0, 2], "label"),
    ],
)
def test_what_is_no_probability_or_label_is_refused(p: list[float], y: list[int], why: str) -> None:
    hours, _, risk = ward(2)
    labels = np.zeros(24)
    risk[:2], labels[:2] = p, y

    with pytest.raises(InvalidInput, match=why):
        judge(labels, risk, risk > 1, hours, 1, draws=DRAWS)


def test_lengths_that_differ_are_refused() -> None:
    hours, y, risk = ward(2)

    with pytest.raises(InvalidInput, match="24 hours, 24 labels, 23 predictions"):
        judge(y, risk[1:], risk > 1, hours, 1, draws=DRAWS)

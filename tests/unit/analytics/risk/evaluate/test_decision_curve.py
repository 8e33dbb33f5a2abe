"""Net benefit by hand."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.risk.evaluate.decision_curve import decision_curve, risk_by_level
from tests.unit.analytics.risk.evaluate.tables import labels_of

Y = labels_of("1000", "1000", "0000", "0000")


def test_acting_on_everybody_costs_what_the_threshold_says() -> None:
    """2 true, 14 false of 16: (2 - 14 x 0.1 / 0.9) / 16."""
    curve = decision_curve(Y, np.full(16, 0.5), np.zeros(16), np.zeros(16), (0.1,))

    assert curve.everybody[0] == pytest.approx(1000 * (2 - 14 / 9) / 16, abs=1e-3)
    assert curve.model == curve.everybody
    assert curve.baseline == (0,)


def test_a_perfect_model_has_the_share_of_events_at_every_threshold() -> None:
    curve = decision_curve(Y, (Y * 0.9).astype(np.float64), np.ones(16), np.zeros(16))

    assert set(curve.model) == {125.0}
    assert curve.baseline == curve.everybody


def test_the_baseline_is_given_the_risk_of_each_of_its_levels() -> None:
    levels = np.array([5, 0, 0, 0, 5, 5, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0])

    assert risk_by_level(Y > 0, levels)[:2].tolist() == [0.5, 0.0]
    assert decision_curve(Y, np.zeros(16), levels >= 5, levels, (0.4,)).baseline_risk[0] > 0

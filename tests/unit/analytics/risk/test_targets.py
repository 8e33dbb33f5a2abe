"""What is learned from, and a threshold that is ready for another hospital."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.risk.evaluate.utility import best_threshold, challenge_utility
from analytics.risk.targets import ONE_IN, choose_threshold, learned

I64 = np.int64


def ward(stays: int, seed: int, septic: float = 0.3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, starts and a probability that knows something."""
    random, length = np.random.default_rng(seed), 40
    labels = np.zeros((stays, length), np.int8)
    labels[random.random(stays) < septic, 30:] = 1
    labels[0, 30:] = 1
    score = 1 / (1 + np.exp(-(random.normal(-3, 1, labels.shape) + 2 * labels)))
    return labels.ravel(), np.arange(stays + 1, dtype=I64) * length, score.ravel()


def test_the_target_begins_twelve_hours_before_the_onset_and_earlier_hours_are_not_learned() -> None:
    labels = np.r_[np.zeros(30), np.ones(10)]  # the onset is hour 36
    target, weight = learned(labels, np.array([0, 40]), 1)
    assert target.tolist() == [0] * 24 + [1] * 16
    assert weight.tolist() == [0.0] * 24 + [0.5] * 6 + [1.0] * 10


def test_hours_of_stays_without_sepsis_stand_for_all_of_them() -> None:
    target, weight = learned(np.zeros(50_000), np.arange(0, 50_001, 50), 1)
    assert not target.any()
    assert set(weight.tolist()) == {0.0, float(ONE_IN)}
    assert abs(weight.mean() - 1) < 0.05
    np.testing.assert_array_equal(weight, learned(np.zeros(50_000), np.arange(0, 50_001, 50), 1)[1])
    assert (weight != learned(np.zeros(50_000), np.arange(0, 50_001, 50), 2)[1]).any()


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_at_the_same_prevalence_no_threshold_has_more_utility(seed: int) -> None:
    labels, starts, score = ward(40, seed)
    chosen, best = choose_threshold(labels, score, starts, 1.0), best_threshold(labels, score, starts)
    assert challenge_utility(labels, score >= chosen, starts) == pytest.approx(best[1])


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_for_a_hospital_with_less_sepsis_it_never_alerts_more(seed: int) -> None:
    labels, starts, score = ward(40, seed)
    shares = (1.0, 0.7, 0.4, 0.05)
    thresholds = [choose_threshold(labels, score, starts, share) for share in shares]
    assert thresholds == sorted(thresholds)


def test_where_nothing_is_gained_nobody_is_called() -> None:
    assert choose_threshold(np.zeros(20), np.linspace(0, 0.9, 20), np.array([0, 20])) == 1.0

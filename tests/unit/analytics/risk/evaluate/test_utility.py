"""The utility of the Challenge 2019 against hand-computed hours and a slow plain reading of its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.risk.evaluate.events import NEVER
from analytics.risk.evaluate.utility import best_threshold, challenge_utility, stakes
from tests.unit.analytics.risk.evaluate.tables import labels_of, starts_of

#: First label in row 20, so the onset is row 26.
SEPTIC = "0" * 20 + "1" * 20


def plain(labels: list[int], alerts: list[int]) -> float:
    """Utility of one stay, hour by hour as the definition reads."""
    total = 0.0
    onset = labels.index(1) + 6 if 1 in labels else None
    for hour, alert in enumerate(alerts):
        if onset is None:
            total += -0.05 if alert else 0
            continue
        since = hour - onset
        if alert and since < -12:
            total += -0.05
        elif alert and since <= -6:
            total += (since + 12) / 6
        elif alert and since <= 3:
            total += (3 - since) / 9
        elif not alert and -6 < since <= 3:
            total += -2 * (since + 6) / 9
    return total


def normalised(stays: list[tuple[list[int], list[int]]]) -> float:
    """The best monitor alerts from 12 h before to 3 h after the onset."""
    ours = silent = best = 0.0
    for labels, alerts in stays:
        onset = labels.index(1) + 6 if 1 in labels else math.inf
        ideal = [int(-12 <= hour - onset <= 3) for hour in range(len(labels))]
        ours += plain(labels, alerts)
        silent += plain(labels, [0] * len(labels))
        best += plain(labels, ideal)
    return (ours - silent) / (best - silent)


@pytest.mark.parametrize(
    ("since", "alert", "silent"),
    [
        (-13, -0.05, 0),
        (-12, 0, 0),
        (-9, 0.5, 0),
        (-6, 1, 0),
        (-3, 2 / 3, -2 / 3),
        (0, 1 / 3, -4 / 3),
        (3, 0, -2),
        (4, 0, 0),
    ],
)
def test_hours_of_a_stay_with_sepsis(since: int, alert: float, silent: float) -> None:
    worth = stakes(labels_of(SEPTIC), starts_of(40))

    assert worth.alert[26 + since] == pytest.approx(alert, abs=1e-12)
    assert worth.silent[26 + since] == pytest.approx(silent, abs=1e-12)


def test_hours_of_a_stay_without_sepsis() -> None:
    worth = stakes(labels_of("000"), starts_of(3))

    assert (worth.alert.tolist(), worth.silent.tolist()) == ([-0.05] * 3, [0.0] * 3)


def test_silence_is_0_the_best_is_1_and_the_opposite_of_the_best_is_below_silence() -> None:
    labels, starts = labels_of(SEPTIC, "0" * 30), starts_of(40, 30)
    best = np.r_[(np.arange(40) >= 14) & (np.arange(40) <= 29), np.zeros(30, bool)]

    assert challenge_utility(labels, np.zeros(70), starts) == 0
    assert challenge_utility(labels, best, starts) == pytest.approx(1)
    assert challenge_utility(labels, ~best, starts) < 0


def test_one_alert_at_the_best_hour_by_hand() -> None:
    """Alert at -6 h: +1. The best: rising 0 + 1/6 .. 1 = 3.5, falling 8/9 .. 0 = 4. Silence: -2/9 x (1 + .. + 9) = -10."""
    alerts = np.arange(40) == 20

    assert challenge_utility(labels_of(SEPTIC), alerts, starts_of(40)) == pytest.approx(1 / 17.5)


def test_the_published_example_of_one_stay() -> None:
    """physionetchallenges/evaluation-2019 gives 3.3889 for these labels and alerts, not normalised."""
    worth, alerts = stakes(labels_of("000011"), starts_of(6)), labels_of("001111")

    assert np.where(alerts, worth.alert, worth.silent).sum() == pytest.approx(3.388888888888889)


def test_without_a_stay_with_sepsis_there_is_nothing_to_gain() -> None:
    assert math.isnan(challenge_utility(labels_of("000"), np.ones(3), starts_of(3)))


stay = st.integers(1, 40).flatmap(
    lambda hours: st.tuples(
        st.integers(NEVER, hours - 1).map(lambda first: [int(NEVER < first <= hour) for hour in range(hours)]),
        st.lists(st.integers(0, 1), min_size=hours, max_size=hours),
    )
)


@given(st.lists(stay, min_size=1, max_size=6))
def test_it_is_what_the_definition_says(stays: list[tuple[list[int], list[int]]]) -> None:
    stays = [([0] * 15 + [1] * 10, [0] * 25), *stays]
    labels, alerts = (np.concatenate([each[part] for each in stays]) for part in (0, 1))

    ours = challenge_utility(labels, alerts, starts_of(*[len(each[0]) for each in stays]))

    assert ours == pytest.approx(normalised(stays), abs=1e-9)


@given(st.integers(0, 10_000))
def test_no_other_threshold_has_more_utility(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels, starts = labels_of(SEPTIC, "0" * 30, "0011"), starts_of(40, 30, 4)
    probability = np.round(random.random(74) * 0.5 + labels * 0.3, 1).astype(np.float64)

    threshold, utility = best_threshold(labels, probability, starts)

    tried = [challenge_utility(labels, probability >= each, starts) for each in (*np.unique(probability), math.inf)]
    assert utility == pytest.approx(max(tried), abs=1e-9)
    assert challenge_utility(labels, probability >= threshold, starts) == pytest.approx(utility, abs=1e-9)


def test_where_alerts_only_cost_no_threshold_alerts() -> None:
    assert best_threshold(labels_of("000"), np.ones(3), starts_of(3)) == (math.inf, 0.0)

"""Alerts, events and lead time by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.risk.evaluate.alert_hours import alert_hours
from analytics.risk.evaluate.events import CHALLENGE, find_events
from analytics.risk.evaluate.measures import MEANING, Alerting, lead_times, median_of, metrics
from tests.unit.analytics.risk.evaluate.tables import labels_of, starts_of, ward

#: Onset in row 16: in time are rows 4 to 19. One stay with a standing alert, one with a new one, one missed, one without event.
LABELS = labels_of(*["0" * 10 + "1" * 14] * 3, "0" * 24)
STARTS = starts_of(24, 24, 24, 24)
ALERTS = labels_of("1" * 6 + "0" * 18, "0" * 12 + "11" + "0" * 10, "0" * 20 + "1111", "0" * 12 + "1" * 6 + "0" * 6) > 0


def measured() -> dict[str, float]:
    one = Alerting(LABELS.astype(float), ALERTS.astype(float), ALERTS, STARTS, CHALLENGE)
    return {name: metric(np.ones(4)) for name, metric in metrics(one).items()}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sensitivity_stays", 2 / 3),
        ("sensitivity_new", 1 / 3),  # the first stay's alert stood before
        ("sensitivity_hours", 6 / 42),
        ("ppv_hours", 6 / 18),
        ("ppv_new", 1 / 4),
        ("alert_hours_per_day", 18 / 4),
        ("new_alerts_per_day", 4 / 4),
        ("false_per_event", 3),
        ("lead_h", 4),  # 12, 4, missed
    ],
)
def test_by_hand(name: str, value: float) -> None:
    assert measured()[name] == pytest.approx(value)


def test_every_metric_is_explained() -> None:
    assert set(measured()) < set(MEANING)
    assert "{" not in "".join(MEANING.values()).replace("{row}", "")


def test_lead_time_is_the_first_alert_in_time_and_missed_ones_rank_last() -> None:
    leads = lead_times(ALERTS, find_events(LABELS, STARTS), STARTS)

    assert leads.tolist() == [12, 4, -math.inf, -math.inf]


def test_a_median_of_mostly_missed_events_is_not_defined() -> None:
    metric = median_of(np.array([-math.inf, -math.inf, 5.0]), np.array([True, True, False, True]))

    assert math.isnan(metric(np.ones(4)))
    assert metric(np.array([0, 1, 9, 2.0])) == 5


def test_some_stays_alone_measure_as_if_they_were_all() -> None:
    whole = Alerting(LABELS.astype(float), ALERTS.astype(float), ALERTS, STARTS, CHALLENGE)
    some = whole.of(np.array([False, True, False, True]))

    assert some.starts.tolist() == [0, 24, 48]
    assert metrics(some)["sensitivity_new"](np.ones(2)) == 1


def test_a_model_equal_to_the_baseline_needs_all_its_alert_hours() -> None:
    hours, y, risk = ward()
    same = Alerting(y, risk, risk >= 0.4, hours.starts, CHALLENGE)

    by_hours, by_stays = alert_hours(same, same, 50, 1)

    assert by_hours.ratio.value == pytest.approx(1, abs=0.02)
    assert by_stays.ratio.value == pytest.approx(1, abs=0.05)
    assert by_hours.sensitivity.value == pytest.approx((y * same.alerts).sum() / y.sum(), abs=1e-5)


def test_by_hours_a_coin_gains_nothing_but_by_stays_its_flicker_does() -> None:
    """Why the hours count: a coin that alerts a fifth of the hours touches nearly every stay once."""
    hours, y, risk = ward()
    coin = np.random.default_rng(1).random(len(y))
    model = Alerting(y, risk, risk >= 0.4, hours.starts, CHALLENGE)

    by_hours, by_stays = alert_hours(model, Alerting(y, coin, coin > 0.8, hours.starts, CHALLENGE), 50, 1)

    assert by_hours.ratio.high is not None
    assert by_hours.ratio.high < 0.6
    assert by_stays.ratio.low is not None
    assert by_stays.ratio.low > 1


def test_a_baseline_that_never_alerts_has_no_ratio() -> None:
    hours, y, risk = ward(40)
    silent = Alerting(y, risk * 0, risk > 1, hours.starts, CHALLENGE)

    for found in alert_hours(Alerting(y, risk, risk > 0.5, hours.starts, CHALLENGE), silent, 20, 1):
        assert (found.sensitivity.value, found.model.value, found.ratio.value) == (0, 0, None)

"""What is measured of one way to alert, overall and in every group: the metrics of fairness.md, section 2, by name.

An event is a stay with the event; it is *alerted* when an alert stands in time (from 12 h before to 3 h after the onset), *newly
alerted* when an alert begins there (evaluation.md: an alert that stood before catches nothing). Hours are counted by their label.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analytics.risk.evaluate.calibration import brier
from analytics.risk.evaluate.discrimination import Ranked
from analytics.risk.evaluate.events import Bools, Events, Floats, Setting, by_stay, find_events, patients_of, rises
from analytics.risk.evaluate.intervals import Metric, ratio
from analytics.risk.evaluate.utility import utility_parts
from vigil.domain.readings import I64

#: Name of each metric to what it says, with its unit, ``{row}`` to be filled with ``Setting.row``; the order of tables.
MEANING = {
    "auroc": "AUROC by {row} (0.5 = chance)",
    "auprc": "AUPRC by {row} (chance = share of labelled {row}s)",
    "utility": "utility of the Challenge 2019 (0 = never alerting, 1 = best)",
    "sensitivity_stays": "share of stays with the event that are alerted in time",
    "sensitivity_new": "share of stays with the event in which an alert begins in time",
    "sensitivity_hours": "share of the labelled {row}s that alert",
    "ppv_hours": "share of the alert {row}s that are labelled",
    "ppv_new": "share of the alerts that begin in time",
    "alert_hours_per_day": "alert {row}s per patient-day",
    "new_alerts_per_day": "alerts that begin, per patient-day",
    "false_per_event": "alerts that begin not in time, for each event that is newly alerted",
    "lead_h": "hours from the first alert in time to the onset, median of all events, missed ones last",
    "observed_expected": "labelled {row}s for each one predicted (1 = honest)",
    "brier": "mean squared error of the probability",
    "scored": "share of {row}s with enough fresh inputs for the model",
}


@dataclass(frozen=True, slots=True)
class Alerting:
    """One way to alert on one table; (n,) each. ``score``: higher = worse. ``probability`` where the score is one, else None.
    ``scored``: the model decided this hour."""

    y: Floats
    score: Floats
    alerts: Bools
    starts: I64
    setting: Setting
    probability: Floats | None = None
    scored: Bools | None = None

    def of(self, stays: Bools) -> Alerting:
        """The same for some of the stays, ``stays`` (stays,)."""
        rows = stays[patients_of(self.starts)]
        lengths = np.diff(self.starts)[stays]
        starts = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        probability = None if self.probability is None else self.probability[rows]
        scored = None if self.scored is None else self.scored[rows]
        return Alerting(self.y[rows], self.score[rows], self.alerts[rows], starts, self.setting, probability, scored)


def metrics(alerting: Alerting) -> dict[str, Metric]:
    """Functions of the weights of ``alerting``'s stays."""
    ranked = Ranked(alerting.y, alerting.score, alerting.starts)
    found: dict[str, Metric] = {"auroc": ranked.auroc, "auprc": ranked.auprc, **_alerts(alerting)}
    if alerting.setting.utility:
        found["utility"] = ratio(*utility_parts(alerting.y, alerting.alerts, alerting.starts))
    ones = np.diff(alerting.starts).astype(np.float64)
    if alerting.probability is not None:
        expected = by_stay(alerting.probability, alerting.starts)
        found["observed_expected"] = ratio(by_stay(alerting.y, alerting.starts), expected)
        found["brier"] = brier(alerting.y, alerting.probability, alerting.starts)
    if alerting.scored is not None:
        found["scored"] = ratio(by_stay(alerting.scored, alerting.starts), ones)
    return {name: found[name] for name in MEANING if name in found}


def _alerts(alerting: Alerting) -> dict[str, Metric]:
    starts, setting = alerting.starts, alerting.setting
    events = find_events(alerting.y, starts, setting)
    alerts, new = alerting.alerts, rises(alerting.alerts, starts)
    stays = events.stays.astype(np.float64)
    newly = (by_stay(new & events.window, starts) > 0).astype(np.float64)
    hours, labelled = by_stay(np.ones_like(alerting.y), starts), by_stay(alerting.y, starts)
    a_day = 24 / setting.row_h
    return {
        "sensitivity_stays": ratio((by_stay(alerts & events.window, starts) > 0).astype(np.float64), stays),
        "sensitivity_new": ratio(newly, stays),
        "sensitivity_hours": ratio(by_stay(alerts * alerting.y, starts), labelled),
        "ppv_hours": ratio(by_stay(alerts * alerting.y, starts), by_stay(alerts, starts)),
        "ppv_new": ratio(by_stay(new & events.window, starts), by_stay(new, starts)),
        "alert_hours_per_day": ratio(by_stay(alerts, starts), hours, a_day),
        "new_alerts_per_day": ratio(by_stay(new, starts), hours, a_day),
        "false_per_event": ratio(by_stay(new & ~events.window, starts), newly),
        "lead_h": median_of(lead_times(alerts, events, starts)[events.stays] * setting.row_h, events.stays),
    }


def lead_times(alerts: Bools, events: Events, starts: I64) -> Floats:
    """(stays,) rows from the first alert in time to the onset, negative after it; -inf where there was none."""
    before = np.where(alerts & events.window, -events.since.astype(np.float64), -np.inf)
    return np.asarray(np.maximum.reduceat(before, starts[:-1]))


def median_of(values: Floats, stays: Bools) -> Metric:
    """Weighted lower median of one value for each of the stays that are True; NaN where it is infinite: most were missed."""
    order = np.argsort(values, kind="stable")
    ascending, chosen = values[order], np.flatnonzero(stays)[order]

    def metric(weights: Floats) -> float:
        total = np.cumsum(weights[chosen])
        if not len(total) or total[-1] == 0:
            return math.nan
        middle = ascending[np.searchsorted(total, total[-1] / 2)]
        return float(middle) if math.isfinite(middle) else math.nan

    return metric

"""How many alert hours the model needs to find as much as the baseline does at its usual limit (NEWS2 of 5 or more).

Two ways to say "as much". **By hours** counts: the same share of the labelled hours alerts; numerator and denominator are both
hours, and a threshold that flickers gains nothing. By stays is given beside it: the same share of stays with the event is alerted
in time, where one hour in fifteen is enough. The threshold is found again in every draw, so the interval holds its uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.risk.evaluate.discrimination import Ranked
from analytics.risk.evaluate.events import Bools, Floats, by_stay, find_events, patients_of
from analytics.risk.evaluate.intervals import DRAWS, Figure, Metric, Sampled, ratio, sample, summary
from analytics.risk.evaluate.measures import Alerting


@dataclass(frozen=True, slots=True)
class AlertHours:
    """``sensitivity`` of the baseline, which the model is held to; shares of all hours that alert then; ``ratio`` model /
    baseline."""

    sensitivity: Figure
    baseline: Figure
    model: Figure
    ratio: Figure


def alert_hours(model: Alerting, baseline: Alerting, n: int = DRAWS, seed: int = 0) -> tuple[AlertHours, AlertHours]:
    """By hours, and by stays."""
    starts = model.starts
    hours = np.diff(starts).astype(np.float64)
    alerting = ratio(by_stay(baseline.alerts, starts), hours)
    ranked = Ranked(model.y, model.score, starts)
    found = ratio(by_stay(baseline.alerts * model.y, starts), by_stay(model.y, starts))
    events = find_events(model.y, starts, model.setting)
    caught = by_stay(baseline.alerts & events.window, starts) > 0
    stays = ratio(caught.astype(np.float64), events.stays.astype(np.float64))
    worst = np.maximum.reduceat(np.where(events.window, model.score, -np.inf), starts[:-1])
    wanted: dict[str, Metric] = {
        "baseline": alerting,
        "by hours": found,
        "model by hours": lambda weights: ranked.alerted_at(found(weights), weights),
        "by stays": stays,
        "model by stays": _by_stays(model, worst, events.stays, stays),
    }
    values = sample(wanted, starts, n, seed)
    return _pair("by hours", values), _pair("by stays", values)


def _pair(way: str, values: dict[str, Sampled]) -> AlertHours:
    model, baseline = values[f"model {way}"], values["baseline"]
    # A baseline that never alerts (0 / 0) has no ratio.
    shares = np.divide(model, baseline, out=np.full_like(model, np.nan), where=baseline > 0)
    return AlertHours(summary(values[way]), summary(baseline), summary(model), summary(shares))


def _by_stays(model: Alerting, worst: Floats, with_event: Bools, sensitivity: Metric) -> Metric:
    """Share of hours at or above the highest threshold that alerts this share of the stays with the event in time."""
    stay = patients_of(model.starts)
    chosen = np.flatnonzero(with_event)
    chosen = chosen[np.argsort(-worst[chosen], kind="stable")]

    def metric(weights: Floats) -> float:
        total = np.cumsum(weights[chosen])
        if not len(total) or total[-1] == 0:
            return float("nan")
        needed = sensitivity(weights) * total[-1]
        if needed == 0:
            return 0.0
        # A rounding error must not ask for one stay more.
        threshold = worst[chosen[np.searchsorted(total, needed - 1e-6)]]
        rows = weights[stay]
        return float(rows[model.score >= threshold].sum() / rows.sum())

    return metric

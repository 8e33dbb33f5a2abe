"""Is acting on the model better than acting on everybody, on nobody or on NEWS2?

Net benefit at threshold probability t: true alerts - false alerts x t / (1 - t), per hour watched. t says how many false alerts a
true one is worth: 5 % = 19. Vickers and Elkin, Med Decis Making 2006;26:565-574.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.events import Floats

#: From 199 false alerts for a true one to 4.
THRESHOLDS = (0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.125, 0.15, 0.2)


@dataclass(frozen=True, slots=True)
class DecisionCurve:
    """Net benefit per 1,000 hours at each threshold. ``baseline``: alerts of the baseline's usual limit. ``baseline_risk``: the
    baseline with a probability for each of its levels, learned on these very hours, which flatters it. ``none`` is 0."""

    thresholds: tuple[float, ...]
    model: tuple[float, ...]
    everybody: tuple[float, ...]
    baseline: tuple[float, ...]
    baseline_risk: tuple[float, ...]


def decision_curve(
    y: NDArray[np.generic],
    p: Floats,
    baseline_alerts: NDArray[np.generic],
    baseline_levels: NDArray[np.generic],
    thresholds: tuple[float, ...] = THRESHOLDS,
) -> DecisionCurve:
    """All (n,): 0 or 1, probability, alert of the baseline, its level (whole points, or any score with few values)."""
    event = np.asarray(y) > 0
    alerts, risk = np.asarray(baseline_alerts) > 0, risk_by_level(event, baseline_levels)
    return DecisionCurve(
        thresholds,
        tuple(net_benefit(event, p >= at, at) for at in thresholds),
        tuple(net_benefit(event, np.ones_like(event), at) for at in thresholds),
        tuple(net_benefit(event, alerts, at) for at in thresholds),
        tuple(net_benefit(event, risk >= at, at) for at in thresholds),
    )


def net_benefit(y: NDArray[np.bool_], alerts: NDArray[np.bool_], threshold: float) -> float:
    """Per 1,000 hours.

    >>> net_benefit(np.array([True, False, False, False]), np.array([True, True, False, False]), 0.2)
    187.5
    """
    true, every = int((y & alerts).sum()), int(alerts.sum())
    return round(1000 * (true - (every - true) * threshold / (1 - threshold)) / len(y), 4)


def risk_by_level(y: NDArray[np.bool_], levels: NDArray[np.generic]) -> Floats:
    """(n,) share of events among the hours with the same level."""
    _, level = np.unique(levels, return_inverse=True)
    return (np.bincount(level, y) / np.bincount(level))[level]

"""What alerting at random would catch at the same burden: the figure that a sensitivity must be read beside."""

from __future__ import annotations

import numpy as np

from vigil.domain.readings import F64


def sensitivity(rate_per_day: float, window_days: F64) -> float | None:
    """Share of events with at least one alert of a Poisson process inside their [onset, critical_at].

    >>> round(sensitivity(1.0, np.array([1.0, 1.0])), 3)
    0.632
    """
    if not window_days.size:
        return None
    return float(np.mean(1.0 - np.exp(-rate_per_day * window_days)))


def median_lead_s(rate_per_day: float, window_days: F64) -> float | None:
    """Median lead time of such alerts, seconds, missed events last; None where most are missed."""
    if not window_days.size or (sensitivity(rate_per_day, window_days) or 0.0) < 0.5:
        return None
    low, high = 0.0, float(window_days.max())
    for _ in range(60):  # halving: a day to less than a nanosecond
        lead = (low + high) / 2
        early = np.mean(1.0 - np.exp(-rate_per_day * np.maximum(window_days - lead, 0.0)))
        low, high = (lead, high) if early >= 0.5 else (low, lead)
    return low * 86_400.0

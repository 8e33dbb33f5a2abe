"""The utility of the PhysioNet/CinC Challenge 2019, which rewards an alert in time and charges for late, missing and false ones.

Source: Reyna et al., "Early prediction of sepsis from clinical data", Crit Care Med 2020;48:210-217. Hours count from the onset
of sepsis; what is linear between the corners is straight.

    alert, stay with sepsis      -0.05 before -12 h, 0 at -12 h, 1 at -6 h, 0 at +3 h, 0 after
    silent, stay with sepsis     0 up to -6 h, -2 at +3 h, 0 after
    alert, stay without sepsis   -0.05
    silent, stay without sepsis  0

0 = a monitor that never alerts, 1 = one that alerts exactly from 12 h before to 3 h after the onset.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.events import Floats, by_stay, find_events
from vigil.domain.readings import I64

#: Hours from the onset of sepsis.
EARLY, OPTIMAL, LATE = -12.0, -6.0, 3.0
BEST_ALERT, WORST_SILENCE, FALSE_ALERT = 1.0, -2.0, -0.05


@dataclass(frozen=True, slots=True)
class Stakes:
    """(n,) each: what an hour is worth when it alerts, when it is silent, and when it does what the best monitor does."""

    alert: Floats
    silent: Floats
    best: Floats

    def gain(self) -> Floats:
        """(n,) what an alert adds in each hour."""
        return self.alert - self.silent


def stakes(labels: NDArray[np.generic], starts: I64) -> Stakes:
    """What each hour is worth; ``labels`` (n,) as in the Challenge, ``starts`` (stays + 1,)."""
    events = find_events(labels, starts)
    since = events.since.astype(np.float64)
    septic = np.repeat(events.stays, np.diff(starts))
    rising = np.maximum(BEST_ALERT * (since - EARLY) / (OPTIMAL - EARLY), FALSE_ALERT)
    falling = np.where(since <= LATE, BEST_ALERT * (LATE - since) / (LATE - OPTIMAL), 0.0)
    alert = np.where(septic, np.where(since <= OPTIMAL, rising, falling), FALSE_ALERT)
    overdue = septic & (since > OPTIMAL) & (since <= LATE)
    silent = np.where(overdue, WORST_SILENCE * (since - OPTIMAL) / (LATE - OPTIMAL), 0.0)
    return Stakes(alert, silent, np.where(events.window, alert, silent))


def challenge_utility(labels: NDArray[np.generic], alerts: NDArray[np.generic], starts: I64) -> float:
    """Normalised utility: 0 = never alerting, 1 = the best possible; below 0 where alerts cost more than they bring. NaN where no
    stay has sepsis, for then nothing can be gained.

    >>> labels, starts = np.r_[np.zeros(10), np.ones(10)], np.array([0, 20])
    >>> challenge_utility(labels, np.zeros(20), starts), challenge_utility(labels, np.ones(20) > 0, starts) > 0.9
    (0.0, True)
    """
    gained, possible = utility_parts(labels, alerts, starts)
    return float(gained.sum() / possible.sum()) if possible.sum() > 0 else math.nan


def utility_parts(labels: NDArray[np.generic], alerts: NDArray[np.generic], starts: I64) -> tuple[Floats, Floats]:
    """(stays,) each: what the alerts gained over silence in each stay, and what the best monitor would have gained."""
    worth = stakes(labels, starts)
    gained = np.where(np.asarray(alerts) > 0, worth.gain(), 0.0)
    return by_stay(gained, starts), by_stay(worth.best - worth.silent, starts)


def best_threshold(
    labels: NDArray[np.generic], probability: Floats, starts: I64, weight: Floats | None = None
) -> tuple[float, float]:
    """The threshold with the most utility where an alert is ``probability >= threshold``, and that utility. To be chosen on
    other patients than it is judged on. Infinite where silence is best. ``weight`` (n,): what an hour counts, 1 without.

    >>> best_threshold(np.r_[np.zeros(4), np.ones(7)], np.linspace(0, 1, 11), np.array([0, 11]))[0]
    0.0
    """
    worth = stakes(labels, starts)
    order = np.argsort(-probability, kind="stable")
    ranked = probability[order]
    weights = np.ones(len(order)) if weight is None else weight
    total = np.cumsum((weights * worth.gain())[order])
    last_of_tie = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    at = last_of_tie[np.argmax(total[last_of_tie])]
    possible = float((weights * (worth.best - worth.silent)).sum())
    if total[at] <= 0 or possible <= 0:
        return math.inf, 0.0
    return float(ranked[at]), float(total[at] / possible)

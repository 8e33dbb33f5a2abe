"""What a prediction is worth: how often the event came among people with about this prediction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.calibration import QUANTILES
from analytics.risk.evaluate.events import by_stay, patients_of
from analytics.risk.evaluate.intervals import DRAWS, by_patient, ratio
from analytics.risk.evaluate.privacy import LEAST
from analytics.risk.train.task import Floats


def bands(
    y: NDArray[np.int8], probability: Floats, starts: NDArray[np.int64], seed: int, draws: int = DRAWS
) -> tuple[Floats, Floats, Floats]:
    """(edges, low, high) as in ``Predictor``: 95 % intervals by patient. A band that holds fewer than ten patients with the event
    is joined with the next."""
    stay, stays = patients_of(starts), len(starts) - 1
    inner = np.unique(np.quantile(probability, QUANTILES[1:-1]))
    band = np.searchsorted(inner, probability, side="right")
    with_event = [len(np.unique(stay[(band == each) & (y > 0)])) for each in range(len(inner) + 1)]
    kept = _joined(np.array(with_event))
    edges = inner[kept]
    band = np.searchsorted(edges, probability, side="right")
    low, high = np.empty(len(edges) + 1), np.empty(len(edges) + 1)
    for each in range(len(edges) + 1):
        inside = band == each
        rate = ratio(by_stay(y * inside, starts), by_stay(inside, starts))
        low[each], high[each] = by_patient(rate, starts, draws, seed) if stays > 1 else (0.0, 1.0)
    return edges, np.nan_to_num(low, nan=0.0), np.nan_to_num(high, nan=1.0)


def _joined(counts: NDArray[np.int64]) -> list[int]:
    """Places of the edges to be kept, so that every band between them counts ``LEAST``; the last one may take in the one before.

    >>> _joined(np.array([3, 8, 12, 2]))
    [1]
    """
    kept: list[int] = []
    held = 0
    for place, count in enumerate(counts[:-1]):
        held += int(count)
        if held >= LEAST:
            kept.append(place)
            held = 0
    if kept and held + int(counts[-1]) < LEAST:
        kept.pop()
    return kept

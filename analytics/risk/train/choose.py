"""Which candidate is taken: the simplest of those that cannot be told from the best."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.discrimination import Ranked
from analytics.risk.evaluate.intervals import Sampled, interval, sample
from analytics.risk.train.task import Floats

#: Draws of the bootstrap that decides inside a fold.
DRAWS = 100


def ranked(
    y: NDArray[np.int8], scores: Mapping[str, Floats], starts: NDArray[np.int64], seed: int, draws: int
) -> dict[str, Sampled]:
    """AUROC of each candidate, over all patients and in the same draws of them."""
    metrics = {name: Ranked(y, score, starts).auroc for name, score in scores.items()}
    return sample(metrics, starts, draws, seed)


def choose(auroc: Mapping[str, Sampled], tie: float | None) -> str:
    """The first, hence simplest, that ties with the best: within ``tie``, or None: the 95 % interval of best minus it holds 0.

    >>> choose({"plain": np.array([0.70, 0.68, 0.74]), "fancy": np.array([0.71, 0.72, 0.71])}, None)
    'plain'
    """
    best = max(auroc, key=lambda name: auroc[name][0])
    return next(name for name in auroc if name == best or _ties(auroc[best] - auroc[name], tie))


def _ties(behind: Sampled, tie: float | None) -> bool:
    return bool(behind[0] <= tie if tie is not None else interval(behind[1:])[0] <= 0)

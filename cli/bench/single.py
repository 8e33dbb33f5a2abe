"""Figures of one thing each: how fast memory is copied here, and NEWS2 of a whole hospital."""

from __future__ import annotations

from statistics import median

import numpy as np

from analytics.engine.compiled import Kernels
from analytics.scores.bands import COMPLETE
from analytics.scores.news2 import news2_columns
from cli.bench.contest import timed
from vigil.runtime.clock import Clock

#: Bytes of the array that is copied; caches are smaller, or it is their rate that the engine meets as well.
COPIED = 256 * 2**20
NEWS2_PATIENTS = 10_000
_REPEATS = 21
#: Share of NEWS2 inputs that are not known.
_UNKNOWN = 0.02


def copy_rate(rounds: int, clock: Clock) -> float:
    """Bytes a second of numpy copying one large array, each byte counted once."""
    source = np.ones(COPIED // 8)
    target = np.zeros(COPIED // 8)
    return COPIED / median(timed(clock, lambda: np.copyto(target, source))[0] for _ in range(rounds))


def news2_seconds(kernels: Kernels, clock: Clock) -> tuple[float, int]:
    """Median seconds for ``NEWS2_PATIENTS`` at once, and how many of them had all inputs."""
    rng = np.random.default_rng(3)
    size = NEWS2_PATIENTS
    inputs = np.column_stack(
        [
            rng.normal(17, 4, size),
            np.minimum(rng.normal(95, 3, size), 100.0),
            rng.random(size) < 0.3,
            rng.normal(122, 20, size),
            rng.normal(84, 20, size),
            rng.random(size) < 0.05,
            rng.normal(37.0, 0.8, size),
        ]
    )
    inputs[rng.random(inputs.shape) < _UNKNOWN] = np.nan
    scale2 = (rng.random(size) < 0.1).astype(np.uint8)
    news2_columns(inputs, scale2, kernels)
    found = [timed(clock, lambda: news2_columns(inputs, scale2, kernels)) for _ in range(_REPEATS)]
    return median(seconds for seconds, _ in found), int(found[0][1][:, COMPLETE].sum())

"""Gate: which values say something about the patient, and which only about the sensor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vigil.domain.quality import GATED, Quality
from vigil.domain.readings import ReadingBatch

#: Bits that lower the confidence in a value without gating it: scores prefer a sensor without them.
DOUBTFUL = int(Quality.LOW_PERFUSION | Quality.EARLY_ESTIMATE | Quality.CLOCK_AHEAD)


def gated(batch: ReadingBatch) -> NDArray[np.bool_]:
    """True where a value is never compared with a limit and never scored; a NaN always is."""
    result: NDArray[np.bool_] = ((batch.quality & GATED) != 0) | np.isnan(batch.value)
    return result


def may_be_critical(batch: ReadingBatch) -> NDArray[np.bool_]:
    """True where a gated value still calls somebody when it lies beyond a severe limit: shock itself spoils the signal.
    A device's self test does not."""
    result: NDArray[np.bool_] = (batch.quality & int(Quality.TEST)) == 0
    return result


def doubt_rank(quality: int) -> int:
    """0 = nothing speaks against the value; more = less confidence. Only to choose between two sensors."""
    return (quality & DOUBTFUL).bit_count()

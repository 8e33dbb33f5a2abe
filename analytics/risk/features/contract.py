"""What a set of features is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.risk.hours import Hours

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """``columns``: the Challenge's columns that must be there. ``names``: one a feature. ``groups``: one a feature, what it is
    about (a vital of ``vigil.domain.vitals``, "age", "sex", "labs" ...). ``rises``: one a feature, by what bodies do: 1 = where
    it is higher the risk is not lower, -1 = not higher, 0 = either.

    ``compute(hours, rows)`` gives (len(rows), features), NaN = not known; ``rows`` None = all. A row is computed from rows of
    its own patient at or before it and at most ``lookback_h`` hours older, whatever else there is.
    """

    name: str
    columns: tuple[str, ...]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    rises: tuple[int, ...]
    lookback_h: int
    compute: Callable[[Hours, Rows | None], Matrix]

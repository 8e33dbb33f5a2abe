"""The raw score of a fitted estimator without the library's detours; what is not known here is asked of the library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from analytics.risk.features.contract import Matrix
from analytics.risk.line import Line, line_of
from analytics.risk.trees import Trees, trees_of
from vigil.domain.readings import F64

Score = Callable[[Matrix], F64]


def quick(estimator: Any) -> Score:
    """Gives what ``raw_score`` gives: of trees to the last bit, of a line to 1e-12. Arrays are made of the estimator once, here,
    and nowhere stored. The score raises ``ValueError`` for rows of another width."""
    fitted = estimator if isinstance(estimator, list) else [estimator]
    parts, widths = [_sums(part) for part in fitted], {int(part.n_features_in_) for part in fitted}

    def score(matrix: Matrix) -> F64:
        rows = np.ascontiguousarray(matrix, np.float32)
        if {rows.shape[-1]} != widths:  # compiled code would read beyond the row
            raise ValueError(f"rows of {rows.shape[-1]} features, where the model knows {sorted(widths)}")
        result: F64 = np.mean([part(rows) for part in parts], axis=0, dtype=np.float64)
        return result

    return score


def _sums(part: Any) -> Callable[[Matrix], Any]:
    packed: Trees | Line | None = None
    if isinstance(part, HistGradientBoostingClassifier):
        packed = trees_of(part)
    elif isinstance(part, Pipeline):
        packed = line_of(part)
    sums: Callable[[Matrix], Any] = part.decision_function if packed is None else packed.sums
    return sums

"""A linear model with what goes before it (scaled, kept within bounds, gaps filled, marks of what was not known), in one pass
over the rows. A row's sum is added feature after feature, whoever stands beside it; scikit-learn's own product gives other last
digits where other rows are asked with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import MinMaxScaler, RobustScaler
from sklearn.svm import LinearSVC

from analytics.risk.compiled import compiled
from analytics.risk.features.contract import Matrix
from analytics.risk.sides import side_by_side
from vigil.domain.readings import F64

#: Rows whose sums stay in the processor's cache while all features are added.
_BLOCK = 128


@dataclass(frozen=True, slots=True)
class Line:
    """(features,) each: ``center``, ``scale``; ``weights``; ``marks``: added where it is not known. ``far``: a scaled value
    counts as this at most, up and down."""

    center: Matrix
    scale: F64
    far: float
    weights: F64
    marks: F64
    intercept: float

    def sums(self, matrix: Matrix) -> F64:
        """(rows,) of a matrix (rows, features), C-contiguous."""
        out, kernel = np.empty(len(matrix)), compiled(line_kernel)
        packed = self.center, self.scale, self.far, self.weights, self.marks, self.intercept

        def fill(rows: slice) -> None:
            kernel(matrix[rows], *packed, out[rows])

        side_by_side(len(matrix), fill)
        return out


def line_of(pipeline: Any) -> Line | None:
    """Of a fitted pipeline of ``candidates.Straight`` whose parts fit together; None for any other."""
    steps = [step for _, step in pipeline.steps]
    kinds = (RobustScaler, MinMaxScaler, SimpleImputer, LogisticRegression | LinearSVC)
    if len(steps) != len(kinds) or not all(map(isinstance, steps, kinds)):
        return None
    scaler, bounds, imputer, linear = steps
    center, scale, (low, far) = scaler.center_, scaler.scale_, bounds.feature_range
    marked = np.array(imputer.indicator_.features_ if imputer.add_indicator else (), np.int64)
    features = len(center)
    fits = center.shape == scale.shape == bounds.scale_.shape == bounds.min_.shape == imputer.statistics_.shape
    if not fits or features != pipeline.n_features_in_ or linear.coef_.shape != (1, features + len(marked)):
        return None
    as_they_are = bounds.clip and low == -far and (bounds.scale_ == 1).all() and (bounds.min_ == 0).all()
    if not as_they_are or (imputer.statistics_ != 0).any() or not np.isin(marked, np.arange(features)).all():
        return None
    if (center.dtype, scale.dtype, linear.coef_.dtype) != (np.float32, np.float64, np.float64):
        return None
    marks = np.zeros(features)
    marks[marked] = linear.coef_[0, features:]
    return Line(center, scale, float(far), linear.coef_[0, :features].copy(), marks, float(linear.intercept_[0]))


def line_kernel(
    matrix: Matrix, center: Matrix, scale: F64, far: float, weights: F64, marks: F64, intercept: float, out: F64
) -> None:
    """``out`` (rows,), see ``Line``. Differences are float32, quotients float64 and kept as float32, as in scikit-learn."""
    values = np.zeros(_BLOCK, np.float32)
    for begin in range(0, matrix.shape[0], _BLOCK):
        total = out[begin : begin + _BLOCK]
        total[:] = intercept
        for place in range(center.size):
            middle, size, weight, mark = center[place], scale[place], weights[place], marks[place]
            for row in range(total.size):
                values[row] = matrix[begin + row, place]
            for row in range(total.size):
                scaled = float(np.float32((values[row] - middle) / size))
                scaled = far if scaled > far else (-far if scaled < -far else scaled)
                total[row] += mark if np.isnan(scaled) else weight * scaled

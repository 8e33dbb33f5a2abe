"""A linear model with what goes before it (gaps filled, marks of what was not known, scaled), in one pass over the rows; the same
as scikit-learn's steps, to the last bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import RobustScaler
from sklearn.svm import LinearSVC

from analytics.risk.compiled import compiled
from analytics.risk.features.contract import Matrix
from analytics.risk.sides import side_by_side
from vigil.domain.readings import F64, I64


@dataclass(frozen=True, slots=True)
class Line:
    """``usual`` (features,): in place of what is not known. ``marked`` (marks,): features of which it is told whether they are
    known. (features + marks,) each: ``center``, ``scale``. ``weights`` (features + marks, 1) and ``intercept`` (1,)."""

    usual: Matrix
    marked: I64
    center: Matrix
    scale: F64
    weights: NDArray[np.floating]
    intercept: NDArray[np.floating]

    def sums(self, matrix: Matrix) -> NDArray[np.floating]:
        """(rows,) of a matrix (rows, features), C-contiguous. The product is numpy's over all rows, as in scikit-learn: in parts
        its last digits could be others."""
        scaled, kernel = np.empty((len(matrix), len(self.center)), np.float32), compiled(scale_kernel)

        def fill(rows: slice) -> None:
            kernel(matrix[rows], self.usual, self.marked, self.center, self.scale, scaled[rows])

        side_by_side(len(matrix), fill)
        sums: NDArray[np.floating] = (scaled @ self.weights + self.intercept).reshape(-1)
        return sums


def line_of(pipeline: Any) -> Line | None:
    """Of a fitted pipeline of these three steps that learned from float32, whose parts fit together; None for any other."""
    steps = [step for _, step in pipeline.steps]
    if len(steps) != 3 or not isinstance(steps[2], LogisticRegression | LinearSVC):
        return None
    imputer, scaler, linear = steps
    if not isinstance(imputer, SimpleImputer) or not isinstance(scaler, RobustScaler):
        return None
    usual, center, scale = imputer.statistics_, scaler.center_, scaler.scale_
    if (usual.dtype, center.dtype, scale.dtype) != (np.float32, np.float32, np.float64) or np.isnan(usual).any():
        return None
    marked = np.array(imputer.indicator_.features_ if imputer.add_indicator else (), np.int64)
    width = len(usual) + len(marked)
    fits = center.shape == scale.shape == (width,) and linear.coef_.shape == (1, width)
    if len(usual) != pipeline.n_features_in_ or not fits or not np.isin(marked, np.arange(len(usual))).all():
        return None
    return Line(usual, marked, center, scale, linear.coef_.T, linear.intercept_)


def scale_kernel(matrix: Matrix, usual: Matrix, marked: I64, center: Matrix, scale: F64, out: Matrix) -> None:
    """``out`` (rows, features + marks), see ``Line``. Differences are float32, quotients float64, as in numpy."""
    features = usual.size
    for row in range(matrix.shape[0]):
        values, scaled = matrix[row], out[row]
        for place in range(features):
            value = usual[place] if np.isnan(values[place]) else values[place]
            scaled[place] = (value - center[place]) / scale[place]
        for place in range(marked.size):
            mark = np.float32(1.0) if np.isnan(values[marked[place]]) else np.float32(0.0)
            scaled[features + place] = (mark - center[features + place]) / scale[features + place]

"""The quick score: scikit-learn's, whatever the rows hold, compiled and plain; what it does not know it asks."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from analytics.risk.candidates import Straight
from analytics.risk.features import FEATURE_SETS
from analytics.risk.features.contract import Matrix
from analytics.risk.folder import open_folder
from analytics.risk.line import line_kernel, line_of
from analytics.risk.predictor import raw_score
from analytics.risk.quick import quick
from analytics.risk.trees import MOST_LEAVES, tree_kernel, trees_of
from tests.unit.analytics.risk.model_bed import bed, invented

SEEDS = st.integers(0, 10_000)
MISSING = st.sampled_from([0.0, 0.1, 0.7, 1.0])
FEATURES = 6


def rows(count: int, seed: int, missing: float = 0.3) -> Matrix:
    """Numbers with few digits, so that many are alike; the first could be categories, the last was always known."""
    random = np.random.default_rng(seed)
    values = random.normal(60, 30, (count, FEATURES)).round(1).astype(np.float32)
    values[:, 0] = random.integers(0, 90, count)
    values[:, :-1][random.random((count, FEATURES - 1)) < missing] = np.nan
    return values


@cache
def fitted(kind: str) -> Any:
    x = rows(600, 1)
    y = np.nan_to_num(x[:, 0], nan=40) + x[:, 5] + np.random.default_rng(2).normal(0, 20, 600) > 110
    return KINDS[kind].fit(x, y)


def boosting(**settings: Any) -> Any:
    return HistGradientBoostingClassifier(
        **{"max_iter": 8, "min_samples_leaf": 5, "early_stopping": False, "random_state": 1, **settings}
    )


KINDS: dict[str, Any] = {
    "trees": boosting(),
    "one leaf": boosting(min_samples_leaf=400),
    "large trees": boosting(max_leaf_nodes=MOST_LEAVES + 1, min_samples_leaf=2, max_iter=2),
    "categories": boosting(categorical_features=[0]),
    "logistic": Straight(LogisticRegression(), marked=True),
    "no marks": Straight(LinearSVC()),
    "other steps": make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
}
PACKED = {"trees", "one leaf", "logistic", "no marks"}


def the_same(found: Any, library: Any, kind: str) -> None:
    """Trees to the last bit; a linear sum as far as the order of adding can change it."""
    np.testing.assert_allclose(found, library, rtol=0, atol=1e-12 if kind in ("logistic", "no marks") else 0)


def edges(x: Matrix, kind: str) -> Matrix:
    """Some values become those at which a test turns, and the next above and below."""
    random = np.random.default_rng(3)
    for tree in (each for several in fitted(kind)._predictors for each in several):
        for node in tree.nodes[tree.nodes["is_leaf"] == 0]:
            near = np.float32(node["num_threshold"])
            towards = random.choice(np.array([-np.inf, near, np.inf], np.float32))
            x[random.integers(len(x)), node["feature_idx"]] = np.nextafter(near, towards)
    return x


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=6)
@given(seed=SEEDS, missing=MISSING, count=st.sampled_from([1, 3, 127, 128, 129, 300]))
def test_it_gives_what_the_library_gives(kind: str, seed: int, missing: float, count: int) -> None:
    estimator, x = fitted(kind), rows(count, seed, missing)
    the_same(quick(estimator)(x), raw_score(estimator, x), kind)


@pytest.mark.parametrize("kind", sorted(PACKED))
def test_a_score_does_not_depend_on_who_is_asked_about_with_it(kind: str) -> None:
    score, x = quick(fitted(kind)), rows(300, 8)
    alone = [score(x[[row]])[0] for row in range(300)]
    np.testing.assert_array_equal(score(x), alone)
    np.testing.assert_array_equal(score(x[100:]), alone[100:])


def test_a_list_is_the_mean_of_its_parts() -> None:
    x, parts = rows(50, 4), [fitted("logistic"), fitted("trees")]
    the_same(quick(parts)(x), raw_score(parts, x), "logistic")


def test_more_rows_than_one_thread_takes_give_the_same() -> None:
    x = rows(5000, 5)
    for kind in ("trees", "logistic"):
        the_same(quick(fitted(kind))(x), raw_score(fitted(kind), x), kind)


@settings(max_examples=3)
@given(seed=SEEDS)
def test_a_value_at_the_edge_of_a_test_goes_the_same_way(seed: int) -> None:
    x = edges(rows(200, seed), "trees")
    x[0], x[1] = np.inf, -np.inf
    np.testing.assert_array_equal(quick(fitted("trees"))(x), raw_score(fitted("trees"), x))


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_known_is_packed(kind: str) -> None:
    estimator = fitted(kind)
    if isinstance(estimator, HistGradientBoostingClassifier):
        assert (trees_of(estimator) is not None) == (kind in PACKED)
    else:
        assert (line_of(estimator) is not None) == (kind in PACKED)


@settings(max_examples=3)
@given(seed=SEEDS, missing=MISSING)
def test_compiled_and_plain_are_equal(seed: int, missing: float) -> None:
    x = rows(9, seed, missing)
    trees, straight = trees_of(fitted("trees")), line_of(fitted("logistic"))
    assert trees is not None
    assert straight is not None
    sums = np.empty(len(x))
    packed = trees.first, trees.used, trees.feature, trees.edge, trees.unknown_left, trees.kept, trees.value, trees.base
    tree_kernel(x, *packed, sums)
    np.testing.assert_array_equal(sums, trees.sums(x))
    line_kernel(
        x, straight.center, straight.scale, straight.far, straight.weights, straight.marks, straight.intercept, sums
    )
    np.testing.assert_array_equal(sums, straight.sums(x))


def test_a_model_that_was_read_from_its_folder_is_quick(tmp_path: Path) -> None:
    bed().write(tmp_path / "quick")
    predictor = open_folder(tmp_path / "quick").predictor
    matrix = FEATURE_SETS["home"].compute(invented(2), None)
    assert predictor.quick is not None
    np.testing.assert_array_equal(predictor.raw(matrix), raw_score(predictor.estimator, matrix))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_another_width_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="features"):
        quick(fitted(kind))(rows(3, 1)[:, :-1])


@pytest.mark.parametrize("child", [1, 0])
def test_nodes_that_are_no_tree_are_left_to_the_library(child: int) -> None:
    """Two ways to one node, or back to the first: to walk along them would never end."""
    boosting = deepcopy(fitted("trees"))
    boosting._predictors[0][0].nodes["right"][0] = child
    assert trees_of(boosting) is None


@pytest.mark.parametrize(
    ("step", "part", "change"),
    [
        (0, "scale_", lambda scale: scale[:-1]),
        (0, "center_", lambda center: center[:-1]),
        (1, "min_", lambda least: least + 1),
        (1, "feature_range", lambda bounds: (0, bounds[1])),
        (2, "statistics_", lambda filled: filled + 1),
        (3, "coef_", lambda weights: weights[:, :-1]),
    ],
)
def test_steps_that_do_not_fit_together_are_left_to_the_library(step: int, part: str, change: Any) -> None:
    pipeline = deepcopy(fitted("logistic"))
    setattr(pipeline.steps[step][1], part, change(getattr(pipeline.steps[step][1], part)))
    assert line_of(pipeline) is None

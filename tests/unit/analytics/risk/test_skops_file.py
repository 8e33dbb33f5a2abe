"""What comes out of a stored estimator: what went in, or a refusal."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, RobustScaler, StandardScaler
from sklearn.svm import LinearSVC

from analytics.risk.candidates import CANDIDATES
from analytics.risk.packing import packed
from analytics.risk.skops_file import MOST_BYTES, SCHEMA, dumped, loaded
from vigil.domain.errors import ModelError

RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(1500, 5)).astype(np.float32)
X[RANDOM.random(X.shape) < 0.2] = np.nan
Y = np.nan_to_num(X[:, 0]) + RANDOM.normal(size=1500) > 1

MAKERS: dict[str, Any] = {
    **{
        name: (lambda make=make: make(1)) for name, make in CANDIDATES.items() if name != "blend"
    },  # the parts of which are here
    "boosting with everything": lambda: HistGradientBoostingClassifier(
        max_iter=12,
        monotonic_cst=[1, 0, 0, 0, -1],
        max_features=0.5,
        class_weight="balanced",
        early_stopping=True,
        random_state=1,
    ),
    "logistic": lambda: make_pipeline(SimpleImputer(add_indicator=True), StandardScaler(), LogisticRegression()),
    "linear support vectors": lambda: make_pipeline(SimpleImputer(), RobustScaler(), LinearSVC(random_state=1)),
    "kernel by sampling": lambda: make_pipeline(
        SimpleImputer(), StandardScaler(), Nystroem(n_components=20, random_state=1), SGDClassifier(random_state=1)
    ),
}


@pytest.fixture(scope="module")
def trees() -> bytes:
    return dumped(HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=5, early_stopping=False).fit(X, Y))


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        return {name: source.read(name) for name in source.namelist()}


@pytest.mark.filterwarnings("ignore:Maximum number of iteration")  # invented data need not converge
@pytest.mark.parametrize("name", MAKERS)
def test_what_can_be_a_model_comes_back_the_same(name: str) -> None:
    fitted = MAKERS[name]().fit(X, Y)
    content = dumped(fitted)
    again = loaded(content)
    assert np.array_equal(again.decision_function(X), fitted.decision_function(X))
    assert dumped(again) == content
    assert dumped(MAKERS[name]().fit(X, Y)) == content


def test_several_estimators_and_plain_arrays_come_back() -> None:
    several = {"views": [LogisticRegression().fit(np.nan_to_num(X), Y)], "weights": (np.arange(3.0), 0.5, None)}
    again = loaded(dumped(several))
    assert np.array_equal(again["weights"][0], np.arange(3.0))
    assert again["weights"][1:] == (0.5, None)
    assert np.array_equal(again["views"][0].coef_, several["views"][0].coef_)


class OfOurs(BaseEstimator):
    pass


@pytest.mark.parametrize("estimator", [OfOurs(), FunctionTransformer(os.system), os.system, {"a": b"bytes"}, {1, 2}])
def test_what_is_not_listed_is_neither_written_nor_read(estimator: object) -> None:
    with pytest.raises(ModelError, match="types that are not listed"):
        dumped(estimator)
    with pytest.raises(ModelError, match=r"types that are not listed|not an array of it"):
        loaded(packed(members(skops.io.dumps(estimator))))


def test_a_pickle_is_not_opened(trees: bytes) -> None:
    opened: list[str] = []

    class Bomb:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return opened.append, ("opened",)  # pragma: no cover - if this runs, the test fails

    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb()], object), allow_pickle=True)
    opened.clear()
    parts = members(trees)
    victim = next(name for name in parts if name != SCHEMA)
    name = f"{hashlib.sha256(buffer.getvalue()).hexdigest()[:24]}.npy"
    parts[SCHEMA] = parts[SCHEMA].replace(victim.encode(), name.encode())
    del parts[victim]
    parts[name] = buffer.getvalue()
    with pytest.raises(ModelError, match="cannot be read"):
        loaded(packed(parts))
    assert opened == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda parts: parts | {"more.npy": b"x"}, "not an array of it: more.npy"),
        (lambda parts: parts | {"../../out.npy": b"x"}, "not an array of it"),
        (
            lambda parts: {name: b"changed" if name != SCHEMA else content for name, content in parts.items()},
            "not an array of it",
        ),
        (lambda parts: {SCHEMA: parts[SCHEMA]}, "cannot be read"),
        (lambda parts: {name: content for name, content in parts.items() if name != SCHEMA}, "cannot be read"),
        (lambda parts: parts | {SCHEMA: b"{"}, "cannot be read"),
        (lambda parts: parts | {SCHEMA: b"[" * 100_000}, "cannot be read"),
        (lambda parts: parts | {SCHEMA: parts[SCHEMA] + b" " * MOST_BYTES}, "larger than 64 MiB"),
    ],
)
def test_another_content_is_refused(trees: bytes, change: Any, why: str) -> None:
    with pytest.raises(ModelError, match=why):
        loaded(packed(change(members(trees))))


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80\x04K\x01.", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_zip_file_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError):
        loaded(content)


def test_two_entries_of_one_name_are_refused(trees: bytes) -> None:
    buffer = io.BytesIO(trees)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(buffer, "a") as target:
        target.writestr(SCHEMA, b"{}")
    with pytest.raises(ModelError, match="two entries of one name"):
        loaded(buffer.getvalue())


@pytest.mark.parametrize("loader", ["OperatorFuncNode", "MethodNode", "FunctionNode", "ObjectNode", None, 5])
def test_a_listed_type_is_read_in_the_listed_way_only(trees: bytes, loader: object) -> None:
    parts = members(trees)
    schema = json.loads(parts[SCHEMA])
    schema["content"]["content"]["loss"] |= {"__loader__": loader}
    with pytest.raises(ModelError, match=r"not listed: builtins\.str"):
        loaded(packed(parts | {SCHEMA: json.dumps(schema).encode()}))


@pytest.mark.parametrize(
    ("field", "value"), [("left", 0), ("right", 4_000_000), ("feature_idx", 5), ("is_categorical", 1)]
)
def test_a_tree_stays_inside_its_arrays(field: str, value: int) -> None:
    fitted = HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=5, early_stopping=False).fit(X, Y)
    fitted._predictors[1][0].nodes[field][0] = value
    with pytest.raises(ModelError, match="a tree of the estimator leads outside of itself"):
        dumped(fitted)
    with pytest.raises(ModelError, match="leads outside"):
        dumped([{"deep": make_pipeline(StandardScaler(), fitted)}])

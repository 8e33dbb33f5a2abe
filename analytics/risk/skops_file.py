"""The fitted estimator as a skops file: the same bytes each time, and only what is listed here comes back out of it.

skops names arrays and objects by their address in memory; here arrays are named by their content and the addresses are left
out, so that one fit gives one file. On the way back every type in the file must be listed below (skops 0.16 itself trusts 581
names), every array must be the one that its name says, and trees must stay inside their arrays.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from analytics.risk.packing import packed
from vigil.domain.errors import ModelError

SCHEMA = "schema.json"
#: Unpacked bytes, so that a small file cannot fill the memory.
MOST_BYTES = 64 * 1024 * 1024

_HIST = "sklearn.ensemble._hist_gradient_boosting"
#: How skops reads a node of the file, and the type that comes of it.
LISTED = frozenset(
    {
        ("DictNode", "builtins.dict"),
        ("JsonNode", "builtins.str"),
        ("ListNode", "builtins.list"),
        ("TupleNode", "builtins.tuple"),
        ("TypeNode", "builtins.int"),
        ("TypeNode", "builtins.str"),
        ("DTypeNode", "numpy.dtype"),
        ("NdArrayNode", "numpy.bool"),
        ("NdArrayNode", "numpy.float32"),
        ("NdArrayNode", "numpy.float64"),
        ("NdArrayNode", "numpy.int32"),
        ("NdArrayNode", "numpy.int64"),
        ("NdArrayNode", "numpy.ndarray"),
        ("NdArrayNode", "numpy.uint64"),
        ("RandomGeneratorNode", "numpy.random._generator.Generator"),
        ("RandomStateNode", "numpy.random.mtrand.RandomState"),
        ("LossNode", "sklearn._loss._loss.CyHalfBinomialLoss"),
        ("LossNode", "sklearn.linear_model._sgd_fast.Hinge"),
        ("ObjectNode", "sklearn._loss.link.Interval"),
        ("ObjectNode", "sklearn._loss.link.LogitLink"),
        ("ObjectNode", "sklearn._loss.loss.HalfBinomialLoss"),
        ("ObjectNode", f"{_HIST}.binning._BinMapper"),
        ("ObjectNode", f"{_HIST}.gradient_boosting.HistGradientBoostingClassifier"),
        # Not trusted by skops because its arrays are read without bounds checks: see ``_check_tree``.
        ("ObjectNode", f"{_HIST}.predictor.TreePredictor"),
        ("ObjectNode", "sklearn.impute._base.MissingIndicator"),
        ("ObjectNode", "sklearn.impute._base.SimpleImputer"),
        ("ObjectNode", "sklearn.kernel_approximation.Nystroem"),
        ("ObjectNode", "sklearn.linear_model._logistic.LogisticRegression"),
        ("ObjectNode", "sklearn.linear_model._stochastic_gradient.SGDClassifier"),
        ("ObjectNode", "sklearn.pipeline.Pipeline"),
        ("ObjectNode", "sklearn.preprocessing._data.MinMaxScaler"),
        ("ObjectNode", "sklearn.preprocessing._data.QuantileTransformer"),
        ("ObjectNode", "sklearn.preprocessing._data.RobustScaler"),
        ("ObjectNode", "sklearn.preprocessing._data.StandardScaler"),
        ("ObjectNode", "sklearn.preprocessing._label.LabelEncoder"),
        ("ObjectNode", "sklearn.svm._classes.LinearSVC"),
    }
)
#: What skops is told to trust: those of them that it would not trust by itself are among these.
_TOLD = sorted({name for _, name in LISTED})
#: What skops, numpy, zipfile and json raise on a file that is damaged, or of a library whose types have changed since.
_UNREADABLE = (
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def _skops_io() -> Any:
    """A second of imports that only those pay who have a model. They ask every module for every name, numpy's old ones too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import skops.io
    return skops.io


def dumped(estimator: object) -> bytes:
    """``estimator``: estimators of scikit-learn, in lists, tuples and dicts with names where there are several.

    Raises ``ModelError`` naming the types that may not be stored: own classes, functions, types that nobody has listed.
    """
    skops_io = _skops_io()
    try:
        with zipfile.ZipFile(io.BytesIO(skops_io.dumps(estimator))) as source:
            schema = json.loads(source.read(SCHEMA))
            arrays = {name: source.read(name) for name in source.namelist() if name != SCHEMA}
    except _UNREADABLE as error:
        raise ModelError(f"the estimator cannot be stored: {error}") from error
    _refuse_unlisted(schema)
    names = {name: _array_name(content) for name, content in arrays.items()}
    text = json.dumps(_without_addresses(schema, names), separators=(",", ":"))
    content = packed({SCHEMA: text.encode()} | {names[name]: content for name, content in arrays.items()})
    loaded(content)  # what cannot be read back is not written
    return content


def loaded(content: bytes) -> Any:
    """The estimator. Raises ``ModelError`` for a type that is not listed, a damaged file, or a tree that leaves its arrays."""
    from sklearn.exceptions import InconsistentVersionWarning

    skops_io = _skops_io()
    try:
        _refuse_unlisted(_opened(content))
        unlisted = set(skops_io.get_untrusted_types(data=content)) - set(_TOLD)
        if unlisted:
            raise ModelError(f"it holds types that are not listed: {', '.join(sorted(unlisted))}")
        with warnings.catch_warnings():
            # Whether another version computes the same is not guessed from its number: the folder's self-check tells.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            estimator = skops_io.loads(content, trusted=_TOLD)
    except _UNREADABLE as error:
        raise ModelError(f"the estimator cannot be read: {type(error).__name__}: {error}") from error
    for boosting in _boostings(estimator):
        for tree in (tree for trees in boosting._predictors for tree in trees):
            _check_tree(tree.nodes, int(boosting.n_features_in_))
    return estimator


def _opened(content: bytes) -> object:
    """The schema of a file that holds nothing but it and arrays that are what their names say."""
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        entries = source.infolist()
        if len({entry.filename for entry in entries}) != len(entries):
            raise ModelError("the estimator's file has two entries of one name")
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise ModelError(f"the estimator is larger than {MOST_BYTES >> 20} MiB")
        for entry in entries:
            if entry.filename not in (SCHEMA, _array_name(source.read(entry))):
                raise ModelError(f"the estimator's file holds something that is not an array of it: {entry.filename}")
        schema: object = json.loads(source.read(SCHEMA))
        return schema


def _array_name(content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()[:24]}.npy"


def _types(node: object) -> Iterator[tuple[object, str]]:
    """Everything in the file that names a type or the way to read it, wherever it stands."""
    if isinstance(node, dict):
        if node.keys() & {"__loader__", "__class__", "__module__"}:
            yield node.get("__loader__"), f"{node.get('__module__')}.{node.get('__class__')}"
        for child in node.values():
            yield from _types(child)
    elif isinstance(node, list):
        for child in node:
            yield from _types(child)


def _refuse_unlisted(schema: object) -> None:
    unlisted = sorted({name for loader, name in _types(schema) if (loader, name) not in LISTED})
    if unlisted:
        raise ModelError(f"it holds types that are not listed: {', '.join(unlisted)}")


def _without_addresses(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            key: names[value] if key == "file" and isinstance(value, str) else _without_addresses(value, names)
            for key, value in node.items()
            if key != "__id__"
        }
    if isinstance(node, list):
        return [_without_addresses(child, names) for child in node]
    return node


def _boostings(part: Any) -> Iterator[Any]:
    """The boosted trees, wherever they stand in containers and pipelines."""
    if hasattr(part, "_predictors"):
        yield part
    elif isinstance(part, dict):
        for child in part.values():
            yield from _boostings(child)
    elif isinstance(part, list | tuple):
        for child in part:
            yield from _boostings(child)
    elif hasattr(part, "steps"):
        yield from _boostings(part.steps)


def _check_tree(nodes: Any, features: int) -> None:
    """scikit-learn follows these numbers without looking: one that points outside ends the process, one that points back
    never ends."""
    count = len(nodes)
    inner = nodes["is_leaf"] == 0
    here = np.arange(count)[inner]
    children = np.stack([nodes["left"][inner], nodes["right"][inner]]).astype(np.int64)
    forward = bool(np.all(children > here) and np.all(children < count))
    known = bool(np.all((nodes["feature_idx"][inner] >= 0) & (nodes["feature_idx"][inner] < features)))
    # Categories would need a look into the bit sets too; our features are numbers.
    if count == 0 or not forward or not known or bool(nodes["is_categorical"][inner].any()):
        raise ModelError("a tree of the estimator leads outside of itself")

"""A model folder: everything about one model in one place, and nothing in it that was not there when it was written.

``manifest.json`` names the model, its numbers and the digest of every other file; its own digest is the model's hash and
stands in ``manifest.sha256`` (to be checked by ``sha256sum -c`` too). The estimator is a skops file of listed types, every
number beside it plain JSON: no class of ours is stored, so that renaming one breaks no folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn

from analytics.risk import reference as references
from analytics.risk import self_check
from analytics.risk.card.card import ModelCard
from analytics.risk.evaluate.report import Report
from analytics.risk.predictor import Needs, Predictor
from analytics.risk.quick import quick
from analytics.risk.reference import Reference
from analytics.risk.skops_file import dumped, loaded
from vigil.domain.errors import ModelError

FORMAT = 1
MANIFEST, SEAL = "manifest.json", "manifest.sha256"
ESTIMATOR, CARD, PAGE, REPORT, REFERENCE, SELF_CHECK = (
    "model.skops",
    "card.json",
    "card.html",
    "report.json",
    "reference.npz",
    "self_check.npz",
)
FILES = (ESTIMATOR, CARD, PAGE, REPORT, REFERENCE, SELF_CHECK)
#: A model is shipped in git and read at every start.
MOST_BYTES = 8 * 1024 * 1024
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Model:
    """``hash``: SHA-256 of the manifest, 64 digits; ``version``: its first 12. ``label``: what is foretold, as it is always
    called. ``fingerprint``: SHA-256 of the data it learnt from."""

    name: str
    version: str
    hash: str
    label: str
    fingerprint: str
    predictor: Predictor
    card: ModelCard
    report: Report
    reference: Reference
    path: Path
    fitted_with: Mapping[str, str]


def versions() -> dict[str, str]:
    """Of the libraries that decide what a model computes."""
    return {"scikit-learn": sklearn.__version__, "numpy": np.__version__}


def write_folder(
    path: Path,
    predictor: Predictor,
    card: ModelCard,
    report: Report,
    reference: Reference,
    *,
    page: str,
    fingerprint: str,
) -> str:
    """Write the folder, whose last part has to be the card's ``name``; gives its hash. The same model gives the same bytes.

    ``page``: the card as HTML; ``fingerprint``: SHA-256 of the training data. Raises ``ModelError`` for an estimator that may
    not be stored, a card of another threshold, or where something else is in the folder already.
    """
    name = card.name
    if not _NAME.fullmatch(name) or path.resolve().name != name:
        raise ModelError(f"the folder of model {name!r} has to be called so too, in small letters, digits and dashes")
    names = self_check.feature_names(predictor.feature_set)
    if names is None or reference.names[:-1] != names:
        raise ModelError(f"model {name}: the reference is not of the features {predictor.feature_set!r}")
    if card.threshold != predictor.threshold:
        raise ModelError(
            f"model {name}: the card says {card.threshold} where the model alerts from {predictor.threshold}"
        )
    files = {
        ESTIMATOR: dumped(predictor.estimator),
        CARD: card.to_json().encode(),
        PAGE: page.encode(),
        REPORT: report.to_json().encode(),
        REFERENCE: references.to_bytes(reference),
        SELF_CHECK: self_check.made(predictor, reference),
    }
    manifest = _json(
        {
            "format": FORMAT,
            "name": name,
            "label": card.label,
            "feature_set": predictor.feature_set,
            "features": list(names),
            "threshold": float(predictor.threshold),
            "needs": asdict(predictor.needs),
            "calibration": _lists(predictor.calibration),
            "news2_risk": _lists((predictor.news2_risk,))[0],
            "bands": _lists(predictor.bands),
            "earlier_h": list(predictor.earlier_h),
            "training_data": fingerprint,
            "fitted_with": versions(),
            "files": {file: _digest(content) for file, content in files.items()},
        }
    )
    digest = _digest(manifest)
    _put(path, {**files, MANIFEST: manifest, SEAL: _seal(digest)})
    open_folder(path, digest)  # what cannot be read back counts as not written
    return digest


def open_folder(path: Path, expect_hash: str | None = None) -> Model:
    """Raises ``ModelError``, naming the model and the file, unless every byte is as it was written: one changed, a file
    missing or added, another name, an unlisted type, other features than this program computes, another answer than it gave
    then."""
    try:
        return _opened(path, expect_hash)
    except ModelError as error:
        raise ModelError(f"model {path.name}: {error}") from error


def _opened(path: Path, expect_hash: str | None) -> Model:
    contents = _read(path)
    digest = _digest(contents[MANIFEST])
    if contents[SEAL] != _seal(digest):
        raise ModelError(f"{MANIFEST} is not the one that {SEAL} belongs to: one of them was changed")
    if expect_hash is not None and digest != expect_hash:
        raise ModelError(
            f"unknown hash {digest[:12]}, expected {expect_hash[:12]}: the folder is not the one that was approved"
        )
    manifest = _decoded(contents[MANIFEST])
    try:
        if manifest["format"] != FORMAT:
            raise ModelError(f"{MANIFEST} has format {manifest['format']}, this program reads {FORMAT}")
        name = str(manifest["name"])
        if name != path.resolve().name:
            raise ModelError(f"{MANIFEST} is of model {name!r}: a folder bears its model's name")
        _compare(manifest["files"], contents)
        card = ModelCard.from_json(contents[CARD].decode())
        if card.name != name or card.label != manifest["label"]:
            raise ModelError(f"{CARD} is of {card.name!r}")
        _know_features(str(manifest["feature_set"]), manifest["features"])
        predictor = _predictor(manifest, contents[ESTIMATOR])
        model = Model(
            name=name,
            version=digest[:12],
            hash=digest,
            label=str(manifest["label"]),
            fingerprint=str(manifest["training_data"]),
            predictor=predictor,
            card=card,
            report=Report.from_json(contents[REPORT].decode()),
            reference=references.from_bytes(contents[REFERENCE]),
            path=path,
            fitted_with=dict(manifest["fitted_with"]),
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"a file of it cannot be read: {type(error).__name__}: {error}") from error
    self_check.check(predictor, contents[SELF_CHECK])
    return model


def _read(path: Path) -> dict[str, bytes]:
    """Every file once: what is compared is what is used."""
    expected = {*FILES, MANIFEST, SEAL}
    try:
        found = {entry.name: entry for entry in path.iterdir()}
        for name in sorted(expected - found.keys()):
            raise ModelError(f"{name} is missing")
        for name in sorted(found.keys() - expected):
            raise ModelError(f"{name!r} does not belong to a model folder")
        for name, entry in found.items():
            if entry.is_symlink() or not entry.is_file():
                raise ModelError(f"{name} is not a plain file")
            if entry.stat().st_size > MOST_BYTES:
                raise ModelError(f"{name} is larger than {MOST_BYTES >> 20} MiB")
        return {name: entry.read_bytes() for name, entry in found.items()}
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}") from error


def _compare(digests: Any, contents: Mapping[str, bytes]) -> None:
    if not isinstance(digests, dict) or digests.keys() != set(FILES):
        raise ModelError(f"{MANIFEST} does not name the files of a model folder")
    for name, digest in digests.items():
        if _digest(contents[name]) != digest:
            raise ModelError(f"{name} was changed since the model was stored")


def _know_features(feature_set: str, names: Any) -> None:
    known = self_check.feature_names(feature_set)
    if known is None or list(known) != names:
        raise ModelError(f"it learnt from features {feature_set!r} that this program does not compute: train it anew")


def _predictor(manifest: Mapping[str, Any], estimator: bytes) -> Predictor:
    points, values = _arrays(manifest["calibration"], 2)
    edges, low, high = _arrays(manifest["bands"], 3)
    needs, fitted = manifest["needs"], loaded(estimator)
    return Predictor(
        feature_set=str(manifest["feature_set"]),
        estimator=fitted,
        calibration=(points, values),
        threshold=float(manifest["threshold"]),
        needs=Needs(**{**needs, "vitals": tuple(needs["vitals"])}),
        news2_risk=_arrays([manifest["news2_risk"]], 1)[0],
        bands=(edges, low, high),
        earlier_h=_hours(manifest.get("earlier_h", [])),  # folders of earlier versions have none
        quick=quick(fitted),
    )


def _hours(numbers: Any) -> tuple[int, ...]:
    """What is to come must not be asked for."""
    if not all(type(each) is int and each > 0 for each in numbers):
        raise ModelError(f"{MANIFEST} names no earlier hours: {numbers}")
    return tuple(numbers)


def _arrays(lists: Any, count: int) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    arrays = [np.array(numbers, np.float64) for numbers in lists]
    if len(arrays) != count or any(array.ndim != 1 or not np.isfinite(array).all() for array in arrays):
        raise ModelError(f"{MANIFEST} has numbers of the wrong shape")
    return arrays


def _lists(arrays: tuple[np.ndarray[Any, np.dtype[np.float64]], ...]) -> list[list[float]]:
    """JSON keeps every bit of a float64."""
    return [np.asarray(array, np.float64).tolist() for array in arrays]


def _decoded(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
        as_written = isinstance(document, dict) and _json(document) == content
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{MANIFEST} is not JSON: {error}") from error
    if not as_written:
        raise ModelError(f"{MANIFEST} is not written as Vigil writes it")
    return dict(document)


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n").encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _seal(digest: str) -> bytes:
    return f"{digest}  {MANIFEST}\n".encode()


def _put(path: Path, files: Mapping[str, bytes]) -> None:
    """The seal last: a folder whose writing was cut short has none, and is refused."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        strange = sorted(entry.name for entry in path.iterdir() if entry.name not in files)
        if strange:
            raise ModelError(f"{path.name} holds {strange[0]!r}, which does not belong to a model folder")
        (path / SEAL).unlink(missing_ok=True)
        for name, content in files.items():
            (path / name).write_bytes(content)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be written: {error.strerror}") from error

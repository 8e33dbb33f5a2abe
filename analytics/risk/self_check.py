"""Does a stored model still compute what it computed when it was stored? Invented people, with the answers they got then.

A version number of a library says that something may have changed; this says whether it did. The hours and the rows are drawn
at random (the rows column by column from the reference), so that nobody's record travels with a model.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.risk.clean import PLAUSIBLE
from analytics.risk.features import FEATURE_SETS
from analytics.risk.hours import Hours
from analytics.risk.hypotension import features as hypotension
from analytics.risk.packing import arrays_from_bytes, arrays_to_bytes
from analytics.risk.predictor import Predictor
from analytics.risk.reference import CUTS, Reference
from vigil.domain.errors import ModelError

#: Largest difference of a probability that is put down to the order of sums in another processor.
TOLERANCE = 1e-9
#: Features are float32: their last digits may differ where a library sums in another order.
FEATURE_TOLERANCE = 1e-4
#: The feature set that is made of minutes of mean pressure, not of hours.
MINUTES = "hypotension"
#: The same in every hour of a patient.
_OF_PERSONS = ("Age", "Gender", "Unit1", "Unit2", "HospAdmTime")
_INPUT = "input "
_ROWS, _PATIENTS, _HOURS, _SEED = 64, 6, 30, 2019


def feature_names(feature_set: str) -> tuple[str, ...] | None:
    """What this program computes under that name; None when it does not know it."""
    if feature_set in FEATURE_SETS:
        return FEATURE_SETS[feature_set].names
    return hypotension.NAMES if feature_set == MINUTES else None


def made(predictor: Predictor, reference: Reference) -> bytes:
    """The file of a model folder: inputs and the answers of today."""
    random = np.random.default_rng(_SEED)
    rows = _rows(reference, random)
    inputs = _inputs(predictor.feature_set, random)
    return arrays_to_bytes(
        {
            "rows": rows,
            "probability": predictor.predict_features(rows),
            "features": _features(predictor.feature_set, inputs),
            **{_INPUT + name: values for name, values in inputs.items()},
        }
    )


def check(predictor: Predictor, content: bytes) -> None:
    """Raises ``ModelError`` when the model, or the code of its features, computes something else than when it was stored."""
    stored = arrays_from_bytes(content)
    inputs = {name.removeprefix(_INPUT): values for name, values in stored.items() if name.startswith(_INPUT)}
    try:
        probability = predictor.predict_features(stored["rows"])
        features = _features(predictor.feature_set, inputs)
        off = float(np.max(np.abs(probability - stored["probability"])))
        same = np.allclose(features, stored["features"], FEATURE_TOLERANCE, FEATURE_TOLERANCE, equal_nan=True)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ModelError(f"the self-check cannot be computed: {type(error).__name__}: {error}") from error
    if not off <= TOLERANCE:
        raise ModelError(
            f"the self-check gives other probabilities than when the model was stored (up to {off:.2g} off): train it anew "
            "with these versions, or run it with those it was stored with"
        )
    if not same:
        raise ModelError(
            f"the features {predictor.feature_set} are computed otherwise than when the model was stored: train it anew"
        )


def _rows(reference: Reference, random: np.random.Generator) -> NDArray[np.float32]:
    features = len(reference.names) - 1
    drawn = random.integers(0, CUTS, (_ROWS, features))
    values = reference.cuts[np.arange(features), drawn]
    return np.where(random.random(values.shape) < reference.missing[:features], np.float32(np.nan), values)


def _inputs(feature_set: str, random: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """By column, patient after patient, ``_HOURS`` each; or (``_PATIENTS``, minutes) of mean pressure."""
    if feature_set == MINUTES:
        low, high = PLAUSIBLE["MAP"]
        minutes = low + (high - low) * random.uniform(0.1, 0.5, (_PATIENTS, _HOURS * 20))
        return {"MAP": _with_gaps(minutes, random)}
    count = _PATIENTS * _HOURS
    inputs = {}
    for name in FEATURE_SETS[feature_set].columns:
        low, high = PLAUSIBLE.get(name, (0, 1))
        drawn = low + (high - low) * random.uniform(0.2, 0.8, count)
        if name in _OF_PERSONS:
            inputs[name] = np.repeat(np.round(drawn[:_PATIENTS]), _HOURS).astype(np.float32)
        else:
            inputs[name] = _with_gaps(drawn, random)
    return inputs


def _with_gaps(values: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float32]:
    return np.where(random.random(values.shape) < 0.4, np.nan, values).astype(np.float32)


def _features(feature_set: str, inputs: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    if feature_set == MINUTES:
        return hypotension.features(inputs["MAP"])
    hours = Hours(
        tuple(str(number) for number in range(_PATIENTS)),
        np.arange(_PATIENTS + 1, dtype=np.int64) * _HOURS,
        np.tile(np.arange(1, _HOURS + 1, dtype=np.int32), _PATIENTS),
        inputs,
    )
    return FEATURE_SETS[feature_set].compute(hours, None)

"""What a model saw when it learnt, kept with it so that drift can be told: each feature's and the score's distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.risk.packing import arrays_from_bytes, arrays_to_bytes
from vigil.domain.errors import ModelError
from vigil.domain.readings import F64

#: Name of the row of the predicted probability, after the features.
SCORE = "score"
#: Cut points a feature: values of the reference at equal steps of rank, so that a gap between two distributions is known
#: to within 1 / CUTS. Every tenth of the ranks is one of them.
CUTS = 200
DECILES = np.arange(1, 10) * (CUTS // 10) - 1


@dataclass(frozen=True, slots=True)
class Reference:
    """``names``: the features, then ``SCORE``: k + 1 rows of the arrays.

    ``cuts`` f32 (k + 1, CUTS) ascending, NaN where a feature was never measured; ``below`` (k + 1, CUTS): share of the measured
    values at or below each cut; ``missing`` (k + 1,): share of rows without the feature. ``rows``, ``patients``: how many there
    were; ``mean_score``, ``score_sd`` (standard deviation) and ``alert_rate``: over the rows, 0..1.
    """

    names: tuple[str, ...]
    cuts: NDArray[np.float32]
    below: F64
    missing: F64
    rows: int
    patients: int
    mean_score: float
    score_sd: float
    alert_rate: float


def reference_of(
    names: Sequence[str],
    features: NDArray[np.float32],
    probability: F64,
    alert: NDArray[np.bool_],
    patients: int,
) -> Reference:
    """``features`` (n, k), NaN = missing; ``probability`` (n,): as the model gives it to a patient it has not learnt from
    (out of fold).

    >>> one = reference_of(["hr"], np.array([[60], [80], [np.nan], [70]], np.float32), np.full(4, 0.5), np.zeros(4, bool), 2)
    >>> one.names, one.missing.tolist(), one.cuts[0, [0, -1]].tolist()
    (('hr', 'score'), [0.25, 0.0], [60.0, 80.0])
    """
    columns = [*features.T, probability.astype(np.float32)]
    if len(columns) != len(names) + 1 or not len(features) == len(probability) == len(alert) > 0:
        raise ModelError(
            f"a reference needs one row a prediction and one name a feature: {features.shape}, {len(names)} names"
        )
    cuts, below = np.full((len(columns), CUTS), np.nan, np.float32), np.zeros((len(columns), CUTS))
    ranks = np.arange(1, CUTS + 1) / CUTS
    for row, column in enumerate(columns):
        known = np.sort(column[~np.isnan(column)])
        if len(known):
            cuts[row] = known[np.ceil(ranks * len(known)).astype(np.int64) - 1]
            below[row] = np.searchsorted(known, cuts[row], side="right") / len(known)
    return Reference(
        names=(*names, SCORE),
        cuts=cuts,
        below=below,
        missing=np.array([np.isnan(column).mean() for column in columns]),
        rows=len(features),
        patients=patients,
        mean_score=float(np.mean(probability)),
        score_sd=float(np.std(probability)),
        alert_rate=float(np.mean(alert)),
    )


def to_bytes(reference: Reference) -> bytes:
    """An npz file, the same bytes each time."""
    return arrays_to_bytes(
        {
            "names": np.array(reference.names),
            "cuts": reference.cuts,
            "below": reference.below,
            "missing": reference.missing,
            "counts": np.array([reference.rows, reference.patients], np.int64),
            "rates": np.array([reference.mean_score, reference.score_sd, reference.alert_rate]),
        }
    )


def from_bytes(content: bytes) -> Reference:
    """Raises ``ModelError`` when it is not a reference."""
    arrays = arrays_from_bytes(content)
    try:
        rows, patients = (int(count) for count in arrays["counts"])
        mean_score, score_sd, alert_rate = (float(rate) for rate in arrays["rates"])
        names = tuple(str(name) for name in arrays["names"])
        reference = Reference(
            names, arrays["cuts"], arrays["below"], arrays["missing"], rows, patients, mean_score, score_sd, alert_rate
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the reference cannot be read: {error}") from error
    shape = (len(names), CUTS)
    if reference.cuts.shape != shape or reference.below.shape != shape or reference.missing.shape != shape[:1]:
        raise ModelError("the reference has arrays of the wrong shape")
    return reference

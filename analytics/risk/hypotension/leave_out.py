"""What a model says of a person whom it has never seen: every record is scored by a model that learned without any of its rows.

The sixty labels of the forecast minute take part neither in fitting nor in taking a candidate: both happen on earlier hours, and
the forecast minute only judges. So a known trap of leave-one-out cannot spring, in which the label that was left out is read
off the others' share (a support vector machine learned from the sixty labels alone "reached" 0.96 that way).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.discrimination import auroc
from analytics.risk.hypotension.candidates import Candidate
from analytics.risk.hypotension.learning import Learning

#: Of two candidates this close (AUROC) the simpler one is taken.
TIE = 0.01
FOLDS = 6

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Nested:
    """``score``: (records,) log-odds by the candidate that was taken without the record; ``taken``: its name a record."""

    score: Scores
    taken: tuple[str, ...]


def fitted(candidate: Candidate, learning: Learning, out: Sequence[int], seed: int) -> Any:
    """The candidate's estimator, learned without the records ``out``."""
    kept = ~np.isin(learning.record, out)
    return candidate.make(seed).fit(candidate.of(learning.x[kept]), learning.y[kept])


def score(candidate: Candidate, estimator: Any, x: NDArray[np.float32]) -> Scores:
    return np.asarray(estimator.decision_function(candidate.of(x)), np.float64)


def leave_one_out(candidate: Candidate, learning: Learning, judged: Learning, seed: int = 1) -> Scores:
    """(records,) score of each row of ``judged``, one a record."""
    found = np.empty(len(judged.record))
    for row, record in enumerate(judged.record.tolist()):
        model = fitted(candidate, learning, [record], seed)
        found[row] = score(candidate, model, judged.x[row : row + 1])[0]
    return found


def leave_pair_out(candidate: Candidate, learning: Learning, judged: Learning, seed: int = 1) -> float:
    """AUROC as the share of pairs of one record with and one without an event that a model which saw neither ranks rightly."""
    right = []
    for one, other in product(np.flatnonzero(judged.y == 1).tolist(), np.flatnonzero(judged.y == 0).tolist()):
        model = fitted(candidate, learning, judged.record[[one, other]].tolist(), seed)
        high, low = score(candidate, model, judged.x[[one, other]])
        right.append(1.0 if high > low else 0.5 if high == low else 0.0)
    return float(np.mean(right))


def nested(candidates: Mapping[str, Candidate], learning: Learning, judged: Learning, seed: int = 1) -> Nested:
    """Leave-one-out in which the candidate, too, is taken without the record that is scored."""
    points, taken = np.empty(len(judged.record)), []
    for row, record in enumerate(judged.record.tolist()):
        name = choose({name: quality(each, learning, [record], seed) for name, each in candidates.items()})
        model = fitted(candidates[name], learning, [record], seed)
        points[row] = score(candidates[name], model, judged.x[row : row + 1])[0]
        taken.append(name)
    return Nested(points, tuple(taken))


def quality(candidate: Candidate, learning: Learning, out: Sequence[int] = (), seed: int = 1) -> float:
    """AUROC over the earlier hours in which no episode goes on yet, each scored by a model that saw neither its record nor those
    of ``out``; the records are left out a ``FOLDS``-th at a time."""
    records = np.setdiff1d(np.unique(learning.record), out)
    fold = np.random.default_rng(seed).permutation(len(records)) % FOLDS
    found = np.full(len(learning.y), np.nan)
    for each in np.unique(fold):
        held = records[fold == each].tolist()
        model = fitted(candidate, learning, [*out, *held], seed)
        rows = np.isin(learning.record, held)
        found[rows] = score(candidate, model, learning.x[rows])
    rows = learning.ahead & ~np.isin(learning.record, out)
    return auroc(learning.y[rows], found[rows])


def choose(found: Mapping[str, float]) -> str:
    """The first, hence simplest, whose AUROC is no more than ``TIE`` below the best."""
    best = max(found.values())
    return next(name for name, value in found.items() if value >= best - TIE)

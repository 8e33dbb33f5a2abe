"""From patients to a model that can be judged on others: fit, calibrate, threshold, and NEWS2's risk for where it abstains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from threadpoolctl import threadpool_limits

from analytics.risk.candidates import weight_name
from analytics.risk.predictor import with_news2
from analytics.risk.quick import quick
from analytics.risk.steady import earlier, steadied
from analytics.risk.train.folds import Patients, inner_splits, rows_of, starts_in
from analytics.risk.train.task import Candidate, Floats, Matrix, Table, Task

#: Most that NEWS2 can give is 20.
NEWS2_LEVELS = 22
Points = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Said:
    """(rows,) each: probability, alert, and True where the model decided and not NEWS2."""

    probability: Floats
    alert: NDArray[np.bool_]
    model: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Limits:
    """What turns a raw score into a decision; fields as in ``Predictor``."""

    calibration: tuple[Floats, Floats]
    threshold: float
    news2_risk: Floats

    def say(self, raw: Floats, answers: NDArray[np.bool_], points: Points) -> Said:
        probability = np.interp(raw, *self.calibration)
        return Said(*with_news2(probability, answers, points, self.threshold, self.news2_risk), answers)


@dataclass(frozen=True, slots=True)
class Seen:
    """A candidate's raw scores of judged rows ``rows`` (m,), each by an estimator that had not seen the row's patient."""

    rows: NDArray[np.int64]
    raw: Floats


def one_thread() -> Any:
    """A sum over several threads comes out otherwise than over one, in its last digits, and the bytes of a model must not depend
    on the machine's cores. Has to be said in every thread."""
    limits_of_threads: Any = threadpool_limits
    return limits_of_threads(limits=1)


def fitted(candidate: Candidate, table: Table, patients: Patients, seed: int) -> Any:
    """The candidate's estimator after it has learned from these patients."""
    rows = rows_of(patients, table, table.weight > 0)
    if candidate.most_rows is not None and len(rows) > candidate.most_rows:
        rows = np.sort(np.random.default_rng([seed, 1]).choice(rows, candidate.most_rows, replace=False))
    estimator, weight = candidate.make(seed), np.asarray(table.weight[rows])
    told = {} if (weight == weight[0]).all() else {weight_name(estimator): weight}
    return estimator.fit(np.asarray(table.x[rows]), np.asarray(table.target[rows]), **told)


def scored(task: Task, estimator: Any, x: Matrix, patient: NDArray[np.int64]) -> Floats:
    """Raw scores of all judged rows of some patients, ``patient`` (rows,), steadied as the task asks."""
    matrix = np.asarray(x)
    places = earlier(np.arange(len(matrix)), starts_in(patient), task.earlier_h)
    return steadied(quick(estimator)(matrix), task.answers(matrix), places)


def looked_at(
    task: Task, table: Table, candidate: Candidate, learned: Patients, event: NDArray[np.bool_], seed: int
) -> Seen:
    """Raw scores inside ``learned``, for choosing, calibration and threshold."""
    rows, raw = [], []
    for some, others in inner_splits(learned, event, task.inner, seed):
        rows.append(rows_of(others, table, table.judged))
        estimator = fitted(candidate, table, some, seed)
        raw.append(scored(task, estimator, table.x[rows[-1]], table.patient[rows[-1]]))
    order = np.argsort(np.concatenate(rows), kind="stable")
    return Seen(np.concatenate(rows)[order], np.concatenate(raw)[order])


def limits(task: Task, table: Table, seen: Seen, points: Points) -> Limits:
    """``points``: NEWS2 of the rows of ``seen``."""
    y = table.y[seen.rows]
    calibration = task.calibrate(seen.raw, y)
    probability = np.interp(seen.raw, *calibration)
    threshold = task.threshold(y, probability, starts_in(table.patient[seen.rows]))
    return Limits(calibration, float(threshold), news2_risk(points, y))


def news2_risk(points: Points, y: NDArray[np.int8]) -> Floats:
    """(22,) how often the label came at each NEWS2 total, never falling; one hour at the overall rate is added to each total, so
    that no total is certain.

    >>> bool((np.diff(news2_risk(np.array([0, 0, 3, 5], np.int16), np.array([0, 0, 1, 1], np.int8))) >= 0).all())
    True
    """
    level = np.clip(points, 0, NEWS2_LEVELS - 1)
    hours = np.bincount(level, minlength=NEWS2_LEVELS) + 1.0
    events = np.bincount(level, y, minlength=NEWS2_LEVELS) + y.mean()
    rising: Any = IsotonicRegression
    risk = rising().fit(np.arange(NEWS2_LEVELS), events / hours, hours).predict(np.arange(NEWS2_LEVELS))
    return np.clip(np.asarray(risk, np.float64), 0.0, 1.0)

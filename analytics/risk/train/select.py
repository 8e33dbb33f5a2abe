"""Step 3: nested cross-validation by patient. The candidates compete inside each fold, and what the winner says of the fold's
patients, whom nothing it uses has seen, is kept for the report. Beside it, for the table, what every candidate would have said.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.intervals import DRAWS
from analytics.risk.packing import arrays_from_bytes, arrays_to_bytes
from analytics.risk.skops_file import dumped
from analytics.risk.train.choose import DRAWS as INNER_DRAWS
from analytics.risk.train.choose import choose, ranked
from analytics.risk.train.compare import compared
from analytics.risk.train.disk import Bench, Found
from analytics.risk.train.folds import events_of, folds_of, rows_of, starts_in
from analytics.risk.train.learn import Limits, Said, fitted, limits, looked_at, one_thread, scored
from analytics.risk.train.task import Data, Table, Task

Advance = Callable[[int, int], None]
#: Folds at once, for each holds a copy of the table.
MOST_WORKERS = 4

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Fold:
    """``number`` of it, ``learned`` and ``judged``: numbers of the patients."""

    number: int
    learned: NDArray[np.int64]
    judged: NDArray[np.int64]


def select(bench: Bench, task: Task, data: Data, table: Table, seed: int, advance: Advance) -> Found:
    """Leaves, (judged rows,) each: ``fold``; ``probability``, ``alert`` and ``model`` of the folds' winners; ``raw-N``,
    ``probability-N`` and ``alert-N`` of candidate N; and each fold's winner, for further tests."""
    hours, event = task.hours(data), events_of(table)
    points = np.zeros(len(table.y), np.int16)
    points[table.judged] = task.points(hours)
    folds = list(folds_in(event, task.outer, seed))
    _learn_folds(bench, folds, partial(_fold, task, table, points, event, seed), advance)
    whole, taken = _empty(table, task), []
    for fold in folds:
        said = arrays_from_bytes(bench.read(fold_file(fold.number)))
        for key, values in whole.items():
            values[said["rows"]] = said[key]
        taken.append(str(said["chosen"]))
    judged = {key: values[table.judged] for key, values in whole.items()}
    for key, values in judged.items():
        bench.save(key, values)
    y, starts = table.y[table.judged], starts_in(table.patient[table.judged])
    scores = {name: judged[f"probability-{number}"] for number, name in enumerate(task.candidates)}
    alerts = {name: judged[f"alert-{number}"] for number, name in enumerate(task.candidates)}
    return {
        "candidates": list(task.candidates),
        "chosen": choose(ranked(y, scores, starts, seed, DRAWS), task.tie),
        "chosen_in_folds": {name: taken.count(name) for name in task.candidates},
        "folds": len(folds),
        "learned_from_at_most": {name: each.most_rows for name, each in task.candidates.items()},
        "table": compared(task, data, hours, y, scores, alerts, starts, seed),
    }


def fold_file(number: int) -> str:
    return f"fold-{number}.npz"


def model_file(number: int) -> str:
    return f"fold-{number}.skops"


def _learn_folds(
    bench: Bench, folds: list[Fold], learn: Callable[[Fold], tuple[Arrays, Any]], advance: Advance
) -> None:
    """Folds that an earlier start left are kept; the others are learned side by side and written as they come."""
    missing = [fold for fold in folds if not bench.has(fold_file(fold.number))]
    done = len(folds) - len(missing)
    advance(done, len(folds))
    pool = ThreadPoolExecutor(min(len(os.sched_getaffinity(0)), MOST_WORKERS))
    try:
        running = {pool.submit(learn, fold): fold.number for fold in missing}
        for future in as_completed(running):
            said, estimator = future.result()
            bench.write(model_file(running[future]), dumped(estimator))
            bench.write(fold_file(running[future]), arrays_to_bytes(said))
            done += 1
            advance(done, len(folds))
    finally:
        pool.shutdown(cancel_futures=True)


def folds_in(event: NDArray[np.bool_], folds: int, seed: int) -> Iterator[Fold]:
    fold = folds_of(event, min(folds, len(event)), seed)
    for number in range(int(fold.max()) + 1):
        yield Fold(number, np.flatnonzero(fold != number), np.flatnonzero(fold == number))


def _fold(
    task: Task, table: Table, points: NDArray[np.int16], event: NDArray[np.bool_], seed: int, fold: Fold
) -> tuple[Arrays, Any]:
    """What every candidate and the winner say of the fold's judged rows, and the winner's estimator."""
    with one_thread():
        return _judged(task, table, points, event, seed, fold)


def _judged(
    task: Task, table: Table, points: NDArray[np.int16], event: NDArray[np.bool_], seed: int, fold: Fold
) -> tuple[Arrays, Any]:
    seen = {name: looked_at(task, table, each, fold.learned, event, seed) for name, each in task.candidates.items()}
    rows = rows_of(fold.judged, table, table.judged)
    x = table.x[rows]
    first = next(iter(seen.values())).rows
    auroc = ranked(
        table.y[first],
        {name: each.raw for name, each in seen.items()},
        starts_in(table.patient[first]),
        seed,
        INNER_DRAWS,
    )
    chosen = choose(auroc, task.tie)
    found: Arrays = {"rows": rows, "fold": np.full(len(rows), fold.number), "chosen": np.array(chosen)}
    model: Any = None
    for number, (name, candidate) in enumerate(task.candidates.items()):
        estimator = fitted(candidate, table, fold.learned, seed)
        limit = limits(task, table, seen[name], points[seen[name].rows])
        raw = scored(task, estimator, x, table.patient[rows])
        said = limit.say(raw, task.answers(x), points[rows])
        found |= {f"raw-{number}": raw, f"probability-{number}": said.probability, f"alert-{number}": said.alert}
        if name == chosen:
            model = estimator
            found |= _winner(said, limit)
    return found, model


def _winner(said: Said, limit: Limits) -> Arrays:
    return {
        "probability": said.probability,
        "alert": said.alert,
        "model": said.model,
        "points": limit.calibration[0],
        "values": limit.calibration[1],
        "threshold": np.array(limit.threshold),
        "news2_risk": limit.news2_risk,
    }


def _empty(table: Table, task: Task) -> Arrays:
    """Of all rows; filled fold by fold."""
    numbers, bools = ["probability"], ["alert", "model"]
    for number in range(len(task.candidates)):
        numbers += [f"raw-{number}", f"probability-{number}"]
        bools.append(f"alert-{number}")
    rows = len(table.y)
    whole: Arrays = {name: np.zeros(rows) for name in numbers} | {name: np.zeros(rows, np.bool_) for name in bools}
    return whole | {"fold": np.zeros(rows, np.int64)}

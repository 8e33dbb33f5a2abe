"""Step 4: the report on what the folds said of patients whom they had not seen, and further tests: patients of another kind,
sparser sampling, a vital that nobody measures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.report import Elsewhere, Report, brief, judge
from analytics.risk.packing import arrays_from_bytes
from analytics.risk.skops_file import loaded
from analytics.risk.train.compare import baseline_of
from analytics.risk.train.disk import Bench, Done, Found
from analytics.risk.train.folds import events_of, rows_of, starts_in
from analytics.risk.train.learn import Limits, fitted, limits, looked_at, scored
from analytics.risk.train.select import fold_file, model_file
from analytics.risk.train.task import Data, Split, Table, Task

REPORT = "report.json"
Note = Callable[[str], None]


def evaluate(bench: Bench, task: Task, data: Data, table: Table, selected: Done, seed: int, note: Note) -> Found:
    """Leaves ``report.json``. ``note`` is told what is judged now."""
    hours, y = task.hours(data), table.y[table.judged]
    note("out-of-fold predictions")
    report = judge(
        y,
        np.asarray(selected.array("probability")),
        selected.array("alert"),
        hours,
        seed,
        scored=selected.array("model"),
        baseline=baseline_of(task, data, hours),
        setting=task.setting,
    )
    candidate = selected.found["chosen"]
    further = chain(
        _elsewhere(task, data, table, candidate, seed, note),
        _altered(task, data, table, selected, seed, note),
    )
    report = replace(report, elsewhere=tuple(further))
    bench.write(REPORT, report.to_json().encode())
    return {"report": REPORT, "further_tests": [each.name for each in report.elsewhere]}


def report_of(done: Done) -> Report:
    return Report.from_json(done.read(REPORT).decode())


def _elsewhere(task: Task, data: Data, table: Table, candidate: str, seed: int, note: Note) -> Iterator[Elsewhere]:
    """The chosen candidate learns, calibrates and finds its threshold on some patients only, and is judged on others."""
    points = np.zeros(len(table.y), np.int16)
    points[table.judged] = task.points(task.hours(data))
    known: dict[bytes, tuple[object, Limits]] = {}
    for split in task.splits(data):
        note(split.name)
        key = split.learned.tobytes()
        if key not in known:
            known[key] = _learned(task, table, points, split, candidate, seed)
        estimator, limit = known[key]
        rows = rows_of(split.judged, table, table.judged)
        x = table.x[rows]
        raw = scored(task, estimator, x, table.patient[rows])
        said = limit.say(raw, task.answers(x), points[rows])
        starts = starts_in(table.patient[rows])
        yield brief(table.y[rows], said.probability, said.alert, starts, seed, name=split.name, setting=task.setting)


def _learned(
    task: Task, table: Table, points: NDArray[np.int16], split: Split, name: str, seed: int
) -> tuple[object, Limits]:
    candidate = task.candidates[name]
    seen = looked_at(task, table, candidate, split.learned, events_of(table), seed)
    return fitted(candidate, table, split.learned, seed), limits(task, table, seen, points[seen.rows])


def _altered(task: Task, data: Data, table: Table, selected: Done, seed: int, note: Note) -> Iterator[Elsewhere]:
    """The folds' models, as they are, on the same patients with other data."""
    patient = table.patient[table.judged]
    starts = starts_in(patient)
    for name, other in task.altered(data, seed):
        note(name)
        x = task.features(other).x[table.judged]
        points = task.points(task.hours(other))
        probability, alert = np.zeros(len(x)), np.zeros(len(x), np.bool_)
        fold = selected.array("fold")
        for number in range(int(selected.found["folds"])):
            rows = np.flatnonzero(fold == number)
            said = arrays_from_bytes(selected.read(fold_file(number)))
            limit = Limits((said["points"], said["values"]), float(said["threshold"]), said["news2_risk"])
            raw = scored(task, loaded(selected.read(model_file(number))), x[rows], patient[rows])
            found = limit.say(raw, task.answers(x[rows]), points[rows])
            probability[rows], alert[rows] = found.probability, found.alert
        yield brief(table.y[table.judged], probability, alert, starts, seed, name=name, setting=task.setting)

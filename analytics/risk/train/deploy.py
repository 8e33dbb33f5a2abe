"""Step 5: the model that is used. It learns from everybody; its calibration, threshold and bands come from the predictions of
step 3, each of a patient whom the model that made it had not seen."""

from __future__ import annotations

import numpy as np

from analytics.risk.card.page import html
from analytics.risk.evaluate.report import Report
from analytics.risk.folder import write_folder
from analytics.risk.predictor import Predictor
from analytics.risk.reference import reference_of
from analytics.risk.train.bands import bands
from analytics.risk.train.disk import Bench, Done, Found
from analytics.risk.train.folds import starts_in
from analytics.risk.train.learn import Limits, Seen, fitted, limits
from analytics.risk.train.task import Data, Summary, Table, Task


def deploy(
    bench: Bench,
    task: Task,
    data: Data,
    table: Table,
    collected: Done,
    selected: Done,
    report: Report,
    seed: int,
    dated: str,
) -> Found:
    """Leaves the model folder, which is called as the model is. ``card_lacks``: what keeps it from being activated."""
    name = selected.found["chosen"]
    number = selected.found["candidates"].index(name)
    rows = np.flatnonzero(table.judged)
    seen = Seen(rows, np.asarray(selected.array(f"raw-{number}")))
    points = task.points(task.hours(data))
    limit = limits(task, table, seen, points)
    estimator = fitted(task.candidates[name], table, np.arange(int(table.patient.max()) + 1), seed)
    x = np.asarray(table.x[rows])
    said = limit.say(seen.raw, task.answers(x), points)
    starts = starts_in(table.patient[rows])
    predictor = _predictor(task, estimator, limit, bands(table.y[rows], said.probability, starts, seed))
    fingerprint, facts = collected.found["fingerprint"], collected.found["facts"]
    card = task.card(
        Summary(task.name, task.label, seed, dated, fingerprint, facts, name, limit.threshold, task.needs, report)
    )
    digest = write_folder(
        bench.path / task.name,
        predictor,
        card,
        report,
        reference_of(task.names, x, said.probability, said.alert, len(starts) - 1),
        page=html(card, report),
        fingerprint=fingerprint,
    )
    return {
        "model": task.name,
        "hash": digest,
        "candidate": name,
        "threshold": limit.threshold,
        "card_lacks": card.check(report),
    }


def _predictor(
    task: Task, estimator: object, limit: Limits, band: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> Predictor:
    return Predictor(
        task.feature_set,
        estimator,
        limit.calibration,
        limit.threshold,
        task.needs,
        limit.news2_risk,
        band,
        task.earlier_h,
    )

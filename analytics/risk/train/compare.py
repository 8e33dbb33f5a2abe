"""The table of the candidates against what has to be beaten, all on the same patients and in the same draws of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.calibration import recalibration
from analytics.risk.evaluate.events import Bools
from analytics.risk.evaluate.intervals import DRAWS, Figure, Sampled, sample, summary
from analytics.risk.evaluate.measures import Alerting, metrics
from analytics.risk.evaluate.report import Baseline, news2_baseline
from analytics.risk.hours import Hours
from analytics.risk.train.task import Data, Floats, Task

#: Figures of the table; the names are those of ``evaluate.measures``. Some tasks have no utility.
FIGURES = ("auroc", "auprc", "utility", "alert_hours_per_day", "ppv_hours", "sensitivity_stays")


def baseline_of(task: Task, data: Data, hours: Hours) -> Baseline:
    if task.baseline is not None:
        return task.baseline(data)
    return news2_baseline(task.points(hours))


def compared(
    task: Task,
    data: Data,
    hours: Hours,
    y: NDArray[np.int8],
    scores: Mapping[str, Floats],
    alerts: Mapping[str, Bools],
    starts: NDArray[np.int64],
    seed: int,
) -> list[dict[str, Any]]:
    """A row a candidate, the baseline first: name, its figures, and ``gain``: AUROC above the baseline, paired."""
    event = y.astype(np.float64)
    baseline = baseline_of(task, data, hours)
    ways = {
        baseline.name: Alerting(event, np.asarray(baseline.score, np.float64), baseline.alerts, starts, task.setting)
    }
    ways |= {name: Alerting(event, scores[name], alerts[name], starts, task.setting) for name in scores}
    drawn = {name: _sampled(way, starts, seed) for name, way in ways.items()}
    least = drawn[baseline.name]["auroc"]
    rows = []
    for name, values in drawn.items():
        figures = {key: summary(each) for key, each in values.items()}
        if name in scores:
            slope, _ = recalibration(event, scores[name], starts, DRAWS, seed)
            figures |= {"gain": summary(values["auroc"] - least), "slope": slope}
        rows.append({"name": name, **{key: _plain(each) for key, each in figures.items()}})
    return rows


def _sampled(way: Alerting, starts: NDArray[np.int64], seed: int) -> dict[str, Sampled]:
    every = metrics(way)
    return sample({name: every[name] for name in FIGURES if name in every}, starts, DRAWS, seed)


def _plain(figure: Figure) -> dict[str, float | None]:
    return asdict(figure)

"""Hypotension as ``vigil train`` learns it: what distinguishes it from sepsis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analytics.risk.evaluate.events import Setting
from analytics.risk.evaluate.news2 import news2_of
from analytics.risk.evaluate.report import Baseline
from analytics.risk.hours import Hours
from analytics.risk.hypotension.calibrate import calibrate, threshold
from analytics.risk.hypotension.candidates import boosting, logistic, svm
from analytics.risk.hypotension.card import card_of
from analytics.risk.hypotension.compare import last_hour
from analytics.risk.hypotension.features import NAMES
from analytics.risk.hypotension.learning import earlier_hours, forecast_minute
from analytics.risk.hypotension.predict import NEEDS, answers
from analytics.risk.hypotension.records import BEFORE, GROUPS, Records, read_records
from analytics.risk.train.task import Candidate, Collected, Data, Split, Table, Task

#: mmHg, of the last hour's mean: where the starting policy alerts on low mean pressure.
_USUAL_LIMIT = 65.0
#: What shares of the minutes before the forecast are taken away to see what a poorer signal does.
_THINNED = (0.5, 0.8)


def collect(folder: Path) -> Collected:
    """The records without their names. Raises ``TableError``."""
    records = read_records(folder)
    group = np.array([GROUPS.index(each) for each in records.group], np.int8)
    facts = {
        "records": len(records),
        "events": int(records.event.sum()),
        "minutes refused": int(np.isnan(records.minutes).sum()),
        **{f"records {name}": int((records.group == name).sum()) for name in GROUPS},
    }
    # Learned from and asked about apart: a poorer signal is tried on the model, not on what it learned from.
    return Collected({"minutes": records.minutes, "asked": records.minutes[:, :BEFORE], "group": group}, facts)


def table(data: Data) -> Table:
    """Earlier hours are learned from, the forecast minute of each record is judged."""
    learning, judged = earlier_hours(_records(data, "minutes")), forecast_minute(_records(data, "asked"))
    learned, asked = len(learning.y), len(judged.y)
    y = np.concatenate([learning.y, judged.y])
    return Table(
        x=np.concatenate([learning.x, judged.x]),
        patient=np.concatenate([learning.record, judged.record]).astype(np.int64),
        y=y,
        target=y,
        weight=np.repeat(np.array([1, 0], np.float32), (learned, asked)),
        judged=np.repeat(np.array([False, True]), (learned, asked)),
    )


def hours(data: Data) -> Hours:
    """One row a record: the mean of its last hour. Nothing is known of the people."""
    records = _records(data, "asked")
    count = len(records)
    unknown = np.full(count, np.nan, np.float32)
    columns = {"MAP": -last_hour(records).astype(np.float32), "Age": unknown, "Gender": unknown}
    return Hours(tuple(map(str, range(count))), np.arange(count + 1), np.full(count, BEFORE // 60, np.int32), columns)


def baseline(data: Data) -> Baseline:
    score = last_hour(_records(data, "asked"))
    return Baseline("mean pressure of the last hour", score, score >= -_USUAL_LIMIT)


def splits(data: Data) -> list[Split]:
    """People with pressors and people without, in either direction, with the controls that belong to each."""
    with_drugs = np.isin(np.asarray(data["group"]), [GROUPS.index("H1"), GROUPS.index("C1")])
    one, other = np.flatnonzero(with_drugs), np.flatnonzero(~with_drugs)
    return [Split("H2 and C2 by H1 and C1", one, other), Split("H1 and C1 by H2 and C2", other, one)]


def altered(data: Data, seed: int) -> Iterator[tuple[str, Data]]:
    """A poorer signal: minutes are missing at random."""
    for share in _THINNED:
        asked = np.array(data["asked"])
        asked[np.random.default_rng([seed, round(100 * share)]).random(asked.shape) < share] = np.nan
        yield f"{share:.0%} of the minutes missing", {**data, "asked": asked}


def _records(data: Data, minutes: str) -> Records:
    group = [GROUPS[each] for each in np.asarray(data["group"]).tolist()]
    return Records(
        tuple(f"{name}_{number}" for number, name in enumerate(group)), np.asarray(data[minutes], np.float32)
    )


def _points(rows: Hours) -> NDArray[np.int16]:
    return news2_of(rows)


HYPOTENSION = Task(
    name="hypotension",
    label="mean pressure below 60 mmHg for 30 min within the hour, learned in intensive care",
    feature_set="hypotension",
    names=NAMES,
    sources=("analytics.risk.hypotension",),
    collect=collect,
    features=table,
    hours=hours,
    candidates={
        "logistic": Candidate(logistic),
        "boosting": Candidate(boosting(NAMES)),
        "svm": Candidate(svm, most_rows=3000),
    },
    calibrate=calibrate,
    threshold=threshold,
    answers=answers,
    points=_points,
    needs=NEEDS,
    card=card_of,
    baseline=baseline,
    splits=splits,
    altered=altered,
    setting=Setting(lead=0, early=0, late=0, row_h=1.0, row="record", utility=False),
    outer=60,
    inner=12,  # with fewer the inner models differ so much from the outer one that the calibration is noise
    tie=0.01,
)

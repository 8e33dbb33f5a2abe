"""What risk models would have said of one patient: the decisions of live, a minute after each quarter of an hour, all at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analytics.backtest.fold import Folded
from analytics.backtest.world import World
from analytics.engine.compiled import Kernels
from analytics.risk.clean import clean
from analytics.risk.evaluate.news2 import URGENT
from analytics.risk.stream.course import FRESH, follow
from analytics.risk.stream.decide import Judged, hours_of, judge, person_of
from analytics.risk.stream.grid import COLUMNS, KEPT_H, QUARTER, Cells, Grid, column_of, counting
from analytics.risk.stream.live import GRACE, SILENT
from analytics.risk.stream.places import by_quarter
from analytics.scores.bands import LOWER
from vigil.domain.news2 import not_applicable
from vigil.domain.readings import I64
from vigil.domain.risk import ModelState, Prediction, Source
from vigil.domain.times import DAY, MINUTE, utc_date

if TYPE_CHECKING:
    from analytics.risk.folder import Model

#: One row a decision, for ``predictions.parquet``.
Columns = dict[str, NDArray[Any]]
_A_DAY = DAY // QUARTER


@dataclass(slots=True)
class RiskCounts:
    """Of one model. ``decisions``: one a quarter of an hour; ``abstained``: those that NEWS2 made. ``alerts`` and ``alerting``:
    how often an alert would have opened, and decisions at which one was open; ``news2_*``: the same for NEWS2 of
    ``URGENT`` or more, asked at the same times and opened and ended by the same counts."""

    decisions: int = 0
    abstained: int = 0
    alerts: int = 0
    alerting: int = 0
    news2_alerts: int = 0
    news2_alerting: int = 0

    def add(self, other: RiskCounts) -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def row(self) -> dict[str, float | None]:
        """For ``summary.json``; rates are a patient-day of decisions, None without one."""
        days = self.decisions / _A_DAY
        share = 1 / self.decisions if self.decisions else None
        rates = {"alerts_per_patient_day": self.alerts, "news2_alerts_per_patient_day": self.news2_alerts}
        shares = {
            "abstained_share": self.abstained,
            "alerting_share": self.alerting,
            "news2_alerting_share": self.news2_alerting,
        }
        return {
            "patient_hours_scored": round(self.decisions * QUARTER / (60 * MINUTE), 2),
            "alerts": self.alerts,
            "news2_alerts": self.news2_alerts,
            **{name: round(number / days, 4) if days else None for name, number in rates.items()},
            **{name: None if share is None else round(number * share, 4) for name, number in shares.items()},
        }


@dataclass(frozen=True, slots=True)
class Decisions:
    """``at`` (d,) ends of the quarters decided about; ``cells`` a person each; ``news2`` (d,) points known then."""

    at: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    cells: Cells | None = None
    news2: I64 = field(default_factory=lambda: np.empty(0, np.int64))


def decisions(world: World, folded: Folded, kernels: Kernels) -> Decisions:
    """When a model is asked, and what is known then, in order of receipt."""
    batch, patient = world.history.batch, world.history.patient
    if not len(batch):
        return Decisions()
    vital = np.array([each.vital for each in world.history.streams], np.int64)
    place = np.zeros(max(each.stream for each in world.history.streams) + 1, np.int64)
    place[[each.stream for each in world.history.streams]] = np.arange(vital.size)
    vital = vital[place[batch.stream]]
    rows = np.flatnonzero(counting(batch, vital))
    grid, name = Grid(), patient.patient_id
    person, taken = grid.place(name), 0
    first, last = int(batch.received_at[0]) // QUARTER + 1, (int(batch.received_at[-1]) - GRACE) // QUARTER
    found: list[tuple[int, Cells]] = []
    for at in range(first * QUARTER, (last + 1) * QUARTER, QUARTER):
        upto = int(np.searchsorted(batch.received_at[rows], at + GRACE, side="right"))
        for part in by_quarter(rows[taken:upto], batch) if upto > taken else ():
            grid.add(np.full(part.size, person), column_of(vital[part]), batch.measured_at[part], batch.value[part])
        taken = upto
        cells = grid.cells([name], at, KEPT_H, kernels)
        meant = not not_applicable(patient.age(utc_date(at)), patient.pregnant)
        if meant and int(cells.measured_at.max()) >= at - SILENT:
            found.append((at, cells))
    if not found:
        return Decisions()
    times = np.array([at for at, _ in found], np.int64)
    return Decisions(times, _together([cells for _, cells in found]), _news2(folded, times))


def judged(world: World, known: bool, asked: Decisions, model: Model) -> tuple[Judged, RiskCounts, list[bool]]:
    """``known``: are age and sex on record? The third says at which decisions an alert would have been open."""
    patient = world.history.patient
    assert asked.cells is not None
    people = [person_of(patient, at) if known else (patient.patient_id, np.nan, np.nan) for at in asked.at.tolist()]
    said = judge(model.predictor, clean(hours_of(people, asked.cells)), asked.news2)
    alerts, opened = _opened(asked.at, said.answered, said.probability, said.alert, model.predictor.threshold)
    urgent = asked.news2 >= URGENT
    news2_alerts, news2_opened = _opened(
        asked.at, np.ones(urgent.size, np.bool_), urgent.astype(np.float64), urgent, 0.5
    )
    counts = RiskCounts(
        decisions=asked.at.size,
        abstained=int((~said.answered).sum()),
        alerts=alerts,
        alerting=sum(opened),
        news2_alerts=news2_alerts,
        news2_alerting=sum(news2_opened),
    )
    return said, counts, opened


def prediction_columns(
    patient_id: str, model: Model, asked: Decisions, said: Judged, opened: Sequence[bool]
) -> Columns:
    size = asked.at.size
    sources = np.where(said.answered, Source.MODEL.value, Source.NEWS2.value).astype(object)
    return {
        "patient": np.full(size, patient_id, dtype=object),
        "model": np.full(size, model.name, dtype=object),
        "version": np.full(size, model.version, dtype=object),
        "quarter_end": asked.at,
        "probability": said.probability,
        "source": sources,
        "above": said.alert,
        "alert_open": np.array(opened, np.bool_),
        "news2": asked.news2,
    }


def _together(found: Sequence[Cells]) -> Cells:
    hourly = np.stack([each.hourly for each in found], axis=1).reshape(len(COLUMNS), -1)
    value, measured = (np.concatenate([getattr(each, name) for each in found]) for name in ("value", "measured_at"))
    return Cells(hourly, value, measured)


def _news2(folded: Folded, at: I64) -> I64:
    """What is certain of NEWS2 in the minute of the decision; 0 where no input was known."""
    points = np.zeros(at.size, np.int64)
    ends = folded.minutes.minute_end
    if ends.size:
        row = np.minimum(np.searchsorted(ends, at + MINUTE), ends.size - 1)
        there = ends[row] == at + MINUTE
        points[there] = np.maximum(folded.scores[row[there], LOWER], 0)
    return points


def _opened(
    at: I64, answered: NDArray[np.bool_], probability: NDArray[np.float64], alert: NDArray[np.bool_], threshold: float
) -> tuple[int, list[bool]]:
    """How often an alert opens, and whether one is open after each decision."""
    course, opened, count = FRESH, list[bool](), 0
    for each in _as_predictions(at, answered, probability, alert):
        after = follow(course, each, threshold)
        count += after.open and not course.open
        course = after
        opened.append(after.open)
    return count, opened


def _as_predictions(
    at: I64, answered: NDArray[np.bool_], probability: NDArray[np.float64], alert: NDArray[np.bool_]
) -> Iterable[Prediction]:
    columns = (each.tolist() for each in (at, answered, probability, alert))
    for when, own, risk, above in zip(*columns, strict=True):
        source = Source.MODEL if own else Source.NEWS2
        yield Prediction("", "", "", when, when, 0, ModelState.SHADOW, source, risk, risk, risk, above)

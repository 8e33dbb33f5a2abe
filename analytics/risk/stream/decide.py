"""What a model says of everybody whose quarter of an hour is over: pure, so that a stored prediction can be made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analytics.risk.clean import clean
from analytics.risk.explain import contributions
from analytics.risk.features import FEATURE_SETS
from analytics.risk.features.contract import Matrix
from analytics.risk.hours import VITALS, Hours
from analytics.risk.predictor import Needs, Predictor, with_news2
from analytics.risk.recall import Recall
from analytics.risk.stream.grid import COLUMNS, KEPT_H, Cells
from vigil.domain.errors import ModelError
from vigil.domain.people import Patient
from vigil.domain.readings import F64, I64
from vigil.domain.risk import Contribution, ModelState, Prediction, RiskInput, Source
from vigil.domain.times import HOUR, utc_date

if TYPE_CHECKING:
    from analytics.risk.folder import Model

_MALE = {"male": 1.0, "female": 0.0}
#: What the stream can tell a model.
TOLD = frozenset({*COLUMNS, "Age", "Gender"})


@dataclass(frozen=True, slots=True)
class Job:
    """Everybody to be decided about: ``at`` is the end of the quarter, ``decided_at`` server time, microseconds UTC; every
    reading up to the ordinal ``position`` was known. ``hours``: ``KEPT_H`` rows a person. ``news2`` (people,): points of the live
    score's lower bound. ``cells``: what was measured last."""

    at: int
    decided_at: int
    position: int
    hours: Hours
    news2: I64
    cells: Cells

    @property
    def rows(self) -> I64:
        """The hour decided about, of each person."""
        return self.hours.starts[1:] - 1


@dataclass(frozen=True, slots=True)
class Judged:
    """(people,) each: did the model answer, the probability, is it above the threshold (where NEWS2 decides: urgent); ``matrix``:
    the features."""

    answered: NDArray[np.bool_]
    probability: F64
    alert: NDArray[np.bool_]
    matrix: Matrix


@dataclass(frozen=True, slots=True)
class Decided:
    """``predictions``: one a person of the job, in its order. ``matrix`` and ``probability``: of the ``answered`` people, what
    drift is looked for in."""

    predictions: list[Prediction]
    answered: NDArray[np.bool_]
    matrix: Matrix
    probability: F64


def hours_of(people: Sequence[tuple[str, float, float]], cells: Cells) -> Hours:
    """Of each person the id, age in years and sex (1 = male, 0 = female), NaN where it is not known."""
    count, size = len(people), cells.hourly.shape[1] // max(1, len(people))
    columns = {name: cells.hourly[place] for place, name in enumerate(COLUMNS)}
    ages, sexes = (np.array([each[place] for each in people], np.float32) for place in (1, 2))
    columns |= {"Age": np.repeat(ages, size), "Gender": np.repeat(sexes, size)}
    hour = np.tile(np.arange(1, size + 1, dtype=np.int32), count)
    return Hours(tuple(each[0] for each in people), np.arange(count + 1, dtype=np.int64) * size, hour, columns)


def person_of(patient: Patient, at: int) -> tuple[str, float, float]:
    return patient.patient_id, float(patient.age(utc_date(at))), _MALE.get(patient.sex, np.nan)


def usable(predictor: Predictor) -> None:
    """Raises ``ModelError`` for a model that asks for what the stream does not know."""
    features = FEATURE_SETS[predictor.feature_set]
    lacking = [name for name in features.columns if name not in TOLD]
    if lacking:
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        raise ModelError(f"it asks for {', '.join(lacking[:3])}{more}, which are not measured here")
    back = features.lookback_h + max(predictor.earlier_h, default=0)
    if back >= KEPT_H:
        raise ModelError(f"it looks back {back} h, of which {KEPT_H - 1} are kept")


def decide(job: Job, model: Model, state: ModelState, recall: Recall | None = None) -> Decided:
    """``clean`` hours in, predictions out. Shown models are explained for everybody, models in shadow only where they would have
    alerted. ``recall``: what the same model said before, see ``judge``. Raises ``ModelError`` as ``usable`` does."""
    predictor = model.predictor
    usable(predictor)
    hours = clean(job.hours)
    judged = judge(predictor, hours, job.news2, job.at, recall)
    answered, probability, alert = judged.answered, judged.probability, judged.alert
    inputs = _inputs(job)
    told = _told(predictor, hours, job.rows, answered & (alert | (state is ModelState.ACTIVE)), inputs)
    low, high = predictor.interval(probability)
    predictions = [
        Prediction(
            patient_id=patient_id,
            model=model.name,
            version=model.version,
            at=job.at,
            decided_at=job.decided_at,
            position=job.position,
            state=state,
            source=Source.MODEL if answered[row] else Source.NEWS2,
            probability=float(probability[row]),
            low=float(low[row]),
            high=float(high[row]),
            alert=bool(alert[row]),
            abstained="" if answered[row] else _why(predictor.needs, inputs[row]),
            contributions=told.get(row, ()),
            inputs=inputs[row],
        )
        for row, patient_id in enumerate(hours.ids)
    ]
    return Decided(predictions, answered, judged.matrix[answered], probability[answered])


def judge(predictor: Predictor, hours: Hours, news2: I64, at: int = 0, recall: Recall | None = None) -> Judged:
    """``hours`` are cleaned, ``KEPT_H`` rows a person; the last one, which ends at ``at``, is decided about. ``news2``: points of
    each, which decide where the model abstains. ``recall`` saves the looks at windows that have not changed since."""
    look = predictor.look(hours, hours.starts[1:] - 1) if recall is None else recall.look(predictor, hours, at)
    own = predictor.calibrated(look.raw)
    probability, alert = with_news2(own, look.answers, news2, predictor.threshold, predictor.news2_risk)
    return Judged(look.answers, probability, alert, look.matrix)


def _inputs(job: Job) -> list[tuple[RiskInput, ...]]:
    vitals = list(VITALS.values())
    values, measured = job.cells.value.tolist(), job.cells.measured_at.tolist()
    return [
        tuple(
            RiskInput(vital, value, at, (job.at - at) / 1e6)
            for vital, value, at in zip(vitals, row, times, strict=True)
            if at
        )
        for row, times in zip(values, measured, strict=True)
    ]


def _told(
    predictor: Predictor,
    hours: Hours,
    rows: I64,
    wanted: NDArray[np.bool_],
    inputs: Sequence[tuple[RiskInput, ...]],
) -> Mapping[int, tuple[Contribution, ...]]:
    """By place of the person, the contributions of those ``wanted``."""
    places = np.flatnonzero(wanted)
    if not places.size:
        return {}
    found = contributions(predictor, hours, rows[places], [inputs[place] for place in places.tolist()])
    return dict(zip(places.tolist(), found, strict=True))


def _why(needs: Needs, inputs: Sequence[RiskInput]) -> str:
    """Which of the vitals that the model needs are missing or too old, with their ages."""
    ages_h = {each.vital: each.age_s * 1e6 / HOUR for each in inputs}
    gone = [
        f"{vital} {'not measured' if vital not in ages_h else f'{ages_h[vital]:.0f} h old'}"
        for vital in needs.vitals
        if ages_h.get(vital, np.inf) > needs.max_age_h
    ]
    return f"needs {needs.count} of {len(needs.vitals)} vitals of the last {needs.max_age_h:g} h: {', '.join(gone)}"

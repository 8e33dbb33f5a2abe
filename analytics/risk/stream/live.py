"""Risk models beside the rules: readings into the grid, each quarter of an hour a job onto the desk, what came of it to a rule.

The risk of everybody is decided a minute after the end of a quarter of an hour (UTC), from what was measured before its end and
had come by then. Who was not measured in the hour before is left out: nothing is known that was not known before. A late reading
goes into its quarter and counts from the next decision on; what was decided stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analytics.alerting import Alerting
from analytics.data_loss import DataLoss
from analytics.directory import Directory
from analytics.recover import CHUNK, position_before
from analytics.risk.stream import kept
from analytics.risk.stream.decide import Job, hours_of, person_of
from analytics.risk.stream.desk import Desk, InUse, Models
from analytics.risk.stream.grid import KEPT_H, QUARTER, Cells, Grid
from analytics.risk.stream.places import Places
from analytics.risk.stream.rule import RiskRule
from analytics.risk.stream.trouble import DRIFT, REFUSED, Troubles, drifts, refusals
from analytics.slots import Slots
from analytics.state import State
from vigil.bus.board import Board
from vigil.domain.news2 import not_applicable
from vigil.domain.readings import I64, ReadingBatch
from vigil.domain.times import HOUR, MINUTE, utc_date
from vigil.runtime.clock import Clock
from vigil.runtime.metrics import Metrics
from vigil.store import PredictionStore, ReadingHistory

_LOG = logging.getLogger(__name__)
#: A quarter is decided about so long after its end: most of its readings have come by then (ours).
GRACE = MINUTE
#: Who was not measured for so long is not decided about.
SILENT = HOUR
#: How often somebody looks which models are in use.
LOOK = MINUTE
#: Without compiled kernels nobody waits for more people than this: the next second asks again.
_FEW = 200


def in_a_thread() -> Executor:
    return ThreadPoolExecutor(1, "risk")


@dataclass(frozen=True, slots=True)
class RiskPlan:
    """``models``: makes the registry, in the desk's thread, because it imports the libraries that models need. ``path``: of the
    grid's snapshot."""

    models: Callable[[], Models]
    store: PredictionStore
    path: Path
    executor: Callable[[], Executor] = in_a_thread


class RiskStream:
    def __init__(
        self,
        plan: RiskPlan,
        state: State,
        directory: Directory,
        readings: ReadingHistory,
        board: Board,
        alerting: Alerting,
        data_loss: DataLoss,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self.grid = Grid()
        self._plan = plan
        self._state = state
        self._directory = directory
        self._readings = readings
        self._board = board
        self._places = Places(state.slots, self.grid)
        self._rule = RiskRule(directory, alerting, data_loss, plan.store, metrics)
        self._troubles = Troubles(alerting)
        self._desk = Desk(plan.models, plan.store, plan.executor(), clock, lambda arrays: kept.write(plan.path, arrays))
        self._looked_at = 0
        self._decided = -1
        self._told: InUse | None = None
        self._made = metrics.counter(
            "analytics_risk_predictions_total", "Predictions made", ("model", "state", "source")
        )
        self._dropped = metrics.gauge("analytics_risk_jobs_dropped", "Decisions that a newer one has overtaken")
        self._age = metrics.gauge(
            "analytics_risk_queue_age_seconds", "How long the oldest decision has waited; 0 = none"
        )
        self._took = metrics.gauge("analytics_risk_decision_seconds", "What the last decision about everybody took")
        self._refused = metrics.gauge("analytics_risk_models_refused", "Models that are to be in use and are refused")

    def recover(self, now: int) -> None:
        """Before the first batch: the grid up to the position of the state."""
        arrays = kept.read(self._plan.path, self._readings)
        if arrays is not None:
            try:
                self.grid.load(arrays)
                self._desk.restore(arrays)
            except (KeyError, ValueError) as error:
                _LOG.warning("the grid of the risk models does not fit (%s): rebuilding", error)
                arrays = None
        if arrays is None:
            self.grid.position = position_before(self._readings, now - (KEPT_H + 1) * HOUR)
        self._catch_up()

    def _catch_up(self) -> None:
        """By slots of its own: the state's must not know readings that it has not judged."""
        slots = Slots(self._directory, self._readings.streams)
        places = Places(slots, self.grid)
        while self.grid.position < self._state.position:
            limit = min(CHUNK, self._state.position - self.grid.position)
            batch = self._readings.after(self.grid.position, limit)
            if not len(batch):
                return
            places.note(slots.resolve(batch), batch)

    def follow_records(self) -> None:
        """The records have changed."""
        self._places.reset()
        self._rule.forget(frozenset(self._directory.patients))

    def note(self, slot: I64, batch: ReadingBatch) -> None:
        self._places.note(slot, batch)

    def tick(self, now: int) -> None:
        """Once a second, while what is judged is of now."""
        if now - self._looked_at >= LOOK:
            self._looked_at = now
            self._desk.look()
        self._begin()
        self._fetch(now)
        at = (now - GRACE) // QUARTER * QUARTER
        if self._desk.in_use is not None and at > self._decided and self._can_read():
            self._decided = at
            self._rule.settle(at, now, self._desk.in_use.active)
            job = self._job(at, now) if self._desk.in_use.models else None
            if job is not None:
                self._desk.put(job, self.grid.saved() if at % HOUR == 0 else None)
                self._fetch(now)
        self._age.set(self._desk.age_s)

    def end(self) -> None:
        """What is on the desk is still decided and stored; its alerts are told after the next start."""
        self._desk.close(self.grid.saved())

    # --- parts -------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Once, as soon as the models are known: what was decided before the start is not decided again."""
        if self._decided >= 0 or self._desk.in_use is None:
            return
        latest = self._plan.store.latest_predictions()
        self._decided = max((each.at for each in latest), default=0)
        self._rule.remember(latest, self._desk.in_use.thresholds)

    def _can_read(self) -> bool:
        return self._state.engine.kernels.ready.is_set() or len(self.grid) <= _FEW

    def _fetch(self, now: int) -> None:
        in_use = self._desk.in_use
        if in_use is not None and in_use is not self._told:
            self._told = in_use
            self._troubles.tell(REFUSED, refusals(in_use.refused), now)
            self._refused.set(len(in_use.refused))
        for outcome in self._desk.take():
            for model, predictions in outcome.by_model.items():
                threshold = None if in_use is None else in_use.thresholds.get(model)
                if threshold is not None:
                    self._rule.take(predictions, threshold)
                for each in predictions:
                    self._made.labels(model, each.state.value, each.source.value).inc()
            self._troubles.tell(DRIFT, drifts(outcome.drifted), now)
            self._took.set(self._desk.took_s)
            self._dropped.set(self._desk.dropped)

    def _job(self, at: int, now: int) -> Job | None:
        """Everybody under watch for whom models are meant (adults, not pregnant, as for NEWS2) and who was measured."""
        today, found = utc_date(at), self._directory.patients
        here = [
            found[each]
            for each in self.grid.people()
            if each in found and not not_applicable(found[each].age(today), found[each].pregnant)
        ]
        if not here:
            return None
        cells = self.grid.cells([each.patient_id for each in here], at, KEPT_H, self._state.engine.kernels)
        due = cells.measured_at.max(axis=1) >= at - SILENT
        if not due.any():
            return None
        people = [each for each, is_due in zip(here, due.tolist(), strict=True) if is_due]
        hours = hours_of([person_of(each, at) for each in people], due_only(cells, due))
        points = np.array([self._points(each.patient_id) for each in people], np.int64)
        return Job(at, now, self._state.position, hours, points, due_only(cells, due))

    def _points(self, patient_id: str) -> int:
        """What is certain of NEWS2 now."""
        score = self._board.score(patient_id)
        return 0 if score is None or score.lower is None else score.lower


def due_only(cells: Cells, due: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Cells:
    if due.all():
        return cells
    columns = cells.hourly.reshape(len(cells.hourly), due.size, -1)[:, due]
    return Cells(columns.reshape(len(columns), -1), cells.value[due], cells.measured_at[due])

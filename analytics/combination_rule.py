"""The rule ``multivariate``: vitals that are unusual for this person together. Off unless the patient's policy names it.

Every 6 h of measured time a model learns from the stored minutes of the day before, in a thread of its own: a minute that comes
before its model is ready is not judged. The model that judged is named in the alert.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import numpy as np

from analytics.alerting import Alerting
from analytics.directory import Directory
from analytics.engine.compiled import Kernels
from analytics.patient_detectors import MULTIVARIATE
from analytics.patient_detectors.multivariate import (
    COLUMNS,
    LEARNT_FROM,
    SEED,
    VITALS_SEEN,
    Model,
    train,
    training_end,
)
from analytics.patient_detectors.runs import FRESH, USUAL, Memory, runs
from analytics.quality import COUNTS, first_gate
from analytics.scores.minutes import PatientReadings, PatientSlots, minute_inputs
from analytics.slots import Slots
from analytics.wording import combination_text
from vigil.bus.board import Board
from vigil.domain.alerts import Evidence, Kind, Priority
from vigil.domain.errors import InvalidInput
from vigil.domain.lifecycle import Began, Ended, Finding
from vigil.domain.phrases import phrase, tell
from vigil.domain.readings import F64, I64, ReadingBatch
from vigil.runtime.supervise import attempt
from vigil.store import EVERY_READING, ReadingHistory

P = ParamSpec("P")
T = TypeVar("T")
MakeExecutor = Callable[[], Executor]


def in_a_thread() -> Executor:
    return ThreadPoolExecutor(1, "multivariate")


class AtOnce(Executor):
    """Learns where it is asked: for back-tests, whose clock stands still meanwhile."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@dataclass(slots=True)
class _Person:
    """``end``: of the training day of ``model``, which is None while it is being made or where there was too little."""

    end: int = 0
    future: Future[Model | None] | None = None
    memory: Memory = FRESH

    @property
    def model(self) -> Model | None:
        return self.future.result() if self.future is not None and self.future.done() else None


class CombinationRule:
    def __init__(
        self,
        slots: Slots,
        directory: Directory,
        alerting: Alerting,
        readings: ReadingHistory,
        board: Board,
        kernels: Kernels,
        executor: MakeExecutor,
    ) -> None:
        self._slots = slots
        self._directory = directory
        self._alerting = alerting
        self._readings = readings
        self._board = board
        self._kernels = kernels
        self._make_executor = executor
        self._executor: Executor | None = None
        self._people: dict[str, _Person] = {}

    def judge(self, patient_id: str, minute_end: int) -> None:
        """Once a minute, with the end of the minute that is over."""
        priority = self._directory.policy(patient_id).finding(MULTIVARIATE)
        if priority is None:
            self._people.pop(patient_id, None)
            return
        person = self._people.setdefault(patient_id, _Person())
        end = training_end(minute_end)
        if person.end != end:
            person.end, person.future = end, self._submit(patient_id, end)
        model, vector = person.model, self._vector(patient_id)
        if model is None or minute_end <= person.memory.minute:
            return
        size = model.score(vector) - model.odd_above
        _, person.memory = runs(np.array([minute_end]), size, 0.0, person.memory)
        self._tell(patient_id, person, model, vector, priority, minute_end)

    def _submit(self, patient_id: str, end: int) -> Future[Model | None]:
        """What the slots say is copied here; the thread reads the store and nothing else."""
        of = np.array(self._slots.of(patient_id), np.int64)
        slots = self._slots
        described = PatientSlots(slots.vital[of], slots.stale[of], slots.spot[of], slots.stream[of], slots.end[of])
        if self._executor is None:
            self._executor = self._make_executor()
        return self._executor.submit(_learn, self._readings, described, slots.start[of], end, self._kernels)

    def _vector(self, patient_id: str) -> F64:
        """What NEWS2 knows of the vitals now, NaN where it is stale."""
        score = self._board.score(patient_id)
        known = {} if score is None else {part.name: part.value for part in score.parts if not part.stale}
        values = [known.get(name) for name in VITALS_SEEN]
        return np.array([[value if isinstance(value, float) else np.nan for value in values]])

    def _tell(
        self, patient_id: str, person: _Person, model: Model, vector: F64, priority: Priority, minute_end: int
    ) -> None:
        alert = self._alerting.book.active(patient_id, MULTIVARIATE)
        span = person.memory.open
        stamp = self._alerting.stamp(f"deadline:{minute_end}")
        if span is not None and alert is None:
            parts = dict(zip(VITALS_SEEN, model.parts(vector)[0].tolist(), strict=True))
            values = dict(zip(VITALS_SEEN, vector[0].tolist(), strict=True))
            told = tell(phrase("combination.title"), combination_text(values, parts, model.version))
            finding = Finding(
                patient_id=patient_id,
                rule=MULTIVARIATE,
                kind=Kind.PHYSIOLOGICAL,
                priority=priority,
                title=told.title,
                evidence=Evidence(told.text, policy_version=self._directory.policy_version(patient_id), said=told.said),
                onset_at=span.began,
            )
            self._alerting.submit(patient_id, MULTIVARIATE, Began(stamp, finding))
        elif span is None and alert is not None and person.memory.usual >= USUAL:
            self._alerting.submit(patient_id, MULTIVARIATE, Ended(stamp, minute_end))


def _learn(readings: ReadingHistory, slots: PatientSlots, start: I64, end: int, kernels: Kernels) -> Model | None:
    """The model of the day before ``end`` from the stored readings; None when there are too few minutes, or it failed."""
    made: list[Model] = []

    def learn() -> None:
        batch, slot = worn(readings, slots, np.maximum(start, end - LEARNT_FROM), end)
        usable = first_gate(batch.value, batch.quality) == COUNTS
        columns = PatientReadings(batch.measured_at, slot, batch.value, usable, batch.quality)
        minutes = minute_inputs(columns, slots, kernels)
        try:
            made.append(train(minutes.inputs[:, COLUMNS], SEED))
        except InvalidInput:
            return  # too few minutes with enough vitals: nothing is unusual for a person who is not known yet

    attempt("training of the multivariate detector", learn)
    return made[0] if made else None


def worn(readings: ReadingHistory, slots: PatientSlots, start: I64, end: int) -> tuple[ReadingBatch, I64]:
    """What each slot's device measured from ``start`` of the slot to ``end``, and the slot of each reading. Only while its
    binding lasted: at other times the device may have been somebody else's."""
    found = [
        readings.range([stream], first, min(last, end), EVERY_READING)
        for stream, first, last in zip(slots.stream.tolist(), start.tolist(), slots.end.tolist(), strict=True)
    ]
    batch = ReadingBatch.concat(found)
    slot = np.repeat(np.arange(len(found), dtype=np.int64), [len(each) for each in found])
    order = np.lexsort((batch.ordinal, batch.measured_at))
    return batch.take(order), slot[order]

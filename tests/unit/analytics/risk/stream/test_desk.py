"""The models' own thread: nobody waits for it, the newest job wins, and what fails stops alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np

from analytics.engine.compiled import Kernels
from analytics.risk.drift import DAY, DriftWatch
from analytics.risk.stream.decide import Job, hours_of
from analytics.risk.stream.desk import Desk
from analytics.risk.stream.grid import COLUMNS, KEPT_H, Grid
from analytics.risk.stream.trouble import drifts
from tests.unit.analytics.risk.stream.bed import NAME, Shelf, model
from tests.unit.analytics.stores import MemoryReadings
from tests.unit.analytics.ward import START
from vigil.domain.errors import StoreError
from vigil.domain.risk import ModelState
from vigil.domain.times import HOUR
from vigil.runtime.clock import ManualClock


class Later(Executor):
    """Does what it was given when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.waiting.append(lambda: fn(*args, **kwargs))
        return Future()

    def work(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


def job(number: int, people: int = 3, pulse: float = 90.0) -> Job:
    """Of the quarter ``number`` hours after START."""
    grid, at = Grid(), START + number * HOUR
    names = [f"p-{each}" for each in range(people)]
    for column, value in zip(range(len(COLUMNS)), (pulse, 97, 37, 120, 80, 70, 16), strict=True):
        person = np.array([grid.place(each) for each in names])
        spread = value + np.arange(people) % 7 / 10
        grid.add(person, np.full(people, column), np.full(people, at - 1), spread)
    cells = grid.cells(names, at, KEPT_H, Kernels())
    return Job(
        at, at, number, hours_of([(each, 70.0, 1.0) for each in names], cells), np.zeros(people, np.int64), cells
    )


def desk(store: MemoryReadings, shelf: Shelf, later: Later, kept: list[dict[str, Any]]) -> Desk:
    made = Desk(lambda: shelf, store, later, ManualClock(START), kept.append)
    made.look()
    later.work()
    return made


def test_the_newest_job_wins_and_what_it_overtakes_is_counted() -> None:
    store, later, clock = MemoryReadings(), Later(), ManualClock(START)
    made = Desk(lambda: Shelf([(model(), ModelState.ACTIVE)]), store, later, clock, lambda _arrays: None)
    made.look()
    later.work()
    for number in (1, 2, 3):
        made.put(job(number), None)
        clock.advance(10)
    assert made.age_s == 30
    assert store.stored_predictions == []
    later.work()
    assert {each.position for each in store.stored_predictions} == {3}
    assert (made.dropped, made.age_s) == (2, 0.0)
    (outcome,) = made.take()
    assert [each.patient_id for each in outcome.by_model[NAME]] == ["p-0", "p-1", "p-2"]
    assert made.take() == []


def test_a_store_that_fails_does_not_keep_the_alert_back() -> None:
    class Full(MemoryReadings):
        def append_predictions(self, predictions: object) -> None:
            raise StoreError("disk full")

    later = Later()
    made = desk(Full(), Shelf([(model(), ModelState.ACTIVE)]), later, [])
    made.put(job(1), None)
    later.work()
    (outcome,) = made.take()
    assert len(outcome.by_model[NAME]) == 3


def test_drift_is_named_by_feature_and_outlives_a_restart() -> None:
    """Everybody's values are far from those that the reference was made of."""
    store, later, kept, shelf = MemoryReadings(), Later(), list[dict[str, Any]](), Shelf([(model(), ModelState.SHADOW)])
    first = desk(store, shelf, later, kept)
    for hour in range(1, 14):
        first.put(job(hour, people=60), {})
        later.work()
    outcome = first.take()[-1]
    (trouble,) = drifts(outcome.drifted)
    assert trouble.rule == f"model_drift.{NAME}"
    assert any(
        name in trouble.told.title
        for name in ("HR_", "Temp_", "SBP_", "MAP_", "DBP_", "Resp_", "O2Sat_", "Age", "score")
    )
    again = desk(store, shelf, later, kept)
    again.restore(kept[-1])
    again.put(job(14, people=60), None)
    later.work()
    assert again.take()[-1].drifted[NAME]


def test_counts_of_another_model_are_not_taken_over() -> None:
    store, later, kept, shelf = MemoryReadings(), Later(), list[dict[str, Any]](), Shelf([(model(), ModelState.SHADOW)])
    first = desk(store, shelf, later, kept)
    first.put(job(1), {})
    later.work()
    counted = {name: array for name, array in kept[-1].items() if name.startswith("drift.")}
    assert len(counted) == len(DriftWatch(NAME, model().reference).snapshot())
    broken = {name: array[:1] if array.ndim else array for name, array in counted.items()}
    again = desk(store, shelf, later, kept)
    again.restore(broken)
    again.put(job(DAY // HOUR), None)
    later.work()
    assert len(store.stored_predictions) == 6

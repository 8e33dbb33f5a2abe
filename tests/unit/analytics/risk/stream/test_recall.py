"""What is remembered of earlier windows gives the same scores to the bit, and does not count where a late reading changed one."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.engine.compiled import Kernels
from analytics.risk.clean import clean
from analytics.risk.features import FEATURE_SETS
from analytics.risk.folder import Model
from analytics.risk.hours import Hours
from analytics.risk.predictor import Predictor
from analytics.risk.recall import Recall, digests
from analytics.risk.registry import Registry
from analytics.risk.stream.decide import Job, hours_of, judge
from analytics.risk.stream.desk import Desk
from analytics.risk.stream.grid import KEPT_H, QUARTER, Cells, Grid
from tests.unit.analytics.risk.stream.bed import Shelf, StandIn, model
from tests.unit.analytics.risk.stream.test_desk import Later
from tests.unit.analytics.stores import MemoryReadings
from tests.unit.analytics.ward import START
from vigil.domain.risk import ModelState
from vigil.domain.times import HOUR
from vigil.runtime.clock import ManualClock

HOME = FEATURE_SETS["home"]
PEOPLE = [f"p-{each}" for each in range(40)]
NOW = START + 200 * HOUR
_USUAL = np.array((80.0, 96, 37, 122, 85, 68, 17))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Registry(tmp_path_factory.mktemp("none")).find("sepsis-home").predictor


@pytest.fixture
def grid() -> Grid:
    """Everybody's last five days, two values of three measured."""
    made, rng = Grid(), np.random.default_rng(4)
    for at in range(NOW - 120 * HOUR, NOW, QUARTER):
        for column, usual in enumerate(_USUAL):
            who = np.flatnonzero(rng.random(len(PEOPLE)) < 2 / 3)
            places = np.array([made.place(each) for each in PEOPLE])[who]
            values = usual * (1 + 0.1 * rng.standard_normal(who.size))
            made.add(places, np.full(who.size, column), np.full(who.size, at), values)
    return made


def cells_of(grid: Grid, at: int, people: list[str]) -> Cells:
    return grid.cells(people, at, KEPT_H, Kernels())


def hours_at(grid: Grid, at: int, people: list[str] = PEOPLE) -> Hours:
    return clean(hours_of([(each, 70.0, 1.0) for each in people], cells_of(grid, at, people)))


def counted(predictor: Predictor, asked: list[int]) -> Predictor:
    """Notes how many windows the estimator is asked about."""
    score = predictor.quick
    assert score is not None

    def counting(matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        asked.append(len(matrix))
        return score(matrix)

    return replace(predictor, quick=counting)


def raw(predictor: Predictor, hours: Hours, recall: Recall | None = None, at: int = NOW) -> list[float]:
    look = predictor.look(hours, hours.starts[1:] - 1) if recall is None else recall.look(predictor, hours, at)
    return list(look.raw)


def filled(predictor: Predictor, grid: Grid, people: list[str] = PEOPLE) -> Recall:
    recall = Recall()
    for ago in (24, 12):
        recall.look(predictor, hours_at(grid, NOW - ago * HOUR, people), NOW - ago * HOUR)
    return recall


def test_what_is_remembered_is_not_asked_again_and_is_the_same_to_the_bit(home: Predictor, grid: Grid) -> None:
    asked: list[int] = []
    noted = counted(home, asked)
    recall, hours = filled(noted, grid), hours_at(grid, NOW)
    asked.clear()
    assert raw(noted, hours, recall) == raw(home, hours)
    assert asked == [len(PEOPLE)]
    assert raw(noted, hours, Recall()) == raw(home, hours)
    assert asked[1:] == [3 * len(PEOPLE)]


@pytest.mark.parametrize(("hours_ago", "asked_anew"), [(3, 0), (13, 1), (23, 1)])
def test_a_late_reading_changes_the_score_as_if_nothing_were_remembered(
    home: Predictor, grid: Grid, hours_ago: int, asked_anew: int
) -> None:
    asked: list[int] = []
    noted = counted(home, asked)
    recall, before = filled(noted, grid), raw(home, hours_at(grid, NOW))
    late, at = np.array([grid.place(PEOPLE[7])]), np.array([NOW - hours_ago * HOUR + 1])
    grid.add(late, np.array([0]), at, np.array([150.0]))
    asked.clear()
    after = raw(noted, hours_at(grid, NOW), recall)
    assert after == raw(home, hours_at(grid, NOW))
    assert [one for one, (old, new) in enumerate(zip(before, after, strict=True)) if old != new] == [7]
    assert asked == [len(PEOPLE) + asked_anew]


def test_who_came_or_went_or_stands_elsewhere_is_known_by_name(home: Predictor, grid: Grid) -> None:
    asked: list[int] = []
    noted = counted(home, asked)
    recall = filled(noted, grid, PEOPLE[5:])
    here = [*reversed(PEOPLE[10:]), PEOPLE[0]]
    asked.clear()
    assert raw(noted, hours_at(grid, NOW, here), recall) == raw(home, hours_at(grid, NOW, here))
    assert asked == [len(here) + 2]


def test_a_birthday_is_a_change(home: Predictor, grid: Grid) -> None:
    hours, asked = hours_at(grid, NOW), list[int]()
    older = replace(hours, columns={**hours.columns, "Age": hours.columns["Age"] + np.float32(1)})
    noted = counted(home, asked)
    recall = filled(noted, grid)
    asked.clear()
    assert raw(noted, older, recall) == raw(home, older)
    assert asked == [3 * len(PEOPLE)]


def test_the_digest_is_of_all_that_a_feature_is_made_of_and_of_nothing_else(grid: Grid) -> None:
    hours = hours_at(grid, NOW, PEOPLE[:2])
    rows = np.stack([hours.starts[1:] - 1 - ago for ago in (0, 12)])
    first = digests(hours, HOME, rows)
    assert len(np.unique(first)) == 4
    for name in HOME.columns:
        for ago in (0, 11, 12, HOME.lookback_h, HOME.lookback_h + 1, HOME.lookback_h + 12, HOME.lookback_h + 13):
            column = hours.columns[name].copy()
            column[rows[0, 0] - ago] = np.nan_to_num(column[rows[0, 0] - ago], nan=0.5) + np.float32(0.01)
            changed = digests(replace(hours, columns={**hours.columns, name: column}), HOME, rows) != first
            assert changed[:, 0].tolist() == [ago <= HOME.lookback_h, 12 <= ago <= HOME.lookback_h + 12]
            assert not changed[:, 1].any()


def test_no_more_than_a_day_of_quarters_is_kept(home: Predictor, grid: Grid) -> None:
    recall, hours = Recall(), hours_at(grid, NOW, PEOPLE[:1])
    for quarter in range(300):
        recall.look(home, hours, NOW + quarter * QUARTER)
    assert len(recall) == 4 * 24 + 1
    recall.look(home, hours, NOW + 5000 * QUARTER)
    assert len(recall) == 1


def test_the_desk_remembers_by_model_and_forgets_whose_model_went(home: Predictor, grid: Grid) -> None:
    asked: list[int] = []
    plain = cast(StandIn, model())
    used = cast(Model, replace(plain, predictor=counted(home, asked)))
    shelf, later = Shelf([(used, ModelState.SHADOW)]), Later()
    desk = Desk(lambda: shelf, MemoryReadings(), later, ManualClock(START), lambda _arrays: None)

    def decided(at: int) -> int:
        """How many windows the model was asked about."""
        cells = cells_of(grid, at, PEOPLE)
        hours = hours_of([(each, 70.0, 1.0) for each in PEOPLE], cells)
        asked.clear()
        desk.look()
        desk.put(Job(at, at, 1, hours, np.zeros(len(PEOPLE), np.int64), cells), None)
        later.work()
        (outcome,) = desk.take()
        alone = judge(home, clean(hours), np.zeros(len(PEOPLE), np.int64))
        assert [each.probability for each in outcome.by_model[used.name]] == alone.probability.tolist()
        return asked[0]

    assert [decided(NOW - ago * HOUR) for ago in (24, 12, 0)] == [3 * 40, 2 * 40, 40]
    shelf.models.clear()
    desk.look()
    later.work()
    shelf.models.append((used, ModelState.SHADOW))
    assert decided(NOW) == 3 * 40

"""What a decision of a risk model about everybody costs, and what of it the thread that judges has to bear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from analytics.engine.compiled import Kernel, Kernels
from analytics.risk.candidates import CANDIDATES
from analytics.risk.clean import clean
from analytics.risk.features import FEATURE_SETS
from analytics.risk.hours import Hours
from analytics.risk.predictor import Needs, Predictor, raw_score
from analytics.risk.quick import quick
from analytics.risk.recall import Recall
from analytics.risk.stream.cells import cells_kernel, cells_signature
from analytics.risk.stream.decide import hours_of, judge
from analytics.risk.stream.grid import COLUMNS, KEPT_H, QUARTER, Grid
from analytics.risk.train.sepsis import EARLIER_H
from cli.bench.contest import timed
from vigil.domain.times import HOUR
from vigil.runtime.clock import Clock

#: Features and prediction of ``PEOPLE`` at once (the issue of this command).
GOAL_S, PEOPLE = 0.050, 10_000
_START = 1_767_225_600_000_000
#: Usual value and spread of each column, in the order of ``COLUMNS``.
_USUAL = ((80, 12), (96, 2), (37, 0.4), (122, 15), (85, 10), (68, 9), (17, 3))
#: Rows that an invented model learns from, and values a second that a wearable sends.
_ROWS, _SENT = 4000, 3


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians, seconds: ``add`` of one reading, ``copy`` of everybody's hours (both in the thread that judges), ``score``:
    features and prediction where what was said of the earlier windows is remembered, as it is once the stream has run for as
    long as the model looks back for them; ``cold``: the same where nothing is, as after a start. ``plain``: the library's call
    alone on the rows of now. ``grid_bytes``: of everybody's three days."""

    people: int
    add: float
    copy: float
    score: float
    cold: float
    plain: float
    grid_bytes: int

    @property
    def share(self) -> float:
        """Of the judging thread's time: decisions, and the readings of wearables that send ``_SENT`` values a second."""
        return self.copy / (QUARTER / 1e6) + self.add * self.people * _SENT


def measured(predictor: Predictor, people: int, rounds: int, clock: Clock) -> Figures:
    kernels = Kernels()
    kernels.compile([Kernel(cells_kernel, cells_signature)])
    names = [f"bench-{number:06d}" for number in range(people)]
    grid, add = _filled(names, clock)
    at = _START + KEPT_H * HOUR
    copy = _median(rounds, clock, lambda: grid.cells(names, at, KEPT_H, kernels))
    news2 = np.zeros(people, np.int64)

    def hours(end: int) -> Hours:
        return clean(hours_of([(name, 70.0, 1.0) for name in names], grid.cells(names, end, KEPT_H, kernels)))

    recall, now = Recall(), hours(at)
    for ago in sorted(predictor.earlier_h, reverse=True):
        judge(predictor, hours(at - ago * HOUR), news2, at - ago * HOUR, recall)
    matrix = judge(predictor, now, news2, at, recall).matrix
    score = _median(rounds, clock, lambda: judge(predictor, now, news2, at, recall))
    cold = _median(rounds, clock, lambda: judge(predictor, now, news2, at, Recall()))
    plain = _median(rounds, clock, lambda: raw_score(predictor.estimator, matrix))
    return Figures(people, add, copy, score, cold, plain, grid.nbytes)


def shown(figures: Figures) -> list[tuple[str, str]]:
    goal = f" (goal < {GOAL_S * 1e3:.0f} ms: {'reached' if figures.score < GOAL_S else 'missed'})"
    return [
        (
            "features and prediction, earlier scores remembered",
            f"{figures.score * 1e3:.1f} ms{goal if figures.people == PEOPLE else ''}",
        ),
        ("the same after a start, nothing remembered", f"{figures.cold * 1e3:.1f} ms"),
        (
            "the library's call alone on the rows of now",
            f"{figures.plain * 1e3:.1f} ms, {figures.plain / figures.score:.2f} times as long",
        ),
        ("everybody's hours, in the judging thread", f"{figures.copy * 1e3:.1f} ms a quarter of an hour"),
        ("a reading into the grid", f"{figures.add * 1e9:.0f} ns"),
        (f"share of the judging thread, {_SENT} values a second each", f"{figures.share:.2%}"),
        ("memory of the grid", f"{figures.grid_bytes / 1e6:.1f} MB"),
    ]


def invented() -> Predictor:
    """As large as a real one, of a label that means nothing: it takes as long."""
    rng, grid = np.random.default_rng(5), Grid()
    names = [f"row-{number}" for number in range(_ROWS // KEPT_H + 1)]
    for quarter in range(4 * KEPT_H):
        _measure(grid, names, _START + quarter * QUARTER, rng)
    cells = grid.cells(names, _START + KEPT_H * HOUR, KEPT_H, Kernels())
    hours = clean(hours_of([(name, 70.0, 1.0) for name in names], cells))
    matrix = FEATURE_SETS["home"].compute(hours, None)[:_ROWS]
    label = rng.random(_ROWS) < 0.1
    estimator: Any = CANDIDATES["boosting"](1).fit(matrix, label)
    return Predictor(
        feature_set="home",
        estimator=estimator,
        calibration=(np.array([-9.0, 9.0]), np.array([0.0, 1.0])),
        threshold=0.5,
        needs=Needs(),
        news2_risk=np.zeros(22),
        bands=(np.array([0.5]), np.zeros(2), np.ones(2)),
        earlier_h=EARLIER_H["home"],
        quick=quick(estimator),
    )


def _filled(names: list[str], clock: Clock) -> tuple[Grid, float]:
    """Everybody's three days, a value a quarter and column, and the median seconds a reading."""
    grid, rng = Grid(), np.random.default_rng(3)
    spent = [
        _measure(grid, names, _START + quarter * QUARTER, rng, clock) / (len(names) * len(COLUMNS))
        for quarter in range(4 * KEPT_H)
    ]
    return grid, median(spent)


def _measure(grid: Grid, names: list[str], at: int, rng: np.random.Generator, clock: Clock | None = None) -> float:
    """A value of each column of everybody in the quarter at ``at``; how many seconds it took."""
    person = np.repeat(np.array([grid.place(name) for name in names]), len(COLUMNS))
    column = np.tile(np.arange(len(COLUMNS)), len(names))
    usual = np.array(_USUAL)[column]
    values = rng.normal(usual[:, 0], usual[:, 1]).clip(35, 200)
    times = at + rng.integers(0, QUARTER, person.size)
    if clock is None:
        grid.add(person, column, times, values)
        return 0.0
    return timed(clock, lambda: grid.add(person, column, times, values))[0]


def _median(rounds: int, clock: Clock, work: Callable[[], object]) -> float:
    return median(timed(clock, work)[0] for _ in range(rounds))

"""A replay that is told how the fold has judged gives what one gives that judges itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analytics.backtest import replay as module
from analytics.backtest.fold import Folded, fold
from analytics.backtest.foreseen import Foreseen, foreseeable
from analytics.backtest.replay import replay
from analytics.backtest.world import World
from analytics.backtest.write import notice_lines
from analytics.directory import Directory
from analytics.lapses import reconfigure
from analytics.quality import COUNTS
from analytics.state import State
from tests.unit.analytics.backtest.given import START, Row, world
from tests.unit.analytics.backtest.test_replay import Arrival, any_order, at_once, hours, seconds_late, slow_clock
from tests.unit.analytics.ward import compiled
from vigil.domain.alerts import Priority
from vigil.domain.policy import BEDSIDE_POLICY, Policy
from vigil.domain.readings import ReadingBatch
from vigil.domain.times import DAY, MINUTE, SECOND

#: With every finding that a policy may let call, so that all conditions are followed.
LOUD = replace(
    BEDSIDE_POLICY,
    findings=dict.fromkeys(("baseline", "breakout", "disagreement", "drift", "flat", "rate", "trend"), Priority.LOW),
)
ALIKE = [Row("p-1", "spo2", START + n * SECOND, 97.0, START + n * SECOND) for n in range(30)]


def notices(rows: list[Row], policy: Policy) -> list[str]:
    of = world(rows, policy)
    return list(notice_lines(replay(of, fold(of, compiled()), compiled())))


@pytest.mark.parametrize("policy", [BEDSIDE_POLICY, LOUD], ids=["default", "loud"])
@pytest.mark.parametrize("arrival", [at_once, slow_clock])
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_the_notices_are_the_same(arrival: Arrival, seed: int, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = arrival(hours(seed, two=True), np.random.default_rng(seed))
    assert is_foreseeable(rows)
    told = notices(rows, policy)
    monkeypatch.setattr(module, "foreseeable", lambda *_: False)
    assert told == notices(rows, policy) != []


@pytest.mark.parametrize("arrival", [at_once, slow_clock])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_remembered_is_that_of_live_judging_at_any_moment(seed: int, arrival: Arrival) -> None:
    rng = np.random.default_rng(seed)
    of = world(arrival(hours(seed, two=True), rng))
    folded = fold(of, compiled())
    ours, live = fresh(of, folded), fresh(of, None)
    assert isinstance(ours, Foreseen)
    batch, start, given = of.history.batch, 0, 0
    while start < len(batch):
        end = min(start + int(rng.choice([1, 5, 100, 300])), len(batch))
        part = batch.take(slice(start, end))
        mattering = ours.mattering(start, end)
        take(ours, batch.take(mattering))
        take(live, part)
        start, given = end, given + mattering.size
        for name in (
            "first_received",
            "seen_received",
            "seen_at",
            *(each for each in live.slots.SPEC if "valid_" in each),
        ):
            assert getattr(ours.slots, name).tobytes() == getattr(live.slots, name).tobytes()
        assert ours.windows.medians() == pytest.approx(live.windows.medians(), nan_ok=True, abs=0)
        minute = int(part.measured_at[-1]) // MINUTE * MINUTE
        for slot in range(live.slots.size):
            between = [state.windows.median_between(slot, minute - MINUTE, minute) for state in (ours, live)]
            assert between[0] == pytest.approx(between[1], nan_ok=True, abs=0)
            running = [
                {n: row.tobytes() for n, row in state.engine.running(slot).items() if ours.intake.followed[n].all()}
                for state in (ours, live)
            ]
            assert running[0] == running[1]
    assert given < len(batch)


def test_only_what_came_in_order_and_in_time_can_be_foreseen() -> None:
    assert is_foreseeable(ALIKE)
    assert is_foreseeable(seconds_late(ALIKE[::10], np.random.default_rng(0)))
    assert not is_foreseeable(any_order(ALIKE, np.random.default_rng(0)))
    assert not is_foreseeable([*ALIKE, replace(ALIKE[-1], value=96.0)]), "two values of one time"
    too_late = Row("p-1", "heart_rate", START, 70.0, START + DAY + MINUTE)
    assert not is_foreseeable([*ALIKE, too_late]), "it is in no fold"


def test_of_a_detector_that_failed_in_the_fold_nothing_is_foreseen() -> None:
    of = world(ALIKE)
    folded = fold(of, compiled())
    folded.state.engine.failed.add(0)
    assert not foreseeable(of, folded)


def is_foreseeable(rows: list[Row]) -> bool:
    of = world(rows)
    return foreseeable(of, fold(of, compiled()))


def fresh(of: World, folded: Folded | None) -> State:
    directory = Directory(of)
    directory.refresh()
    return State(directory, of, compiled()) if folded is None else Foreseen(directory, of, compiled(), folded)


def take(state: State, batch: ReadingBatch) -> None:
    slot = state.slots.resolve(batch)
    state.extend()
    for each in range(state.slots.size):
        reconfigure(state, each, BEDSIDE_POLICY, BEDSIDE_POLICY.version)
    taken = state.intake.take(slot, batch, int(batch.received_at[-1]))
    counts = taken.judged.gate == COUNTS
    state.slots.note(slot, batch, counts)
    state.windows.add(slot, batch, ~counts)
    state.windows.refresh()

"""The back-test of a simulated person tells what the live stage tells, second by second."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analytics.backtest.fold import fold
from analytics.backtest.replay import Nurse, replay
from analytics.backtest.world import History, World
from tests.clinical import bed
from tests.clinical.bed import Case
from tests.unit.analytics.backtest.live import live
from vigil.domain.alerts import Step, Transition
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.times import MINUTE, SECOND

#: A healthy person who is very active, and one whose sepsis becomes critical.
CASES = (Case("active_day", 3, 14.0, step_s=60.0), Case("sepsis_home", 2, 18.0, 2.0, step_s=60.0))


#: A back-test looks at the score at fewer moments, and what it must gather before it calls is what it was at those.
SAMPLED = 3 * MINUTE


def at_full_seconds(history: History) -> History:
    """Received at the second, as the live stage ticks."""
    received = history.batch.received_at // SECOND * SECOND
    order = np.argsort(received, kind="stable")
    ordinal = np.arange(1, order.size + 1, dtype=np.uint64)
    return replace(history, batch=replace(history.batch.take(order), received_at=received[order], ordinal=ordinal))


def opened(log: list[Transition]) -> list[tuple[str, int]]:
    """Rule, priority and time of whatever began or got worse."""
    begun = [line for line in log if line.step in (Step.OPENED, Step.WORSENED)]
    return [(f"{line.after.rule} {line.after.priority.value}", line.at) for line in begun]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.scenario)
def test_the_same_alerts_as_live_at_the_same_time(case: Case, tmp_path: Path) -> None:
    history = at_full_seconds(replace(bed.watch(case).world.history, policy=DEFAULT_POLICY))
    expected = opened(live(World(history), tmp_path / "live.npz", comes=Nurse))
    world = World(history)
    found = opened(list(replay(world, fold(world, bed.kernels()), bed.kernels())))
    assert [what for what, _ in sorted(found)] == [what for what, _ in sorted(expected)]
    for (what, one), (_, other) in zip(sorted(found), sorted(expected), strict=True):
        assert abs(one - other) <= (SAMPLED if what.startswith("news2") else MINUTE), what
    assert len(found) > 5

"""A replay that passes over moments at which nothing follows gives the notices of one that ticks at each of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.backtest import replay as module
from analytics.backtest.fold import fold
from analytics.backtest.quiet import Jumping, Quiet, quiet
from analytics.backtest.replay import replay
from analytics.backtest.write import notice_lines
from analytics.engine.compiled import Kernels
from analytics.news2_rule import News2Rule
from analytics.scores.grades import grade
from analytics.scores.persistence import NOT_KNOWN, NUMBERS, Looks, Persistence
from tests.unit.analytics.backtest.given import START, Row, world
from tests.unit.analytics.backtest.test_replay import Arrival, at_once, hours, seconds_late
from tests.unit.analytics.ward import compiled
from vigil.domain.policy import BEDSIDE_POLICY, DEFAULT_POLICY, Policy
from vigil.domain.quality import Quality
from vigil.domain.scores import Score
from vigil.domain.times import MINUTE, SECOND

QUICK = replace(BEDSIDE_POLICY, news2_delay_s={"high": 0.0, "medium": 120.0, "low": 400.0}, news2_clear_delay_s=90.0)


def hovering(seed: int) -> list[Row]:
    """Five hours of a value a minute: a score that changes all the time, a weak signal, a gap, an empty battery, oxygen."""
    rng = np.random.default_rng(seed)
    usual = {"resp_rate": 9.0, "heart_rate": 72.0, "spo2": 97.0, "bp_sys": 124.0, "body_temp": 36.6, "bp_dia": 80.0}
    rows = []
    for minute in range(300):
        at = START + minute * MINUTE + int(rng.integers(0, 3)) * SECOND
        rows.append(Row("p-1", "battery_level", at, round(40.0 - minute / 10.0, 1) if minute < 250 else 90.0, at))
        if minute % 70 == 20:
            rows.append(Row("p-1", "o2_flow", at, float(rng.choice([0.0, 2.0])), at, 0, "o"))
        for vital, value in usual.items():
            if not (vital == "spo2" and 100 <= minute < 112):
                weak = int(Quality.LOW_PERFUSION) if rng.random() < 0.1 else 0
                rows.append(Row("p-1", vital, at, round(value + float(rng.normal(0.0, 0.5)), 1), at, weak))
    return rows


def notices(rows: list[Row], policy: Policy) -> list[str]:
    of = world(rows, policy)
    return list(notice_lines(replay(of, fold(of, compiled()), compiled())))


@pytest.mark.parametrize("policy", [BEDSIDE_POLICY, DEFAULT_POLICY, QUICK], ids=["bedside", "default", "quick"])
@pytest.mark.parametrize("arrival", [at_once, seconds_late])
@pytest.mark.parametrize("seed", [21, 22])
def test_the_notices_are_the_same(arrival: Arrival, seed: int, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = arrival(hovering(seed) if seed < 22 else hours(seed), np.random.default_rng(seed))
    told = notices(rows, policy)
    monkeypatch.setattr(module, "quiet", lambda *_: None)
    assert told == notices(rows, policy) != []


def test_few_of_the_moments_need_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks, tick = [], Jumping.on_tick

    def counted(self: Jumping, now: int, live_since: int | None, *, behind: bool = False) -> int:
        ticks.append(now)
        return tick(self, now, live_since, behind=behind)

    monkeypatch.setattr(Jumping, "on_tick", counted)
    told = notices(hovering(21), DEFAULT_POLICY)
    few = len(ticks)
    ticks.clear()
    monkeypatch.setattr(module, "quiet", lambda *_: None)
    assert notices(hovering(21), DEFAULT_POLICY) == told
    assert few < len(ticks) / 2


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_the_score_of_each_moment_is_that_of_live(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Quiet] = []
    scored: dict[int, int] = {}

    def kept(*given: object) -> None:
        found = quiet(*given)  # type: ignore[arg-type]
        assert found is not None
        made.append(found)

    def judge(self: News2Rule, score: Score, now: int, cause: str, live_since: int) -> None:
        known = any(part.points is not None for part in score.parts)
        scored[now] = grade(score) if known else NOT_KNOWN

    monkeypatch.setattr(module, "quiet", kept)
    monkeypatch.setattr(News2Rule, "judge", judge)
    rows = hovering(seed) if seed < 23 else hours(seed)
    notices(rows, QUICK)
    looks = made[0].looks
    expected, last = {}, 0
    for at, wanted, touched in zip(looks.at.tolist(), looks.wanted.tolist(), looks.touched.tolist(), strict=True):
        if touched or (last and at - last >= MINUTE):
            expected[at], last = wanted, at
    assert scored == expected
    assert len(set(expected.values())) > 1


LOOK = st.tuples(st.integers(1, 200), st.integers(NOT_KNOWN, 4), st.booleans())


@pytest.mark.parametrize("kernels", [Kernels(), None], ids=["plain", "compiled"])
@given(looks=st.lists(LOOK, min_size=1, max_size=40), cuts=st.lists(st.integers(0, 40), max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_is_passed_over_has_gathered_as_much(
    kernels: Kernels | None, looks: list[tuple[int, int, bool]], cuts: list[int]
) -> None:
    kernels, delays = kernels or compiled(), (300 * SECOND, 200 * SECOND, 60 * SECOND)
    at = START + np.cumsum([step for step, _, _ in looks]) * SECOND
    # Each score is another one, so that the two agree only when they keep the same of them.
    numbers = np.arange(len(looks) * NUMBERS).reshape(len(looks), NUMBERS)
    wants, touches = np.array([wanted for _, wanted, _ in looks]), np.array([touched for _, _, touched in looks])
    every = Looks(at, wants, touches, numbers)
    one, other, scored_at, expected = Persistence(), Persistence(), 0, len(looks)
    for place, (_, wanted, touched) in enumerate(looks):
        if touched or (scored_at and at[place] - scored_at >= MINUTE):
            before = one.saved("a")
            if one.reached("p-1", wanted, int(at[place]), delays, numbers[place].tolist(), START):
                one, expected = Persistence(), place
                one.load(before, "a")
                break
            scored_at = int(at[place])
    ends = sorted({min(cut, len(looks)) for cut in cuts} | {len(looks)})
    place, scored = 0, 0
    for end in ends:
        if place == end or (ends.index(end) and place < ends[ends.index(end) - 1]):
            continue
        place, scored = other.pass_over("p-1", every, (place, end), scored, delays, START, kernels)
    assert (place, scored) == (expected, scored_at)
    assert {name: array.tolist() for name, array in one.saved("a").items()} == {
        name: array.tolist() for name, array in other.saved("a").items()
    }

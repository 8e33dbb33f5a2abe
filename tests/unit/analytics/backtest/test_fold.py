"""The episode log is a function of the set of readings: arrival changes nothing, and the live stage finds the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.backtest.fold import Folded, fold
from analytics.backtest.world import World
from analytics.backtest.write import episode_lines
from analytics.directory import Directory
from analytics.episodes import Spans, brought_up, episodes
from analytics.lapses import reconfigure
from analytics.state import State
from tests.unit.analytics.backtest.given import START, Row, delayed, history, world
from tests.unit.analytics.ward import compiled
from vigil.domain.alerts import Kind, Priority
from vigil.domain.policy import BEDSIDE_POLICY, Policy, with_limits
from vigil.domain.times import DAY, HOUR, MINUTE, SECOND


def folded(rows: list[Row], policy: Policy = BEDSIDE_POLICY) -> Folded:
    return fold(world(rows, policy), compiled())


def log_of(rows: list[Row]) -> list[str]:
    return list(episode_lines("p-1", folded(rows)))


def run(vital: str, *runs: tuple[float, int], start: int = START, device: str = "w-1") -> list[Row]:
    """One value a second, as (value, seconds)."""
    values = [value for value, seconds in runs for _ in range(seconds)]
    times = [start + second * SECOND for second in range(len(values))]
    return [Row("p-1", vital, at, value, at, 0, device) for at, value in zip(times, values, strict=True)]


# --- a drawn history ------------------------------------------------------------------------------------------------------


def test_one_line_says_which_condition_how_bad_from_when_to_when() -> None:
    found = folded(run("spo2", (97, 30), (85, 20), (78, 3), (86, 5), (97, 90)))
    limit = next(each for each in found.log if each.rule == "limit.spo2.low")
    each = limit.episode
    assert (limit.kind, limit.priority) == (Kind.PHYSIOLOGICAL, Priority.HIGH)
    seconds = [(at - START) // SECOND for at in (each.onset, each.decided, each.end or 0, each.closed, each.peak_at)]
    assert seconds == [30, 45, 58, 118, 50]
    assert (each.peak, each.level) == (78, 2)


def test_an_open_episode_has_no_end_and_its_deepest_value() -> None:
    found = folded(run("spo2", (97, 30), (85, 20), (82, 1), (84, 20)))
    each = next(each.episode for each in found.log if each.rule == "limit.spo2.low")
    assert (each.end, each.closed, each.peak) == (None, 0, 82)


def test_two_sensors_of_one_vital_make_one_episode_whoever_is_named_first() -> None:
    one = run("spo2", (97, 5), (89, 3), (84, 1), (89, 21), (97, 70))
    for late in (False, True):
        two = run("spo2", (97, 5), (89, 7), (84, 1), (89, 37), (97, 70), device="w-2")
        rows = [*one, *(row.received(row.received_at + SECOND) if late else row for row in two)]
        found = [each.episode for each in folded(rows).log if each.rule == "limit.spo2.low"]
        assert [(each.onset, each.end, each.peak_at) for each in found] == [
            (START + 5 * SECOND, START + 50 * SECOND, START + 8 * SECOND)
        ]


def test_the_policy_decides_which_limits_and_priorities() -> None:
    rows = run("spo2", (97, 30), (85, 30), (97, 90))
    wider = with_limits(BEDSIDE_POLICY, [{"vital": "spo2", "side": "low", "limit": 84}], "doctor")
    louder = with_limits(BEDSIDE_POLICY, [{"vital": "spo2", "side": "low", "priority": "high"}], "doctor")
    rules = {
        name: {each.rule: each.priority for each in folded(rows, policy=policy).log}
        for name, policy in (("wider", wider), ("louder", louder))
    }
    assert "limit.spo2.low" not in rules["wider"]
    assert rules["louder"]["limit.spo2.low"] is Priority.HIGH


def test_what_came_more_than_a_day_late_changes_nothing_not_even_the_spacing_of_the_sensor() -> None:
    """A hundred values a second apart would make a sensor that sends every 200 s a continuous one."""
    rows = [
        Row("p-1", "spo2", START + n * 200 * SECOND, 79.0 if n % 2 else 97.0, START + n * 200 * SECOND)
        for n in range(40)
    ]
    times = [START + 1 + n * SECOND for n in range(100)]
    late = [Row("p-1", "spo2", at, 70.0, at + DAY + 1) for at in times]
    assert log_of([*rows, *late]) == log_of(rows)
    just_in_time = [row.received(row.measured_at + DAY) for row in late]
    assert log_of([*rows, *just_in_time]) != log_of(rows)


def test_no_readings_no_episodes() -> None:
    found = folded([Row("p-1", "spo2", START, 97.0, START)])
    assert found.log == []
    late = folded([Row("p-1", "spo2", START, 70.0, START + 2 * DAY)])
    assert (late.log, len(late.batch), late.decided.size) == ([], 0, 0)


# --- any arrival ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_any_delay_up_to_20_hours_gives_the_same_log(seed: int) -> None:
    rows = history("p-1", seed)
    expected = log_of(rows)
    assert len(expected) > 10
    for other in range(3):
        assert log_of(delayed(rows, 100 * seed + other)) == expected


# --- as live --------------------------------------------------------------------------------------------------------------


class Feed:
    """Intake and late judging alone: what each slot's episodes are, from the events of live judging."""

    def __init__(self, of: World) -> None:
        self.world = of
        directory = Directory(of)
        directory.refresh()
        self.state = State(directory, of, compiled())
        self.spans: dict[int, Spans] = {}

    def take(self, start: int, end: int, now: int) -> None:
        state, batch = self.state, self.world.history.batch.take(slice(start, end))
        configured = state.slots.size
        slot = state.slots.resolve(batch)
        state.extend()
        policy = self.world.history.policy
        for new in range(configured, state.slots.size):
            reconfigure(state, new, policy, policy.version)
        before = {each: state.engine.running(each) for each in np.unique(slot).tolist()}
        taken = state.intake.take(slot, batch, now)
        judged = batch.take(taken.rows)
        of = slot[taken.rows][taken.events["event"]["row"]] if taken.events.size else np.empty(0, np.int64)
        for each in np.unique(slot).tolist():
            found = episodes(taken.events[of == each], judged.measured_at, before[each])
            self._add(each, found)
        urgent = np.zeros(taken.late.size, np.bool_)
        state.late.mark(slot[taken.late], batch.take(taken.late), urgent, now)
        state.position = int(batch.ordinal[-1])

    def settle(self, now: int) -> None:
        for slot in self.state.late.due(now, all_of_it=True):
            again = self.state.late.judge_again(slot, self.state.position, now)
            kept = {
                key: [each for each in spans if each.end is not None and each.closed < again.start]
                for key, spans in self.spans.get(slot, {}).items()
            }
            self.spans[slot] = {key: [*kept.get(key, []), *again.spans.get(key, [])] for key in {*kept, *again.spans}}

    def _add(self, slot: int, found: Spans) -> None:
        """An episode that ran before these readings is the last known one, brought up to now."""
        known = self.spans.setdefault(slot, {})
        for key, spans in found.items():
            before = known.setdefault(key, [])
            if before and before[-1].end is None:
                before.pop()
            before += spans

    def comparable(self, slot: int) -> dict[tuple[int, int], list[tuple[object, ...]]]:
        return _comparable(brought_up(self.spans.get(slot, {}), self.state.engine.running(slot)))


def _comparable(spans: Spans) -> dict[tuple[int, int], list[tuple[object, ...]]]:
    """``decided`` and ``level`` of a condition that ran at a checkpoint are not kept with it."""
    return {
        key: [(each.onset, each.end, each.closed, each.peak, each.peak_at) for each in of_side]
        for key, of_side in sorted(spans.items())
        if of_side
    }


def _at_once(of: World) -> dict[int, dict[tuple[int, int], list[tuple[object, ...]]]]:
    """By stream: the episodes of all readings in the order that ``fold`` gives them."""
    found, feed, result = fold(of, compiled()), Feed(of), {}
    feed.state.slots.resolve(of.history.batch)
    feed.state.extend()
    for slot in range(found.state.slots.size):
        reconfigure(feed.state, slot, of.history.policy, of.history.policy.version)
        batch, rows = found.batch.take(found.slot == slot), np.flatnonzero(found.slot == slot)
        nothing_before = np.zeros(rows.size, np.int64)
        _, events = feed.state.intake.judge(found.slot[rows], batch, nothing_before, START)
        spans = brought_up(episodes(events, batch.measured_at), feed.state.engine.running(slot))
        result[int(found.state.slots.stream[slot])] = _comparable(spans)
    return result


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), sizes=st.lists(st.integers(1, 900), min_size=1, max_size=6), often=st.booleans())
def test_live_judging_in_any_arrival_order_finds_the_same_episodes(seed: int, sizes: list[int], often: bool) -> None:
    """``Late.judge_again`` from checkpoints against everything at once."""
    of = world(delayed(history("p-1", seed, pieces=8), seed))
    feed = Feed(of)
    start, number = 0, 0
    total = len(of.history.batch)
    while start < total:
        end = min(total, start + sizes[number % len(sizes)])
        now = int(of.history.batch.received_at[end - 1])
        feed.take(start, end, now)
        if often:
            feed.settle(now)
        start, number = end, number + 1
    feed.settle(int(of.history.batch.received_at[-1]))
    slots = feed.state.slots
    found = {int(slots.stream[slot]): feed.comparable(slot) for slot in range(slots.size)}
    assert found == _at_once(of)


def test_a_reading_of_the_same_time_and_value_as_the_newest_is_no_second_one() -> None:
    """Repeated by two devices' packs, as the store would not keep it twice; here it may be."""
    rows = run("spo2", (97, 30), (85, 30), (97, 90))
    again = [row.received(row.received_at + HOUR) for row in rows[40:50]]
    assert log_of([*rows, *again]) == log_of(rows)


def test_minutes_of_news2_stand_in_the_log_as_episodes() -> None:
    rows = [
        *run("resp_rate", (26, 600), (15, 900)),
        *run("spo2", (90, 600), (97, 900)),
        *run("heart_rate", (120, 600), (72, 900)),
    ]
    found = [each for each in folded(rows).log if each.rule == "news2"]
    assert [each.priority for each in found] == [Priority.HIGH]
    assert found[0].episode.onset == START + MINUTE
    silent = folded(rows, policy=replace(BEDSIDE_POLICY, news2=False))
    assert not any(each.rule == "news2" for each in silent.log)

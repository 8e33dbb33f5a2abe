"""The same pipeline on a virtual clock: the notice log of a back-test against that of the live stage, driven second by second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.backtest.fold import fold
from analytics.backtest.replay import SETTLE, Nurse, moments, replay
from analytics.backtest.world import World
from tests.unit.analytics.backtest.given import START, Row, world
from tests.unit.analytics.backtest.live import Prompt, live
from tests.unit.analytics.ward import compiled
from vigil.domain.alerts import Condition, Step, Transition
from vigil.domain.calls import interrupts
from vigil.domain.policy import BEDSIDE_POLICY, Policy
from vigil.domain.quality import Quality
from vigil.domain.times import HOUR, MINUTE, SECOND

BAD = (int(Quality.MOTION), int(Quality.CONTACT_LOST), int(Quality.TEST))
LEVELS: dict[str, tuple[float, ...]] = {
    "spo2": (97.0, 89.0, 84.0, 78.0),
    "heart_rate": (72.0, 38.0, 28.0, 135.0, 190.0),
    "resp_rate": (15.0, 7.0, 4.0, 27.0, 41.0),
    "bp_sys": (124.0, 88.0, 70.0, 225.0),
    "body_temp": (36.6, 34.9, 39.4),
}
Line = tuple[str, str]


def replayed(
    of: World, response_s: float = 60.0, comes: Callable[[Any, Policy, float], Nurse] = Prompt
) -> list[Transition]:
    return list(replay(of, fold(of, compiled()), compiled(), response_s, comes))


def hours(seed: int, two: bool = False) -> list[Row]:
    """About two hours of five vitals at full seconds: episodes, bad signal, silence. ``two``: a second watch."""
    rng = np.random.default_rng(seed)
    rows: dict[tuple[str, str, int], Row] = {}
    for vital, levels in LEVELS.items():
        spot = vital in ("bp_sys", "body_temp")
        watches = (
            ("w-1", "w-3") if two and vital in ("spo2", "heart_rate") else ("w-2" if vital == "bp_sys" else "w-1",)
        )
        for device in watches:
            at = START + int(rng.integers(0, 30)) * SECOND
            for _ in range(5):
                at += int(rng.choice([0, 0, 15, 90, 400, 1500])) * SECOND
                step = int(rng.choice([300, 900]) if spot else rng.choice([1, 1, 5, 30])) * SECOND
                level = float(rng.choice(levels)) if rng.random() < 0.6 else levels[0]
                quality = int(rng.choice(BAD)) if rng.random() < 0.2 else 0
                for _ in range(int(rng.integers(1, 4 if spot else 100))):
                    value = round(level + float(rng.integers(-1, 2)), 1)
                    rows[vital, device, at] = Row("p-1", vital, at, value, at, quality, device)
                    at += step
    return list(rows.values())


def at_once(rows: list[Row], rng: np.random.Generator) -> list[Row]:
    return rows


def seconds_late(rows: list[Row], rng: np.random.Generator) -> list[Row]:
    return [row.received(row.measured_at + int(rng.integers(0, 4)) * SECOND) for row in rows]


def slow_clock(rows: list[Row], rng: np.random.Generator) -> list[Row]:
    by = int(rng.choice([3, 60, 400])) * SECOND
    return [row.received(row.measured_at + by) for row in rows]


def any_order(rows: list[Row], rng: np.random.Generator) -> list[Row]:
    late = rng.random(len(rows)) < 0.3
    return [
        row.received(row.measured_at + int(rng.integers(0, 900)) * SECOND) if so else row
        for row, so in zip(rows, late, strict=True)
    ]


def backfill(rows: list[Row], rng: np.random.Generator) -> list[Row]:
    """Out of reach for a while, then everything in order, twenty times as fast."""
    first, last = (START + int(at) * SECOND for at in sorted(rng.integers(0, 4000, 2)))
    return [
        row.received(last + (row.measured_at - first) // 20 // SECOND * SECOND)
        if first <= row.measured_at < last
        else row
        for row in rows
    ]


#: What follows from another alert, which for missing data may be two seconds away.
OVERLAYS = (Step.SUPPRESSED, Step.UNSUPPRESSED)


def lines(log: Sequence[Transition], *heads: str) -> list[tuple[Line, int]]:
    """(rule, step) and server time of the rules that begin so; what follows from NEWS2 apart."""
    found = [
        each
        for each in log
        if each.after.rule.startswith(heads) and "news2" not in each.after.rule and each.step not in OVERLAYS
    ]
    return sorted(((each.after.rule, each.step.value), each.at) for each in found)


Arrival = Callable[[list[Row], np.random.Generator], list[Row]]
CASES: list[tuple[Arrival, int, bool]] = [
    *(
        (arrival, seed, False)
        for arrival in (at_once, seconds_late, slow_clock, any_order, backfill)
        for seed in (1, 2)
    ),
    (at_once, 3, True),
    (any_order, 3, True),
]


@pytest.mark.parametrize(("arrival", "seed", "two"), CASES)
def test_limits_to_the_second_and_missing_data_within_two(
    arrival: Arrival, seed: int, two: bool, tmp_path: Path
) -> None:
    rows = arrival(hours(seed, two), np.random.default_rng(seed))
    expected = live(world(rows), tmp_path / "live.npz")
    found = replayed(world(rows))
    limits = ("limit.", "unverified.", "flat.", "disagreement.", "signal_lost.limit.", "signal_lost.unverified.")
    assert lines(found, *limits) == lines(expected, *limits)
    for rule in ("no_data.", "no_signal."):
        one, other = lines(found, rule), lines(expected, rule)
        assert [line for line, _ in one] == [line for line, _ in other]
        assert max((abs(a - b) for (_, a), (_, b) in zip(one, other, strict=True)), default=0) <= 2 * SECOND
    assert lines(expected, "limit.")
    assert lines(expected, "no_data.")


def test_the_evidence_and_the_ids_of_limits_are_those_of_live(tmp_path: Path) -> None:
    """Without scores, which the back-test looks at once a minute, and which may carry a limit's alert."""
    rows, policy = hours(5), replace(BEDSIDE_POLICY, news2=False)
    of_limits = [
        [replace(each, seq=0) for each in log if each.after.rule.startswith(("limit.", "unverified."))]
        for log in (live(world(rows, policy), tmp_path / "live.npz"), replayed(world(rows, policy)))
    ]
    assert of_limits[0] == of_limits[1]
    assert len(of_limits[0]) > 20


def test_the_nurse_comes_when_she_is_called_as_live(tmp_path: Path) -> None:
    rows, policy = hours(4), replace(BEDSIDE_POLICY, news2=False)
    expected = live(world(rows, policy), tmp_path / "live.npz", comes=Nurse)
    found = replayed(world(rows, policy), comes=Nurse)
    calls = [
        [(line.after.rule, line.at) for line in log if interrupts(line) and line.after.rule.startswith("limit.")]
        for log in (expected, found)
    ]
    assert calls[0] == calls[1]
    assert len(calls[0]) > 2


def test_what_the_nurse_has_done_is_known_when_the_next_value_comes_as_live(tmp_path: Path) -> None:
    """Values once a minute: she acknowledges the fast heart at 12 min, and fast breathing that is found at 13 joins no call."""

    def course(vital: str, usual: float, odd: float, first: int) -> list[Row]:
        values = [odd if first <= minute < 40 else usual for minute in range(60)]
        times = [START + minute * MINUTE for minute in range(60)]
        return [Row("p-1", vital, at, value, at) for at, value in zip(times, values, strict=True)]

    rows = [*course("heart_rate", 72.0, 140.0, 10), *course("resp_rate", 15.0, 27.0, 12)]
    policy = replace(BEDSIDE_POLICY, news2=False)
    logs = [live(world(rows, policy), tmp_path / "live.npz", comes=Nurse), replayed(world(rows, policy), comes=Nurse)]
    said = [[(line.after.rule, line.step, line.at, line.detail.get("call")) for line in log] for log in logs]
    assert said[0] == said[1]
    opened = [(line.after.rule, interrupts(line)) for line in logs[1] if line.step is Step.OPENED]
    assert opened[:2] == [("limit.heart_rate.high", True), ("limit.resp_rate.high", True)]


# --- NEWS2 ----------------------------------------------------------------------------------------------------------------

SCORES = [  # respiratory rate as (value, minutes), and what is told at least
    ([(15, 5), (26, 12), (15, 12)], ["opened", "resolved"]),
    ([(26, 2), (15, 6), (23, 3), (15, 6)], ["opened", "recurred", "resolved"]),
    ([(26, 65)], ["opened", "realarmed"]),
]


@pytest.mark.parametrize(("breathing", "expected"), SCORES)
def test_a_score_that_holds_for_minutes_is_told_within_a_minute_of_live(
    breathing: list[tuple[float, int]], expected: list[str], tmp_path: Path
) -> None:
    rows, at = [], START
    for value, minutes in breathing:
        for _ in range(minutes * 12):
            for vital, level in (("resp_rate", float(value)), ("spo2", 95.0), ("heart_rate", 112.0)):
                rows.append(Row("p-1", vital, at, level, at))
            at += 5 * SECOND
    quiet = replace(BEDSIDE_POLICY, limits=())
    one = [(each.step.value, each.at) for each in replayed(world(rows, quiet)) if each.after.rule == "news2"]
    log = live(world(rows, quiet), tmp_path / "live.npz")
    other = [(each.step.value, each.at) for each in log if each.after.rule == "news2"]
    assert [step for step, _ in one] == [step for step, _ in other]
    assert max(abs(a - b) for (_, a), (_, b) in zip(one, other, strict=True)) <= 60 * SECOND
    assert set(expected) <= {step for step, _ in one}


def test_a_weak_signal_calls_at_medium_and_a_good_one_at_high_as_live(tmp_path: Path) -> None:
    rows, at = [], START
    for minutes, weak in ((6, True), (4, False), (4, True)):
        for number in range(minutes * 12):
            for vital, level in (("resp_rate", 26.0), ("spo2", 92.0), ("heart_rate", 112.0 + number % 2)):
                quality = int(Quality.LOW_PERFUSION) if weak and vital == "spo2" else 0
                rows.append(Row("p-1", vital, at, level, at, quality))
            at += 5 * SECOND
    quiet = replace(BEDSIDE_POLICY, limits=(), news2_delay_s={**BEDSIDE_POLICY.news2_delay_s, "high": 120.0})
    logs = replayed(world(rows, quiet)), live(world(rows, quiet), tmp_path / "live.npz")
    one, other = ([each for each in log if each.after.rule == "news2"] for log in logs)
    steps = [[(each.step.value, each.after.priority.value) for each in log] for log in (one, other)]
    assert steps[0] == steps[1]
    called = [step for step in steps[0] if step[0] in ("opened", "worsened")]
    assert called == [("opened", "medium"), ("worsened", "medium"), ("worsened", "high")]  # 5, a doubtful 7, a good one
    assert max(abs(a.at - b.at) for a, b in zip(one, other, strict=True)) <= 60 * SECOND
    assert "Doubtful points: 2 from SpO2 (weak signal)." in other[0].after.evidence.text


@pytest.mark.parametrize("arrival", [at_once, seconds_late, any_order])
def test_what_a_score_was_before_is_that_of_live(arrival: Arrival, tmp_path: Path) -> None:
    rows, at = [], START
    for minutes, breathing, saturation in ((42, 15.0, 97.0), (16, 22.0, 97.0), (20, 26.0, 92.0)):
        for _ in range(minutes * 4):
            for vital, level in (("resp_rate", breathing), ("spo2", saturation), ("heart_rate", 95.0)):
                rows.append(Row("p-1", vital, at, level, at))
            at += 15 * SECOND
    rows = arrival(rows, np.random.default_rng(7))
    policy = replace(BEDSIDE_POLICY, limits=(), news2_delay_s={"high": 60.0, "medium": 120.0, "low": 300.0})
    logs = replayed(world(rows, policy)), live(world(rows, policy), tmp_path / "live.npz")
    one, other = (
        [(each.step, dict((each.after.evidence.score or {}).get("before", {}))) for each in log]
        for log in ([line for line in log if line.after.rule == "news2"] for log in logs)
    )
    assert one == other
    assert (Step.OPENED, {"known_at": START + 25 * MINUTE, "lower": 1, "upper": 12}) in one


# --- drawn cases ----------------------------------------------------------------------------------------------------------


def run(vital: str, *runs: tuple[float, int], start_s: int = 0, late_s: int = 0) -> list[Row]:
    values = [value for value, seconds in runs for _ in range(seconds)]
    times = [START + (start_s + second) * SECOND for second in range(len(values))]
    return [Row("p-1", vital, at, value, at + late_s * SECOND) for at, value in zip(times, values, strict=True)]


def told(rows: list[Row], rule: str, response_s: float = 60.0) -> list[tuple[str, int]]:
    return [
        (each.step.value, (each.at - START) // SECOND)
        for each in replayed(world(rows), response_s)
        if each.after.rule == rule
    ]


def test_the_nurse_acknowledges_what_called_after_her_time_and_never_sooner() -> None:
    rows = run("spo2", (97, 30), (85, 600))
    assert told(rows, "limit.spo2.low") == [("opened", 45), ("acknowledged", 105)]
    slow = told(rows, "limit.spo2.low", response_s=700.0)
    assert slow[0] == ("opened", 45)
    assert "acknowledged" not in dict(slow)


def test_a_nurse_who_is_slower_than_the_deadline_is_called_again() -> None:
    rows = run("spo2", (97, 30), (78, 400))
    assert told(rows, "limit.spo2.low", response_s=300.0) == [
        ("opened", 30), ("escalated", 150), ("escalated", 270), ("acknowledged", 330),
    ]  # fmt: skip


def test_a_vital_that_begins_later_is_not_missed_before_it_began() -> None:
    rows = [*run("heart_rate", (72, 1200)), *run("spo2", (97, 300), start_s=900)]
    assert told(rows, "no_signal.spo2") == []


def test_a_device_that_falls_silent_is_missed_after_the_shortest_of_its_intervals() -> None:
    """Blood pressure every 15 min does not excuse the heart rate of the same device."""
    pressure = [Row("p-1", "bp_sys", START + at * SECOND, 124.0, START + at * SECOND) for at in (100, 1000)]
    again = run("heart_rate", (72, 30), start_s=2000)
    device = told([*run("heart_rate", (72, 50)), *pressure, *again], "no_data.w-1")
    assert device[0] == ("opened", 161)


def test_a_sensor_that_never_has_a_good_signal_is_missed_too() -> None:
    bad = [replace(row, quality=int(Quality.MOTION)) for row in run("spo2", (97, 400))]
    assert told([*bad, *run("heart_rate", (72, 400))], "no_signal.spo2")[0] == ("opened", 61)


def test_a_clock_that_is_slow_holds_a_condition_back_for_a_minute() -> None:
    assert told(run("spo2", (97, 30), (85, 200), late_s=400), "limit.spo2.low")[0] == ("opened", 400 + 45 + 60)


def test_silence_after_the_last_reading_is_no_finding() -> None:
    log = replayed(world(run("spo2", (97, 100), (85, 30))))
    assert {each.after.rule for each in log} == {"limit.spo2.low", "news2"}
    assert all(each.after.condition is not Condition.UNKNOWN for each in log)


def test_a_past_episode_of_a_backfill_is_told_after_the_last_reading() -> None:
    late = run("spo2", (97, 30), (84, 60), (97, 90), late_s=7200)
    log = replayed(world([*run("heart_rate", (72, 60), start_s=7200), *late]))
    past = [each for each in log if each.after.retrospective]
    assert [(each.after.rule, each.step.value) for each in past] == [("limit.spo2.low", "opened")]


def test_a_month_without_events_takes_few_moments() -> None:
    """The clock must not tick for readings that change nothing."""
    rows = [
        Row("p-1", vital, START + n * 60 * SECOND, level + n % 2, START + n * 60 * SECOND)
        for n in range(24 * 60)
        for vital, level in (("heart_rate", 72.0), ("spo2", 96.0), ("resp_rate", 15.0))
    ]
    of = world(rows)
    batch = of.history.batch
    start, end = int(batch.received_at[0]), int(batch.received_at[-1]) + SETTLE
    assert end - start > 23 * HOUR
    assert moments(of, fold(of, compiled()), start, end).size < 40


def test_no_readings_no_notices() -> None:
    empty = world([])
    assert replay(empty, fold(empty, compiled()), compiled()) == []

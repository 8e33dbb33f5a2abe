"""What is told at once, what is held back because it was old when it came, and what is told of it later."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics.directory import Directory
from analytics.state import State
from analytics.telling import HELD_AT_MOST, Held, Telling, Told
from tests.unit.analytics.ward import START, Value, Ward, compiled
from vigil.domain.quality import Quality
from vigil.domain.times import MINUTE, SECOND

LOW = "limit.spo2.low"


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward.with_one_patient(tmp_path, compiled())


def old(start: int, values: list[float], received: float) -> list[Value]:
    return [Value("spo2", start + n, value, received_s=received) for n, value in enumerate(values)]


def telling(ward: Ward) -> Telling:
    return ward.analytics.state.telling


def test_a_condition_of_old_readings_is_held_back(ward: Ward) -> None:
    ward.at(4000)
    ward.send(*old(0, [85.0] * 30, 4000))
    assert LOW not in ward.rules()
    assert [(held.since, held.level, held.onset) for held in telling(ward).held.values()] == [
        (START + 4000 * SECOND, 1, START)
    ]
    assert telling(ward).told == {}


def test_the_first_fresh_odd_value_tells_it_with_the_old_onset(ward: Ward) -> None:
    ward.at(4000)
    ward.send(*old(0, [85.0] * 30, 4000), Value("spo2", 4000, 84))
    assert ward.alert(LOW).onset_at == START
    assert telling(ward).held == {}
    assert [(told.level, told.lapsed) for told in telling(ward).told.values()] == [(1, False)]


def test_a_fresh_normal_value_does_not(ward: Ward) -> None:
    ward.at(4000)
    ward.send(*old(0, [85.0] * 30, 4000), Value("spo2", 4000, 97))
    assert LOW not in ward.rules()
    assert telling(ward).held


def test_a_severe_value_that_is_fresh_tells_what_was_held(ward: Ward) -> None:
    ward.at(4000)
    ward.send(*old(0, [85.0] * 30, 4000), Value("spo2", 4000, 70))
    assert ward.alert(LOW).priority.value == "high"


def test_what_ends_while_it_is_held_is_told_as_a_past_episode(ward: Ward) -> None:
    ward.at(4000)
    ward.send(*old(0, [85.0] * 30 + [97.0] * 61, 4000))
    assert telling(ward).held == {}
    ward.tick(4006)
    assert ward.alert(LOW, retrospective=True).ended_at == START + 30 * SECOND


def test_nobody_waits_longer_than_a_minute_for_a_slow_clock(ward: Ward) -> None:
    for second in range(80):
        ward.at(400 + second)
        ward.send(*old(second, [85.0], 400 + second))
        expected = second >= 15 + HELD_AT_MOST // SECOND
        assert (LOW in ward.rules()) is expected, second


def test_old_doubts_are_told_when_a_fresh_one_comes(ward: Ward) -> None:
    ward.at(4000)
    ward.send(Value("spo2", 0, 70, int(Quality.MOTION), received_s=4000))
    assert ward.rules() <= {"news2"}
    ward.send(Value("spo2", 4000, 70, int(Quality.MOTION)))
    assert ward.alert("unverified.spo2.low").active  # the same doubt, but now somebody can check it


def test_self_limited_ones_are_counted_and_not_told(ward: Ward) -> None:
    ward.run(0, [97] * 3 + [85] * 10 + [97] * 3 + [85] * 5 + [97] * 3)
    assert LOW not in ward.rules()
    assert telling(ward).self_limited >= 2


def test_it_is_saved_and_loaded_as_it_was(ward: Ward) -> None:
    of = telling(ward)
    of.told[0, 1, 0] = Told(2, START)
    of.told[3, 1, 1] = Told(1, START + 5, lapsed=True, normal_since=START + 9)
    of.held[2, 4, 1] = Held(START + MINUTE, 1, START, 190.5, START + 7, passed=True)
    of.held[2, 5, 0] = Held(START, 2, START - 5, 60.0, START)
    directory = Directory(ward.records)
    directory.refresh()
    loaded = State(directory, ward.readings).telling
    loaded.load(of.saved("t"), "t")
    assert (loaded.told, loaded.held) == (of.told, of.held)
    with pytest.raises(KeyError):
        loaded.load({}, "t")

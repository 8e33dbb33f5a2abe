"""Times of day on the clock of the wall, nights that begin on one day and end on the next, and clocks that are put forward."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.schedules import DAYS, MINUTES_A_DAY, Schedule, held_at, next_turn, turning_points, zone
from vigil.domain.times import DAY, HOUR, MINUTE, from_iso, to_iso

EVERY_DAY = tuple(range(7))
NIGHT = Schedule(22 * 60, 7 * 60, EVERY_DAY, {})
OFFICE = Schedule(9 * 60, 17 * 60, (0, 1, 2, 3, 4), {})
BERLIN = "Europe/Berlin"


def held(schedule: Schedule, zone_name: str, at: str) -> bool:
    return bool(held_at((schedule,), zone_name, from_iso(at)))


@pytest.mark.parametrize(
    ("schedule", "at", "holds"),
    [
        (NIGHT, "2026-01-01T21:59:59Z", False),
        (NIGHT, "2026-01-01T22:00:00Z", True),
        (NIGHT, "2026-01-02T06:59:59Z", True),
        (NIGHT, "2026-01-02T07:00:00Z", False),
        (OFFICE, "2026-01-02T08:59:59Z", False),  # Friday
        (OFFICE, "2026-01-02T09:00:00Z", True),
        (OFFICE, "2026-01-02T17:00:00Z", False),
        (OFFICE, "2026-01-03T12:00:00Z", False),  # Saturday
        (Schedule(22 * 60, 7 * 60, (4,), {}), "2026-01-02T23:00:00Z", True),  # began on Friday
        (Schedule(22 * 60, 7 * 60, (4,), {}), "2026-01-03T06:00:00Z", True),  # goes on into Saturday
        (Schedule(22 * 60, 7 * 60, (4,), {}), "2026-01-03T23:00:00Z", False),
        (Schedule(22 * 60, 7 * 60, (6,), {}), "2026-01-05T06:00:00Z", True),  # from Sunday into Monday
        (Schedule(22 * 60, 0, EVERY_DAY, {}), "2026-01-02T23:59:59Z", True),
        (Schedule(22 * 60, 0, EVERY_DAY, {}), "2026-01-03T00:00:00Z", False),
    ],
)
def test_when_a_schedule_holds(schedule: Schedule, at: str, holds: bool) -> None:
    assert held(schedule, "UTC", at) is holds


def test_the_zone_decides_and_summer_time_too() -> None:
    assert held(NIGHT, BERLIN, "2026-01-01T21:00:00Z")
    assert not held(NIGHT, BERLIN, "2026-01-01T20:59:00Z")
    assert held(NIGHT, BERLIN, "2026-07-01T20:00:00Z")
    assert not held(NIGHT, BERLIN, "2026-07-01T05:00:00Z")
    assert zone("Europe/Nowhere") is None
    assert zone("../etc/passwd") is None
    assert zone("") is None


@pytest.mark.parametrize(
    ("schedule", "at", "turn"),
    [
        (NIGHT, "2026-01-01T12:00:00Z", "2026-01-01T22:00:00.000Z"),
        (NIGHT, "2026-01-01T22:00:00Z", "2026-01-02T07:00:00.000Z"),
        (NIGHT, "2026-01-02T06:59:59.999Z", "2026-01-02T07:00:00.000Z"),
        (OFFICE, "2026-01-02T17:00:00Z", "2026-01-05T09:00:00.000Z"),
        (Schedule(60, 120, (0,), {}), "2026-01-05T02:00:00Z", "2026-01-12T01:00:00.000Z"),
    ],
)
def test_the_next_turn(schedule: Schedule, at: str, turn: str) -> None:
    found = next_turn((schedule,), "UTC", from_iso(at))
    assert found is not None
    assert to_iso(found) == turn


def test_turns_on_the_days_when_the_clock_is_moved() -> None:
    """Berlin 2026: at 02:00 on 29 March the clock goes to 03:00, at 03:00 on 25 October back to 02:00."""
    in_the_gap = Schedule(2 * 60 + 30, 5 * 60, EVERY_DAY, {})
    twice = Schedule(2 * 60 + 30, 2 * 60 + 45, EVERY_DAY, {})

    def turns(schedule: Schedule, start: str, number: int) -> list[str]:
        at, found = from_iso(start), []
        for _ in range(number):
            turn = next_turn((schedule,), BERLIN, at)
            assert turn is not None
            found.append(to_iso(turn)[11:16])
            at = turn
        return found

    assert turns(in_the_gap, "2026-03-29T00:00:00Z", 2) == ["01:00", "03:00"]
    assert turns(twice, "2026-10-24T23:00:00Z", 4) == ["00:30", "00:45", "01:30", "01:45"]


def test_without_schedules_nothing_ever_turns() -> None:
    assert next_turn((), "UTC", 0) is None
    assert turning_points(()) == []
    assert next_turn((Schedule(0, 720, EVERY_DAY, {}), Schedule(720, 0, EVERY_DAY, {})), "UTC", 0) == 12 * HOUR


minutes = st.integers(0, MINUTES_A_DAY - 1)
schedules = st.builds(
    lambda start, length, days: Schedule(start, (start + length) % MINUTES_A_DAY, tuple(sorted(days)), {}),
    minutes, st.integers(1, MINUTES_A_DAY - 1), st.sets(st.integers(0, 6), min_size=1),
)  # fmt: skip


@given(st.lists(schedules, min_size=1, max_size=4), st.integers(0, 400 * 24 * 60), st.sampled_from(["UTC", BERLIN]))
def test_nothing_changes_before_the_next_turn_and_something_at_it(
    several: list[Schedule], after: int, name: str
) -> None:
    at = 1_767_225_600_000_000 + after * MINUTE
    turn = next_turn(several, name, at)
    now = held_at(several, name, at)
    if turn is None:
        assert all(held_at(several, name, at + each * 7 * MINUTE) == now for each in range(24 * 60))
        return
    assert at < turn <= at + 7 * DAY + HOUR
    assert held_at(several, name, turn) != held_at(several, name, turn - 1)
    between = {at + (turn - at) * part // 17 for part in range(17)} | {turn - 1}
    assert all(held_at(several, name, moment) == now for moment in between)


@given(st.lists(schedules, min_size=1, max_size=3))
def test_a_week_changes_only_at_its_turning_points(several: list[Schedule]) -> None:
    points = set(turning_points(several))
    before = [each.holds(6, MINUTES_A_DAY - 1) for each in several]
    for day in range(len(DAYS)):
        for minute in range(MINUTES_A_DAY):
            now = [each.holds(day, minute) for each in several]
            assert now == before or (day, minute) in points
            before = now

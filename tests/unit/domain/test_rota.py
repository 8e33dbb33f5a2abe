"""Rotas: who is on call at any instant, on days with a clock change too."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.rota import (
    DAY_MIN,
    WEEK_MIN,
    Override,
    Rota,
    Shift,
    ShiftChange,
    StandIn,
    holes,
    instant,
    local_time,
    on_call,
    shift_changes,
    stretches,
    week_gaps,
    week_words,
)
from vigil.domain.times import DAY, HOUR, MINUTE, from_iso

DAILY = tuple(range(7))
WORKDAYS = (0, 1, 2, 3, 4)
DAY_AND_NIGHT = (Shift(DAILY, 7 * 60, 19 * 60, "li"), Shift(DAILY, 19 * 60, 7 * 60, "chen"))

#: Lord Howe moves its clock by half an hour, Apia left out a whole day, Kathmandu stands 45 minutes off the hour.
ZONES = (
    "Europe/Berlin",
    "Asia/Shanghai",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "UTC",
)
INSTANTS = st.integers(from_iso("2008-01-01T00:00:00Z"), from_iso("2037-01-01T00:00:00Z"))
#: Instants around each change of the clock in Berlin and the year in which Shanghai's clock changed last.
CHANGES = [
    from_iso(text) + minutes * MINUTE
    for text in (
        "2026-03-29T01:00:00Z",
        "2026-10-25T01:00:00Z",
        "1991-04-13T18:00:00Z",
        "1991-09-14T17:00:00Z",
        "2011-12-30T10:00:00Z",
    )
    for minutes in range(-180, 181, 5)
]
SHIFTS = st.lists(
    st.builds(
        Shift,
        st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
        st.integers(0, DAY_MIN - 1),
        st.integers(0, DAY_MIN - 1),
        st.sampled_from(["li", "chen", "wang"]),
    ),
    max_size=6,
).map(tuple)


@st.composite
def whole_weeks(draw: st.DrawFn) -> tuple[Shift, ...]:
    """Shifts without a hole: cut anywhere, each part to somebody, some parts reaching over the next."""
    cuts = sorted(draw(st.sets(st.integers(0, DAY_MIN - 1), min_size=1, max_size=4)))
    shifts = []
    for begin, end in zip(cuts, cuts[1:] + cuts[:1], strict=True):
        shift = Shift(DAILY, begin, end, draw(st.sampled_from(["li", "chen", "wang"])))
        longer = min(draw(st.sampled_from([0, 0, 15])), DAY_MIN - shift.minutes)
        shifts.append(replace(shift, end=(end + longer) % DAY_MIN))
    return tuple(shifts)


def at(text: str) -> int:
    return from_iso(text)


def by_wall_clock(rota: Rota, moment: int) -> set[str]:
    """The same by counting: who is on call at a local minute, in a zone whose clock does not change."""
    local = local_time(moment, ZoneInfo(rota.timezone))
    found = set()
    for shift in rota.shifts:
        for back in (0, 1):
            begin = datetime.combine(local.date() - timedelta(days=back), datetime.min.time())
            begin += timedelta(minutes=shift.start)
            if (local.weekday() - back) % 7 in shift.days and begin <= local < begin + timedelta(minutes=shift.minutes):
                found.add(shift.person)
    return found or ({rota.fallback} if rota.fallback else set())


@given(whole_weeks(), st.sampled_from(ZONES), INSTANTS | st.sampled_from(CHANGES))
def test_a_whole_local_week_leaves_no_instant_uncovered(shifts: tuple[Shift, ...], zone: str, moment: int) -> None:
    rota = Rota(zone, shifts)
    assert week_gaps(shifts) == []
    assert on_call(rota, moment)
    assert holes(rota, moment - 2 * DAY, moment + 2 * DAY) == []


@given(SHIFTS, st.sampled_from(ZONES), INSTANTS | st.sampled_from(CHANGES))
def test_a_fallback_fills_every_hole(shifts: tuple[Shift, ...], zone: str, moment: int) -> None:
    rota = Rota(zone, shifts, fallback="wang")
    assert on_call(rota, moment)
    # Two weeks: a hole that lies in the hour that a change of the clock leaves out is there in the other one.
    gaps = holes(rota, moment - DAY, moment + 14 * DAY)
    assert all(stretch.persons == ("wang",) for stretch in stretches(rota, moment, moment + DAY) if stretch.filled)
    assert bool(gaps) == bool(week_gaps(shifts))


@given(SHIFTS, st.sampled_from(["UTC", "Asia/Kathmandu", "Asia/Shanghai"]), INSTANTS)
def test_where_the_clock_never_changes_counting_minutes_says_the_same(
    shifts: tuple[Shift, ...], zone: str, moment: int
) -> None:
    rota = Rota(zone, shifts)
    assert set(on_call(rota, moment)) == by_wall_clock(rota, moment)


@given(SHIFTS)
def test_gaps_of_the_week_are_the_minutes_that_no_shift_has(shifts: tuple[Shift, ...]) -> None:
    taken = {
        minute % WEEK_MIN
        for one in shifts
        for day in one.days
        for minute in range(day * DAY_MIN + one.start, day * DAY_MIN + one.start + one.minutes)
    }
    free = {minute % WEEK_MIN for start, end in week_gaps(shifts) for minute in range(start, end)}
    assert free == set(range(WEEK_MIN)) - taken
    assert sum(end - start for start, end in week_gaps(shifts)) == len(free)


@given(SHIFTS, st.sampled_from(ZONES), INSTANTS | st.sampled_from(CHANGES), st.integers(1, 3 * DAY))
def test_stretches_follow_one_another_and_agree_with_each_instant(
    shifts: tuple[Shift, ...], zone: str, start: int, length: int
) -> None:
    rota = Rota(zone, shifts)
    found = stretches(rota, start, start + length)
    assert (found[0].start, found[-1].end) == (start, start + length)
    assert all(before.end == after.start for before, after in pairwise(found))
    for stretch in found:
        for moment in (stretch.start, (stretch.start + stretch.end) // 2, stretch.end - 1):
            assert tuple(on_call(rota, moment)) == stretch.persons


@given(st.sampled_from(ZONES), st.sampled_from(CHANGES), st.integers(-3000, 3000))
def test_the_wall_clock_never_runs_back_in_utc(zone: str, moment: int, minutes: int) -> None:
    local = local_time(moment, ZoneInfo(zone)).replace(second=0, microsecond=0) + timedelta(minutes=minutes)
    reached = [instant(local + timedelta(minutes=step), ZoneInfo(zone)) for step in range(0, 240, 7)]
    assert reached == sorted(reached)


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("Europe/Berlin", "2026-03-29 01:59", "2026-03-29T00:59:00Z"),
        ("Europe/Berlin", "2026-03-29 02:00", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29T01:00:00Z"),  # skipped
        ("Europe/Berlin", "2026-03-29 03:00", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25T00:30:00Z"),  # the first of two
        ("Europe/Berlin", "2026-10-25 03:00", "2026-10-25T02:00:00Z"),
        ("Asia/Shanghai", "2026-03-29 02:30", "2026-03-28T18:30:00Z"),
        ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30T10:00:00Z"),  # a day that was left out
    ],
)
def test_local_times_around_a_clock_change(zone: str, local: str, utc: str) -> None:
    assert instant(datetime.fromisoformat(local), ZoneInfo(zone)) == at(utc)


@pytest.mark.parametrize(
    ("zone", "evening", "hours"),
    [
        ("Europe/Berlin", "2026-03-28T18:00:00Z", 11),
        ("Europe/Berlin", "2026-10-24T17:00:00Z", 13),
        ("Europe/Berlin", "2026-06-01T17:00:00Z", 12),
        ("Asia/Shanghai", "2026-03-28T11:00:00Z", 12),
        ("Asia/Shanghai", "2026-10-24T11:00:00Z", 12),
    ],
)
def test_a_night_shift_is_as_long_as_the_night(zone: str, evening: str, hours: int) -> None:
    rota = Rota(zone, DAY_AND_NIGHT)
    begin = at(evening)
    assert shift_changes(rota, begin, begin + 20 * HOUR) == [
        ShiftChange(begin, ("li",), ("chen",)),
        ShiftChange(begin + hours * HOUR, ("chen",), ("li",)),
    ]


@pytest.mark.parametrize(
    ("when", "persons"),
    [
        ("2026-03-29T00:29:59Z", ["li"]),
        ("2026-03-29T00:59:59Z", ["li"]),
        ("2026-03-29T01:00:00Z", ["chen"]),  # 02:30 was skipped: the shift changes with the clock
        ("2026-10-25T00:29:59Z", ["li"]),
        ("2026-10-25T00:30:00Z", ["chen"]),  # at the first 02:30
        ("2026-10-25T01:30:00Z", ["chen"]),  # not again at the second
    ],
)
def test_a_shift_that_changes_in_the_lost_or_doubled_hour(when: str, persons: list[str]) -> None:
    rota = Rota("Europe/Berlin", (Shift(DAILY, 150, 20 * 60, "chen"), Shift(DAILY, 20 * 60, 150, "li")))
    assert on_call(rota, at(when)) == persons


def test_in_an_overlap_both_are_called_the_one_who_came_last_first() -> None:
    rota = Rota("UTC", (Shift(DAILY, 7 * 60, 19 * 60 + 30, "li"), Shift(DAILY, 19 * 60, 7 * 60, "chen")))
    assert on_call(rota, at("2026-06-01T18:59:59Z")) == ["li"]
    assert on_call(rota, at("2026-06-01T19:00:00Z")) == ["chen", "li"]
    assert on_call(rota, at("2026-06-01T19:30:00Z")) == ["chen"]
    assert shift_changes(rota, at("2026-06-01T12:00:00Z"), at("2026-06-02T00:00:00Z")) == [
        ShiftChange(at("2026-06-01T19:00:00Z"), (), ("chen", "li")),
        ShiftChange(at("2026-06-01T19:30:00Z"), ("li",), ("chen",)),
    ]


def test_a_change_belongs_to_the_interval_that_it_begins() -> None:
    rota, change = Rota("UTC", DAY_AND_NIGHT), at("2026-06-01T19:00:00Z")
    assert shift_changes(rota, change - HOUR, change) == []
    assert [one.at for one in shift_changes(rota, change, change + 1)] == [change]
    assert shift_changes(rota, change + 1, change + HOUR) == []


def test_who_follows_himself_is_no_change() -> None:
    rota = Rota("UTC", (Shift(DAILY, 0, 720, "li"), Shift(DAILY, 720, 0, "li")))
    assert shift_changes(rota, 0, 8 * DAY) == []


def test_an_override_takes_the_shifts_that_begin_on_its_day() -> None:
    rota = Rota(
        "Europe/Berlin",
        DAY_AND_NIGHT,
        (Override(date(2026, 12, 24), "wang", "chen"), Override(date(2026, 12, 25), "chen")),
    )
    found = [
        (one.at, one.incoming) for one in shift_changes(rota, at("2026-12-24T06:00:00Z"), at("2026-12-26T23:00:00Z"))
    ]
    assert found == [
        (at("2026-12-24T06:00:00Z"), ("li",)),
        (at("2026-12-24T18:00:00Z"), ("wang",)),  # all night, into the 25th
        (at("2026-12-25T06:00:00Z"), ("chen",)),  # day and night of the 25th
        (at("2026-12-26T06:00:00Z"), ("li",)),
        (at("2026-12-26T18:00:00Z"), ("chen",)),
    ]


def test_an_override_by_name_counts_before_one_for_all() -> None:
    overrides = (Override(date(2026, 6, 1), "wang"), Override(date(2026, 6, 1), "he", "chen"))
    rota = Rota("UTC", DAY_AND_NIGHT, overrides)
    assert on_call(rota, at("2026-06-01T12:00:00Z")) == ["wang"]
    assert on_call(rota, at("2026-06-01T22:00:00Z")) == ["he"]


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_stand_in_has_its_hours_over_the_end_of_a_shift_and_in_a_hole() -> None:
    weekdays = (Shift(WORKDAYS, 8 * 60, 20 * 60, "li"),)
    hours = (
        StandIn(wall("2026-06-05T18:00"), wall("2026-06-05T22:00"), "he"),
        StandIn(wall("2026-06-05T19:00"), wall("2026-06-05T21:00"), "chen", "li"),
    )
    rota = Rota("Europe/Berlin", weekdays, fallback="wang", stand_ins=hours)
    found = stretches(rota, at("2026-06-05T12:00:00Z"), at("2026-06-05T22:00:00Z"))
    assert [(one.end, one.persons, one.filled) for one in found] == [
        (at("2026-06-05T16:00:00Z"), ("li",), False),
        (at("2026-06-05T17:00:00Z"), ("he",), False),
        (at("2026-06-05T18:00:00Z"), ("chen",), False),  # in the hole she replaces nobody
        (at("2026-06-05T20:00:00Z"), ("he",), False),
        (at("2026-06-05T22:00:00Z"), ("wang",), True),
    ]
    assert [one.incoming for one in shift_changes(rota, at("2026-06-05T16:00:00Z"), at("2026-06-05T17:30:00Z"))] == [
        ("he",),
        ("chen",),
    ]


def test_a_stand_in_over_a_change_of_the_clock_is_as_long_as_the_wall_says() -> None:
    night = StandIn(wall("2026-03-28T22:00"), wall("2026-03-29T06:00"), "he")
    rota = Rota("Europe/Berlin", (Shift(DAILY, 0, 0, "li"),), stand_ins=(night,))
    found = stretches(rota, at("2026-03-28T20:00:00Z"), at("2026-03-29T08:00:00Z"))
    assert [one.end for one in found if one.persons == ("he",)] == [at("2026-03-29T04:00:00Z")]


def test_a_hole_is_told_with_its_instants() -> None:
    rota = Rota("Europe/Berlin", (Shift(WORKDAYS, 8 * 60, 8 * 60, "li"),), fallback="wang")
    friday = at("2026-03-27T07:00:00Z")
    assert holes(rota, friday, friday + 7 * DAY) == [(at("2026-03-28T07:00:00Z"), at("2026-03-30T06:00:00Z"))]
    assert on_call(rota, at("2026-03-29T12:00:00Z")) == ["wang"]
    assert [(week_words(start), week_words(end)) for start, end in week_gaps(rota.shifts)] == [
        ("Saturday 08:00", "Monday 08:00")
    ]


def test_without_fallback_nobody_is_on_call_in_a_hole() -> None:
    rota = Rota("UTC", (Shift(WORKDAYS, 0, 0, "li"),))
    assert on_call(rota, at("2026-06-06T12:00:00Z")) == []

"""Patient-days and nurse-hours: what rates are divided by."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.exposure import nurse_us, watched_us
from vigil.domain.people import Binding
from vigil.domain.teams import Member, Rota, Shift, Team
from vigil.domain.times import DAY, HOUR, from_iso

MONDAY = from_iso("2026-01-05T00:00:00Z")
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


def team(ward: str, *shifts: Shift) -> Team:
    members = tuple(Member(one, one) for one in ("li", "wang"))
    return Team(f"team-{ward}", ward, members, Rota("UTC", shifts))


def test_a_patient_is_watched_while_a_device_is_worn() -> None:
    worn = [
        Binding(1, "w-1", "p-1", -5, 10),
        Binding(2, "w-2", "p-1", 5, 20),
        Binding(3, "w-3", "p-2", 90, None),
        Binding(4, "w-4", "p-3", 100, None),
        Binding(5, "w-5", "p-3", -9, 0),
        Binding(6, "manual.p-4", "p-4", 0, None),
    ]
    assert watched_us(worn, 0, 100) == {"p-1": 20, "p-2": 10}
    assert watched_us(worn, 100, 100) == {}


spans = st.lists(st.tuples(st.integers(-20, 60), st.one_of(st.none(), st.integers(0, 30))), max_size=6)


@given(spans, st.integers(0, 40))
def test_watched_time_is_that_of_moments_with_a_device(drawn: list[tuple[int, int | None]], until: int) -> None:
    worn = [
        Binding(number, f"w-{number}", "p-1", start, None if length is None else start + length)
        for number, (start, length) in enumerate(drawn)
    ]
    moments = sum(any(one.covers(at) for one in worn) for at in range(until))
    assert watched_us(worn, 0, until).get("p-1", 0) == moments


def test_nurse_hours_follow_the_rota() -> None:
    day, long = Shift(EVERY_DAY, 7 * 60, 19 * 60, "li"), Shift(EVERY_DAY, 18 * 60, 8 * 60, "wang")
    teams = [team("north", day, long)]
    # 12 h and 14 h of shifts a day, 24 h for the ward without a team.
    assert nurse_us(teams, ["north"], MONDAY, MONDAY + 7 * DAY) == 7 * 26 * HOUR
    assert nurse_us(teams, ["north", "south"], MONDAY, MONDAY + DAY) == (26 + 24) * HOUR


def test_while_nobody_is_on_call_a_ward_counts_one_nurse() -> None:
    teams = [team("north", Shift((0,), 8 * 60, 12 * 60, "li"))]
    assert nurse_us(teams, ["north"], MONDAY, MONDAY + DAY) == 24 * HOUR
    assert nurse_us(teams, ["north"], MONDAY, MONDAY) == nurse_us(teams, [], MONDAY, MONDAY + DAY) == 0

"""Teams: whom a level calls by what, and documents that would leave somebody uncalled."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.alerts import Priority
from vigil.domain.deliveries import APP, Target
from vigil.domain.errors import InvalidInput, TeamError
from vigil.domain.rota import DAYS
from vigil.domain.team_file import Accepted, Filled, built, parse_team, read_team, team_document
from vigil.domain.teams import (
    DEFAULT_CHAIN,
    DEFAULT_TEAM,
    EVERYBODY,
    Level,
    Member,
    Rota,
    Team,
    after_us,
    holes,
    last_level,
    loops,
    on_call,
    shift_changes,
    targets,
    team_of_ward,
)
from vigil.domain.times import DAY, MINUTE, from_iso

CHANNELS = frozenset({"app", "pager", "mail"})
NOON = from_iso("2026-06-01T12:00:00Z")
EVERY_DAY = [name[:3].lower() for name in DAYS]


def document(**change: Any) -> dict[str, Any]:
    """A team of three: Li by day, Chen by night, Wang behind them. None leaves a key out."""
    plain: dict[str, Any] = {
        "id": "north",
        "ward": "home-north",
        "timezone": "UTC",
        "member": [
            {"id": "Li Na", "name": "Li Na", "channels": ["app", "pager"]},
            {"id": "chen", "name": "Chen Wei", "channels": ["app"]},
            {"id": "wang", "name": "Dr Wang", "channels": ["mail", "pager"]},
        ],
        "shift": [
            {"days": EVERY_DAY, "from": "07:00", "to": "19:00", "person": "Li Na"},
            {"days": EVERY_DAY, "from": "19:00", "to": "07:00", "person": "chen"},
        ],
        "level": [
            {"who": "on_call"},
            {"who": ["on_call", "member:wang"], "after": {"high": 2.5}},
            {"who": "everyone", "after": 15},
        ],
    }
    return {key: value for key, value in {**plain, **change}.items() if value is not None}


def accepted(**change: Any) -> Accepted:
    return read_team(document(**change), CHANNELS)


def reasons(others: tuple[Team, ...] = (), **change: Any) -> list[str]:
    with pytest.raises(TeamError) as refused:
        read_team(document(**change), CHANNELS, others)
    assert isinstance(refused.value, InvalidInput)
    return refused.value.reasons


def test_each_level_calls_its_people_by_their_channels() -> None:
    team = accepted().team
    assert targets(team, 0, NOON) == (Target("app", "Li Na"), Target("pager", "Li Na"))
    assert targets(team, 0, NOON + DAY // 2) == (Target("app", "chen"),)
    assert targets(team, 1, NOON) == (
        Target("app", "Li Na"), Target("pager", "Li Na"), Target("mail", "wang"), Target("pager", "wang"),
    )  # fmt: skip
    assert {one.person for one in targets(team, 2, NOON)} == {"Li Na", "chen", "wang"}


def test_past_the_last_level_it_starts_anew_and_says_so() -> None:
    team = accepted().team
    assert last_level(team) == 2
    assert [loops(team, level) for level in range(7)] == [0, 0, 0, 1, 1, 1, 2]
    assert targets(team, 3, NOON) == targets(team, 0, NOON)
    assert targets(team, 5, NOON) == targets(team, 2, NOON)


def test_a_level_may_be_restricted_to_channels() -> None:
    level = {"who": ["on_call", "member:Li Na", "member:wang"], "channels": ["pager"]}
    team = accepted(shift=[{"days": EVERY_DAY, "from": "00:00", "to": "00:00", "person": "wang"}], level=[level]).team
    assert targets(team, 0, NOON) == (Target("pager", "wang"), Target("pager", "Li Na"))


def test_waits_are_by_priority_and_else_those_of_the_policy() -> None:
    team = accepted().team
    assert [after_us(team, 1, one) for one in Priority] == [150_000_000, None, None]
    assert [after_us(team, 2, one) for one in Priority] == [15 * MINUTE] * 3
    assert after_us(team, 0, Priority.HIGH) is None
    assert after_us(team, 3 + 2, Priority.LOW) == 15 * MINUTE


def test_without_a_team_everybody_is_called_on_the_page() -> None:
    team = accepted().team
    assert team_of_ward([team], "home-north") is team
    assert team_of_ward([team], "home-south") is DEFAULT_TEAM
    for level in range(3):
        assert targets(DEFAULT_TEAM, level, NOON) == (Target(APP, EVERYBODY),)
    assert (on_call(DEFAULT_TEAM, NOON), shift_changes(DEFAULT_TEAM, 0, DAY), last_level(DEFAULT_TEAM)) == ([], [], 0)


def test_a_document_without_levels_calls_who_is_on_call_then_everyone() -> None:
    team = accepted(level=None).team
    assert team.chain == DEFAULT_CHAIN
    assert [{one.person for one in targets(team, level, NOON)} for level in (0, 1)] == [
        {"Li Na"},
        {"Li Na", "chen", "wang"},
    ]


def test_a_hole_is_refused_without_a_fallback_and_told_with_one() -> None:
    day_only = document()["shift"][:1]
    assert reasons(shift=day_only) == [
        f"rota: nobody is on call from {day} 19:00 to {later} 07:00, and there is no fallback"
        for day, later in zip(DAYS, DAYS[1:] + DAYS[:1], strict=True)
    ]
    found = accepted(shift=day_only, fallback="wang")
    assert found.filled[0] == Filled("Monday 19:00", "Tuesday 07:00", "wang")
    assert len(found.filled) == 7
    assert on_call(found.team, NOON + DAY // 2) == ["wang"]
    assert len(holes(found.team, NOON, NOON + 3 * DAY)) == 3
    assert accepted(fallback="wang").filled == ()


def test_a_team_without_shifts_needs_a_fallback() -> None:
    assert reasons(shift=None) == [
        "rota: nobody is on call from Monday 00:00 to Monday 00:00, and there is no fallback"
    ]
    found = accepted(shift=None, fallback="chen")
    assert found.filled == (Filled("Monday 00:00", "Monday 00:00", "chen"),)
    assert on_call(found.team, NOON) == ["chen"]


def test_a_ward_has_one_team() -> None:
    other = accepted(id="other").team
    assert reasons(others=(other,)) == ["ward home-north has the team other already"]
    elsewhere = replace(other, ward="home-south")
    earlier_self = accepted(level=None).team
    assert read_team(document(), CHANNELS, [elsewhere, earlier_self]).team.team_id == "north"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"color": "red"}, "unknown key color"),
        ({"id": None}, "id is missing"),
        ({"id": "a/b"}, "id must be at most 64 letters, digits, dots, dashes or underscores"),
        ({"ward": " "}, "ward must be a text of 1 to 100 characters"),
        ({"ward": 5}, "ward must be a text of 1 to 100 characters"),
        ({"timezone": "Europe"}, "timezone: Europe is not a name of the IANA list, such as Europe/Berlin"),
        ({"timezone": "../etc/passwd"}, "timezone: ../etc/passwd is not a name of the IANA list, such as Europe/Berlin"),
        ({"fallback": "he"}, "fallback: no member is called he"),
        ({"fallback": 7}, "fallback must be a text of 1 to 100 characters"),
        ({"member": {"id": "chen"}}, "member must be written as [[member]]"),
        ({"level": ["on_call"]}, "level must be written as [[level]]"),
        ({"level": [{"who": "boss"}]}, 'level 1: who must be "on_call", "everyone", "member:<id>", or a list of them'),
        ({"level": [{"who": "member:he"}]}, "level: no member is called he"),
        ({"level": [{"who": "on_call", "channels": ["fax"]}]}, "level 1: no channel is called fax"),
        ({"level": [{"who": "on_call", "channels": ["pager"]}]}, "level 1: chen has none of its channels"),
        ({"level": [{"who": "everyone", "channels": ["app"]}]}, "level 1: wang has none of its channels"),
    ],
)  # fmt: skip
def test_a_document_that_cannot_hold_is_refused(change: dict[str, Any], reason: str) -> None:
    assert reason in reasons(**change)


@pytest.mark.parametrize("after", [0.5, 16, True, float("nan"), "5", {"urgent": 5}, {"high": 0}, {"medium": 61}])
def test_a_wait_must_be_minutes_in_bounds(after: Any) -> None:
    (reason,) = reasons(level=[{"who": "everyone", "after": after}])
    assert reason == "level 1: after must be minutes or a table of them: high 1 to 15, medium 1 to 60, low 1 to 240"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"days": []}, "shift 1: days must be a list of mon, tue, wed, thu, fri, sat, sun"),
        ({"days": ["Monday"]}, "shift 1: days must be a list of mon, tue, wed, thu, fri, sat, sun"),
        ({"from": "24:00"}, 'shift 1: from must be a local time like "07:30"'),
        ({"to": "7:00"}, 'shift 1: to must be a local time like "07:30"'),
        ({"person": ["chen"]}, "shift 1: person must be a text of 1 to 100 characters"),
        ({"room": "3"}, "shift 1: unknown key room"),
    ],
)
def test_a_shift_that_cannot_be_read_is_not_taken_for_a_hole(change: dict[str, Any], reason: str) -> None:
    shifts = document()["shift"]
    assert reasons(shift=[{**shifts[0], **change}, shifts[1]]) == [reason]


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ({"date": "2026-13-01", "person": "chen"}, "override 1: date must be a day like 2026-12-24"),
        ({"date": "2026-12-24", "person": "he"}, "override: no member is called he"),
        (
            {"date": "2026-12-24", "person": "chen", "replaces": "wang"},
            "override 2026-12-24: wang has no shift that begins on this day",
        ),
        ({"person": "chen"}, "override 1: date is missing"),
    ],
)
def test_an_override_that_changes_nothing_is_refused(override: dict[str, Any], reason: str) -> None:
    assert reasons(override=[override]) == [reason]


def test_one_day_is_not_replaced_twice() -> None:
    both = [{"date": "2026-12-24", "person": one, "replaces": "Li Na"} for one in ("chen", "wang")]
    assert reasons(override=both) == ["override 2026-12-24: Li Na is replaced twice"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"start": "24.12."}, 'stand_in 1: start must be a local time like "2026-12-24T14:00"'),
        ({"start": "2026-12-24T14:00Z"}, 'stand_in 1: start must be a local time like "2026-12-24T14:00"'),
        (
            {"start": "2026-12-24T18:00"},
            "stand_in 2026-12-24T18:00: must end after it begins, and no more than 92 days later",
        ),
        (
            {"start": "2026-09-01T18:00"},
            "stand_in 2026-09-01T18:00: must end after it begins, and no more than 92 days later",
        ),
        ({"person": "he"}, "stand_in: no member is called he"),
        ({"replaces": "wang"}, "stand_in 2026-12-24T14:00: wang is not on call in this time"),
    ],
)
def test_a_stand_in_that_changes_nothing_or_cannot_be_read_is_refused(change: dict[str, str], reason: str) -> None:
    one = {"start": "2026-12-24T14:00", "end": "2026-12-24T18:00", "person": "chen", **change}
    assert reasons(stand_in=[one]) == [reason]


def test_an_override_on_a_day_without_shift_is_refused() -> None:
    shifts = [{"days": ["mon"], "from": "00:00", "to": "00:00", "person": "chen"}]
    found = reasons(shift=shifts, fallback="wang", override=[{"date": "2026-12-24", "person": "wang"}])
    assert found == ["override 2026-12-24: no shift begins on this day"]


def test_all_reasons_are_told_at_once() -> None:
    members = [*document()["member"], {"id": "chen", "name": "Chen Again", "channels": ["fax", "app"]}]
    members.append({"id": "zhao", "name": "Zhao Min", "channels": []})
    found = reasons(
        others=(accepted(id="other").team,),
        timezone="Mars/Olympus",
        member=members,
        shift=[{"days": ["mon"], "from": "00:00", "to": "00:00", "person": "he"}],
        level=[{"who": "on_call", "speed": 3}, {"who": "everyone"}],
        note="hello",
    )
    assert found == [
        "unknown key note",
        "timezone: Mars/Olympus is not a name of the IANA list, such as Europe/Berlin",
        "level 1: unknown key speed",
        "ward home-north has the team other already",
        "member chen is given twice",
        "shift: no member is called he",
        "rota: nobody is on call from Tuesday 00:00 to Monday 00:00, and there is no fallback",
    ]
    assert reasons(member=members) == [
        "member chen: no channel is called fax",
        "member zhao has no channel",
        "member chen is given twice",
    ]


def test_what_is_no_toml_is_refused_with_the_place() -> None:
    with pytest.raises(TeamError, match=r"not a TOML document: .*line 2") as refused:
        parse_team('id = "a"\nward = home', CHANNELS)
    assert len(refused.value.reasons) == 1


def tried(**change: Any) -> Team | list[str]:
    """The team, or every reason why it is refused."""
    try:
        return accepted(**change).team
    except TeamError as refused:
        return refused.reasons


PERSONS = ("Li Na", "chen", "wang")
MEMBERS = st.lists(
    st.builds(Member, st.sampled_from(PERSONS), st.just("Name"), st.just(("app", "pager"))),
    min_size=3, max_size=3, unique_by=lambda one: one.user_id,
).map(tuple)  # fmt: skip
LEVELS = st.lists(
    st.builds(
        Level,
        st.lists(st.sampled_from(["on_call", "everyone", "member:chen"]), min_size=1, max_size=2).map(tuple),
        st.sampled_from([(), ("app",), ("pager",)]),
        st.dictionaries(st.sampled_from(["high", "medium", "low"]), st.integers(1, 15).map(lambda one: one * 60.0)),
    ),
    min_size=1, max_size=4,
).map(tuple)  # fmt: skip
TIMES = st.sampled_from([f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in (0, 30)])
FIRST = datetime.fromisoformat("2026-01-01T00:00")
MOMENTS = st.integers(0, 60 * 24 * 60).map(lambda one: (FIRST + timedelta(minutes=one)).isoformat(timespec="minutes"))
ROTAS = st.fixed_dictionaries(
    {
        "timezone": st.sampled_from(["Europe/Berlin", "Asia/Shanghai", "Australia/Lord_Howe"]),
        "fallback": st.sampled_from(["", "wang"]),
        "shift": st.lists(
            st.fixed_dictionaries(
                {
                    "days": st.lists(st.sampled_from(EVERY_DAY), min_size=1, max_size=7),
                    "from": TIMES,
                    "to": TIMES,
                    "person": st.sampled_from(PERSONS),
                }
            ),
            max_size=4,
        ),
        "override": st.lists(
            st.fixed_dictionaries({"date": st.dates().map(str), "person": st.sampled_from(PERSONS)}), max_size=2
        ),
        "stand_in": st.lists(
            st.fixed_dictionaries({"start": MOMENTS, "end": MOMENTS, "person": st.sampled_from(PERSONS)}), max_size=2
        ),
    }
)


@given(ROTAS, st.integers(0, 6), st.integers(from_iso("2020-01-01T00:00:00Z"), from_iso("2036-01-01T00:00:00Z")))
def test_in_an_accepted_team_every_level_calls_somebody_at_every_instant(
    rota: dict[str, Any], level: int, moment: int
) -> None:
    team = tried(**rota)
    if isinstance(team, list):
        assert all(one.startswith(("rota: nobody is on call from", "override ", "stand_in ")) for one in team)
        return
    assert on_call(team, moment)
    assert targets(team, level, moment)
    assert {one.person for one in targets(team, level, moment)} <= {one.user_id for one in team.members}


@given(MEMBERS, LEVELS, st.sampled_from(["", "chen"]))
def test_a_team_is_read_back_from_its_document(
    members: tuple[Member, ...], chain: tuple[Level, ...], fallback: str
) -> None:
    team = Team("north", "home-north", members, replace(accepted().team.rota, fallback=fallback), chain)
    assert built(team_document(team)) == team
    assert read_team(team_document(team), CHANNELS).team == team
    assert built(team_document(team)).version == team.version


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "chen", "07:00", "mon", "UTC", "2026-02-30"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "from", "who", "high", "days", "after", "date", "start"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
KEYS = ["id", "ward", "timezone", "fallback", "member", "shift", "override", "stand_in", "level", "colour"]


@given(
    st.dictionaries(
        st.sampled_from(KEYS), ANYTHING | st.lists(st.dictionaries(st.text(max_size=4), ANYTHING, max_size=3))
    )
)
def test_whatever_is_sent_is_refused_with_reasons_and_breaks_nothing(change: dict[str, Any]) -> None:
    found = tried(**change)
    assert isinstance(found, Team) or (found and all(found))


def test_a_version_names_the_content() -> None:
    team = accepted().team
    assert accepted().team.version == team.version
    assert replace(team, rota=Rota("Asia/Shanghai", team.rota.shifts)).version != team.version

"""What every ``RecordStore`` does with teams."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import T0
from vigil.domain.errors import NotFound, TeamError
from vigil.domain.teams import Level, Member, Override, Rota, Shift, Team, TeamVersion
from vigil.store import RecordStore

Stores = Opener[RecordStore]

TEAM = Team(
    "north",
    "home-north",
    (Member("Li Na", "Li Na", ("app", "pager")), Member("łukasz", "Łukasz Nowak ☃")),
    Rota(
        "Europe/Berlin",
        (Shift((0, 1, 2, 3, 4, 5, 6), 0, 0, "Li Na"),),
        (Override(date(2026, 12, 24), "łukasz", "Li Na"),),
        "łukasz",
    ),
    (Level(("on_call",)), Level(("everyone",), ("app",), {"high": 90.0})),
)


def test_a_team_comes_back_whole(record_stores: Stores) -> None:
    store = record_stores.open()
    assert store.teams() == []
    store.put_team(TEAM, "Dr Wang", "first rota", T0)
    for again in record_stores.now_and_later(store):
        assert again.teams() == [TEAM]
        assert again.team_history("north") == [TeamVersion(TEAM, "Dr Wang", "first rota", T0)]


def test_the_newest_version_holds_and_the_earlier_ones_are_kept(record_stores: Stores) -> None:
    store = record_stores.open()
    later = replace(TEAM, chain=TEAM.chain[:1])
    south = replace(TEAM, team_id="south", ward="home-south")
    store.put_team(TEAM, "Dr Wang", "first rota", T0)
    store.put_team(south, "Dr Wang", "second ward", T0 + 1)
    store.put_team(later, "Dr He", "shorter", T0 - 5)
    for again in record_stores.now_and_later(store):
        assert again.teams() == [later, south]
        assert [(one.author, one.reason, one.at) for one in again.team_history("north")] == [
            ("Dr He", "shorter", T0 - 5),
            ("Dr Wang", "first rota", T0),
        ]


def test_a_ward_has_one_team_whoever_writes(record_stores: Stores) -> None:
    store = record_stores.open()
    store.put_team(TEAM, "Dr Wang", "first rota", T0)
    before = store.revision()
    with pytest.raises(TeamError, match="home-north has the team north"):
        store.put_team(replace(TEAM, team_id="other"), "Dr Wang", "mistake", T0)
    assert (store.teams(), store.revision()) == ([TEAM], before)


def test_a_team_may_move_to_another_ward_and_leave_its_place(record_stores: Stores) -> None:
    store = record_stores.open()
    store.put_team(TEAM, "Dr Wang", "first rota", T0)
    store.put_team(replace(TEAM, ward="home-south"), "Dr Wang", "moves", T0)
    store.put_team(replace(TEAM, team_id="other"), "Dr Wang", "follows", T0)
    assert {one.team_id: one.ward for one in store.teams()} == {"north": "home-south", "other": "home-north"}


def test_a_new_version_moves_the_revision(record_stores: Stores) -> None:
    store = record_stores.open()
    before = store.revision()
    store.put_team(TEAM, "Dr Wang", "first rota", T0)
    assert store.revision() > before


def test_an_unknown_team_is_not_found(record_stores: Stores) -> None:
    with pytest.raises(NotFound):
        record_stores.open().team_history("north")

"""What people are called: who is told of whom, and when two have the same name."""

from __future__ import annotations

from pathlib import Path

from tests.unit.api.site import START, Site
from tests.unit.api.two_wards import Ask, open_two_wards
from vigil.domain.teams import Member, Rota, Shift, Team
from vigil.domain.users import Role, User

PATH = "/api/v1/staff"


def put_team(site: Site, ward: str, *members: Member) -> None:
    shift = Shift((0, 1, 2, 3, 4, 5, 6), 0, 0, members[0].user_id)
    site.records.put_team(Team(f"{ward}-nurses", ward, members, Rota("UTC", (shift,))), "Wang", "first", START)


def called(site: Site, role: str = "nurse") -> dict[str, str]:
    return {one["id"]: one["name"] for one in site.get(PATH, role).json()["items"]}


def test_an_account_names_its_person_and_a_team_whoever_has_none(site: Site) -> None:
    put_team(site, "north", Member("li.na", "Sister Li"), Member("he", "Dr He"))
    assert called(site) == {}  # nobody has an account: people are what they typed when they came
    with site.context.accounts.changing() as records:
        for user_id, display in (("li.na", "Li Na"), ("li.na2", "Li Na"), ("bare", "")):
            records.add_user(User(user_id, display, Role.ADMIN, None, "hash", START))
        records.add_user(User("gone", "Gone Away", Role.NURSE, None, "hash", START, disabled_at=START))
    assert called(site) == {"li.na": "Li Na (li.na)", "li.na2": "Li Na (li.na2)", "he": "Dr He", "gone": "Gone Away"}
    assert called(site, "auditor") == {}


def test_people_of_another_ward_are_not_named(tmp_path: Path) -> None:
    both = open_two_wards(tmp_path)
    put_team(both.site, "ccc", Member("of.ccc", "Of Ccc"))
    both.log_in("far", Role.NURSE, ["ccc"])
    names = {one["name"] for one in both.one(Ask("GET", PATH), both.nurse).json()["items"]}
    assert {"Chief", "li"} <= names
    assert not names & {"Of Ccc", "far"}
    both.site.close()

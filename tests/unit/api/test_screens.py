"""Which screens can be heard: what pages say of themselves, and what the server makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.screens import LIFE_US, MOST, Screens
from tests.unit.api.site import START, Site
from tests.unit.api.two_wards import MARK, Ask, TwoWards, open_two_wards, principal
from vigil.domain.deliveries import APP
from vigil.domain.times import SECOND
from vigil.domain.users import Role
from vigil.runtime.clock import ManualClock

SCREEN, OTHER = "5b3c0a52-5a0e-4a35", "8d1f11aa-77aa-4c1b"
PATH = "/api/v1/screens"


def said(site: Site, audible: bool, screen: str = SCREEN, role: str = "nurse") -> int:
    return site.post(f"{PATH}/audible", {"screen": screen, "audible": audible}, role).status_code


def check(site: Site) -> tuple[bool, str, str] | None:
    """Whether all is well, and the words for it in both languages."""
    checks = site.get("/api/v1/health", "admin").json()["checks"]
    return next(((one["ok"], one["detail"], one["zh"]["detail"]) for one in checks if one["name"] == "sound"), None)


def counts(site: Site) -> list[tuple[str, int, int]]:
    return [(one["ward"], one["audible"], one["silent"]) for one in site.get(PATH).json()["items"]]


def test_a_ward_without_a_screen_that_can_be_heard_is_named(site: Site) -> None:
    assert check(site) is None  # nobody is watched
    site.admit("p-1")
    assert check(site) == (True, "no screen is open for north", "未打开屏幕的病区：north")
    assert said(site, False) == 204
    assert (counts(site), check(site)) == (
        [("north", 0, 1)],
        (False, "no audible screen for north", "无可发声屏幕的病区：north"),
    )
    assert said(site, True) == 204
    assert counts(site) == [("north", 1, 0)]
    assert check(site) == (True, "each ward has a screen that can be heard", "各病区均有可发声的屏幕")


def test_silent_screens_take_readiness_from_nobody_and_are_no_delivery(site: Site) -> None:
    site.admit("p-1")
    alert = site.raise_alert("p-1")
    said(site, True)
    assert not [one for one in site.get("/readyz", None).json()["reasons"] if one.startswith("sound")]
    assert site.get(f"/api/v1/alerts/{alert.alert_id}/deliveries").json()["items"] == []


def test_with_another_way_to_call_it_is_said_and_no_fault(site: Site) -> None:
    site.admit("p-1")
    paged = site.given(channels=frozenset({APP, "pager"}))
    assert said(paged, False) == 204
    assert check(paged) == (True, "no audible screen for north", "无可发声屏幕的病区：north")


def test_each_ward_is_said_by_itself(site: Site) -> None:
    site.admit("p-1")
    site.admit("p-2", ward="south")
    site.context.screens.tell(principal(["south"]), SCREEN, False)
    words = "no audible screen for south; no screen is open for north"
    assert check(site) == (False, words, "无可发声屏幕的病区：south；未打开屏幕的病区：north")


def test_each_tab_counts_and_is_forgotten_when_it_says_nothing_more(site: Site) -> None:
    site.admit("p-1")
    said(site, True)
    said(site, False, OTHER)
    assert counts(site) == [("north", 1, 1)]
    site.clock.advance(LIFE_US / SECOND - 1)
    said(site, False, OTHER)
    site.clock.advance(2)
    assert counts(site) == [("north", 0, 1)]


def test_a_clock_put_back_keeps_no_screen(site: Site) -> None:
    site.admit("p-1")
    said(site, True)
    site.clock.jump_to(START - 3600 * SECOND)
    assert counts(site) == [("north", 0, 0)]


def test_only_screens_of_people_who_may_answer_count(site: Site) -> None:
    site.admit("p-1")
    for role in ("technician", "auditor", "research"):
        assert said(site, True, role=role) == 204
    assert counts(site) == [("north", 0, 0)]


@pytest.mark.parametrize(
    "body", [{}, {"screen": SCREEN}, {"screen": "x y", "audible": True}, {"screen": SCREEN, "audible": "loud"}]
)
def test_what_is_no_state_is_refused(site: Site, body: dict[str, object]) -> None:
    assert site.post(f"{PATH}/audible", body).status_code == 422


def test_it_is_no_sign_that_somebody_sits_there(tmp_path: Path) -> None:
    both = open_two_wards(tmp_path)
    ask = Ask("POST", f"{PATH}/audible", {"screen": SCREEN, "audible": True})
    nurse = both.nurse
    for _ in range(3):
        both.site.clock.advance(both.site.deps.sessions.idle_us / SECOND / 2)
        assert both.one(ask, nurse).status_code == 204
    assert both.one(Ask("GET", "/api/v1/me"), nurse).json()["locked"]
    assert heard_by(both, both.whole)[both.own.ward] == 1  # a locked screen goes on sounding
    both.site.close()


def heard_by(both: TwoWards, headers: dict[str, str]) -> dict[str, int]:
    items = both.one(Ask("GET", PATH), headers).json()["items"]
    return {one["ward"]: one["audible"] for one in items}


def test_a_screen_watches_the_wards_of_its_person_and_nobody_learns_of_others(tmp_path: Path) -> None:
    both = open_two_wards(tmp_path)
    both.one(Ask("POST", f"{PATH}/audible", {"screen": SCREEN, "audible": True}), both.nurse)
    assert heard_by(both, both.whole) == {both.own.ward: 1, both.other.ward: 0}
    assert set(heard_by(both, both.nurse)) == {both.own.ward}
    assert MARK not in both.one(Ask("GET", "/api/v1/health"), both.nurse).text
    assert MARK in both.one(Ask("GET", "/api/v1/health"), both.whole).text
    both.site.close()


def test_memory_is_bounded() -> None:
    screens = Screens(ManualClock(START))
    who = principal(None)
    for number in range(MOST + 5):
        screens.tell(who, f"screen-{number}", number < 5)
    assert screens.heard(["north"])[0].audible == 0  # the first ones are gone
    assert screens.heard(["north"])[0].silent == MOST
    limited = principal(["south"], role=Role.CLINICIAN)
    screens.tell(limited, "screen-x", True)
    assert [one.audible for one in screens.heard(["north", "south"])] == [0, 1]

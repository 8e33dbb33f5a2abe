"""The end of a shift: who goes is told what he still has in hand, who comes accepts all of it in one go.

Design page, section 4. The change of shift is the real one: the rota is set so that it comes within one and a half minutes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.station import DAYS, Screens, Site, Station

pytestmark = pytest.mark.browser

WARD = "Shift"
GOES, COMES = "Li Na", "Wang Fang"
#: Time to log in and to look at the notice before the change of shift.
LEAD_S = 25


def set_rota(site: Site, ends: datetime) -> None:
    """A day and a night of twelve hours; the first ends at this minute."""
    end, begin = (f"{one:%H:%M}" for one in (ends, ends + timedelta(hours=12)))
    shifts = [
        {"days": list(DAYS), "from": begin, "to": end, "person": GOES},
        {"days": list(DAYS), "from": end, "to": begin, "person": COMES},
    ]
    site.set_team(GOES, COMES, ward=WARD, timezone="UTC", shift=shifts)


def taken(site: Site, family: str, bp_sys: float = 85) -> dict[str, Any]:
    """An alert of a new patient that Li Na has acknowledged."""
    patient_id = site.admit(family, ward=WARD)
    site.enter(patient_id, bp_sys=bp_sys)
    alert = site.alert_that_comes(patient_id)
    body = {"version": alert["version"]}
    done: dict[str, Any] = site.request("POST", f"/alerts/{alert['id']}/acknowledge", body, name=GOES, role="nurse")
    return done


def owners(site: Site, alerts: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    """Who has each, and whether that person has accepted it."""
    now = [site.request("GET", f"/alerts/{one['id']}", role="nurse") for one in alerts]
    return [(one["owner"], one["accept_by"] is None) for one in now]


@pytest.fixture(autouse=True)
def policy(site: Site) -> None:
    site.set_policy(WARD)


def section(station: Station, title: str) -> Locator:
    return station.page.locator(".shift", has=station.page.get_by_role("heading", name=title))


def test_at_the_change_of_shift_all_is_accepted_in_one_go_but_what_changed(screens: Screens, site: Site) -> None:
    now = datetime.now(UTC)
    set_rota(site, (now + timedelta(seconds=LEAD_S + 60)).replace(second=0, microsecond=0))
    alerts = [taken(site, "Goesone"), taken(site, "Goestwo", bp_sys=70), taken(site, "Goesthree")]
    goes, comes = screens.open(name=GOES), screens.open(name=COMES)
    notice = goes.page.locator(".notices .notice")
    expect(notice).to_have_text(re.compile(r"^Your shift ends \d\d:\d\d: you have 3 alerts in hand\. Hand over$"))
    notice.get_by_role("button", name="Hand over").click()
    expect(section(goes, "In your hands")).to_contain_text(re.compile(r"goes to Wang Fang of Shift, to be accepted"))
    comes.view("worklist")
    offer = comes.page.locator(".notices .notice")
    expect(offer).to_contain_text("3 alerts wait for you to accept them.", timeout=90_000)
    assert owners(site, alerts) == [(COMES, False)] * 3
    offer.get_by_role("button", name="Look and accept").click()
    mine = section(comes, "Handed over to you")
    expect(mine.locator("li")).to_have_count(3)
    site.enter(alerts[2]["patient_id"], bp_sys=70)  # worse, while the list is being read
    changed = mine.locator("li", has_text=re.compile("Goesthree", re.IGNORECASE))
    expect(changed).to_contain_text("Changed since you looked: nobody has it.")
    mine.get_by_role("button", name="Accept all: I take over 2 alerts").click()
    expect(mine.locator(".outcome.confirmed")).to_have_count(2)
    assert owners(site, alerts[:2]) == [(COMES, True)] * 2
    assert owners(site, alerts[2:]) == [("", True)]
    expect(mine.get_by_role("button", name="I take over")).to_have_count(0)
    changed.get_by_role("button", name="Open card").click()
    comes.page.locator(".card-side").get_by_role("button", name="Acknowledge: I deal with it").click()
    expect(comes.page.locator(".card-side .standing")).to_contain_text("Wang Fang has it")


def test_before_the_end_a_colleague_is_asked_for_all_and_says_yes_to_each_that_is_still_there(
    screens: Screens, site: Site
) -> None:
    set_rota(site, datetime.now(UTC) + timedelta(minutes=20))
    alerts = [taken(site, "Askedone"), taken(site, "Askedtwo"), taken(site, "Askedhigh", bp_sys=70)]
    goes, comes = screens.open(name=GOES), screens.open(name=COMES)
    goes.view("handover")
    hand = section(goes, "In your hands")
    expect(hand.locator("li")).to_have_count(3)
    hand.get_by_role("button", name="Ask Wang Fang of Shift to take all 3 alerts now").click()
    expect(hand.locator(".outcome.confirmed")).to_have_count(3)
    assert owners(site, alerts) == [(COMES, False)] * 3
    comes.view("handover")
    mine = section(comes, "Handed over to you")
    high = mine.locator("li", has_text=re.compile("Askedhigh", re.IGNORECASE))
    expect(high.get_by_role("button", name="Open card")).to_be_visible()  # nobody has it: its card comes first

    def somebody_is_quicker(route: Route) -> None:
        """The request waits until a third nurse has stepped in; then it goes on to the server as it was."""
        seen = site.request("GET", f"/alerts/{alerts[0]['id']}", role="nurse")
        body = {"version": seen["version"]}
        site.request("POST", f"/alerts/{seen['id']}/accept", body, name="Zhou Min", role="nurse")
        route.continue_()

    comes.page.route(f"**/api/v1/alerts/{alerts[0]['id']}/accept", somebody_is_quicker)
    mine.get_by_role("button", name="Accept all: I take over 2 alerts").click()
    first, second = (mine.locator("li", has_text=re.compile(name, re.I)) for name in ("Askedone", "Askedtwo"))
    expect(first.locator(".outcome.conflict")).to_contain_text("Zhou Min")
    expect(second.locator(".outcome.confirmed")).to_contain_text("It is yours now")
    assert owners(site, alerts) == [("Zhou Min", True), (COMES, True), (COMES, False)]
    high.get_by_role("button", name="Open card").click()
    comes.page.locator(".card-side").get_by_role("button", name="Accept: I take over").click()
    expect(comes.page.locator(".card-side .standing")).to_contain_text("Wang Fang")
    assert owners(site, alerts)[2] == (COMES, True)


def test_who_has_nothing_in_hand_or_stays_is_told_nothing(screens: Screens, site: Site) -> None:
    set_rota(site, datetime.now(UTC) + timedelta(minutes=20))
    taken(site, "Stays")
    station = screens.open(name=COMES)  # comes then, and has nothing
    with station.page.expect_response("**/api/v1/teams"):
        station.page.reload()
    expect(station.page.locator(".main-bar")).to_be_visible()
    expect(station.page.locator(".notices .notice")).to_have_count(0)
    station.view("handover")
    expect(station.page.locator("article.handover-note h1")).to_be_visible()
    expect(station.page.locator(".shift")).to_have_count(0)

"""Setting an alert aside: bounded, with a reason, always visible, at most two in a row (design page, section 4)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.station import PHONE, Screens, Site, Station

pytestmark = pytest.mark.browser

SNOOZE = "**/api/v1/alerts/*/snooze"


def ask(station: Station, patient_id: str) -> Locator:
    """Opens the card and from it the dialog."""
    station.view("worklist")
    card = station.open_card(patient_id)
    card.get_by_role("button", name="Snooze").click()
    dialog = station.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


@pytest.mark.parametrize(("priority", "choices"), [("high", ["5 min", "10 min"]), ("medium", ["10 min", "30 min"])])
def test_only_bounded_times_are_offered(priority: str, choices: list[str], screens: Screens, site: Site) -> None:
    patient_id, family = site.ill(priority)
    dialog = ask(screens.open(), patient_id)
    expect(dialog).to_contain_text(family)
    expect(dialog.locator(".times label")).to_have_text(choices)
    expect(dialog.get_by_role("radio").first).to_be_checked()
    expect(dialog).to_contain_text(
        re.compile(r"Silent until \d\d:\d\d\. Comes back at once if worse or if data stop\.")
    )
    expect(dialog.get_by_role("button", name="Do not snooze")).to_be_focused()  # the safe choice


def test_one_tap_on_a_reason_snoozes_and_it_stays_visible_until_acknowledged(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open(name="Wang Fang")
    dialog = ask(station, patient_id)
    dialog.get_by_label("30 min").check()
    dialog.get_by_role("button", name="Device being refitted").click()
    card = station.page.locator(".card-side .alert-card")
    expect(card.locator(".outcome")).to_contain_text(re.compile(r"Snoozed until \d\d:\d\d\."))
    alert = site.alert_that_comes(patient_id)
    assert (alert["snoozed_by"], alert["snooze_reason"]) == ("Wang Fang", "Device being refitted")
    expect(card.locator(".standing")).to_contain_text("by Wang Fang: Device being refitted (snooze 1 of 2)")
    expect(card.locator("header .badge .flash")).to_have_count(0)  # it waits for nobody
    card.get_by_role("button", name="Acknowledge: I deal with it").click()
    expect(card.locator(".outcome")).to_contain_text("by you")
    assert site.alert_that_comes(patient_id)["snoozed_until"] is None


def test_a_snooze_is_taken_back_at_once_or_later_by_a_colleague(screens: Screens, site: Site) -> None:
    patient_id, family = site.ill()
    station = screens.open(name="Wang Fang")
    ask(station, patient_id).get_by_role("button", name="Treatment given").click()
    toast = station.page.locator(".toast")
    expect(toast).to_contain_text(re.compile(f"You snoozed: Systolic pressure low, {family}", re.IGNORECASE))
    toast.get_by_role("button", name="End the snooze").click()
    card = station.page.locator(".card-side .alert-card")
    expect(card.locator(".outcome")).to_contain_text(re.compile(r"Returned to the list \d\d:\d\d\."))
    expect(toast).to_have_count(0)
    alert = site.alert_that_comes(patient_id)
    assert (alert["snoozed_until"], alert["snoozes"]) == (None, 1)
    body = {"version": alert["version"], "minutes": 10, "reason": "known"}
    site.request("POST", f"/alerts/{alert['id']}/snooze", body, name="Wang Fang", role="nurse")
    theirs = screens.open().show(alert["id"])
    theirs.get_by_role("button", name="End the snooze").click()
    expect(theirs.locator(".standing")).to_contain_text("waiting")
    expect(theirs.locator(".history li").first).to_contain_text("Returned to the list Li Na")


def test_a_reason_of_ones_own_is_required_to_have_words(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open()
    dialog = ask(station, patient_id)
    own = dialog.locator(".other-reason")
    own.get_by_role("button", name="Snooze").click()
    expect(dialog).to_be_visible()
    own.get_by_label("Other").fill("walks to the bathroom")
    own.get_by_label("Other").press("Enter")
    expect(dialog).to_have_count(0)
    expect(station.page.locator(".card-side .standing")).to_contain_text("walks to the bathroom")


def test_a_third_in_a_row_is_not_offered_and_the_page_says_why(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    for _ in range(2):
        alert = site.alert_that_comes(patient_id)
        body = {"version": alert["version"], "minutes": 10, "reason": "treatment given"}
        site.request("POST", f"/alerts/{alert['id']}/snooze", body, name="Li Na", role="nurse")
    card = screens.open().show(site.alert_that_comes(patient_id)["id"])
    expect(card.locator(".no-snooze")).to_have_text("Snoozed twice in a row: acknowledge it.")
    expect(card.get_by_role("button", name=re.compile("^Snooze"))).to_have_count(0)


def test_a_snooze_of_what_somebody_took_meanwhile_says_who(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open()
    dialog = ask(station, patient_id)
    alert = site.alert_that_comes(patient_id)

    def overtaken(route: Route) -> None:
        path = f"/alerts/{alert['id']}/acknowledge"
        site.request("POST", path, {"version": alert["version"]}, name="Zhou Min", role="nurse")
        route.continue_()

    station.page.route(SNOOZE, overtaken)
    dialog.get_by_role("button", name="With patient now").click()
    card = station.page.locator(".card-side .alert-card")
    expect(card.locator(".outcome")).to_contain_text(
        re.compile(r"Zhou Min acknowledged this at \d\d:\d\d\. Nothing sent")
    )
    assert site.alert_that_comes(patient_id)["snoozed_until"] is None


def test_no_answer_is_said_and_tried_again_under_the_same_id(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open()
    dialog = ask(station, patient_id)
    bodies: list[Any] = []

    def cut(route: Route) -> None:
        bodies.append(route.request.post_data_json)
        route.abort()

    def note(route: Route) -> None:
        bodies.append(route.request.post_data_json)
        route.continue_()

    station.page.route(SNOOZE, cut)
    dialog.get_by_role("button", name="Treatment given").click()
    outcome = station.page.locator(".card-side .outcome")
    expect(outcome).to_contain_text("Not confirmed. It may not be snoozed.")
    station.page.unroute(SNOOZE)
    station.page.route(SNOOZE, note)
    outcome.get_by_role("button", name="Try again").click()
    expect(outcome).to_contain_text("Snoozed until")
    assert bodies[0] == bodies[1]
    assert site.alert_that_comes(patient_id)["snoozes"] == 1


def test_key_s_asks_and_escape_changes_nothing(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open(viewport=PHONE)
    station.view("worklist")
    station.wait_for_row(patient_id).focus()
    station.page.keyboard.press("s")
    dialog = station.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    small = "() => [...document.querySelectorAll('dialog button')].filter(b => b.getBoundingClientRect().height < 44).length"
    assert station.page.evaluate(small) == 0
    station.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert site.alert_that_comes(patient_id)["snoozed_until"] is None

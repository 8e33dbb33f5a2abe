"""Nothing moves under the hand; the keyboard alone is enough; letter keys can be switched off."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.station import Screens, Site

pytestmark = pytest.mark.browser

BOXES = (
    "() => [...document.querySelectorAll('.main-lane .row')].slice(0, 10)"
    ".map(row => [row.dataset.patient, Math.round(row.getBoundingClientRect().top)])"
)


def test_rows_stand_still_under_the_pointer_and_new_ones_wait_in_the_band(screens: Screens, site: Site) -> None:
    known = [site.ill()[0] for _ in range(3)]
    station = screens.open()
    station.view("worklist")
    for patient_id in known:
        station.wait_for_row(patient_id)
    station.row(known[1]).hover()
    before = station.page.evaluate(BOXES)
    new = [site.ill("high" if number == 0 else "medium")[0] for number in range(6)]
    band = station.page.locator(".main-lane .new-band .new")
    expect(band).to_contain_text(re.compile(r"([6-9]|\d\d) new, [1-9]\d* high\."), timeout=15_000)
    assert station.page.evaluate(BOXES) == before
    for patient_id in new:
        station.wait_for_row(patient_id)


def test_focus_stays_on_its_patient_through_a_re_order(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open()
    station.view("worklist")
    station.wait_for_row(patient_id).focus()
    high, _ = site.ill("high")
    expect(station.page.locator(".main-lane .new-band .new")).to_be_visible(timeout=15_000)
    station.page.keyboard.press("n")
    expect(station.row(high)).to_be_visible()
    expect(station.row(patient_id)).to_be_focused()


def test_from_list_to_acknowledged_and_back_by_keyboard_alone(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill("high")
    station = screens.open()
    page = station.page
    page.keyboard.press("1")
    station.wait_for_row(patient_id)
    for _ in range(60):
        page.keyboard.press("j")
        if page.evaluate("document.activeElement.dataset.patient") == patient_id:
            break
    expect(station.row(patient_id)).to_be_focused()
    page.keyboard.press("a")  # high: opens the card first
    card = page.locator(".card-side .alert-card")
    expect(card).to_be_visible()
    assert site.alert_that_comes(patient_id)["handling"] == "unacknowledged"
    page.keyboard.press("a")
    expect(card.locator(".outcome")).to_contain_text("by you")
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    expect(station.row(patient_id)).to_be_focused()


def test_letter_keys_can_be_switched_off(screens: Screens, site: Site) -> None:
    station = screens.open()
    page = station.page
    page.keyboard.press("4")
    page.get_by_label("Single-letter keys work").uncheck()
    page.keyboard.press("2")
    expect(page.locator(".more-view")).to_be_visible()
    page.get_by_label("Single-letter keys work").check()
    page.keyboard.press("2")
    expect(page.locator("main.ward")).to_be_visible()


def test_the_list_of_keys_opens_and_closes_by_key(screens: Screens, site: Site) -> None:
    page = screens.open().page
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next or previous row")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_new_high_alert_is_announced_with_priority_first(screens: Screens, site: Site) -> None:
    station = screens.open()
    _, family = site.ill("high")
    said = station.page.locator("#live-assertive")
    # Another one of the ward may come within the same 5 s: then both are said in one sentence.
    expect(said).to_contain_text(re.compile(rf"[Hh]igh (priority\.|alerts?:).*{family}"), timeout=15_000)


def test_a_high_alert_that_comes_with_a_new_snapshot_is_announced_too(screens: Screens, site: Site) -> None:
    """Somebody is admitted in the second in which another one falls ill: the page gets the whole ward anew."""
    patient_id, family = site.ill()
    alert = site.alert_that_comes(patient_id)
    station = screens.open()
    station.view("worklist")
    station.wait_for_row(patient_id)
    fresh = {**alert, "id": "a-fresh", "priority": "high", "call": {"how": "now", "why": "", "by": ""}}
    station.page.evaluate(
        """async fresh => {
            const { alerts, applySnapshot, cards } = await import(new URL("page/ward.js", location.origin));
            const patients = [...cards.values()].map(held => held.peek());
            applySnapshot({ patients, alerts: [...[...alerts.values()].map(held => held.peek()), fresh] }, true);
        }""",
        fresh,
    )
    said = station.page.locator("#live-assertive")
    expect(said).to_contain_text(re.compile(rf"[Hh]igh (priority\.|alerts?:).*{family}"), timeout=15_000)


def test_an_amended_alert_is_marked_in_its_row_and_on_its_card(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    alert = site.alert_that_comes(patient_id)
    station = screens.open()
    station.view("worklist")
    station.wait_for_row(patient_id)
    mark = station.line(alert["id"]).locator('.badge [aria-label="Changed by late data"]')
    expect(mark).to_have_count(0)
    station.change({**alert, "amended": True})
    expect(mark).to_be_visible()
    expect(station.line(alert["id"]).locator(".standing")).to_contain_text("Changed by late data")
    expect(station.show(alert["id"]).locator('h2 [aria-label="Changed by late data"]')).to_be_visible()


def test_an_amended_alert_is_marked_under_the_charts_and_in_the_hand_over(screens: Screens, site: Site) -> None:
    patient_id, family = site.ill()
    alert = site.alert_that_comes(patient_id)
    station = screens.open()
    page = station.page
    station.open_patient(patient_id)
    span = page.locator(".alert-spans .span").first
    expect(span).to_be_visible()
    expect(span).not_to_contain_text("↺")
    station.change({**alert, "amended": True})
    expect(span.locator(".label")).to_have_text(re.compile(r"^▲ ↺ Systolic pressure low"))
    expect(span).to_have_attribute("title", re.compile(r" – goes on\. Changed by late data\. "))
    expect(page.get_by_role("button", name=re.compile("Systolic pressure low, .*Changed by late data"))).to_be_visible()

    def amended(route: Route) -> None:
        facts = route.fetch().json()
        for one in facts["alerts"]["medium"]:
            one["amended"] = one["id"] == alert["id"]
        route.fulfill(json=facts)

    page.route("**/api/v1/handover?*", amended)
    page.evaluate("() => { location.hash = '#/handover/Test' }")
    mark = page.locator('.badge [aria-label="Changed by late data"]')
    line = page.locator(".handover-note .open li", has_text=family).filter(has=mark)
    expect(line.locator(".standing")).to_contain_text("Changed by late data")

"""Check 22 of the design page: what a nurse does in a shift, by keyboard alone. No test here has a pointer."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.station import Screens, Site, Station

pytestmark = pytest.mark.browser

WARD = "Keyboard"
#: Where the focus is: in the window, not under the bars on top, and drawn.
SEEN = """one => {
  const box = one.getBoundingClientRect();
  const top = document.querySelector("header.top").getBoundingClientRect().bottom;
  const over = one.closest("dialog, header.top") ? 0 : top;
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  const drawn = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  return box.bottom > over + 1 && box.top < innerHeight && drawn;
}"""


def reach(page: Page, target: Locator, key: str = "Tab") -> None:
    """Goes there by Tab, and the focus can be seen there."""
    expect(target).to_be_visible()
    for _ in range(150):
        if target.evaluate("one => one === document.activeElement"):
            assert target.evaluate(SEEN), "the focus is hidden or not drawn"
            return
        page.keyboard.press(key)
    raise AssertionError(f"not reached by {key}: {target}")


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    reach(page, target)
    page.keyboard.press(key)


@pytest.fixture
def patient_id(site: Site) -> str:
    """With an open alert of high priority, in a ward whose team has two levels."""
    site.set_policy(WARD)
    site.set_team("Li Na", "Wang Fang", ward=WARD, level=[{"who": ["on_call"]}, {"who": ["member:Wang Fang"]}])
    patient_id = site.admit("Keyed", ward=WARD)
    site.enter(patient_id, bp_sys=70)
    return patient_id


def go_to_row(station: Station, patient_id: str) -> None:
    page = station.page
    page.keyboard.press("1")
    row = station.row(patient_id)
    for _ in range(10):
        page.keyboard.press("n")
        if row.count():
            break
    for _ in range(150):
        page.keyboard.press("j")
        if row.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError("the row is not reached")


def test_an_alert_from_the_list_to_the_note(screens: Screens, site: Site, patient_id: str) -> None:
    station = screens.open(name="Li Na")
    page = station.page
    go_to_row(station, patient_id)
    page.keyboard.press("Enter")
    card = page.locator(".card-side .alert-card")
    expect(card.get_by_role("heading", level=2)).to_be_focused()
    outcome = card.locator(".actions .outcome")
    dialog = page.get_by_role("dialog")

    page.keyboard.press("s")
    expect(dialog.get_by_role("button", name="Do not snooze")).to_be_focused()
    press(page, dialog.get_by_role("button", name="Treatment given"))
    expect(outcome).to_contain_text("Snoozed until")
    press(page, card.get_by_role("button", name="End the snooze"))
    expect(outcome).to_contain_text("Returned to the list")

    page.keyboard.press("e")
    press(page, dialog.get_by_role("button", name="Escalate now"))
    expect(outcome).to_contain_text("Level 1 was called")

    page.keyboard.press("g")
    reach(page, dialog.get_by_label("Note (optional)"))
    page.keyboard.type("nobody is free")
    press(page, dialog.get_by_role("button", name="Wang Fang"))
    expect(outcome).to_contain_text("Wang Fang was called")
    press(page, card.get_by_role("button", name="Return to list"))
    expect(outcome).to_contain_text("Returned to the list")

    page.keyboard.press("a")
    expect(outcome).to_contain_text("by you")
    verdict = card.get_by_role("button", name="False signal")
    press(page, verdict, "Space")
    expect(verdict).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("m")
    expect(card.get_by_label("Words")).to_be_focused()
    page.keyboard.type("rang twice")
    press(page, card.get_by_role("button", name="Save"))
    expect(card.locator(".history .words").first).to_have_text("rang twice")
    page.keyboard.press("Escape")
    expect(station.row(patient_id)).to_be_focused()
    alert = site.alert_that_comes(patient_id)
    assert (alert["handling"], alert["acknowledged_by"]) == ("acknowledged", "Li Na")


def test_a_patient_is_found_looked_at_measured_and_left(screens: Screens, patient_id: str) -> None:
    station = screens.open(name="Li Na")
    page = station.page
    page.keyboard.press("2")
    expect(page.locator(".tile .l1").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(patient_id)
    expect(page.locator(".tile")).to_have_count(1)
    press(page, page.locator(f'.tile[data-patient="{patient_id}"] a'))
    expect(page.locator(".patient-banner h1")).to_be_focused()
    press(page, page.get_by_role("button", name="24 h", exact=True))
    expect(page.get_by_role("button", name="24 h", exact=True)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("t")
    expect(page.locator('.chart[data-vital="bp"] table')).to_contain_text("70/—")
    form = page.locator("form.entry")
    reach(page, form.get_by_label("Breathing rate"))
    page.keyboard.type("22")
    press(page, form.get_by_role("button", name="Enter"))
    expect(form.locator(".outcome.confirmed")).to_contain_text("Stored")
    page.keyboard.press("Escape")
    expect(page.locator(f'.tile[data-patient="{patient_id}"]')).to_be_visible()


def test_what_was_assigned_is_taken_from_the_hand_over(screens: Screens, site: Site, patient_id: str) -> None:
    alert = site.alert_that_comes(patient_id)
    body = {"version": alert["version"], "to": "Wang Fang"}
    site.request("POST", f"/alerts/{alert['id']}/assign", body, name="Li Na", role="nurse")
    station = screens.open(name="Wang Fang")
    page = station.page
    press(page, page.get_by_role("button", name="Look and accept"))
    press(page, page.locator(".shift").get_by_role("button", name="Open card"))
    press(page, page.locator(".card-side").get_by_role("button", name="Accept: I take over"))
    expect(page.locator(".card-side .standing")).to_contain_text("Wang Fang has it")


def test_with_letter_keys_off_everything_is_still_reached(screens: Screens, site: Site, patient_id: str) -> None:
    station = screens.open(name="Li Na")
    page = station.page
    page.keyboard.press("4")
    letters = page.get_by_label("Single-letter keys work")
    press(page, letters, "Space")
    expect(letters).not_to_be_checked()
    page.keyboard.press("1")
    expect(page.locator(".more-view")).to_be_visible()  # the key does nothing
    press(page, page.locator('.main-bar a[href="#/worklist"]'))
    row = station.row(patient_id)
    expect(row).to_be_visible()
    for _ in range(150):
        page.keyboard.press("ArrowDown")
        if row.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("a")  # does nothing
    page.keyboard.press("Enter")
    card = page.locator(".card-side .alert-card")
    press(page, card.get_by_role("button", name="Acknowledge: I deal with it"))
    expect(card.locator(".actions .outcome")).to_contain_text("by you")
    assert site.alert_that_comes(patient_id)["acknowledged_by"] == "Li Na"


#: What acts when it is pressed and cannot have the focus, on each view; rows have their keys.
DEAF = """() => {
  const listens = one => Object.entries(one.l ?? {}).some(([name, act]) => act && name.startsWith("click"));
  const acts = [...document.querySelectorAll("body *")].filter(listens);
  const bare = one => one.tabIndex < 0 && !one.disabled && !one.closest("[role=grid], label");
  return [acts.length, acts.filter(one => one.checkVisibility() && bare(one)).map(one => one.outerHTML.slice(0, 120))];
}"""


def test_nothing_acts_by_pointer_alone(screens: Screens, site: Site, patient_id: str) -> None:
    station = screens.open(name="Zhao Min", role="admin")
    page = station.page
    found = []
    views = (
        "worklist",
        f"worklist/{site.alert_that_comes(patient_id)['id']}",
        "ward",
        f"patient/{patient_id}",
        f"policy/{patient_id}",
    )
    for view in (*views, "handover", "more", "rota", "people", "tokens", "audit", "system"):
        page.evaluate("view => { location.hash = `#/${view}` }", view)
        expect(page.locator("main h1, main h2").first).to_be_attached()
        expect(page.locator("main")).not_to_contain_text(re.compile("Loading…"))
        number, bare = page.evaluate(DEAF)
        assert number, "the page's own listeners are found"
        found += [f"{view}: {one}" for one in bare]
    assert found == []

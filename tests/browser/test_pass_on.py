"""What a nurse does with an alert that she cannot deal with: asks a colleague, calls the next level. What was said of others.

Design page, sections 4, 5 and 9.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.station import PHONE, Screens, Site, Station
from tests.product import eventually

pytestmark = pytest.mark.browser

WARD = "Two levels"
TEAM: dict[str, Any] = {
    "id": "two-levels",
    "ward": WARD,
    "timezone": "Europe/London",
    "fallback": "Li Na",
    "member": [{"id": name, "name": name, "channels": ["app"]} for name in ("Li Na", "Wang Fang")],
    "level": [{"who": ["on_call"]}, {"who": ["member:Wang Fang"]}],
}


@pytest.fixture
def patient_id(site: Site) -> str:
    """With one open alert of high priority, in a ward whose team has two levels."""
    site.set_policy(WARD)
    site.request("PUT", "/teams", {"team": TEAM, "reason": "the page is tried"})
    patient_id = site.admit("Passedon", ward=WARD)
    site.enter(patient_id, bp_sys=70)
    return patient_id


def ask(station: Station, key: str) -> Locator:
    station.page.keyboard.press(key)
    dialog = station.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def test_a_colleague_is_asked_and_accepts(screens: Screens, site: Site, patient_id: str) -> None:
    first, second = screens.open(name="Li Na"), screens.open(name="Wang Fang")
    first.view("worklist")
    row = first.wait_for_row(patient_id)
    row.focus()
    first.page.keyboard.press("g")  # of high priority: the card comes first
    card = first.page.locator(".card-side .alert-card")
    expect(card.get_by_role("heading", level=2)).to_be_focused()
    dialog = ask(first, "g")
    expect(dialog).to_contain_text("Passedon")
    expect(dialog).to_contain_text(re.compile(r"To be accepted by \d\d:\d\d\. It escalates on until then\."))
    expect(dialog.get_by_role("button", name="Do not assign")).to_be_focused()  # the safe choice
    dialog.get_by_label("Note (optional)").fill("needs a doctor")
    dialog.get_by_role("button", name="Wang Fang").click()
    expect(card.locator(".outcome")).to_contain_text(re.compile(r"Wang Fang was called, to accept it by \d\d:\d\d\."))
    expect(card.locator(".standing")).to_contain_text("Assigned to Wang Fang, not accepted yet")
    assert site.alert_that_comes(patient_id)["handling"] == "unacknowledged"
    theirs = second.show(site.alert_that_comes(patient_id)["id"])
    expect(theirs.locator(".standing")).to_contain_text("Assigned to you: accept by")
    theirs.get_by_role("button", name="Accept: I take over").click()
    expect(card.locator(".standing")).to_contain_text("Wang Fang has it")
    expect(card.locator(".history")).to_contain_text("needs a doctor")


def test_an_assignment_is_taken_back(screens: Screens, site: Site, patient_id: str) -> None:
    station = screens.open()
    card = station.show(site.alert_that_comes(patient_id)["id"])
    card.get_by_role("button", name="Assign").click()
    station.page.get_by_role("dialog").get_by_role("button", name="Wang Fang").click()
    toast = station.page.locator(".toast")
    expect(toast).to_contain_text("You assigned:")
    toast.get_by_role("button", name="Return to list").click()
    expect(card.locator(".outcome")).to_contain_text("Returned to the list")
    assert site.alert_that_comes(patient_id)["owner"] == ""


def test_the_next_level_is_called_and_above_the_last_is_nobody(screens: Screens, site: Site, patient_id: str) -> None:
    station = screens.open()
    card = station.show(site.alert_that_comes(patient_id)["id"])
    dialog = ask(station, "e")
    expect(dialog).to_contain_text("This cannot be undone.")
    expect(dialog.get_by_role("button", name="Do not escalate")).to_be_focused()
    dialog.get_by_role("button", name="Escalate now").click()
    expect(card.locator(".outcome")).to_contain_text(re.compile(r"Level 1 was called at \d\d:\d\d\."))
    assert site.alert_that_comes(patient_id)["escalation_level"] == 1
    ask(station, "e").get_by_role("button", name="Escalate now").click()
    expect(card.locator(".outcome")).to_contain_text("Nobody is above the last level. Called already: Wang Fang.")
    station.page.keyboard.press("?")
    expect(station.page.get_by_role("dialog")).to_contain_text("escalate or assign the row")


def test_earlier_alerts_say_what_people_said_of_them(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    before = site.alert_that_comes(patient_id)
    path = f"/alerts/{before['id']}"
    site.request("POST", f"{path}/acknowledge", {"version": before["version"]}, name="Li Na", role="nurse")
    site.request("POST", f"{path}/feedback", {"verdict": "artefact"}, name="Wang Fang", role="nurse")
    site.enter(patient_id, bp_sys=120)
    rule = before["rule"]
    eventually(
        lambda: all(one["rule"] != rule for one in site.open_alerts(patient_id)), what="the end of the first alert"
    )
    site.enter(patient_id, bp_sys=70)  # worse than the one before: not the same again
    earlier = screens.open().show(site.alert_that_comes(patient_id)["id"]).locator(".earlier")
    expect(earlier).to_contain_text("1 like it in the 14 days before")
    expect(earlier.locator("li")).to_contain_text(re.compile(r"Wang Fang, .*\d\d:\d\d: False signal"))


def test_who_else_looks_is_said_on_card_and_list_and_is_gone_with_the_card(
    screens: Screens, site: Site, patient_id: str
) -> None:
    alert_id = site.alert_that_comes(patient_id)["id"]
    first, second = screens.open(name="Li Na"), screens.open(name="Wang Fang", lang="zh", viewport=PHONE)
    second.view("worklist")
    line = second.line(alert_id)
    expect(line.locator(".standing")).not_to_contain_text("正在查看")
    card = first.show(alert_id)
    expect(line.locator(".standing")).to_contain_text("Li Na 正在查看")
    expect(card.locator(".standing")).not_to_contain_text("looking")  # oneself is nobody else
    theirs = second.show(alert_id)
    expect(theirs.locator(".standing")).to_contain_text("Li Na 正在查看")
    expect(card.locator(".standing")).to_contain_text("Wang Fang is looking")
    third = screens.open(name="Zhou Min")  # told with the first picture
    third.view("worklist")
    expect(third.line(alert_id).locator(".standing")).to_contain_text(re.compile("(Li Na|Wang Fang).* are looking"))
    second.page.go_back()
    expect(card.locator(".standing")).not_to_contain_text("looking")
    card.get_by_role("button", name="Acknowledge: I deal with it").click()
    expect(third.line(alert_id).locator(".standing")).to_contain_text(re.compile("^Li Na has it"))

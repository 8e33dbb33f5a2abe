"""What people keep with a patient, on the page: notes, what was done, contacts, a planned pause, the printed sheet."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.station import PHONE, Screens, Site

pytestmark = pytest.mark.browser

MARKUP = "<b>slept</b> badly & twice\nup at three"


def watched(site: Site, family: str) -> str:
    """A patient who wears a device, which says nothing."""
    patient_id = site.admit(family)
    device = f"w-{patient_id}"
    site.request("POST", "/devices", {"id": device, "model": "patch"})
    site.request("POST", f"/devices/{device}/binding", {"patient_id": patient_id})
    return patient_id


def test_what_was_done_is_one_tap_and_stands_in_the_story(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    alert = site.alert_that_comes(patient_id)
    station = screens.open()
    card = station.show(alert["id"])
    card.get_by_role("button", name="Called, no answer").click()
    expect(card.locator(".done .outcome")).to_have_text(re.compile(r"Stored \d\d:\d\d\."))
    expect(card.locator(".history li").first).to_contain_text("Called, no answer Li Na")
    station.page.keyboard.press("m")
    field = card.get_by_label("Words")
    expect(field).to_be_focused()
    field.fill(MARKUP)
    card.get_by_role("button", name="Save").click()
    expect(card.locator(".history .words").first).to_have_text(MARKUP)
    expect(field).to_have_count(0)
    kept = site.request("GET", f"/alerts/{alert['id']}", role="nurse")["notes"]
    assert [(one["kind"], one["text"]) for one in kept] == [("note", MARKUP), ("no_answer", "")]


def test_what_the_score_lacks_is_entered_on_the_card(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    card = screens.open().show(site.alert_that_comes(patient_id)["id"])
    score = card.locator("section", has=card.page.get_by_role("heading", name="Score", exact=True))
    expect(score).to_contain_text("Breathing rate")  # among what is not known
    card.locator("details.enter summary").click()
    form = card.locator("form.entry")
    form.get_by_label("Breathing rate").fill("22")
    form.get_by_role("button", name="Enter").click()
    expect(form.locator(".outcome.confirmed")).to_contain_text("Stored")
    expect(score).to_contain_text("Breathing rate 2")
    expect(card.locator(".others")).to_contain_text("Breathing rate 22 /min")


def test_a_note_on_the_patient_is_seen_by_others_and_struck_by_whoever_wrote_it(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Noted")
    mine = screens.open()
    mine.open_patient(patient_id)
    mine.page.keyboard.press("m")
    notes = mine.page.locator(".notes")
    notes.get_by_label("Words").fill("wrong person")
    notes.get_by_role("button", name="Save").click()
    expect(notes.locator("li")).to_contain_text("wrong person")
    expect(notes.get_by_label("Words")).to_have_value("")
    theirs = screens.open(name="Chen Wei")
    theirs.open_patient(patient_id)
    others = theirs.page.locator(".notes li")
    expect(others).to_contain_text("Note Li Na wrong person")
    expect(others.get_by_role("button", name="Strike out")).to_have_count(0)
    notes.get_by_role("button", name="Strike out").click()
    expect(notes.locator("li s")).to_contain_text("wrong person")
    expect(notes.locator("li")).to_contain_text("struck out by Li Na")
    expect(notes.get_by_role("button", name="Strike out")).to_have_count(0)


def test_contacts_and_the_ceiling_of_care_stand_in_both_banners(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    alert = site.alert_that_comes(patient_id)
    station = screens.open()
    page = station.page
    station.open_patient(patient_id)
    plan = page.locator(".plan")
    expect(plan).to_contain_text("Nothing is known yet.")
    plan.get_by_role("button", name="Change").click()
    for label, text in {
        "Telephone": "+49 30 / 111",
        "Next of kin": "Li Na",
        "Relation": "daughter",
        "Telephone of next of kin": "0170-222",
        "Ceiling of care": "ward level",
        "Decided by": "Dr Wang",
        "Decided on": "2026-01-01",
    }.items():
        plan.get_by_label(label, exact=True).fill(text)
    plan.get_by_role("button", name="Save").click()
    expect(plan).to_contain_text("Written by Li Na")
    expect(plan.locator("dd")).to_have_count(7)
    in_banner(page.locator(".patient-banner"))
    in_banner(station.show(alert["id"]).locator(".banner"))
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    station.open_patient(patient_id)
    thumb = page.locator(".thumb-bar")
    expect(thumb.get_by_role("button", name="Acknowledge: I deal with it")).to_be_visible()
    expect(thumb.get_by_role("link", name="home +49 30 / 111")).to_have_attribute("href", "tel:+4930111")


def in_banner(banner: Locator) -> None:
    expect(banner.locator(".ceiling")).to_have_text("Ceiling of care: ward level")
    calls = banner.locator("a.call")
    expect(calls.nth(0)).to_have_attribute("href", "tel:+4930111")
    expect(calls.nth(1)).to_have_text(re.compile("daughter 0170-222"))
    expect(calls.nth(1)).to_have_attribute("href", "tel:0170222")


def test_contacts_that_somebody_else_changed_meanwhile_are_not_overwritten(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Twice")
    station = screens.open()
    station.open_patient(patient_id)
    plan = station.page.locator(".plan")
    plan.get_by_role("button", name="Change").click()
    site.request("PUT", f"/patients/{patient_id}/contacts", {"after": 0, "phone": "1"})
    plan.get_by_label("Address").fill("Lindenweg 3")
    plan.get_by_role("button", name="Save").click()
    expect(plan.locator(".outcome.refused")).to_contain_text("version 1")
    expect(plan.get_by_label("Address")).to_have_value("Lindenweg 3")


def test_a_pause_is_planned_counted_seen_by_others_and_ended_early(screens: Screens, site: Site) -> None:
    patient_id = watched(site, "Paused")
    station, other = screens.open(), screens.open(name="Chen Wei")
    station.open_patient(patient_id)
    pause = station.page.locator(".pause")
    pause.locator("summary").click()
    pause.get_by_label("How long").select_option("120")
    pause.get_by_label("Reason").fill("dialysis")
    pause.get_by_role("button", name="Pause now").click()
    expect(pause).to_contain_text(re.compile(r"Paused until .*\d\d:\d\d dialysis Li Na"))
    expect(station.page.locator(".patient-banner .coverage")).to_have_text(
        re.compile(r"‖ Paused until \d\d:\d\d"), timeout=15_000
    )
    expect(other.page.locator(".strip")).to_contain_text("‖ 1 paused", timeout=15_000)
    other.open_patient(patient_id)
    theirs = other.page.locator(".pause")
    theirs.get_by_role("button", name="End the pause").click()
    theirs.get_by_role("button", name="End the pause").last.click()
    expect(theirs.locator(".outcome")).to_have_text("The pause is over.")
    expect(station.page.locator(".patient-banner .coverage")).to_have_text(re.compile("Not watched"), timeout=15_000)
    expect(pause.locator("summary")).to_be_visible()
    expect(other.page.locator(".strip")).not_to_contain_text("paused")


def test_who_may_only_look_writes_nothing(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Looked")
    site.request("POST", f"/patients/{patient_id}/notes", {"text": "slept badly"}, role="nurse")
    station = screens.open(name="Au Ditor", role="auditor")
    station.open_patient(patient_id)
    notes = station.page.locator(".notes")
    expect(notes.locator("li")).to_have_count(1)
    expect(notes).not_to_contain_text("slept badly")
    expect(notes.locator("form")).to_have_count(0)
    expect(station.page.locator(".plan, .pause")).to_have_count(0)


def test_a_sheet_says_whose_it_is_in_black_on_white_without_buttons(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Printed")
    site.enter(patient_id, heart_rate=71)
    station = screens.open(color_scheme="dark")
    station.open_patient(patient_id)
    page = station.page
    expect(page.locator(".sheet-head")).to_be_hidden()
    page.emulate_media(media="print")
    head = page.locator(".sheet-head")
    expect(head).to_be_visible()
    expect(head).to_have_text(
        re.compile(rf"Printed, Test.*03-Mar-1948.*{patient_id}.*4 h.*printed \d\d-\w+-\d{{4}} \d\d:\d\d \(.+\)")
    )
    for gone in (".strip", ".main-bar", ".entry", ".note-form", ".patient-banner"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.locator(".now table")).to_be_visible()
    expect(head).to_have_css("color", "rgb(20, 32, 43)")  # the text of the light theme
    assert page.pdf().startswith(b"%PDF")


def test_what_was_done_stands_in_the_hand_over(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Handed", ward="Bedside")
    site.request("POST", f"/patients/{patient_id}/notes", {"kind": "sent_help", "text": "by ambulance"}, role="nurse")
    station = screens.open()
    station.page.evaluate("location.hash = '#/handover/Bedside'")
    note = station.page.locator("article.handover-note li", has_text="Sent help")
    expect(note).to_contain_text(
        re.compile(r"\d\d:\d\d HANDED, Test.*Sent help Ward office by ambulance", re.IGNORECASE)
    )

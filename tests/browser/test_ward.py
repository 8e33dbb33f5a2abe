"""The board: filters say what they hide, high priority never hides, both forms work."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.station import Screens, Site

pytestmark = pytest.mark.browser


def test_a_filter_says_what_it_hides_and_never_hides_high(screens: Screens, site: Site) -> None:
    hidden, _ = site.ill()
    high, family = site.ill("high")
    station = screens.open()
    page = station.page
    station.view("ward")
    expect(page.locator(f'.tile[data-patient="{hidden}"]')).to_be_attached(timeout=15_000)
    page.locator("#search").fill("nobody has this name")
    expect(page.locator(".counts")).to_contain_text("Showing 0 of")
    expect(page.locator(".counts")).to_contain_text("with open alerts")
    expect(page.locator(".top-band")).to_contain_text(family)
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(f'.tile[data-patient="{high}"]')).to_be_attached()


def test_tiles_become_a_table_and_the_choice_is_kept(screens: Screens, site: Site) -> None:
    patient_id, family = site.ill()
    station = screens.open()
    page = station.page
    station.view("ward")
    expect(page.locator("main.ward .tiles")).to_be_visible()
    page.keyboard.press("t")
    row = page.locator(f'.ward-row[data-patient="{patient_id}"]')
    row.scroll_into_view_if_needed()
    expect(row).to_contain_text(family)
    expect(row).to_contain_text("85")
    page.reload()
    expect(page.locator(".ward-table")).to_be_visible(timeout=15_000)


def test_not_watched_is_one_tap_away(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Unwatched")
    station = screens.open()
    station.page.locator(".strip button", has_text="not watched").click()
    tile = station.page.locator(f'.tile[data-patient="{patient_id}"]')
    expect(tile).to_be_attached(timeout=15_000)
    tile.scroll_into_view_if_needed()
    expect(tile).to_contain_text("No device")


def test_a_tile_opens_its_patient_and_back_returns_the_focus(screens: Screens, site: Site) -> None:
    patient_id, family = site.ill()
    station = screens.open()
    page = station.page
    station.view("ward")
    page.locator("#search").fill(family)
    tile = page.locator(f'.tile[data-patient="{patient_id}"]')
    tile.locator("a").press("Enter")
    expect(page.locator(".patient-banner h1")).to_contain_text(family)
    page.keyboard.press("Escape")
    expect(tile.locator("a")).to_be_focused()

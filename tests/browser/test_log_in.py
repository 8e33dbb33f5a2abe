"""Getting in: by the address that ``vigil up`` prints, by name and key, and not at all."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.station import Screens, Site

pytestmark = pytest.mark.browser


def test_key_in_the_address_logs_in_and_is_wiped(screens: Screens, site: Site) -> None:
    station = screens.blank()
    station.page.goto(f"{screens.origin}/#key={site.secret}")
    expect(station.page.locator(".strip .data time")).to_be_visible(timeout=15_000)
    assert site.secret not in station.page.url
    kept = station.page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, history.state])")
    assert site.secret not in kept


def test_wrong_key_is_said_and_the_right_one_gets_in(screens: Screens, site: Site) -> None:
    station = screens.blank(locale="en-GB")
    page = station.page
    page.goto(screens.origin)
    page.get_by_label("Your name").fill("Wang Fang")
    page.get_by_label("Access key").fill("not-the-key")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".trouble")).to_have_text("This access key is not right.")
    page.get_by_label("Access key").fill(site.secret)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".strip .user")).to_contain_text("Wang Fang")


def test_a_server_that_falls_silent_before_the_form_is_here_is_said_and_waited_for(screens: Screens) -> None:
    page = screens.blank().page
    page.add_init_script("localStorage.setItem('vigil.preferences', JSON.stringify({ account: true }))")
    silent = ("**/api/v1/auth", "**/views/log_in.js")
    for path in silent:
        page.route(path, lambda route: route.abort())
    page.goto(screens.origin)
    expect(page.locator("main.log-in")).to_have_text("The server does not answer.")
    for path in silent:
        page.unroute(path)
    expect(page.get_by_label("Access key")).to_be_visible()


def test_a_role_without_commands_gets_no_buttons_for_them(screens: Screens, site: Site) -> None:
    patient_id, family = site.ill()
    station = screens.open(name="Auditor Zhao", role="auditor")
    station.view("worklist")
    row = station.wait_for_row(patient_id)
    expect(row).to_contain_text(patient_id)
    expect(row).not_to_contain_text(family)  # the role reads without names
    expect(row.get_by_role("button", name="Acknowledge")).to_have_count(0)

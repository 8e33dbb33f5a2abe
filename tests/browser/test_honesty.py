"""Never look alive when blind (design page, section 10)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.station import Screens, Site
from tests.browser.wire import Wire

pytestmark = pytest.mark.browser

#: 3 s of silence, a quarter of a second between looks, and a slow test machine.
BAR_MS = 4_500


def expect_blind(page: Page) -> None:
    bar = page.locator(".bar.lost")
    expect(bar).to_be_visible(timeout=BAR_MS)
    expect(bar).to_contain_text("What you see is old.")
    expect(page).to_have_title("⚠ OLD · Vigil")
    expect(page.locator("#live-assertive")).to_contain_text("Connection lost", timeout=6_000)


@pytest.mark.parametrize("how", ["freeze", "cut"])
def test_lost_connection_is_loud_and_its_end_is_told(how: str, screens: Screens, site: Site, wire: Wire) -> None:
    patient_id, _ = site.ill()
    station = screens.open()
    page = station.page
    station.view("worklist")
    button = station.wait_for_row(patient_id).get_by_role("button", name="Acknowledge").first
    expect(button).to_be_enabled()
    getattr(wire, how)()
    expect_blind(page)
    expect(button).to_be_disabled()
    before = page.locator(".bar.lost").inner_text()
    expect(page.locator(".bar.lost")).not_to_have_text(before, timeout=3_000)  # the age grows
    wire.restore()
    expect(page.locator(".bar.lost")).to_have_count(0, timeout=10_000)
    expect(page.locator(".notices")).to_contain_text("Connection is back after")
    expect(button).to_be_enabled()


def test_an_alert_that_came_while_blind_is_there_after_return(screens: Screens, site: Site, wire: Wire) -> None:
    station = screens.open()
    station.view("worklist")
    wire.cut()
    expect_blind(station.page)
    patient_id, _ = site.ill()
    wire.restore()
    station.wait_for_row(patient_id)
    expect(station.page.locator(".notices")).to_contain_text("new alert")


def test_values_are_greyed_while_blind(screens: Screens, site: Site, wire: Wire) -> None:
    patient_id = site.admit("Grey")
    site.enter(patient_id, body_temp=37.1)
    station = screens.open()
    station.open_patient(patient_id)
    value = station.page.locator(".now .value", has_text="37.1")
    colour = "element => getComputedStyle(element).color"
    fresh = value.evaluate(colour)
    wire.freeze()
    expect_blind(station.page)
    assert value.evaluate(colour) != fresh


def test_a_server_that_never_answered_is_not_called_lost(screens: Screens, site: Site, wire: Wire) -> None:
    station = screens.open()
    page = station.page
    page.route("**/api/v1/stream", lambda _route: None)  # never answered
    page.reload()
    expect(page.locator(".bar.lost")).to_contain_text("No connection to the server yet", timeout=BAR_MS)
    expect(page.locator(".nothing")).to_have_count(0)  # the empty state only after a whole answer


def test_demo_patients_are_marked_on_every_view(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Demo")
    station = screens.open()
    for view in ("worklist", "ward", "handover", "more"):
        station.view(view)
        expect(station.page.locator(".bar.demo")).to_have_text("DEMO: not real people")
    station.open_patient(patient_id)
    expect(station.page.locator(".bar.demo")).to_be_visible()


def test_an_incomplete_score_is_never_one_number(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Partial")
    site.enter(patient_id, body_temp=37.1, heart_rate=80)
    station = screens.open()
    station.open_patient(patient_id)
    score = station.page.locator(".now h2 .score")
    expect(score).to_contain_text("Partial", timeout=20_000)
    low, _, high = score.locator(".box").inner_text().partition("–")
    assert int(low) < int(high)
    expect(station.page.locator(".score-words")).to_contain_text("Not known:")


def test_a_hostile_name_is_text_and_breaks_nothing(screens: Screens, site: Site) -> None:
    markup = site.admit("<script>window.broken=1</script><img src=x onerror=window.broken=1>", "Bob")
    long = site.admit("W" * 100, "Anna")
    arabic = site.admit("حداد", "ليلى")
    for patient_id in (markup, long, arabic):
        site.enter(patient_id, bp_sys=70)
    station = screens.open()
    page = station.page
    for patient_id in (markup, long, arabic):
        row = station.wait_for_row(patient_id)
        badge = row.locator(".badge").first
        expect(badge).to_contain_text("HIGH")
        box, outer = badge.bounding_box(), row.bounding_box()
        assert box is not None
        assert outer is not None
        assert box["x"] + box["width"] <= outer["x"] + outer["width"]
    expect(station.row(markup)).to_contain_text("<script>window.broken=1</script>")
    station.view("ward")
    tile = page.locator(f'.tile[data-patient="{long}"]')
    tile.scroll_into_view_if_needed()
    expect(tile.locator(".badge")).to_be_visible()
    assert page.evaluate("window.broken") is None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


CUT_OFF = """async () => {
  const { get } = await import(new URL('page/http.js', location.origin));
  return get('api/v1/teams').then(() => 'an answer', error => error.constructor.name);
}"""


def test_an_answer_that_is_cut_off_is_no_answer(screens: Screens) -> None:
    page = screens.open().page
    page.route("**/api/v1/teams", lambda route: route.fulfill(status=200, body='{"items": ['))
    assert page.evaluate(CUT_OFF) == "NoAnswer"


def test_a_page_that_has_failed_says_so_and_is_loaded_again(screens: Screens) -> None:
    station = screens.open()
    page = station.page
    page.evaluate("() => { setTimeout(() => { throw new Error('drawn wrongly') }) }")
    bar = page.locator(".bar.fault")
    expect(bar).to_contain_text("A part of this page has failed.")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert station.complaints == ["drawn wrongly"]
    station.complaints.clear()
    bar.get_by_role("button", name="Load the page again").click()
    expect(page.locator(".strip .data time")).to_be_visible()
    expect(bar).to_have_count(0)

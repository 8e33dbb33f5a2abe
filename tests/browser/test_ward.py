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


def test_choice_of_ward_and_whose_is_kept_for_the_person_and_says_what_is_high_outside(
    screens: Screens, site: Site
) -> None:
    """Who is on no team of this ward is not called for its alerts; what somebody has taken is his."""
    outside, family = site.ill("high")
    inside = site.admit("Southern", ward="South")
    site.set_policy("South")
    site.set_team("Sun Li", ward="South")
    site.enter(inside, bp_sys=85)
    alert = site.alert_that_comes(inside)
    station = screens.open(name="Sun Li")
    page = station.page
    station.view("ward")
    page.get_by_label("Ward", exact=True).select_option("South")
    tile, other = (page.locator(f'.tile[data-patient="{one}"]') for one in (inside, outside))
    expect(tile).to_be_attached()
    expect(other).to_have_count(0)
    expect(page.locator(".top-band")).to_contain_text(family)
    expect(page.locator(".counts")).to_contain_text("high outside this filter: show all")
    station.view("worklist")
    expect(station.row(inside)).to_be_visible()
    expect(station.row(outside)).to_have_count(0)
    page.get_by_role("button", name="Mine").click()
    expect(page.locator(".main-lane")).to_contain_text("Nobody matches.")
    body = {"command_id": "taken-by-sun-li", "version": alert["version"]}
    site.request("POST", f"/alerts/{alert['id']}/acknowledge", body, name="Sun Li", role="nurse")
    expect(station.row(inside)).to_be_visible()
    page.get_by_role("button", name="Needs me").click()
    expect(station.row(inside)).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="Needs me")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Ward", exact=True)).to_have_value("South")
    kept = page.evaluate("JSON.stringify([{...localStorage}, location.href])")
    assert not any(one in kept for one in (inside, outside, family, "Southern"))
    page.get_by_role("button", name="high outside this filter").click()
    expect(station.row(outside)).to_be_visible()


def test_needs_me_shows_what_calls_me_now(screens: Screens, site: Site) -> None:
    """Whose turn comes later is not called yet; a ward without a team calls everybody."""
    called = site.admit("Eastern", ward="East")
    site.set_policy("East")
    site.set_team("Zhou Yu", "Wu Di", ward="East", level=[{"who": ["on_call"]}, {"who": ["member:Wu Di"], "after": 15}])
    site.enter(called, bp_sys=85)
    site.alert_that_comes(called)
    everybodys, _ = site.ill()
    site.alert_that_comes(everybodys)
    first, second = (screens.open(name=name) for name in ("Zhou Yu", "Wu Di"))
    for station in (first, second):
        station.view("worklist")
        station.page.get_by_role("button", name="Needs me").click()
        expect(station.row(everybodys)).to_be_visible()
    expect(first.row(called)).to_be_visible()
    expect(second.row(called)).to_have_count(0)


def test_the_score_is_shown_against_what_it_was(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Scored")
    site.enter(patient_id, bp_sys=85, resp_rate=18, spo2=97, heart_rate=80, body_temp=37, consciousness="A")
    station = screens.open()
    page = station.page
    station.view("ward")
    tile = page.locator(f'.tile[data-patient="{patient_id}"]')
    tile.scroll_into_view_if_needed()
    expect(tile.locator(".score")).to_contain_text("3–5", timeout=15_000)  # oxygen is not known
    expect(tile.locator(".course")).to_have_count(0)

    def before(lower: int, upper: int) -> None:
        """As if the server had said so, and again after each snapshot, which knows nothing of it."""
        page.evaluate(
            """async ([id, lower, upper]) => {
                const { applyTick } = await import(new URL("page/ward.js", location.origin));
                const said = globalThis.before;
                globalThis.before = { patients: { [id]: { score_before: { lower, upper } } } };
                if (!said) setInterval(() => applyTick(globalThis.before), 200);
            }""",
            [patient_id, lower, upper],
        )

    for lower, upper, glyph, words in (
        (0, 1, "↑ was 0–1", "rising fast"),  # at least 3, and was 1 at most
        (2, 2, "↗ was 2", "rising"),
        (3, 5, "→", "steady"),  # as much is unknown as then
        (6, 6, "↘ was 6", "falling"),
        (2, 4, "↗ was 2–4", "rising"),
        (2, 5, "was 2–5", "course not known"),  # nobody can say
    ):
        before(lower, upper)
        expect(tile.locator(".course")).to_have_text(glyph)
        expect(tile.get_by_label(f"Score: {words}")).to_be_visible()
    page.keyboard.press("t")
    row = page.locator(f'.ward-row[data-patient="{patient_id}"]')
    row.scroll_into_view_if_needed()
    expect(row.locator(".course")).to_have_text("was 2–5")

"""axe-core (MPL-2.0, for tests only) finds nothing wrong on any view, in either theme."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.staff import ADMIN, StaffedSite, log_in, staffed
from tests.browser.station import PHONE, Screens, Station
from tests.browser.wire import Wire

pytestmark = pytest.mark.browser

#: Each rule that a view breaks, with where and why; all of axe's rules, also those that no law asks for.
RUN = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations.flatMap(rule =>
  rule.nodes.map(node => `${rule.id}: ${node.target} ${node.failureSummary.split('\\n').slice(1, 3).join(' ')}`))"""

#: What is looked at from the main bar and from "More".
PLAIN = ("handover", "more", "rota", "people", "tokens", "reviews", "audit", "system")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StaffedSite]:
    with staffed(tmp_path_factory.mktemp("axe")) as opened:
        yield opened


@pytest.fixture
def screens(browser: Browser, site: StaffedSite, wire: Wire) -> Iterator[Screens]:
    held = Screens(browser, site, wire)
    yield held
    for context, _ in held.opened:
        context.close()


class Inspector:
    """Looks at one page in both themes; ``found`` grows."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.found: list[str] = []

    def load(self) -> None:
        self._page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))

    def look(self, view: str) -> None:
        for theme in ("light", "dark"):
            self._page.emulate_media(color_scheme=theme)
            self.found += [f"{view}, {theme}: {text}" for text in self._page.evaluate(RUN)]


def planted(page: Page) -> list[str]:
    """What axe says of a picture without words: the look itself is tried."""
    page.evaluate("document.getElementById('app').append(document.createElement('img'))")
    found: list[str] = page.evaluate(RUN)
    page.evaluate("document.querySelector('#app > img').remove()")
    return [text.partition(":")[0] for text in found]


def through_the_views(station: Station, inspector: Inspector, patient_id: str) -> None:
    page, look = station.page, inspector.look
    station.view("worklist")
    station.open_card(patient_id)
    look("work list with a card")
    page.get_by_role("button", name="Snooze").first.click()
    expect(page.locator("dialog")).to_be_visible()
    look("snooze")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.locator("dialog .reasons")).to_be_visible()
    look("assign")
    page.keyboard.press("Escape")
    station.view("ward")
    expect(page.locator(".tile .l1").first).to_be_visible()
    look("ward")
    page.get_by_role("button", name="As table", exact=True).click()
    look("ward as a table")
    station.open_patient(patient_id)
    expect(page.locator(".device")).to_be_visible()
    expect(page.locator(".chart canvas").first).to_be_visible(timeout=10_000)
    look("patient")
    page.keyboard.press("t")
    look("patient as tables")
    for view in PLAIN:
        page.evaluate("view => { location.hash = `#/${view}` }", view)
        expect(page.locator("main h1")).to_be_visible()
        for folded in page.locator(".office summary, .more-view summary").all():
            folded.click()
        expect(page.get_by_text("Loading…")).to_have_count(0)
        expect(page.locator(".shift")).to_have_count(int(view == "handover"))
        look(view)
    page.keyboard.press("?")
    look("keys")
    page.keyboard.press("Escape")


def test_axe_finds_nothing_on_any_view_in_both_themes(screens: Screens, site: StaffedSite) -> None:
    patient_id, _ = site.ill()
    site.request("POST", "/devices", {"id": "w-axe", "model": "patch-2", "interval_s": {}})
    site.request("POST", "/devices/w-axe/binding", {"patient_id": patient_id})
    site.ill("high")
    site.set_team(ADMIN)
    given = site.alert_that_comes(site.ill()[0])
    body = {"version": given["version"], "to": ADMIN}
    site.request("POST", f"/alerts/{given['id']}/assign", body, name="Night nurse", role="nurse")
    station = screens.blank()
    page = station.page
    inspector = Inspector(page)
    page.goto(f"{screens.origin}/")
    expect(page.get_by_label("Password")).to_be_visible()
    inspector.load()
    assert "image-alt" in planted(page)
    inspector.look("log-in")
    log_in(page, ADMIN)
    expect(page.locator(".strip .data time")).to_be_visible(timeout=15_000)
    through_the_views(station, inspector, patient_id)
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    station.view("worklist")
    inspector.look("work list on a phone")
    station.view("more")
    page.get_by_role("button", name="Lock now").click()
    expect(page.locator(".bar.locked")).to_be_visible()
    inspector.look("locked")
    page.evaluate("location.hash = '#/worklist'")
    expect(page.locator(".row").first).to_be_visible()
    inspector.look("work list, locked")
    assert (inspector.found, station.complaints) == ([], [])

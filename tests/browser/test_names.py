"""Names with markup, from right to left and of 200 characters: text in each view, and whole in a title where cut."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.station import DESKTOP, PHONE, Screens, Site

pytestmark = pytest.mark.browser

WARD = "Names"
MARKUP = "<script>window.broken=1</script><img src=x onerror=window.broken=1>"
LONG = "W" * 200

#: What is wrong with the names of a view: cut with no title, longer than the screen, written over a badge, or run as markup.
FAULTS = """() => {
  const faults = window.broken ? ["run as markup"] : [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push("the view is wider than the screen");
  const shown = e => e.checkVisibility() && e.getBoundingClientRect().width > 0;
  for (const name of [...document.querySelectorAll("bdi")].filter(shown)) {
    const text = name.textContent.slice(0, 20);
    const box = name.getBoundingClientRect();
    for (let e = name; e !== document.body; e = e.parentElement) {
      const { display, overflowX } = getComputedStyle(e);
      if (display === "inline" || overflowX === "visible") continue;
      if (["auto", "scroll"].includes(overflowX)) break;
      const cut = e === name ? e.scrollWidth > e.clientWidth : box.right > e.getBoundingClientRect().right + 1;
      if (cut && !name.closest("[title]")) faults.push(`${text} is cut by ${e.className || e.tagName}`);
    }
    const badge = name.parentElement.querySelector(":scope > .badge")?.getBoundingClientRect();
    const beside = badge && (box.left >= badge.right - 1 || badge.left >= box.right - 1);
    const over = badge && !beside && box.top < badge.bottom - 1 && badge.top < box.bottom - 1;
    if (over) faults.push(`${text} lies over its badge`);
  }
  return faults;
}"""


@pytest.fixture(scope="module")
def people(site: Site) -> list[str]:
    site.set_policy(WARD)
    site.set_team("Names1", ward=WARD)
    names = [(MARKUP, "Bob"), (LONG, "W" * 200), ("حداد", "ليلى"), ("long " * 40, "Anna")]
    people = [site.admit(family.strip(), given, ward=WARD) for family, given in names]
    for patient_id in people:
        site.enter(patient_id, bp_sys=70)
    for patient_id in people:
        site.alert_that_comes(patient_id)
    return people


def faults(page: Page, where: str) -> list[str]:
    return [f"{where}: {one}" for one in page.evaluate(FAULTS)]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_hostile_name_is_text_in_every_view(
    viewport: dict[str, int], people: list[str], screens: Screens, site: Site
) -> None:
    station = screens.open(name="Dr Names", role="clinician", viewport=viewport)
    page = station.page
    found = []
    station.view("worklist")
    for patient_id in people:
        expect(station.wait_for_row(patient_id).locator(".badge").first).to_contain_text("HIGH")
    expect(station.row(people[0])).to_contain_text(MARKUP)
    found += faults(page, "work list")
    for patient_id in people:
        station.show(site.alert_that_comes(patient_id)["id"])
        found += faults(page, f"card {patient_id}")
    station.view("ward")
    page.locator(".filters select").first.select_option(WARD)
    for form in (".tile", ".ward-row"):
        for patient_id in people:
            one = page.locator(f'{form}[data-patient="{patient_id}"]')
            one.scroll_into_view_if_needed()
            expect(one.locator(".badge").first).to_contain_text("HIGH")
        expect(page.locator(".top-band")).to_contain_text(MARKUP)
        found += faults(page, f"ward {form}")
        page.keyboard.press("t")
    for patient_id in people:
        station.open_patient(patient_id)
        expect(page.locator(".now .value").first).to_be_visible()
        found += faults(page, f"patient {patient_id}")
        page.emulate_media(media="print")
        expect(page.locator(".sheet-head")).to_be_visible()
        found += faults(page, f"print {patient_id}")
        page.emulate_media(media="screen")
        page.evaluate("id => { location.hash = `#/policy/${id}` }", patient_id)
        expect(page.locator(".lab-limits")).to_be_visible()
        found += faults(page, f"policy {patient_id}")
    station.view("handover")
    page.get_by_role("combobox").first.select_option(WARD)
    expect(page.locator("main")).to_contain_text(MARKUP)
    found += faults(page, "hand-over")
    assert found == []

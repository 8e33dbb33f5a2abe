"""The policy lab: other limits tried on what was measured, seen beside those in force, and kept with a reason or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.station import PHONE, Screens, Site
from tests.browser.test_axe import Inspector

pytestmark = pytest.mark.browser

WAIT_MS = 120_000


#: The page is drawn again by its own clock.
_NEXT_SECOND = """async () => {
  const { now } = await import('/page/server_time.js');
  const { effect } = await import('/page/html.js');
  const before = now.peek();
  await new Promise((seen) => effect(() => now.value !== before && seen()));
}"""


def lab(screens: Screens, patient_id: str, role: str = "clinician") -> Page:
    station = screens.open(name="Dr Wang", role=role)
    station.open_patient(patient_id)
    station.page.get_by_role("link", name="Policy lab").click()
    expect(station.page.get_by_role("heading", level=1)).to_contain_text("Policy lab: Testperson")
    return station.page


def limit(page: Page) -> Locator:
    return page.get_by_label("Systolic pressure low: Limit")


def tried(page: Page, value: str) -> Locator:
    """The trial of another limit, when it is over."""
    limit(page).fill(value)
    limit(page).blur()
    page.get_by_role("button", name="Try on the last 7 days").click()
    trial = page.locator(".trial")
    expect(trial.locator(".lab-sides")).to_be_visible(timeout=WAIT_MS)
    return trial


def test_a_change_is_tried_seen_and_kept_with_its_reason(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()  # 85 mmHg, limit 91
    site.alert_that_comes(patient_id)
    page = lab(screens, patient_id)
    row = page.locator('tr[data-rule="limit.bp_sys.low"]')
    expect(row).to_contain_text("Ward office, ward")
    expect(page.get_by_role("button", name="Try on the last 7 days")).to_be_disabled()  # nothing is changed yet
    trial = tried(page, "80")
    medium = trial.locator(".lab-sides tr", has_text="Medium priority")
    expect(medium.locator("td")).to_have_text(["1", "0"])
    expect(trial).to_contain_text("Readings on 1 of 7 days; patients: 1.")
    expect(trial).to_contain_text("No data on the days that began at: ")
    gone = trial.locator("li.vanishes", has_text="limit.bp_sys.low")
    expect(gone).to_contain_text("Vanishes: Medium priority: Systolic pressure low limit.bp_sys.low")
    expect(gone).to_contain_text("This alert was really raised.")
    gone.get_by_role("button", name="Show the values").click()
    expect(gone.locator('.chart[data-vital="bp"] canvas')).to_be_visible()
    inspector = Inspector(page)
    inspector.load()
    inspector.look("policy lab")
    assert inspector.found == []
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    save = page.get_by_role("button", name="Save 1 changed limit")
    save.click()  # without a reason nothing is sent
    assert site.request("GET", f"/policies/patients/{patient_id}")["document"] is None
    page.get_by_label("Reason (required)").fill("low by nature, agreed with the family doctor")
    save.click()
    expect(page.locator(".outcome.confirmed")).to_have_text("Saved. It holds from now on.")
    expect(row).to_contain_text("Dr Wang, this patient")
    document = site.request("GET", f"/policies/patients/{patient_id}")["document"]
    assert (document["reason"], document["document"]["limit"][0]["limit"]) == (
        "low by nature, agreed with the family doctor",
        80,
    )


def test_what_somebody_else_changed_meanwhile_is_not_written_over(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    page = lab(screens, patient_id)
    limit(page).fill("80")
    limit(page).blur()
    body = {"limits": [{"vital": "bp_sys", "side": "low", "limit": 88}], "reason": "another hand"}
    site.request("PUT", f"/policies/patients/{patient_id}", body)
    page.get_by_label("Reason (required)").fill("as tried")
    page.get_by_role("button", name="Save 1 changed limit").click()
    expect(page.locator(".outcome.refused")).to_contain_text("somebody else has changed this meanwhile")
    assert site.request("GET", f"/policies/patients/{patient_id}")["document"]["version"] == 1


def test_what_is_typed_stays_while_the_clock_goes_on(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    body = {"limits": [{"vital": "bp_sys", "side": "low", "limit": 88}], "reason": "since when is told by the clock"}
    site.request("PUT", f"/policies/patients/{patient_id}", body)
    page = lab(screens, patient_id)
    expect(limit(page)).to_have_value("88")
    limit(page).fill("8")
    page.evaluate(_NEXT_SECOND)
    limit(page).press_sequentially("0")
    page.evaluate(_NEXT_SECOND)
    expect(limit(page)).to_have_value("80")
    limit(page).blur()
    expect(page.get_by_role("button", name="Save 1 changed limit")).to_be_visible()


def test_a_ward_is_chosen_and_a_nurse_finds_no_lab(screens: Screens, site: Site, tmp_path: Path) -> None:
    patient_id, _ = site.ill()
    station = screens.open(name="Dr Wang", role="clinician")
    page = station.page
    station.view("more")
    page.get_by_role("link", name="Policy lab").click()
    page.get_by_role("link", name="Test", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Policy lab: Test")
    expect(page.locator('tr[data-rule="limit.bp_sys.low"]')).to_be_visible()
    page.screenshot(path=tmp_path / "lab.png", full_page=True)
    nurse = screens.open()
    nurse.open_patient(patient_id)
    expect(nurse.page.get_by_role("link", name="Policy lab")).to_have_count(0)
    nurse.page.evaluate("location.hash = '#/policy'")
    expect(nurse.page.get_by_role("heading", level=1)).to_have_text("More")


def test_a_rule_of_any_vital_is_named_in_words(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    page = lab(screens, patient_id)
    side = {
        "alerts": {},
        "interruptions": 0,
        "interruptions_per_nurse_hour": None,
        "alerts_by_rule": {"limit.skin_temp.high": 1},
    }
    shown = page.evaluate(
        """async side => {
          const { Sides } = await import(new URL("views/policy_lab.js", location.origin));
          const { html, render } = await import(new URL("page/html.js", location.origin));
          const place = document.createElement("div");
          render(html`<${Sides} result=${{ before: side, after: side }} />`, place);
          return place.textContent;
        }""",
        side,
    )
    assert "Skin temperature high limit.skin_temp.high" in shown

"""Forty alerts on one patient: the list stays one row, the worst stays on top, and every alert can be reached."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.station import DESKTOP, PHONE, Screens, Site
from tests.e2e.publishers import Publisher
from tests.product import eventually

pytestmark = pytest.mark.browser

BATTERIES = 38


@pytest.fixture(scope="module")
def patient_id(site: Site) -> str:
    """Wears as many sensors with empty batteries, and is ill."""
    patient_id = site.admit("Manyalerts")
    for number in range(BATTERIES):
        device = site.wears(patient_id, f"w-many-{number:02d}", "patch-2")
        with Publisher(device) as publisher:
            publisher.publish(device.pack(0, {"n": "batt", "u": "%EL", "v": 5}))
    site.enter(patient_id, bp_sys=70, body_temp=39.6)
    eventually(lambda: len(site.open_alerts(patient_id)) >= BATTERIES + 2)
    return patient_id


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_forty_alerts_are_one_row_a_lane_and_a_page_in_reach(
    viewport: dict[str, int], patient_id: str, screens: Screens, site: Site
) -> None:
    station = screens.open(viewport=viewport)
    page = station.page
    station.view("worklist")
    row = station.wait_for_row(patient_id)
    expect(row.locator(".badge").first).to_contain_text("HIGH")
    batteries = page.locator(f'.technical-lane .row[data-patient="{patient_id}"]')
    expect(batteries).to_have_count(1)
    expect(batteries.locator(".alert-line")).to_have_count(3)
    expect(batteries.locator(".badge").first).to_contain_text("LOW")
    batteries.get_by_role("button", name=f"+{BATTERIES - 3} more").click()
    section = page.locator(".patient-alerts")
    expect(section.get_by_role("heading").first).to_have_text(re.compile(r"Open alerts .*4[01]"))
    expect(section.locator(".alert-card .badge").first).to_contain_text("HIGH")
    expect(section.locator(".folded")).to_have_count(7)
    more = section.get_by_role("button", name=re.compile(r"and 3\d more"))
    more.click()
    expect(more).to_have_attribute("aria-expanded", "true")
    section.get_by_role("button", name="Open card: Battery low").last.click()
    expect(section.locator(".alert-card")).to_contain_text(f"Battery of w-many-{BATTERIES - 1}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

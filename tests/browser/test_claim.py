"""A claim code on the page: text and picture, for who provisions devices, and gone with the view."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.station import Screens, Site
from tests.browser.test_devices import worn

pytestmark = pytest.mark.browser


def test_a_code_is_shown_as_text_and_picture_to_who_provisions(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Claimer")
    worn(site, "w-claim-by-picture", patient_id)
    page = (station := screens.open(name="Zhao Min", role="admin")).page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    station.open_patient(patient_id)
    device = page.locator(".device", has_text="w-claim-by-picture")
    device.get_by_role("button", name="New claim code").click()
    code = device.locator("code").inner_text()
    picture = device.get_by_role("img", name="The claim code as a picture")
    expect(picture.locator("svg path")).to_have_count(2)
    assert picture.locator("svg").evaluate("one => one.getBoundingClientRect().width") > 100
    expect(device).to_contain_text("Good once, until ")
    assert not [url for url in asked if code in url]
    body = {"code": code, "device_id": "w-claim-by-picture"}
    assert site.request("POST", "/enrol", body)["id"] == "w-claim-by-picture"
    station.view("ward")
    station.open_patient(patient_id)
    expect(device.get_by_role("button", name="New claim code")).to_be_visible()
    expect(device.locator("code")).to_have_count(0)
    nurse = screens.open()
    nurse.open_patient(patient_id)
    expect(nurse.page.locator(".device", has_text="w-claim-by-picture")).to_be_visible()
    expect(nurse.page.get_by_role("button", name="New claim code")).to_have_count(0)

"""The devices of a person: whether each is on that person is asked, stored, and shown only once the server has said so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.station import Screens, Site
from tests.integration.mqtt_probe import Probe

pytestmark = pytest.mark.browser

YES, NO = "I have looked: it is on this patient", "It is not on this patient"


def worn(site: Site, device_id: str, patient_id: str) -> dict[str, Any]:
    """Its account at the broker."""
    made = site.request("POST", "/devices", {"id": device_id, "model": "patch-2", "interval_s": {"heart_rate": 1}})
    site.request("POST", f"/devices/{device_id}/binding", {"patient_id": patient_id})
    login: dict[str, Any] = made["mqtt"]
    return login


def standing(site: Site, device_id: str) -> str:
    items = site.request("GET", "/devices")["items"]
    return str(next(one["worn"]["standing"] for one in items if one["id"] == device_id))


def test_who_looked_says_whether_the_device_is_on_the_patient(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Wearer")
    worn(site, "w-bedside", patient_id)
    station = screens.open()
    page = station.page
    station.open_patient(patient_id)
    device = page.locator(".device", has_text="w-bedside")
    expect(device).to_contain_text("Not yet confirmed at the bedside.")
    expect(device).to_contain_text("Connection not known")
    expect(device).to_contain_text("no values yet")
    held: list[Route] = []
    page.route("**/binding/confirm", lambda route: held.append(route))
    device.get_by_role("button", name=YES).click()
    expect(device.locator(".outcome.sending")).to_be_visible()
    expect(device).to_contain_text("Not yet confirmed at the bedside.")  # nothing before the answer
    held.pop().continue_()
    page.unroute("**/binding/confirm")
    expect(device).to_contain_text("On this patient: Li Na, ")
    assert standing(site, "w-bedside") == "confirmed"
    device.get_by_role("button", name=NO).click()
    expect(device.get_by_role("button", name="Leave it as it is")).to_be_focused()
    device.locator(".confirm").get_by_role("button", name=NO).click()
    expect(device).to_contain_text("Not this patient's: Li Na, ")
    alert = site.alert_that_comes(patient_id, "whose.device")
    card = station.show(alert["id"])
    expect(card).to_contain_text("Whose device is this?")
    card.get_by_role("button", name=YES).click()
    expect(card.locator(".device")).to_contain_text("On this patient: Li Na, ")
    assert standing(site, "w-bedside") == "confirmed"


def test_a_device_is_asked_for_its_values_now(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Asked")
    login = worn(site, "w-asked", patient_id)
    probe = Probe(login["port"], login["username"], login["password"])
    assert probe.connect() == "Success"
    probe.subscribe("rpm/v1/home/d/w-asked/cmd/measure")
    station = screens.open()
    station.open_patient(patient_id)
    device = station.page.locator(".device", has_text="w-asked")
    device.get_by_role("button", name="Ask for values now").click()
    expect(device).to_contain_text("by Li Na.")
    assert probe.got(1)
    expect(device).to_contain_text("It was told. Not every device can.")
    answer = {**json.loads(probe.received[0][1]), "accepted": False, "text": "off the <b>skin</b>"}
    probe.publish("rpm/v1/home/d/w-asked/res/measure", json.dumps(answer).encode())
    expect(device).to_contain_text("It does not measure: off the <b>skin</b>")
    probe.close()


def test_a_device_that_is_on_somebody_else_by_now_is_refused(screens: Screens, site: Site) -> None:
    patient_id, other = site.admit("Before"), site.admit("After")
    worn(site, "w-moved", patient_id)
    station = screens.open()
    station.open_patient(patient_id)
    device = station.page.locator(".device", has_text="w-moved")
    expect(device).to_contain_text("Not yet confirmed")

    def moved_before(route: Route) -> None:
        site.request("POST", "/devices/w-moved/binding", {"patient_id": other})
        route.continue_()

    station.page.route("**/binding/confirm", moved_before)
    device.get_by_role("button", name=YES).click()
    expect(station.page.locator(".devices")).to_contain_text("No device is on this person.")
    assert standing(site, "w-moved") == "waiting"

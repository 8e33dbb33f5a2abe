"""Nothing changes on the screen before the server has confirmed; each outcome has its sentence (design page, section 4)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.station import Screens, Site, Station

pytestmark = pytest.mark.browser

ACKNOWLEDGE = "**/api/v1/alerts/*/acknowledge"


def standing(station: Station, patient_id: str) -> Locator:
    return station.row(patient_id).locator(".alert-line").first.locator(".standing")


def button(station: Station, patient_id: str) -> Locator:
    return station.row(patient_id).locator(".alert-line").first.locator("button")


def test_sending_is_said_and_the_row_waits_for_the_answer(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open()
    station.view("worklist")
    station.wait_for_row(patient_id)
    held: list[Route] = []
    station.page.route(ACKNOWLEDGE, lambda route: held.append(route))
    button(station, patient_id).click()
    expect(button(station, patient_id)).to_have_text("Sending…")
    expect(standing(station, patient_id)).to_contain_text("waiting")
    assert site.alert_that_comes(patient_id)["handling"] == "unacknowledged"
    held[0].continue_()
    expect(standing(station, patient_id)).to_contain_text(
        re.compile(r"Acknowledged \d\d:\d\d by you\. Escalation stopped\.")
    )
    assert site.alert_that_comes(patient_id)["acknowledged_by"] == "Li Na"


def test_return_to_list_undoes_it(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open()
    station.view("worklist")
    station.wait_for_row(patient_id)
    button(station, patient_id).click()
    toast = station.page.locator(".toast")
    expect(toast).to_be_visible()
    toast.get_by_role("button", name="Return to list").click()
    expect(standing(station, patient_id)).to_contain_text("Returned to the list")
    assert site.alert_that_comes(patient_id)["handling"] == "unacknowledged"


def test_no_answer_in_5_s_is_said_and_tried_again_under_the_same_id(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open()
    station.view("worklist")
    station.wait_for_row(patient_id)
    bodies: list[str] = []

    def swallow(route: Route) -> None:
        bodies.append(route.request.post_data or "")  # never answered

    station.page.route(ACKNOWLEDGE, swallow)
    button(station, patient_id).click()
    expect(standing(station, patient_id)).to_contain_text("Not confirmed. Escalation goes on.", timeout=8_000)
    station.page.unroute(ACKNOWLEDGE)

    def note(route: Route) -> None:
        bodies.append(route.request.post_data or "")
        route.continue_()

    station.page.route(ACKNOWLEDGE, note)
    standing(station, patient_id).get_by_role("button", name="Try again").click()
    expect(standing(station, patient_id)).to_contain_text("by you")
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


def test_second_nurse_sees_who_was_first(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open(name="Wang Fang")
    station.view("worklist")
    station.wait_for_row(patient_id)
    alert = site.alert_that_comes(patient_id)

    def overtaken(route: Route) -> None:
        path = f"/alerts/{alert['id']}/acknowledge"
        site.request("POST", path, {"version": alert["version"]}, name="Zhou Min", role="nurse")
        route.continue_()

    station.page.route(ACKNOWLEDGE, overtaken)
    button(station, patient_id).click()
    expect(standing(station, patient_id)).to_contain_text(
        re.compile(r"Zhou Min acknowledged this at \d\d:\d\d\. Nothing sent\.")
    )
    assert site.alert_that_comes(patient_id)["acknowledged_by"] == "Zhou Min"


def test_ended_log_in_keeps_the_command_and_repeats_it(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open()
    page = station.page
    station.view("worklist")
    station.wait_for_row(patient_id)

    def without_right(route: Route) -> None:
        route.continue_(headers={**route.request.headers, "authorization": "Bearer no-longer-valid"})

    page.route(ACKNOWLEDGE, without_right)
    button(station, patient_id).click()
    dialog = page.locator("dialog.again")
    expect(dialog).to_be_visible()
    expect(standing(station, patient_id)).to_contain_text("Not sent: log-in ended. Log in, then I repeat it.")
    page.unroute(ACKNOWLEDGE)
    dialog.get_by_label("Your name").fill("Li Na")
    dialog.get_by_label("Access key").fill(site.secret)
    dialog.get_by_role("button", name="Log in").click()
    expect(dialog).to_have_count(0)
    expect(standing(station, patient_id)).to_contain_text("by you", timeout=15_000)
    assert site.alert_that_comes(patient_id)["acknowledged_by"] == "Li Na"


def test_high_priority_is_acknowledged_only_after_its_card_was_opened(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill("high")
    station = screens.open()
    station.view("worklist")
    station.wait_for_row(patient_id)
    expect(button(station, patient_id)).to_have_text("Open card")
    button(station, patient_id).click()
    card = station.page.locator(".card-side .alert-card")
    expect(card.get_by_role("heading", name="Why now")).to_be_visible()
    expect(card.locator(".sentence")).to_contain_text("70 mmHg")
    card.get_by_role("button", name="Acknowledge: I deal with it").click()
    expect(card.locator(".outcome")).to_contain_text("by you")
    expect(card.locator(".history")).to_contain_text("Acknowledged")


def test_two_screens_show_the_same_order_and_the_same_owner(screens: Screens, site: Site) -> None:
    ids = [site.ill()[0] for _ in range(3)]
    first, second = screens.open(name="Li Na"), screens.open(name="Wang Fang")
    order = "() => [...document.querySelectorAll('.main-lane .row')].map(row => row.dataset.patient)"
    for station in (first, second):
        station.view("worklist")
        station.page.mouse.move(1, 1)
        for patient_id in ids:
            station.wait_for_row(patient_id)
    assert first.page.evaluate(order) == second.page.evaluate(order)
    button(first, ids[0]).click()
    expect(second.row(ids[0])).to_contain_text("Li Na has it since")

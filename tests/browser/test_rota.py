"""Who is on call: read by everybody, changed by who may, with every fault said at once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.station import DAYS, Screens, Site

pytestmark = pytest.mark.browser

NURSE, OTHER, CLINICIAN = "Li Na", "Chen Wei", "Dr He"
WARD = "Rota"
#: Night from Monday to Friday has nobody but the fallback.
BY_DAY = {"days": list(DAYS), "from": "07:00", "to": "19:00", "person": NURSE}
WEEKEND = {"days": ["sat", "sun"], "from": "19:00", "to": "07:00", "person": OTHER}


@pytest.fixture(autouse=True)
def team(site: Site) -> None:
    """Anew for each test, of a ward of its own."""
    site.admit("Restful", ward=WARD)
    level = [{"who": ["on_call"]}, {"who": [f"member:{OTHER}"], "channels": ["app"], "after": {"high": 3}}]
    site.set_team(NURSE, OTHER, ward=WARD, shift=[BY_DAY, WEEKEND], fallback=OTHER, level=level)


def opened(screens: Screens, name: str, role: str) -> Page:
    page = screens.open(name=name, role=role).page
    page.evaluate("ward => { location.hash = `#/rota/${ward}` }", WARD)
    expect(page.locator(".rota tbody tr").first).to_be_visible()
    return page


def cells(page: Page, name: str) -> list[list[str]]:
    row = page.locator(".rota tbody tr", has_text=re.compile(f"^{name}"))
    found: list[list[str]] = row.evaluate(
        "row => [...row.cells].slice(1).map(cell => [...cell.children].map(each => each.textContent))"
    )
    return found


def test_a_nurse_reads_the_week_the_holes_and_the_order_of_calls(screens: Screens, site: Site) -> None:
    page = opened(screens, NURSE, "nurse")
    main = page.locator("main")
    expect(main).to_contain_text(re.compile(r"On call: (Li Na|Chen Wei) of Rota"))
    expect(main).to_contain_text("(Europe/Berlin). Times are the ward's.")
    assert cells(page, "Li Na of Rota") == [["07:00–19:00"]] * 7
    hole = cells(page, "Nobody: fallback Chen Wei of Rota is called")
    assert hole[1:5] == [["00:00–07:00", "19:00–00:00"]] * 4
    assert cells(page, "Chen Wei of Rota")[5:] == [["19:00–00:00"], ["00:00–07:00", "19:00–00:00"]]
    lines = page.locator(".chain li")
    expect(lines).to_have_count(3)
    expect(lines.first).to_have_text(re.compile(r"^First: on call \((Li Na|Chen Wei) of Rota\)$"))
    expect(lines.nth(1)).to_have_text(
        "Without an answer for HIGH 3 min, MEDIUM 10 min, LOW 4 h: Chen Wei of Rota by app"
    )
    expect(lines.last).to_contain_text("HIGH 2 min")
    expect(page.get_by_text("Put somebody in")).to_have_count(0)
    page.get_by_text("Earlier changes").click()
    expect(main.locator("li", has_text="the page is tried").first).to_contain_text("Ward office")


def test_a_whole_day_is_a_word_and_a_chinese_day_of_the_week_is_not_cut(screens: Screens, site: Site) -> None:
    site.set_team(NURSE, OTHER, ward=WARD, shift=[{**BY_DAY, "days": list(DAYS[:6])}], fallback=OTHER)
    page = opened(screens, NURSE, "nurse")
    assert cells(page, "Nobody: fallback")[5:] == [["00:00–07:00", "19:00–00:00"], ["all day"]]
    page.evaluate("() => import('/page/preferences.js').then(choices => choices.prefer({lang: 'zh'}))")
    expect(page.locator(".rota thead th").last).to_have_text(re.compile(r"^\d+月\d+日 周日$"))
    assert cells(page, "无人排班")[6] == ["全天"]


def test_somebody_stands_in_and_it_is_taken_back(screens: Screens, site: Site) -> None:
    page = opened(screens, CLINICIAN, "clinician")
    today = (
        page.locator(".rota thead th")
        .all_text_contents()
        .index(page.locator(".rota thead [aria-current]").inner_text())
    )

    page.get_by_text("Put somebody in").click()
    day = page.locator("[name=start]").input_value().partition("T")[0]  # begins now, by the ward's clock

    def put_in(who: str) -> None:
        page.locator("[name=person]").select_option(label=who)
        page.get_by_label("Instead of").select_option(label="Li Na of Rota")
        for name, clock in (("start", "10:00"), ("end", "15:30")):
            page.locator(f"[name={name}]").fill(f"{day}T{clock}")
        page.locator(".add[open] [name=reason]").fill("Li Na is ill")
        page.locator(".add[open]").get_by_role("button", name="Save").click()

    put_in("Chen Wei of Rota")
    page.wait_for_function(
        "n => document.querySelector('.rota tbody tr').cells[n + 1].textContent === '07:00–10:0015:30–19:00'", arg=today
    )
    assert "10:00–15:30" in cells(page, "Chen Wei of Rota")[today]
    expect(page.locator(".outcome.confirmed").first).to_have_text("Saved. It holds from now on.")
    put_in("as planned")
    page.wait_for_function(
        "n => document.querySelector('.rota tbody tr').cells[n + 1].textContent === '07:00–19:00'", arg=today
    )
    page.get_by_text("Earlier changes").click()
    expect(page.locator("main li", has_text="Li Na is ill")).to_have_count(2)


def test_the_document_is_edited_with_every_fault_at_once_and_nothing_is_written_over(
    screens: Screens, site: Site
) -> None:
    page = opened(screens, CLINICIAN, "clinician")
    page.get_by_text("Team document").click()
    form = page.locator(".add", has=page.locator("textarea"))
    text = form.locator("textarea")
    whole = text.input_value()
    form.get_by_label("Reason").fill("a new member")
    text.fill(whole.replace('channels = ["app"]', 'channels = ["fax"]').replace('from = "07:00"', 'from = "7"'))
    form.get_by_role("button", name="Save").click()
    faults = form.locator(".outcome.refused")
    expect(faults).to_contain_text("shift 1: from must be")
    expect(faults).to_contain_text("member Li Na: no channel is called fax")
    expect(faults).to_contain_text("member Chen Wei: no channel is called fax")
    text.fill(whole.replace('name = "Li Na of Rota"', 'name = "Li <b>Na</b>"'))
    form.get_by_role("button", name="Save").click()
    expect(page.locator(".rota")).to_contain_text("Li <b>Na</b>")
    expect(form.locator(".outcome")).to_have_text("Saved. It holds from now on.")
    site.set_team(NURSE, OTHER, ward=WARD, shift=[BY_DAY], fallback=OTHER)
    form.get_by_label("Reason").fill("nobody saw the other change")
    form.get_by_role("button", name="Save").click()
    expect(faults).to_contain_text("another version than the one that was read")


def test_the_hand_over_opens_at_the_ward_of_the_own_team(screens: Screens, site: Site) -> None:
    site.admit("Lastward", ward="Zenith")
    site.set_team("Zhao Min", ward="Zenith")
    station = screens.open(name="Zhao Min")
    station.view("handover")
    expect(station.page.get_by_role("heading", level=1)).to_have_text("Hand-over Zenith")
    expect(station.page.locator(".choose-ward select")).to_have_value("Zenith")

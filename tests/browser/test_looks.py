"""Reflow, both themes, both languages, motion, and the size of targets."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.station import DESKTOP, PHONE, Screens, Site, Station

pytestmark = pytest.mark.browser

NARROW = {"width": 320, "height": 640}
HUGE = {"width": 3840, "height": 2160}


def every_view(station: Station, patient_id: str) -> list[str]:
    """Goes through all views; returns what is wrong on them: side scroll, or words of the catalogue that were not found."""
    problems = []

    def look(name: str) -> None:
        wide = station.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            problems.append(f"{name}: {wide} px too wide")
        keys = station.page.evaluate("document.body.innerText.match(/\\b[a-z]+\\.[a-z_]+_[a-z_]+\\b/g)")
        problems.extend(f"{name}: {key}" for key in keys or [])

    for view in ("worklist", "ward", "handover", "more"):
        station.view(view)
        expect(station.page.locator("#main")).to_be_visible()
        look(view)
    station.view("worklist")
    station.open_card(patient_id)
    look("card")
    station.open_patient(patient_id)
    expect(station.page.locator(".chart canvas").first).to_be_visible(timeout=10_000)
    look("patient")
    return problems


@pytest.mark.parametrize("size", [NARROW, PHONE, DESKTOP, HUGE], ids=["320", "360", "1440", "4k"])
@pytest.mark.parametrize(("lang", "scheme"), [("en", "light"), ("zh", "dark")])
def test_no_view_scrolls_sideways(size: dict[str, int], lang: str, scheme: Any, screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open(viewport=size, lang=lang, color_scheme=scheme)
    assert every_view(station, patient_id) == []


ANIMATIONS = """() => document.getAnimations().map(a => [a.animationName, a.startTime])"""


def test_in_a_storm_nothing_is_cut_on_the_smallest_phone(screens: Screens, site: Site) -> None:
    """A hundred alerts wait: the bar says so, and the clock and every word of the alert's buttons stay in sight."""
    patient_id, _ = site.ill()
    station = screens.open(viewport=NARROW)
    station.open_patient(patient_id)
    page = station.page
    expect(page.get_by_role("button", name="Escalate now")).to_be_visible()
    expect(page.locator(".main-bar .count")).to_be_visible()
    cut = page.evaluate("""() => {
      document.querySelector('.main-bar .count').textContent = '104';
      const outside = (one) => one.getBoundingClientRect().right > innerWidth;
      const broken = ({ firstChild }) => {
        const word = document.createRange();
        word.setStart(firstChild, 0);
        word.setEnd(firstChild, firstChild.data.split(' ')[0].length);
        return word.getClientRects().length > 1;
      };
      return [
        ...[...document.querySelectorAll('.strip *, .main-bar *')].filter(outside),
        ...[...document.querySelectorAll('.alert-card .actions button')].filter((one) => one.firstChild?.data && broken(one)),
      ].map((one) => one.outerHTML);
    }""")
    assert cut == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_badges_flash_in_phase_and_only_shapes(screens: Screens, site: Site) -> None:
    ids = [site.ill("high")[0] for _ in range(3)]
    station = screens.open()
    station.view("worklist")
    for patient_id in ids:
        station.wait_for_row(patient_id)
    running = station.page.evaluate(ANIMATIONS)
    assert len(running) >= 3
    assert {start for _, start in running} == {0}
    areas = station.page.evaluate(
        "() => document.getAnimations().map(a => a.effect.target.getBoundingClientRect()).map(b => [b.width, b.height])"
    )
    assert all(width <= 20 and height <= 20 for width, height in areas)
    station.page.keyboard.press("f")
    expect(station.page.locator("html")).to_have_attribute("data-flashing", "no")
    assert station.page.evaluate(ANIMATIONS) == []
    expect(station.row(ids[0]).locator(".badge .new-word").first).to_be_visible()


def test_reduced_motion_runs_no_animation(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill("high")
    station = screens.open(reduced_motion="reduce")
    station.view("worklist")
    row = station.wait_for_row(patient_id)
    assert station.page.evaluate(ANIMATIONS) == []
    expect(row.locator(".badge .new-word").first).to_be_visible()


SMALL = """() => [...document.querySelectorAll('button, a[href], input, select')]
  .filter(element => element.checkVisibility() && !element.closest('.for-readers, label, p, th, .span-area'))
  .map(element => [element.textContent.trim().slice(0, 30), element.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 24 || box.height < 24) && box.left >= 0)
  .map(([text, box]) => `${text}: ${box.width} x ${box.height}`)"""


def test_targets_are_at_least_24_px(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open(viewport=PHONE)
    page: Page = station.page
    for view in ("worklist", "ward", "handover", "more"):
        station.view(view)
        assert page.evaluate(SMALL) == []
    station.open_patient(patient_id)
    assert page.evaluate(SMALL) == []


def test_the_language_is_changed_in_the_page(screens: Screens, site: Site) -> None:
    station = screens.open()
    page = station.page
    station.view("more")
    page.get_by_role("button", name="中文").click()
    expect(page.locator(".main-bar")).to_contain_text("待办")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")


def test_on_a_screen_that_others_see_ids_stand_for_names(screens: Screens, site: Site) -> None:
    patient_id, family = site.ill()
    station = screens.open()
    row = station.wait_for_row(patient_id)
    expect(row).to_contain_text(family, ignore_case=True)
    station.view("more")
    choice = station.page.get_by_label("Ids stand for names")
    choice.check()
    station.view("worklist")
    expect(row).to_contain_text(patient_id)
    expect(row).not_to_contain_text(family, ignore_case=True)
    site.enter(patient_id, heart_rate=71)  # what the stream brings changes nothing about it
    station.view("ward")
    tile = station.page.locator(f'.tile[data-patient="{patient_id}"]')
    tile.scroll_into_view_if_needed()  # only what is in the window is drawn
    expect(tile.locator(".cell.heart_rate")).to_contain_text("71")
    expect(tile).not_to_contain_text(family, ignore_case=True)
    station.view("more")
    choice.uncheck()
    station.view("ward")
    tile.scroll_into_view_if_needed()
    expect(tile).to_contain_text(family, ignore_case=True)

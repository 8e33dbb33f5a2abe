"""A nurse who reads Chinese: what the server says of an alert, on the list, on its card, in the hand-over and aloud."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.station import Screens, Site

pytestmark = pytest.mark.browser

TITLE = "收缩压过低"
SENTENCE = re.compile(r"收缩压 70 mmHg，低于危急限 \d+ mmHg。人工录入。")


def test_an_alert_is_read_and_heard_in_chinese(screens: Screens, site: Site) -> None:
    station = screens.open(lang="zh")
    station.view("worklist")
    patient_id, family = site.ill("high")
    heard = station.page.locator("#live-assertive")
    expect(heard).to_contain_text(re.compile(rf"高优先级.*{family} Test[：，]{TITLE}"), timeout=15_000)
    station.wait_for_row(patient_id)
    alert = site.alert_that_comes(patient_id)
    line = station.line(alert["id"])
    expect(line.locator(".what b")).to_have_text(TITLE)
    expect(line.locator(".what .sentence")).to_have_text(SENTENCE)
    card = station.show(alert["id"])
    expect(card.locator("h2")).to_contain_text(TITLE)
    expect(card.locator("p.sentence")).to_have_text(SENTENCE)
    station.page.evaluate("() => { location.hash = '#/handover/Test' }")
    handed_over = station.page.locator(".open li", has_text=family).filter(has_text=SENTENCE)
    expect(handed_over).to_be_visible()


def test_the_language_of_an_alert_follows_the_page(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open()
    station.view("worklist")
    station.wait_for_row(patient_id)
    line = station.line(site.alert_that_comes(patient_id)["id"])
    expect(line.locator(".what")).to_contain_text("Systolic pressure low Systolic pressure 85 mmHg, below")
    station.view("more")
    station.page.get_by_role("button", name="中文").click()
    station.view("worklist")
    expect(line.locator(".what")).to_contain_text(f"{TITLE} 收缩压 85 mmHg，低于")


def test_the_checks_of_the_server_say_in_chinese_what_they_say(screens: Screens, site: Site) -> None:
    page = screens.open(name="Zhao Min", role="admin", lang="zh").page
    page.evaluate("() => { location.hash = '#/system' }")
    details = page.locator(".checks bdi")
    speaking = [one for one in site.request("GET", "/health")["checks"] if one["detail"]]
    expect(details.filter(has_text=re.compile(r"[\u4e00-\u9fff]"))).to_have_count(len(speaking))
    expect(details.filter(has_text="剩余")).to_have_text(re.compile(r"^剩余 \d+\.\d GiB$"))

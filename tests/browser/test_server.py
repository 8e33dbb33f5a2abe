"""What the page says of the server itself: it is started anew, its clock is another one, its checks (design page, section 10)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.station import Screens, Site
from tests.browser.wire import Wire
from tests.product import Product

pytestmark = pytest.mark.browser


def test_a_server_that_was_killed_comes_back_with_everything(browser: Browser, tmp_path: Path) -> None:
    product = Product.start(tmp_path)
    address = urlsplit(product.url)
    wire = Wire(str(address.hostname), int(address.port or 0))
    try:
        site = Site(product.url.rstrip("/"), product.secret)
        site.set_policy("Test")
        patient_id, _ = site.ill()
        alert_id = site.alert_that_comes(patient_id)["id"]
        screens = Screens(browser, site, wire)
        station = screens.open()
        page = station.page
        station.view("worklist")
        station.wait_for_row(patient_id).get_by_role("button", name="Acknowledge").click()
        expect(station.line(alert_id).locator(".standing")).to_contain_text("by you")
        product.process.kill()
        product.process.wait()
        expect(page.locator(".bar.lost")).to_contain_text("What you see is old.", timeout=10_000)
        product = Product.start(tmp_path)
        wire.lead_to(int(urlsplit(product.url).port or 0))
        expect(page.locator(".bar.lost")).to_have_count(0, timeout=30_000)
        expect(page.locator(".notices")).to_contain_text("Connection is back after")
        expect(station.line(alert_id).locator(".standing")).to_contain_text(re.compile("by you|Li Na has it"))
        again = Site(product.url.rstrip("/"), product.secret)
        assert again.alert_that_comes(patient_id)["acknowledged_by"] == "Li Na"
        other = again.ill("high")[0]
        station.wait_for_row(other)
        assert station.complaints == []
    finally:
        wire.close()
        product.stop()


@pytest.mark.parametrize(("minutes", "said"), [(3.5, "3 min fast"), (-7.5, "7 min slow"), (0, "")])
def test_a_clock_that_goes_wrong_is_said_and_the_server_s_is_shown(
    minutes: float, said: str, screens: Screens, site: Site
) -> None:
    station = screens.blank(timezone_id="UTC")
    station.page.clock.install(time=datetime.now(UTC) + timedelta(minutes=minutes))
    station.page.goto(f"{screens.origin}/#key={site.secret}")
    clock = station.page.locator(".strip .clock")
    expect(clock).to_be_visible()
    notices = station.page.locator(".notices .notice", has_text="clock is")
    expect(notices).to_have_count(1 if said else 0)
    if said:
        expect(notices).to_have_text(f"This computer's clock is {said}; times shown are the server's.")
    shown = datetime.strptime(clock.inner_text()[:5], "%H:%M").replace(tzinfo=UTC)
    now = datetime.now(UTC)
    apart = (now.hour * 60 + now.minute - shown.hour * 60 - shown.minute) % 1440
    assert apart <= 1, "that of the server, whatever the browser's says"


@pytest.mark.parametrize(("minutes", "said"), [(10.5, "set forward by 10 min"), (-10.5, "set back by 10 min")])
def test_a_server_whose_clock_jumps_is_not_believed_in_silence(
    minutes: float, said: str, screens: Screens, site: Site, wire: Wire
) -> None:
    patient_id, _ = site.ill()
    alert_id = site.alert_that_comes(patient_id)["id"]
    station = screens.open(extra_http_headers={"Accept-Encoding": "identity"})  # the line rewrites what it can read
    page = station.page
    station.view("worklist")
    station.wait_for_row(patient_id)
    standing = station.line(alert_id).locator(".standing")
    expect(standing).to_contain_text(re.compile(r"waiting \d+ s"))
    expect(page.locator(".notices .notice", has_text="clock")).to_have_count(0)
    wire.set_by = timedelta(minutes=minutes)
    notice = page.locator(".notices .notice", has_text="The server's clock was")
    expect(notice).to_contain_text(said)
    expect(page.locator(".notices")).to_contain_text(
        f"This computer's clock is 10 min {'slow' if minutes > 0 else 'fast'}"
    )
    expect(standing).to_contain_text("waiting 10 min" if minutes > 0 else "waiting 0 s")
    expect(standing).not_to_contain_text("-")
    expect(page.locator(".bar.lost")).to_have_count(0)
    notice.get_by_role("button").click()
    expect(notice).to_have_count(0)
    wire.set_by = timedelta()
    expect(notice).to_contain_text("back" if minutes > 0 else "forward")
    expect(page.locator(".notices")).not_to_contain_text("This computer's clock")


READ_ALONE = {"Accept-Encoding": "identity"}  # the line rewrites what it can read


@pytest.mark.parametrize("minutes", [10.5, -10.5])
def test_what_hangs_on_the_time_is_read_anew_after_a_jump(
    minutes: float, screens: Screens, site: Site, wire: Wire
) -> None:
    patient_id = site.admit("Jump")
    station = screens.open(extra_http_headers=READ_ALONE)
    page = station.page
    page.evaluate("() => { location.hash = '#/handover/Test' }")
    expect(page.locator(".handover-note h2").first).to_be_visible()
    with page.expect_request("**/api/v1/handover?*", timeout=20_000):
        wire.set_by = timedelta(minutes=minutes)
    station.open_patient(patient_id)
    expect(page.locator(".charts")).to_be_visible()
    with page.expect_request("**/alerts?state=all*", timeout=20_000):
        wire.set_by = timedelta()


def test_how_old_a_value_of_before_a_jump_back_is_nobody_knows(screens: Screens, site: Site, wire: Wire) -> None:
    patient_id = site.admit("Earlier")
    site.enter(patient_id, bp_sys=124, bp_dia=71)
    station = screens.open(extra_http_headers=READ_ALONE)
    station.open_patient(patient_id)
    age = station.page.locator("tr", has_text="Blood pressure").locator(".age")
    expect(age).to_have_text(re.compile(r"^\d+s$"))
    wire.set_by = timedelta(hours=-1)
    expect(age).to_have_text("?")
    continuous = """() => import('/page/vitals.js').then(({ freshness }) => [-61, -59, 0].map(s =>
        freshness('spo2', { measured_at: '2026-01-01T00:00:00.000Z', state: 'fresh' }, Date.parse('2026-01-01') + s * 1000)))"""
    assert station.page.evaluate(continuous) == ["old", "fresh", "fresh"]


def test_a_jump_while_the_connection_was_lost_is_no_part_of_how_long(screens: Screens, wire: Wire) -> None:
    station = screens.open(extra_http_headers=READ_ALONE)
    expect(station.page.locator(".strip .data")).to_contain_text("Last data")
    wire.cut()
    expect(station.page.locator(".bar.lost")).to_be_visible()
    wire.set_by = timedelta(hours=1)
    wire.restore()
    expect(station.page.locator(".notices .notice", has_text="back after")).to_contain_text(re.compile(r"after \d+ s"))


def test_the_checks_of_the_server_are_read_and_old_ones_are_said_to_be_so(
    screens: Screens, site: Site, wire: Wire
) -> None:
    page = (station := screens.open(name="Zhao Min", role="admin")).page
    station.view("more")
    page.get_by_role("link", name="System health").click()
    checks = page.locator(".checks li")
    known = site.request("GET", "/health")["checks"]
    expect(checks).to_have_count(len(known))
    words = checks.locator("> span").all_inner_texts()
    assert [one for one in words if re.match(r"[a-z]+_[a-z_]+\b", one)] == [], "each has words"
    expect(page.locator(".office .summary")).to_contain_text(re.compile(r"Checked \d\d:\d\d:\d\d"))
    wire.cut()
    expect(page.locator(".office")).to_contain_text("not loaded", ignore_case=True, timeout=30_000)
    expect(checks).to_have_count(len(known))  # what was read stays, and is said to be old
    wire.restore()
    expect(page.locator(".bar.lost")).to_have_count(0)

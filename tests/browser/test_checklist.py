"""Checks of the design page's list (section 12) that ask for the picture itself: 6 flashing, 9 no colour, 17 gaps and dips."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.station import AT_ONCE, Screens, Site
from tests.e2e.publishers import Device, Publisher
from tests.product import eventually
from vigil.domain.times import SECOND, to_iso

pytestmark = pytest.mark.browser

WARD = "Checklist"
#: Low priority for a pulse over 100, so that all three can be raised by hand.
LOW = {"vital": "heart_rate", "side": "high", "limit": 100, "delay_s": 0, "priority": "low"}


@pytest.fixture(autouse=True)
def policy(site: Site) -> None:
    site.set_policy(WARD, limit=[*AT_ONCE["limit"], LOW])


def raised(site: Site, family: str, **values: float) -> str:
    patient_id = site.admit(family, ward=WARD)
    site.enter(patient_id, **values)
    return patient_id


def over(site: Site, patient_id: str) -> None:
    """Its alert is taken and ends: the other tests need not meet it."""
    alert = site.alert_that_comes(patient_id)
    site.request("POST", f"/alerts/{alert['id']}/acknowledge", {"version": alert["version"]}, role="nurse")
    site.enter(patient_id, bp_sys=120)


def by_four(act: Callable[[Any], Any], over_all: Iterable[Any]) -> list[Any]:
    with ThreadPoolExecutor(4) as hands:
        return list(hands.map(act, over_all))


#: Of each frame of three seconds: its time, and the colour of every shape of high priority.
FRAMES = """() => new Promise(done => {
  const shapes = [...document.querySelectorAll(".badge.high .flash")];
  const frames = [];
  const begin = performance.now();
  const look = at => {
    frames.push([at, shapes.map(shape => getComputedStyle(shape).backgroundColor)]);
    if (at - begin < 3000) requestAnimationFrame(look);
    else done(frames);
  };
  requestAnimationFrame(look);
})"""
MOST_IN_A_SECOND = 3


def test_forty_high_alerts_flash_in_phase_and_slowly(screens: Screens, site: Site) -> None:
    site.token("Ward office", "nurse")  # once, not once a hand
    ids = by_four(lambda n: raised(site, f"Flashing{n}", bp_sys=70), range(40))
    station = screens.open()
    station.view("worklist")
    for patient_id in ids:
        expect(station.row(patient_id).locator(".badge .flash").first).to_be_attached()
    frames = station.page.evaluate(FRAMES)
    by_four(lambda one: over(site, one), ids)
    assert len(frames[0][1]) >= len(ids)
    assert all(len(set(colours)) == 1 for _, colours in frames), "all turn in the same frame"
    turns = [at for (_, before), (at, after) in pairwise(frames) if before != after]
    assert len(turns) >= 6, "they do flash"
    for begin in turns:  # there and back is one flash
        assert len([at for at in turns if begin <= at < begin + 1000]) <= 2 * MOST_IN_A_SECOND


PIXELS = """async picture => {
  const bytes = Uint8Array.from(atob(picture), letter => letter.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  return Array.from({ length: data.length / 4 }, (_, i) => [...data.slice(4 * i, 4 * i + 3)]);
}"""


def silhouette(page: Page, priority: str, patient_id: str) -> set[int]:
    """The places of the shape that differ from its corner, on a screen without colour."""
    shape = page.locator(f'.row[data-patient="{patient_id}"] .badge.{priority} .shape').first
    shape.scroll_into_view_if_needed()
    pixels = page.evaluate(PIXELS, base64.b64encode(shape.screenshot()).decode())
    assert all(max(each) - min(each) <= 8 for each in pixels), "there is no colour"
    corner = pixels[3 * 20 + 3][0]
    return {place for place, (grey, *_) in enumerate(pixels) if abs(grey - corner) > 80}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_colour_the_priorities_are_told_apart_by_shape_and_by_word(
    scheme: Any, screens: Screens, site: Site
) -> None:
    ill: dict[str, dict[str, float]] = {"high": {"bp_sys": 70}, "medium": {"bp_sys": 85}, "low": {"heart_rate": 110}}
    ids = {priority: raised(site, f"Grey{priority}", **values) for priority, values in ill.items()}
    station = screens.open(color_scheme=scheme)
    page = station.page
    page.context.new_cdp_session(page).send("Emulation.setEmulatedVisionDeficiency", {"type": "achromatopsia"})
    station.view("worklist")
    page.keyboard.press("f")
    shapes = {}
    for priority, patient_id in ids.items():
        row = station.wait_for_row(patient_id)
        expect(row.locator(f".badge.{priority}").first).to_contain_text(priority.upper())
        shapes[priority] = silhouette(page, priority, patient_id)
    assert all(40 < len(shape) < 300 for shape in shapes.values()), "each can be seen"
    for one, other in combinations(shapes.values(), 2):
        assert len(one & other) / len(one | other) < 0.8


DAY, HOUR, MINUTE = 86_400, 3_600, 60
#: More values than a chart is sent one by one: what is tried are its buckets.
EVERY = 30
DIP, GAP = 2 * HOUR + 10 * MINUTE, (4 * HOUR, 9 * HOUR)


def a_night(site: Site, patient_id: str, begin: float) -> None:
    """Twelve hours, twice a minute a saturation of 96, but 81 from 02:10 for a quarter of an hour, and nothing from 04 to 09."""
    name = f"w-{patient_id}"
    login = site.request("POST", "/devices", {"id": name, "model": "patch-2", "interval_s": {"spo2": EVERY}})["mqtt"]
    since = {"patient_id": patient_id, "start_at": "2020-01-01T00:00:00Z"}
    site.request("POST", f"/devices/{name}/binding", since)
    device = Device(name, patient_id, login["host"], login["port"], login["password"])
    with Publisher(device) as publisher:
        for hour in [one for one in range(12) if not GAP[0] <= one * HOUR < GAP[1]]:
            seconds = range(hour * HOUR, (hour + 1) * HOUR, EVERY)
            low = {at for at in seconds if DIP <= at < DIP + 15 * MINUTE}
            values = [{"n": "spo2", "v": 81 if at in low else 96, "t": at - hour * HOUR} for at in seconds]
            publisher.publish(device.pack(hour, *values, at=begin + hour * HOUR))


#: Lowest value at which the data's own colour is drawn, in each column from one time to another; null = in none of it.
INK = """async ([from, to, hours, least]) => {
  const { xOf } = await import(new URL("page/plot.js", location.origin));
  const canvas = document.querySelector('.chart[data-vital="spo2"] canvas');
  const scale = canvas.width / canvas.clientWidth;
  const now = Date.now();
  const x = at => Math.round(xOf({ from: now - hours * 3600e3, to: now }, canvas.clientWidth, at * 1000) * scale);
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  const ink = [];
  for (let column = x(from); column <= x(to); column += 1) {
    let lowest = null;
    for (let y = 0; y < 90 * scale; y += 1) { // below are signs of late data
      const [red, , blue] = data.slice(4 * (y * canvas.width + column));
      if (blue - red > least) lowest = y / scale;
    }
    ink.push(lowest);
  }
  return ink;
}"""


def test_a_gap_stays_empty_and_the_dip_at_ten_past_two_shows_in_a_month(screens: Screens, site: Site) -> None:
    begin = (time.time() // DAY - 5) * DAY
    patient_id = site.admit("Dipped", patient_id="p-dipped", ward=WARD)
    a_night(site, patient_id, begin)
    path = f"/patients/{patient_id}/vitals?vital=spo2&points=9&from={to_iso(int(begin * SECOND))}"

    def stored() -> int:
        streams = site.request("GET", path, role="nurse")["streams"]
        return sum(bucket["count"] for one in streams for bucket in one["points"] or [])

    eventually(lambda: stored() >= 840, what="the night is stored")
    station = screens.open()
    page = station.page
    station.open_patient(patient_id)

    def ink(choice: str, hours: int, since: float, until: float, least: int) -> list[float]:
        page.get_by_role("button", name=choice, exact=True).click()
        expect(page.get_by_role("button", name=choice, exact=True)).to_have_attribute("aria-pressed", "true")
        expect(page.locator('.chart[data-vital="spo2"] .plot')).to_be_visible()
        found: list[float] = page.evaluate(INK, [begin + since, begin + until, hours, least])
        return found

    def line(choice: str, hours: int, since: float, until: float, least: int = 38) -> list[float]:
        return [one for one in ink(choice, hours, since, until, least) if one is not None]

    def dips() -> bool:
        calm = line("30 days", 720, 10 * HOUR, 11 * HOUR)
        dip = line("30 days", 720, DIP - 2 * HOUR, DIP + 2 * HOUR, least=100)  # in the line's full colour
        return bool(calm and dip) and max(dip) > max(calm) + 40

    eventually(lambda: line("7 days", 168, 0, 12 * HOUR), what="a line")
    assert line("7 days", 168, GAP[0] + HOUR, GAP[1] - HOUR) == []
    eventually(dips, what="of 94 px for 16 %: the lowest of the dip is drawn far below the rest")
    page.keyboard.press("t")
    expect(page.locator('.chart[data-vital="spo2"] table')).to_contain_text("81")

"""Check 24 of the design page: every view in both languages, no word cut off, 24-hour times with their zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from tests.browser.station import DAYS, DESKTOP, PHONE, Screens, Site, Station

pytestmark = pytest.mark.browser

WARD = "Words"
PAGES = ("handover", "more", "rota", "people", "tokens", "reviews", "audit", "system")

#: Texts that reach out of a box that cuts: [class of the box, text]. A name may be cut where its whole is in a title.
CUT = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walk.nextNode(); text; text = walk.nextNode()) {
    const parent = text.parentElement;
    if (!text.data.trim() || !parent.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (parent.closest(".for-readers, .skip, .sound-state .wide, [title], bdi, [aria-live], script, option, textarea")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const boxes = [...range.getClientRects()].filter(box => box.width && box.height);
    for (let outer = parent; outer && outer !== document.body; outer = outer.parentElement) {
      const { overflowX, overflowY, display } = getComputedStyle(outer);
      if (display === "contents" || (/auto|scroll/.test(overflowX) && /auto|scroll/.test(overflowY))) break;
      const room = outer.getBoundingClientRect();
      const cuts = one => /hidden|clip/.test(one);
      const out = box => (cuts(overflowX) && (box.right > room.right + 1 || box.left < room.left - 1))
        || (cuts(overflowY) && (box.bottom > room.bottom + 3 || box.top < room.top - 3));
      if (boxes.some(out)) found.push(`${outer.className}: ${text.data.trim().slice(0, 60)}`);
    }
  }
  return [...new Set(found)];
}"""

LATIN = re.compile(r"[A-Za-z]{3,}")
#: Units, scores, keys and zones, and what has no other name.
TERMS = {"NEWS", "mmHg", "min", "GMT", "UTC", "BST", "Vigil", "English", "Enter", "Esc", "TOML", "MQTT"}
#: For those who keep the system: addresses of requests, and what the checks of the server say.
TECHNICAL = {"audit", "system"}


@pytest.fixture
def patient_id(site: Site) -> str:
    site.set_policy(WARD)
    site.set_team("Li Na", "Wang Fang", ward=WARD)
    patient_id = site.admit("Wordy", ward=WARD)
    site.enter(patient_id, bp_sys=70, resp_rate=22)
    device = f"w-{patient_id}"
    site.request("POST", "/devices", {"id": device, "model": "patch-2", "interval_s": {}})
    site.request("POST", f"/devices/{device}/binding", {"patient_id": patient_id})
    return patient_id


def typed(site: Site) -> Iterator[str]:
    """Names that people gave: of patients, wards, teams, devices and of themselves."""
    yield from ("Zhao Min", "Ward office", "patch", "Li Na", "Wang Fang")
    for one in site.request("GET", "/patients", role="nurse")["items"]:
        name = f"{one['name']['family']} {one['name']['given']}"
        yield f"{one['id']} {one['ward']} {name} {name.upper()}"
    for one in site.request("GET", "/teams")["items"]:
        yield str(one["team"])
    for one in site.request("GET", "/alerts?state=all&limit=500", role="nurse")["items"]:
        yield f"{one['owner'] or ''} {one['acknowledged_by'] or ''}"  # others of these tests who deal with alerts


def through(station: Station, patient_id: str) -> Iterator[str]:
    page = station.page
    station.view("worklist")
    expect(page.locator(".row").first).to_be_visible()
    yield "work list"
    station.show(station_alert(station, patient_id))
    expect(page.locator(".card-side .others, .card-side .path").first).to_be_visible()
    yield "card"
    station.view("ward")
    expect(page.locator(".tile .l1").first).to_be_visible()
    yield "ward"
    page.locator(".ward .ranges button").last.click()
    yield "ward as a table"
    station.open_patient(patient_id)
    expect(page.locator(".chart canvas").first).to_be_visible()
    yield "patient"
    page.keyboard.press("t")
    yield "patient as tables"
    page.evaluate("id => { location.hash = `#/policy/${id}` }", patient_id)
    expect(page.locator("main h1")).to_be_visible()
    yield "policy"
    for view in PAGES:
        page.evaluate("view => { location.hash = `#/${view}` }", view)
        expect(page.locator("main h1")).to_be_visible()
        for folded in page.locator(".office summary").all():
            folded.click()
        yield view


def station_alert(station: Station, patient_id: str) -> str:
    found: str = station.page.evaluate(
        """async id => (await import(new URL("page/ward.js", location.origin))).openAlertsOf(id)[0]""", patient_id
    )
    return found


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1440", "360"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_word_is_cut_and_each_view_says_the_time_and_the_zone(
    lang: str, size: dict[str, int], screens: Screens, site: Site, patient_id: str
) -> None:
    site.alert_that_comes(patient_id)
    names = TERMS | set(LATIN.findall(" ".join(typed(site))))
    station = screens.open(name="Zhao Min", role="admin", lang=lang, viewport=size)
    found = []
    for view in through(station, patient_id):
        expect(station.page.locator("main")).not_to_contain_text(re.compile("Loading…|正在加载"))
        found += [f"{view}: {one}" for one in station.page.evaluate(CUT)]
        said = station.page.locator("body").inner_text()
        found += [
            f"{view}: {one}"
            for one in re.findall(r"\b\d{1,2}:\d\d ?[ap]\.?m\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b", said, re.I)
        ]
        clock = station.page.locator(".strip .clock")
        expect(clock).to_be_in_viewport(ratio=1)
        expect(clock).to_have_text(re.compile(r"^\d\d:\d\d \S+$"))
        expect(clock.locator(".zone")).to_be_in_viewport(ratio=1)
        if lang == "zh" and view not in TECHNICAL:
            found += [f"{view}: {one} is not Chinese" for one in set(LATIN.findall(said)) - names]
    assert found == []


def test_the_times_of_day_of_a_limit_are_said_in_both_languages(screens: Screens, site: Site) -> None:
    yesterday = (datetime.now(UTC).weekday() - 1) % 7
    days = [DAYS[yesterday], DAYS[(yesterday + 1) % 7]]
    limit = {"vital": "spo2", "side": "low", "limit": 88}
    site.set_policy("Nights", schedule=[{"from": "00:00", "to": "23:59", "days": days, "limit": [limit]}])
    patient_id = site.admit("Nightly", ward="Nights")
    site.enter(patient_id, spo2=96)
    station = screens.open(lang="zh")
    page = station.page
    station.open_patient(patient_id)
    page.keyboard.press("t")
    line = page.locator('.chart[data-vital="spo2"] ul.limits-then li', has_text="88")
    expect(line).to_contain_text(re.compile(r"00:00 至 23:59 周[一二三四五六日]、周[一二三四五六日]$"))
    station.view("more")
    page.get_by_role("button", name="English").click()
    station.open_patient(patient_id)
    page.keyboard.press("t")
    expect(line).to_contain_text(re.compile(r"00:00 to 23:59 [MTWFS][a-z]{2}, [MTWFS][a-z]{2}$"))

"""Sounds, as the notes that the page puts on the browser's audio clock; and what the page says when there is no sound."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import FLAGS
from tests.browser.staff import NURSE, StaffedSite, get_in, password, staffed
from tests.browser.station import Screens, Station
from tests.browser.wire import Wire
from tests.e2e.publishers import Device, Publisher
from tests.product import eventually

pytestmark = pytest.mark.browser

HIGH_MS = [0, 250, 500, 1000, 1250, 2100, 2350, 2600, 3100, 3350]

#: Writes down each note that the page schedules: Hz, volume, from and until by the audio clock (s), asked for when (Unix ms).
LISTEN = """
globalThis.notes = [];
const { connect } = AudioNode.prototype;
AudioNode.prototype.connect = function (to) {
  this.to = to;
  return connect.call(this, to);
};
const { start, stop } = OscillatorNode.prototype;
OscillatorNode.prototype.start = function (from) {
  notes.push(this.note = { hz: this.frequency.value, volume: this.to.to.gain.value, from, asked: Date.now() });
  start.call(this, from);
};
OscillatorNode.prototype.stop = function (until) {
  this.note.until = Math.min(until, this.note.until ?? until);
  stop.call(this, until);
};
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StaffedSite]:
    """One of its own: nothing calls here but what a test has raised."""
    with staffed(tmp_path_factory.mktemp("heard")) as opened:
        yield opened


@pytest.fixture
def screens(browser: Browser, site: StaffedSite, wire: Wire) -> Iterator[Screens]:
    settle(site)
    held = Screens(browser, site, wire)
    yield held
    complaints = [text for _, station in held.opened for text in station.complaints]
    for context, _ in held.opened:
        context.close()
    assert complaints == []


def settle(site: StaffedSite) -> None:
    """Somebody has all that is open."""
    for alert in site.request("GET", "/alerts?state=open", role="nurse")["items"]:
        if alert["handling"] == "unacknowledged":
            take(site, alert)


def take(site: StaffedSite, alert: dict[str, Any]) -> None:
    body = {"version": alert["version"]}
    site.request("POST", f"/alerts/{alert['id']}/acknowledge", body, name="Colleague", role="nurse")


def heard(page: Page, hz: int | None = None) -> list[dict[str, Any]]:
    """Notes that sounded, or will: those that were cut off before their start are none."""
    notes: list[dict[str, Any]] = page.evaluate("notes.filter(note => note.until > note.from)")
    return [note for note in notes if hz in (None, note["hz"])]


def burst(page: Page, hz: int, number: int) -> list[dict[str, Any]]:
    """The first ``number`` notes of this pitch, as soon as they are scheduled."""
    return eventually(lambda: found if len(found := heard(page, hz)) >= number else [], 15, f"{number} notes")[:number]


def listening(screens: Screens, **options: Any) -> Station:
    station = screens.blank(**options)
    station.page.add_init_script(LISTEN)
    get_in(station.page, screens.origin, NURSE)
    return station


def test_what_is_raised_is_heard_until_somebody_has_it(screens: Screens, site: StaffedSite) -> None:
    station = listening(screens)
    page = station.page
    expect(page.locator(".sound-off")).to_have_count(0)
    delays = {}
    patients = {}
    for priority, hz, number in (("medium", 392, 3), ("high", 523, 10)):
        at = time.time() * 1000
        patients[priority], _ = site.ill(priority)
        delays[priority] = burst(page, hz, number)[0]["asked"] - at
    print(f"from raising an alert to its first note: {delays} ms")
    first = burst(page, 523, 10)
    onsets = [(note["from"] - first[0]["from"]) * 1000 for note in first]
    assert onsets == pytest.approx(HIGH_MS, abs=5)
    assert [(note["until"] - note["from"]) * 1000 for note in first] == pytest.approx([150] * 10, abs=5)
    for note in heard(page, 392):  # never two at once
        assert note["until"] <= first[0]["from"] + 0.05
    take(site, site.alert_that_comes(patients["high"]))
    lower = eventually(lambda: [note for note in heard(page, 392) if note["from"] > first[0]["from"]], 15, "medium")
    assert all(note["until"] + 2.4 <= lower[0]["from"] for note in heard(page, 523))
    take(site, site.alert_that_comes(patients["medium"]))
    expect(page.locator(".sound-state")).to_have_count(0)
    assert len(heard(page, 392)) <= 6  # and whatever of the last burst was still to come is cut off


def test_a_pause_ends_is_counted_down_and_is_broken_by_a_new_high_alert(screens: Screens, site: StaffedSite) -> None:
    station = listening(screens)
    page = station.page
    site.ill("high")
    burst(page, 523, 10)
    state = page.locator(".sound-state")
    expect(state).to_have_text(re.compile(r"Pause sound 2 min \(P\)"))
    page.keyboard.press("p")
    expect(state).to_have_text(re.compile(r"Sound paused until \d\d:\d\d:\d\d 1:5\d"))
    before = len(heard(page))
    site.ill("medium")
    expect(page.locator(".main-bar .count")).to_have_text("2", timeout=15_000)
    assert len(heard(page)) == before
    site.ill("high")
    burst(page, 523, before + 10)
    expect(state).to_contain_text("Pause sound")


def test_a_lost_connection_is_heard_and_after_a_minute_louder(screens: Screens, site: StaffedSite, wire: Wire) -> None:
    station = screens.blank()
    page = station.page
    page.clock.install()
    page.add_init_script(LISTEN)
    get_in(page, screens.origin, NURSE)
    wire.cut()
    burst(page, 392, 3)
    assert heard(page, 523) == []
    page.clock.fast_forward(60_000)
    burst(page, 523, 10)
    wire.restore()
    expect(page.locator(".bar.lost")).to_have_count(0, timeout=10_000)
    expect(page.locator(".sound-state")).to_have_count(0)


def test_what_was_open_before_log_in_is_heard_if_high_and_a_locked_screen_is_heard(
    screens: Screens, site: StaffedSite
) -> None:
    for priority in ("medium", "high"):
        patient_id, _ = site.ill(priority)
        site.alert_that_comes(patient_id)
    station = listening(screens)
    page = station.page
    burst(page, 523, 10)
    burst(page, 523, 20)
    station.view("more")
    page.get_by_role("button", name="Lock now").click()
    expect(page.locator(".bar.locked")).to_be_visible()
    burst(page, 523, len(heard(page, 523)) + 10)
    field = page.locator(".bar.locked input[type=password]")
    field.fill(password(NURSE))
    field.press("Enter")
    expect(page.locator(".bar.locked")).to_have_count(0)
    assert heard(page, 392) == []


SAY_WHEN_OFF = """
const look = new MutationObserver(() => document.querySelector(".sound-off") && (look.disconnect(), console.log("off")));
look.observe(document, { childList: true, subtree: true });
"""


def test_a_past_event_is_marked_and_makes_no_sound(screens: Screens, site: StaffedSite) -> None:
    patient_id = site.admit("Past")
    login = site.request("POST", "/devices", {"id": "w-past", "model": "patch-2"})["mqtt"]
    since = {"patient_id": patient_id, "start_at": "2020-01-01T00:00:00Z"}
    site.request("POST", "/devices/w-past/binding", since)
    device = Device("w-past", patient_id, login["host"], login["port"], login["password"])
    station = listening(screens)
    page = station.page
    station.view("worklist")
    with Publisher(device) as publisher:
        publisher.publish(device.pack(0, {"n": "spo2", "v": 97}))
        for hour in range(2):  # twelve minutes of it, and then a calm time that ends it, three to one hours ago
            seconds = range(hour * 3600, (hour + 1) * 3600, 30)
            late = [{"n": "spo2", "v": 81 if at < 720 else 97, "t": at - hour * 3600} for at in seconds]
            publisher.publish(device.pack(1 + hour, *late, at=time.time() - 10_800 + hour * 3600))
    alert = site.alert_that_comes(patient_id, "limit.spo2.low")
    assert alert["retrospective"]
    line = station.line(alert["id"])
    expect(line.locator(".what")).to_contain_text(
        re.compile(r"Past event: SpO2 81 % from \d\d:\d\d UTC to \d\d:\d\d UTC, received \d\d:\d\d UTC")
    )
    expect(line.locator(".standing")).to_contain_text("Past event, received late")
    expect(line.locator(".badge")).to_contain_text("↩")
    expect(line.locator(".badge .flash")).to_have_count(0)
    expect(page.locator(".sound-state")).to_have_count(0)  # nothing is there to be paused
    assert heard(page) == []
    site.ill("high")
    burst(page, 523, 10)  # and it would have been heard


def test_without_sound_the_page_says_so_until_it_is_switched_on(browser: Browser, site: StaffedSite) -> None:
    """A browser as people have it: it gives no sound to a page that nobody has touched."""
    flags = [*FLAGS, "--autoplay-policy=document-user-activation-required"]
    strict = browser.browser_type.launch(executable_path=shutil.which("chromium"), headless=True, args=flags)
    context = strict.new_context(locale="en-GB")
    get_in(context.new_page(), site.url, NURSE)
    page = context.new_page()
    page.add_init_script(LISTEN + SAY_WHEN_OFF)
    with page.expect_console_message(lambda said: said.text == "off"):
        page.goto(site.url)  # nothing is asked of the page until then: each question of a test counts as a touch
    bar = page.locator(".sound-off")
    expect(bar).to_have_text("Sound is off: click to switch on")
    expect(page.locator("#live-polite")).to_have_text("Sound is off: click to switch on")
    site.ill("high")
    expect(page.locator(".main-bar .count")).to_be_visible(timeout=15_000)
    assert page.evaluate("notes") == []
    bar.click()
    expect(bar).to_have_count(0)
    burst(page, 523, 10)
    strict.close()


#: Steps as (s, {id: rank}) or (s, "pause"), and what each look answers.
SCENES: dict[str, tuple[list[Any], list[str]]] = {
    "repeats": (
        [
            [0, {"a": 2}],
            [9.9, {"a": 2}],
            [10, {"a": 2}],
            [11, {}],
            [12, {}],
            [30, {"b": 1}],
            [54.9, {"b": 1}],
            [55, {"b": 1}],
        ],
        ["high", "", "high", "cut", "", "medium", "", "medium"],
    ),
    "urgent first": (
        [[0, {"a": 1}], [0.5, {"a": 1, "b": 2}], [5, {"a": 1}], [6.4, {"a": 1}], [6.5, {"a": 1}]],
        ["medium", "high", "", "", "medium"],
    ),
    "a new one of the same waits for the gap only": (
        [[0, {"a": 1}], [0.9, {"a": 1, "b": 1}], [3.4, {"a": 1, "b": 1}], [3.5, {"a": 1, "b": 1}]],
        ["medium", "", "", "medium"],
    ),
    "a pause of nothing loud is broken by what is louder, and ends by itself with a chime": (
        [
            [0, {"a": 1}],
            [5, "pause"],
            [6, {"a": 1, "b": 1}],
            [7, {"a": 2}],
            [8, "pause"],
            [9, {"a": 2}],
            [127.9, {}],
            [128, {}],
        ],
        ["medium", "", "high", "cut", "", "low"],
    ),
    "after a pause what still calls sounds again": (
        [[0, {"a": 2}], [1, "pause"], [2, {"a": 2}], [120.9, {"a": 2}], [121, {"a": 2}]],
        ["high", "cut", "", "high"],
    ),
}


@pytest.mark.parametrize("scene", SCENES)
def test_the_most_urgent_sounds_when_it_is_due(scene: str, browser: Browser, site: StaffedSite) -> None:
    steps, answers = SCENES[scene]
    page = browser.new_page()
    page.goto(f"{site.url}/favicon.svg")
    found = page.evaluate(
        """async steps => {
            const { Ringer } = await import("/page/sounds.js");
            const ringer = new Ringer();
            const said = [];
            for (const [s, what] of steps) {
                if (what === "pause") ringer.pause(1000 * s);
                else said.push(ringer.look(1000 * s, new Map(Object.entries(what))));
            }
            return said;
        }""",
        steps,
    )
    page.close()
    assert found == answers


#: Nobody looks at the page; and what the system is given to show is written down.
LOOK_AWAY = """
globalThis.shown = [];
document.hasFocus = () => false;
globalThis.Notification = class extends Notification {
  constructor(title, more) { super(title, more); shown.push(`${title} ${more.body ?? ""}`.trim()); }
  close() { shown.push("closed"); super.close(); }
};
"""


def test_a_notice_is_asked_for_by_a_click_names_nobody_and_goes_with_the_alert(
    screens: Screens, site: StaffedSite
) -> None:
    station = screens.blank()
    page = station.page
    page.add_init_script(LOOK_AWAY)
    get_in(page, screens.origin, NURSE)
    station.view("more")
    ask = page.get_by_role("button", name="Show notices while I look elsewhere")
    expect(ask).to_be_visible()
    page.context.grant_permissions(["notifications"])  # the answer of the person who is asked
    ask.click()
    expect(page.locator("#main")).to_contain_text("Notices are allowed while you look elsewhere, without names.")
    assert page.evaluate("shown") == []
    patient_id, _ = site.ill("high")
    told = "Vigil calls: open the work list"
    eventually(lambda: page.evaluate("shown") == [told], what="a notice")
    take(site, site.alert_that_comes(patient_id))
    eventually(lambda: page.evaluate("shown") == [told, "closed"], what="its end")


def test_the_test_sound_is_as_loud_as_chosen_and_never_silent(screens: Screens, site: StaffedSite) -> None:
    station = listening(screens)
    page = station.page
    station.view("more")
    page.get_by_role("button", name="Play the test sound").click()
    assert [note["hz"] for note in burst(page, 262, 1) + burst(page, 330, 1) + burst(page, 392, 1)] == [262, 330, 392]
    slider = page.get_by_label("Volume")
    slider.focus()
    for _ in range(6):
        slider.press("ArrowLeft")
    expect(slider).to_have_value("0.25")
    assert min(note["volume"] for note in heard(page)) == 0.25
    assert max(note["volume"] for note in heard(page)) == 1


def test_the_test_sound_is_heard_before_the_stream_has_begun(screens: Screens) -> None:
    station = screens.blank()
    page = station.page
    page.add_init_script(LISTEN)
    get_in(page, screens.origin, NURSE)
    page.route("**/api/v1/stream", lambda _: None)  # never answered
    station.view("more")
    page.reload(wait_until="commit")
    page.get_by_role("button", name="Play the test sound").click()
    burst(page, 262, 1)

"""Who was told, seen on screen, taken over at a hand-over, and what people say of an alert afterwards."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Request, Route, expect

from tests.browser.station import Screens, Site
from tests.browser.wire import Wire

pytestmark = pytest.mark.browser

WORDS = {
    "queued": "waits to be sent since",
    "sent": "no proof that it arrived",
    "delivered": "not seen yet",
    "seen": "not accepted yet",
    "accepted": "accepted",
    "failed": "given up: answered 410",
}

CLOCK = r"^{}\d\d:\d\d:\d\d$"


def test_an_alert_looked_at_for_two_seconds_is_seen_once(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    alert_id = site.alert_that_comes(patient_id)["id"]
    assert [one["state"] for one in site.notices(alert_id)] == ["sent"]
    station = screens.open()
    told: list[str] = []

    def note(sent: Request) -> None:
        if sent.url.endswith("/seen"):
            told.append(sent.url)

    station.page.on("request", note)
    station.view("worklist")
    station.wait_for_row(patient_id)
    assert told == []  # a row in the list is not a look at the alert
    card = station.open_card(patient_id)
    expect(card.locator(".told")).to_contain_text(
        re.compile(r"seen\s*page, for everybody: \d\d:\d\d, not accepted yet")
    )
    assert [one["state"] for one in site.notices(alert_id)] == ["seen"]
    steps = card.locator(".path div")
    expect(steps.nth(4)).to_have_text(re.compile(CLOCK.format("seen")))
    expect(steps).to_have_text(
        [re.compile(CLOCK.format(one)) for one in ("measured", "received", "decided", "sent", "seen")]
        + ["acceptednot yet"]
    )
    card.get_by_role("button", name="Acknowledge: I deal with it").click()
    expect(card.locator(".told")).to_contain_text("accepted", timeout=15_000)
    expect(steps.last).to_have_text(re.compile(CLOCK.format("accepted")))
    assert len(told) == 1


def test_the_way_of_a_score_says_when_its_newest_input_came(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Scored")
    site.enter(patient_id, resp_rate=26, spo2=90, heart_rate=135)
    alert = site.alert_that_comes(patient_id, "news2")
    steps = screens.open().show(alert["id"]).locator(".path div")
    expect(steps.nth(1)).to_have_text(re.compile(CLOCK.format("received")))
    site.request("POST", f"/alerts/{alert['id']}/acknowledge", {"version": alert["version"]}, name="Zhou", role="nurse")
    expect(steps.last).to_have_text(re.compile(CLOCK.format("accepted")))


def test_each_state_of_a_notice_has_its_own_words(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()

    def six(route: Route) -> None:
        answer = route.fetch()
        one: dict[str, Any] = answer.json()["items"][0]
        at = one["queued_at"]
        items = [
            {**one, "id": state, "channel": "pager", "person": "Dr Wang", "state": state, "why": "answered 410"}
            | {f"{state}_at": at, "attempts": []}
            for state in WORDS
        ]
        route.fulfill(response=answer, body=json.dumps({"items": items}))

    station = screens.open()
    station.page.route("**/deliveries", six)
    station.view("worklist")
    card = station.open_card(patient_id)
    card.locator(".told details summary").click()
    for state, words in WORDS.items():
        line = card.locator(f".notice-line.{state}")
        expect(line.locator(".proof")).to_have_text(state)
        expect(line).to_contain_text("pager of Dr Wang")
        expect(line).to_contain_text(words)
    assert card.locator(".notice-line", has_text="seen").count() == 2  # "seen", and "delivered: not seen yet"


#: The tab goes out of sight, or comes back after six minutes by the browser's clock.
HIDE = """() => {
  Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
RETURN = """() => {
  const real = performance.now.bind(performance);
  performance.now = () => real() + 360_000;
  delete document.hidden;
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_who_comes_back_is_told_what_happened_meanwhile(screens: Screens, site: Site) -> None:
    station = screens.open(name="Zhao Min")
    station.page.evaluate(HIDE)
    patient_id, _ = site.ill()
    alert = site.alert_that_comes(patient_id)
    body = {"version": alert["version"]}
    site.request("POST", f"/alerts/{alert['id']}/acknowledge", body, name="Li Na", role="nurse")
    station.page.evaluate(RETURN)
    news = station.page.locator(".notices", has_text="While you were away")
    expect(news).to_contain_text(re.compile(r"away \(\d\d:\d\d to \d\d:\d\d\): \d+ new"))
    expect(news).to_contain_text(re.compile(r"Li Na took [1-9]"))
    news.get_by_role("button", name="Close").click()
    expect(news).to_have_count(0)


def test_what_was_handed_over_to_me_is_accepted_by_its_button(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    alert = site.alert_that_comes(patient_id)
    path = f"/alerts/{alert['id']}/acknowledge"
    site.request("POST", path, {"version": alert["version"]}, name="Wang Fang", role="nurse")
    station = screens.open()
    station.view("worklist")
    station.wait_for_row(patient_id)
    taken = site.alert_that_comes(patient_id)
    handed = {**taken, "owner": "Li Na", "accept_by": "2126-01-01T08:30:00.000Z", "version": taken["version"] + 1}
    station.page.route("**/accept", lambda route: route.fulfill(json={**handed, "accept_by": None, "version": 4}))
    station.change(handed)
    line = station.line(alert["id"])
    expect(line).to_contain_text("Wang Fang acknowledged it; handed over to you: accept by")
    station.change({**handed, "owner": "Zhou Min"})
    expect(line.get_by_role("button")).to_have_text("Take over instead")
    station.change(handed)
    line.get_by_role("button", name="Accept: I take over").click()
    expect(line).to_contain_text(re.compile(r"Accepted \d\d:\d\d\. It is yours now\."))


def test_four_words_are_offered_after_somebody_took_it_and_mine_counts(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open()
    station.view("worklist")
    card = station.open_card(patient_id)
    expect(card.locator(".feedback")).to_have_count(0)
    alert = site.alert_that_comes(patient_id)
    card.get_by_role("button", name="Acknowledge: I deal with it").click()
    words = card.locator(".verdicts button")
    expect(words).to_have_text(["True and useful", "True, not useful", "False signal", "Wrong limit"])
    path = f"/alerts/{alert['id']}/feedback"
    site.request("POST", path, {"verdict": "artefact"}, name="Zhou Min", role="nurse")
    words.nth(3).click()
    expect(words.nth(3)).to_have_attribute("aria-pressed", "true")
    expect(card.locator(".feedback")).to_contain_text(re.compile(r"Zhou Min, \d\d:\d\d: False signal"))
    words.nth(0).click()
    expect(words.nth(0)).to_have_attribute("aria-pressed", "true")
    expect(words.nth(3)).to_have_attribute("aria-pressed", "false")
    said = site.request("GET", f"/alerts/{alert['id']}", role="nurse")["feedback"]["items"]
    mine = [one["verdict"] for one in said if one["person"] == "Li Na" and one["counts"]]
    assert mine == ["useful"]


def test_nobody_answers_is_said_on_every_view_until_somebody_has_it(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    alert = site.alert_that_comes(patient_id)
    station = screens.open()
    unanswered = {
        **alert,
        "id": "a-unanswered",
        "rule": "unanswered",
        "kind": "technical",
        "title": "Nobody has answered",
    }
    whole = {**unanswered, "history": [], "path": [], "feedback": None}
    station.page.route("**/alerts/a-unanswered", lambda route: route.fulfill(json=whole))
    station.page.route("**/alerts/a-unanswered/deliveries", lambda route: route.fulfill(json={"items": []}))
    station.page.route("**/screens/looking", lambda route: route.fulfill(status=204))
    station.change(unanswered)
    chip = station.page.locator(".strip .alarm-path")
    for view in ("ward", "handover", "more", "worklist"):
        station.view(view)
        expect(chip).to_contain_text(re.compile(r"Nobody answers: [1-9]"))
    chip.click()
    expect(station.page.locator(".card-side h2")).to_contain_text("Nobody has answered")
    missing = {**unanswered, "rule": "self_test", "version": 2}
    station.change(missing)
    expect(chip).to_contain_text("Self-test missing")
    station.change({**missing, "handling": "acknowledged", "acknowledged_at": alert["opened_at"], "version": 3})
    expect(chip.filter(has_text="Self-test missing")).to_have_count(0)


def test_the_hand_over_note_is_reached_from_the_ward_and_names_who_has_what(screens: Screens, site: Site) -> None:
    patient_id, family = site.ill()
    free, _ = site.ill()
    alert = site.alert_that_comes(patient_id)
    path = f"/alerts/{alert['id']}/acknowledge"
    body = {"version": alert["version"], "note": "tablet given"}
    site.request("POST", path, body, name="Wang Fang", role="nurse")
    station = screens.open()
    page = station.page
    station.view("ward")
    expect(page.locator(f'.tile[data-patient="{free}"]')).to_be_attached(timeout=15_000)
    wards = page.get_by_label("Ward", exact=True)
    wards.select_option("Test")
    page.get_by_role("button", name="Hand-over").click()
    note = page.locator("article.handover-note")
    expect(note.get_by_role("heading", level=1)).to_have_text("Hand-over Test")
    taken = note.locator(".open > li", has_text=patient_id).first
    expect(taken).to_contain_text(re.compile(r"Wang Fang has it since \d\d:\d\d\..*Note: tablet given"))
    expect(note.locator(".open > li", has_text=free).first).to_contain_text("Nobody has it.")
    expect(note).to_contain_text("No team is set for this ward")
    for heading in ("Open alerts", "NEWS2", "Not fully watched", "Silent devices"):
        expect(note.get_by_role("heading", name=heading)).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".main-bar")).to_be_hidden()
    expect(note.get_by_role("button", name="Print", exact=True)).to_be_hidden()
    expect(note).to_contain_text(family)


ALIKE = """async () => {
  const { alike } = await import(new URL('views/earlier.js', location.origin));
  const at = (rule, day) => ({ id: `${rule} ${day}`, rule, onset_at: new Date(Date.UTC(2026, 0, day)).toISOString() });
  const items = [at('a', 20), at('a', 5), at('a', 6), at('b', 19), at('a', 19), at('a', 21)];
  return alike(items, at('a', 20)).map(one => one.id);
}"""


def test_the_card_tells_of_earlier_alerts_like_this_one(screens: Screens, site: Site) -> None:
    patient_id, _ = site.ill()
    station = screens.open()
    station.view("worklist")
    expect(station.open_card(patient_id).locator(".earlier")).to_contain_text("None like it in the 14 days before")
    assert station.page.evaluate(ALIKE) == ["a 19", "a 6"]


def test_a_clock_that_is_set_back_meanwhile_hides_nothing_from_who_comes_back(
    screens: Screens, site: Site, wire: Wire
) -> None:
    station = screens.open(name="Sun Li", extra_http_headers={"Accept-Encoding": "identity"})
    station.page.evaluate(HIDE)
    wire.set_by = timedelta(hours=-1)
    expect(station.page.locator(".notices")).to_contain_text("The server's clock was set back by")
    patient_id, _ = site.ill()
    site.alert_that_comes(patient_id)
    station.page.evaluate(RETURN)
    news = station.page.locator(".notices", has_text="While you were away")
    expect(news).to_contain_text(re.compile(r"\): [1-9]\d* new"))

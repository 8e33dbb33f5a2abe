"""One row a patient: what another alert leads lies under it, one tap away; what the budget holds back is counted on top."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.station import Screens, Site
from tests.product import eventually

pytestmark = pytest.mark.browser


def two_alerts(site: Site) -> tuple[str, str, str]:
    """A patient who is called for once: (id, alert that calls, alert that joined it)."""
    patient_id, _ = site.ill()
    lead = site.alert_that_comes(patient_id)
    site.enter(patient_id, body_temp=39.6)
    joined = site.alert_that_comes(patient_id, "limit.body_temp.high")
    why = {"why": 'joined "Systolic pressure low"', "zh": {"why": "并入“收缩压过低”"}}
    assert joined["call"] == {"how": "joined", "by": lead["id"], **why}
    return patient_id, lead["id"], joined["id"]


def test_a_joined_alert_is_folded_never_hidden_and_opens_by_tap_and_by_key(screens: Screens, site: Site) -> None:
    patient_id, lead, joined = two_alerts(site)
    station = screens.open()
    station.view("worklist")
    row = station.wait_for_row(patient_id)
    expect(station.line(lead)).to_be_visible()
    expect(station.line(joined)).to_have_count(0)
    fold = row.locator(".fold")
    expect(fold).to_contain_text(re.compile("and [12] more"))
    expect(fold).to_contain_text("Temperature high")  # said before it is opened
    fold.get_by_role("button").click()
    expect(station.line(joined)).to_contain_text("joined “Systolic pressure low”")
    row.focus()
    station.page.keyboard.press("ArrowLeft")
    expect(station.line(joined)).to_have_count(0)
    station.page.keyboard.press("ArrowRight")
    expect(station.line(joined).get_by_role("button", name="Acknowledge")).to_be_visible()


def test_what_joined_stands_alone_when_its_leader_is_taken(screens: Screens, site: Site) -> None:
    patient_id, lead, joined = two_alerts(site)
    station = screens.open()
    station.view("worklist")
    station.wait_for_row(patient_id)
    station.line(lead).get_by_role("button", name="Acknowledge").click()
    expect(station.line(lead)).to_contain_text("by you")

    def shown() -> int:
        station.page.keyboard.press("n")  # the list is held still; other people's alerts reorder it as well
        return station.line(joined).count()

    eventually(shown, what="a line of its own")
    expect(station.line(joined)).to_contain_text("somebody deals with “Systolic pressure low” of the same person")


def test_a_carried_alert_and_the_one_that_carries_it_name_each_other(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Carried")
    site.enter(patient_id, resp_rate=27, spo2=89, heart_rate=132, bp_sys=88, consciousness="A", o2_flow=2)
    found = eventually(lambda: [one for one in site.open_alerts(patient_id) if one["suppressed_by"]])
    station = screens.open()
    station.view("worklist")
    row = station.wait_for_row(patient_id)
    expect(row.locator(".badge").first).to_contain_text("HIGH")
    card = station.open_card(patient_id)
    expect(card.locator(".kin")).to_contain_text("Under this alert")
    card.locator(".kin button", has_text=found[0]["title"]).click()
    expect(card.locator(".kin")).to_contain_text("Led by")
    expect(card.locator("header .standing")).to_contain_text("part of “")
    expect(card.locator("header .standing")).not_to_contain_text("escalates in")  # it would call nobody


def test_a_held_call_is_counted_on_top_and_says_until_when_and_why(screens: Screens, site: Site) -> None:
    site.set_policy("Spent", interruptions_per_nurse_hour=0)
    patient_id = site.admit("Held", ward="Spent")
    site.enter(patient_id, body_temp=39.5)
    station = screens.open()
    station.view("worklist")
    row = station.wait_for_row(patient_id)
    expect(row).to_contain_text(
        re.compile(r"waits until \d\d:\d\d at the latest: the ward's budget of calls is spent"), timeout=10_000
    )
    count = station.page.locator(".main-lane .held-count")
    expect(count).to_have_text(re.compile(r"^\d+ calls? held back$"))
    count.click()
    expect(station.page.locator(".row:focus")).to_contain_text("waits until")
    card = station.open_card(patient_id)
    expect(card.locator(".told")).to_contain_text("It has called nobody.")
    expect(card.locator(".history")).to_contain_text("call held back: the ward has had as many interruptions")


FOLDED = """async () => {
  const { applySnapshot } = await import(new URL('page/ward.js', location.origin));
  const { folded } = await import(new URL('page/calls.js', location.origin));
  const open = (id, more) => ({ id, patient_id: 'p', state: 'active', handling: 'unacknowledged', priority: 'medium',
    opened_at: '2026-01-01T00:00:00Z', version: 1, suppressed_by: '', call: null, ...more });
  const joined = by => ({ call: { how: 'joined', by, why: '' } });
  applySnapshot({ patients: [], alerts: [
    open('a'), open('b', joined('a')), open('c', { suppressed_by: 'b' }), open('d', joined('gone')),
    open('e', joined('f')), open('f'), open('g', { handling: 'acknowledged', ...joined('a') }) ] });
  return folded(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
}"""


def test_only_what_stands_below_its_leader_is_folded(screens: Screens, site: Site) -> None:
    """A chain folds under its head; nothing under an alert that is not in the row, that ranks lower, or that somebody took."""
    groups = screens.open().page.evaluate(FOLDED)
    assert [(group["id"], group["under"]) for group in groups] == [
        ("a", ["b", "c"]),
        ("d", []),
        ("e", []),
        ("f", []),
        ("g", []),
    ]


HELD = """async () => {
  const { isHeld, quietWords } = await import(new URL('page/calls.js', location.origin));
  const held = (rule, kind) => ({ id: 'a', patient_id: 'p', rule, kind, state: 'active', handling: 'unacknowledged',
    held_until: '2026-01-01T09:10:00Z', suppressed_by: '', call: { how: 'held', by: '', why: '' } });
  return [held('limit.body_temp.high', 'physiological'), held('unverified.spo2.low', 'technical'),
    held('no_data.w-1', 'technical'), held('signal_lost.limit.spo2.low', 'technical')]
    .map(alert => [isHeld(alert), quietWords(alert).replace(/\\d\\d:\\d\\d/, 'hh:mm')]);
}"""


def test_what_a_held_call_waits_for(screens: Screens, site: Site) -> None:
    """Only what the budget holds back is counted on top."""
    gap = "calls at hh:mm if no data come back"
    assert screens.open().page.evaluate(HELD) == [
        [True, "waits until hh:mm at the latest: the ward's budget of calls is spent"],
        [False, "calls at hh:mm unless a good signal decides before"],
        [False, gap],
        [False, gap],
    ]

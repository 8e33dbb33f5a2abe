"""One person: values, entry by hand, charts and their tables."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.station import PHONE, Screens, Site
from tests.product import eventually

pytestmark = pytest.mark.browser


def test_consciousness_and_oxygen_are_entered_and_shown_after_the_server_stored_them(
    screens: Screens, site: Site
) -> None:
    patient_id = site.admit("Entry")
    station = screens.open()
    page = station.page
    station.open_patient(patient_id)
    form = page.locator("form.entry")
    form.get_by_label("Alert").check()
    form.get_by_label("On oxygen").check()
    form.get_by_label("Flow").fill("2.0")
    form.get_by_role("button", name="Enter").click()
    expect(form.locator(".outcome")).to_have_text(re.compile(r"Stored \d\d:\d\d\. The score follows\."))
    now = page.locator(".now")
    expect(now.locator("tr", has_text="Consciousness")).to_contain_text("Alert", timeout=15_000)
    expect(now.locator("tr:has(th:text-is('Oxygen'))")).to_contain_text("2.0 L/min")


def test_what_was_measured_by_hand_is_entered_and_counts(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Measured")
    station = screens.open()
    page = station.page
    station.open_patient(patient_id)
    form = page.locator("form.entry")
    form.get_by_role("button", name="Enter").click()
    expect(form.locator(".outcome")).to_have_text("Choose at least one value.")
    for name, value in {"Breathing rate": "26", "Systolic pressure": "128", "Diastolic pressure": "76"}.items():
        form.get_by_label(name).fill(value)
    temperature = form.get_by_label("Temperature")
    temperature.fill("386")  # the browser says so, in its own language
    form.get_by_role("button", name="Enter").click()
    assert temperature.evaluate("element => element.validity.rangeOverflow")
    temperature.fill("38.6")
    form.get_by_role("button", name="Enter").click()
    expect(form.locator(".outcome.confirmed")).to_contain_text("Stored")
    expect(temperature).to_have_value("")
    now = page.locator(".now")
    expect(now.locator("tr", has_text="Temperature")).to_contain_text(re.compile(r"38\.6 °C.*✎.*1$", re.DOTALL))
    expect(now.locator("tr", has_text="Breathing rate")).to_contain_text(re.compile(r"26 /min.*3$", re.DOTALL))
    expect(now.locator("tr", has_text="Blood pressure")).to_contain_text("128/76 mmHg")


def test_a_refused_entry_says_why(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Refused")
    station = screens.open()
    station.open_patient(patient_id)
    form = station.page.locator("form.entry")
    form.get_by_label("On oxygen").check()
    flow = form.get_by_label("Flow")
    flow.evaluate("element => element.removeAttribute('max')")  # the server's own check is what is tried
    flow.fill("500")
    form.get_by_role("button", name="Enter").click()
    expect(form.locator(".outcome")).to_contain_text("Not stored:")
    expect(form.locator(".outcome")).to_contain_text("0 to")


def test_an_entered_value_is_on_the_chart_and_in_its_table(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Chart")
    site.enter(patient_id, bp_sys=85, bp_dia=50, body_temp=38.4)
    station = screens.open()
    page = station.page
    station.open_patient(patient_id)
    for choice in ("1 h", "4 h", "24 h", "7 days", "30 days"):
        page.get_by_role("button", name=choice, exact=True).click()
        plot = page.locator('.chart[data-vital="body_temp"] .plot')
        expect(plot).to_have_attribute("aria-label", re.compile("newest 38.4 °C"))
        expect(plot.locator("canvas")).to_be_visible()
        plot.hover(position={"x": 200, "y": 40})
        expect(page.locator(".chart .plot i")).to_have_count(page.locator(".chart .plot").count())
    expect(page.locator(".alert-spans .span").first).to_be_visible()
    page.get_by_role("button", name="1 h", exact=True).click()
    score_plot = page.locator('.chart[data-vital="score"] .plot')
    heading = page.locator('.chart[data-vital="score"] h4')

    def told() -> bool:
        for away in (18, 16):  # twice, as the chart of the longer time may still stand there
            score_plot.hover(position={"x": score_plot.evaluate("element => element.clientWidth") - away, "y": 40})
        return "Systolic pressure 3, Temperature 1" in heading.inner_text()

    eventually(told, what="what the score was made of")
    page.keyboard.press("t")
    pressure = page.locator('.chart[data-vital="bp"] table tbody tr', has_text="85/50")
    expect(pressure).to_contain_text("Entered by a person")
    score = page.locator('.chart[data-vital="score"] table tbody tr').first
    expect(score).to_contain_text("Partial · Systolic pressure 3, Temperature 1")
    expect(page.locator('.chart[data-vital="body_temp"] table')).to_contain_text("Entered by a person")
    expect(page.locator('.chart[data-vital="body_temp"] time').first).to_have_text(re.compile(r"^\d\d:\d\d$"))


def test_a_changed_limit_is_shown_as_it_was_in_force_with_who_set_it(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Stepped")
    site.enter(patient_id, spo2=96)
    change = {"limits": [{"vital": "spo2", "side": "low", "limit": 87}], "reason": "known low"}
    site.request("PUT", f"/policies/patients/{patient_id}", change, name="Dr Stepped")
    station = screens.open()
    page = station.page
    station.open_patient(patient_id)
    chart = page.locator('.chart[data-vital="spo2"]')
    plot = chart.locator(".plot")
    width = plot.evaluate("element => element.clientWidth")
    then = chart.locator("h4 .limits-then")
    plot.hover(position={"x": width / 2, "y": 40})
    expect(then).to_have_text("limit 90 (starting value, not signed off)")
    plot.hover(position={"x": width - 14, "y": 40})
    expect(then).to_have_text("limit 87 (Dr Stepped, this patient)")
    page.mouse.move(0, 0)
    expect(then).to_have_count(0)
    plot.focus()
    page.keyboard.press("Home")
    expect(then).to_have_text("limit 90 (starting value, not signed off)")
    expect(plot).to_have_attribute("aria-valuetext", re.compile(r"limit 90 \(starting value"))
    page.keyboard.press("End")
    expect(then).to_have_text("limit 87 (Dr Stepped, this patient)")
    before = plot.get_attribute("aria-valuenow")
    page.keyboard.press("ArrowLeft")
    assert int(plot.get_attribute("aria-valuenow") or 0) < int(before or 0)
    page.keyboard.press("t")
    lines = chart.locator("ul.limits-then li")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text(re.compile(r"low 87 % · Dr Stepped, this patient · .*goes on"))
    expect(lines.last).to_contain_text("low 90 % · starting value, not signed off")


COLOURS = """(canvas, [x, ys]) => {
  const ratio = canvas.width / canvas.clientWidth;
  const column = canvas.getContext('2d').getImageData(Math.round(x * ratio), 0, 1, canvas.height).data;
  const hex = at => `#${[0, 1, 2].map(i => column[4 * at + i].toString(16).padStart(2, '0')).join('')}`.toUpperCase();
  const band = getComputedStyle(document.documentElement).getPropertyValue('--band').trim().toUpperCase();
  return ys.map(y => hex(Math.round(y * ratio)) === band);
}"""


def test_what_is_usual_for_the_person_lies_behind_the_chart(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Usual")
    now = datetime.now(UTC)
    for half_hours in range(2, 40):
        at = (now - timedelta(minutes=30 * half_hours)).isoformat()
        body = {"values": [{"vital": "bp_sys", "value": 120}], "measured_at": at}
        site.request("POST", f"/patients/{patient_id}/observations", body, role="nurse")
    site.enter(patient_id, body_temp=37.0)
    station = screens.open()
    page = station.page
    station.open_patient(patient_id)
    page.get_by_role("button", name="4 h", exact=True).click()
    chart = page.locator('.chart[data-vital="bp"]')
    expect(chart.locator(".usual")).to_contain_text("usual systolic 106 to 134")
    expect(page.locator('.chart[data-vital="body_temp"] .usual')).to_have_count(0)
    canvas = chart.locator("canvas")
    width = canvas.evaluate("element => element.clientWidth")
    inside, outside = 6 + 94 * (200 - 110) / 160, 6 + 94 * (200 - 65) / 160  # 110 and 65 mmHg
    eventually(lambda: canvas.evaluate(COLOURS, [width - 24, [inside, outside]]) == [True, False], what="drawn")
    page.keyboard.press("t")
    expect(chart.locator(".usual-what")).to_contain_text("Usual for this person")
    phone = screens.open(viewport=PHONE)
    phone.open_patient(patient_id)
    legend = phone.page.locator('.chart[data-vital="bp"] .usual')
    expect(legend).to_contain_text("usual systolic 106 to 134")
    legend.scroll_into_view_if_needed()
    assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


PIECES = """async () => {
  const { pieces } = await import(new URL('page/plot.js', location.origin));
  const point = (t, v, bad = false) => ({ t, v, bad });
  const points = [point(0, 95), point(1000, 96), point(2000, 50, true), point(3000, 94), point(60000, 97)];
  const values = track => pieces({ points, ...track }).map(piece => piece.map(p => p.v));
  return [values({ gapMs: 2500, joined: true }), values({ gapMs: 0, joined: false })];
}"""


def test_a_line_never_crosses_a_gap_nor_touches_a_bad_value(screens: Screens, site: Site) -> None:
    joined, spots = screens.open().page.evaluate(PIECES)
    assert joined == [[95, 96, 94], [97]]
    assert spots == [[95], [96], [94], [97]]


#: What is drawn, in its order: the numbers of limits, and the line of values by its width.
DRAWN = """async () => {
  const { drawPlot } = await import(new URL('page/plot.js', location.origin));
  const real = document.createElement('canvas').getContext('2d');
  const said = [];
  const note = (name, args) => {
    if (name === 'fillText' && String(args[0]).startsWith('limit')) said.push(args[0]);
    if (name === 'stroke' && real.lineWidth === 1.5) said.push('values');
  };
  const ctx = new Proxy(real, {
    get: (of, name) => typeof of[name] === 'function' ? (...args) => (note(name, args), of[name](...args)) : of[name],
    set: (of, name, value) => ((of[name] = value), true),
  });
  const limit = (value, from, to) => ({ rule: 'spo2low', side: 'low', value, from, to });
  const points = [0, 1, 2].map(n => ({ t: 3000 + n, v: 95 + n, min: 95 + n, max: 95 + n, n: 1 }));
  const model = {
    vital: 'spo2', from: 0, to: 9000, low: 84, high: 100, usual: [], gaps: [], marks: [], pairs: [], spans: [], points,
    tracks: [{ points, gapMs: 2500, joined: true, own: false }],
    limits: [limit(90, 0, 3000), limit(90, 3000, 6000), limit(88, 6000, 9000)],
  };
  drawPlot({ style: {}, getContext: () => ctx }, model, 900, true);
  return said;
}"""


def test_a_limit_set_anew_to_the_same_is_told_once_and_hides_no_value(screens: Screens) -> None:
    assert screens.open().page.evaluate(DRAWN) == ["limit 90", "limit 88", "values"]


AXES = """async () => {
  const { timeAt, timesOf, valuesOf, xOf } = await import(new URL('page/plot.js', location.origin));
  const HOUR = 3600000;
  const from = Date.UTC(2026, 2, 1, 9, 7);
  const spans = [1, 4, 24, 168, 720].map(hours => ({ from, to: from + hours * HOUR }));
  const widths = [360, 900, 2400];
  const apart = (span, width) => timesOf(span, width).map(({ at }) => xOf(span, width, at));
  const narrowest = xs => Math.min(...xs.slice(1).map((x, i) => x - xs[i]));
  return {
    few: Math.min(...spans.flatMap(span => widths.map(width => apart(span, width).length))),
    narrow: Math.min(...spans.flatMap(span => widths.map(width => narrowest(apart(span, width))))),
    week: timesOf(spans[3], 900).map(({ text }) => text).slice(0, 4),
    hour: timesOf(spans[0], 900).map(({ text }) => text),
    back: spans.map(span => Math.abs(timeAt(span, 900, xOf(span, 900, from + HOUR / 2)) - from - HOUR / 2) < 1),
    beside: [timeAt(spans[0], 900, 20), timeAt(spans[0], 900, 895)],
    values: [[84, 100], [35, 40], [0, 12], [40, 320]].map(([low, high]) => valuesOf({ low, high })),
  };
}"""


def test_axes_have_round_times_and_values_with_room_for_each(screens: Screens, site: Site) -> None:
    axes = screens.open().page.evaluate(AXES)
    assert axes["few"] >= 3
    assert axes["narrow"] >= 50, "60 px, but for the hour that clocks are put forward"
    assert axes["week"] == ["12:00", "02-Mar", "12:00", "03-Mar"]
    assert (axes["hour"][:2], axes["hour"][-1]) == (["09:10", "09:15"], "10:05")
    assert all(axes["back"])
    assert axes["beside"] == [None, None]
    assert axes["values"] == [[85, 90, 95, 100], [36, 38, 40], [0, 5, 10], [100, 200, 300]]


GAPS = """async () => {
  const { gapLimit } = await import(new URL('page/history.js', location.origin));
  const every = ms => Array.from({ length: 20 }, (_, i) => ({ t: i * ms }));
  return [
    gapLimit('spo2', every(1000), 0),
    gapLimit('spo2', every(180000), 180000),
    gapLimit('spo2', every(7200000), 7200000),
    gapLimit('bp_sys', every(60000), 0),
  ];
}"""


def test_two_expected_intervals_five_minutes_at_most_and_spot_checks_never(screens: Screens, site: Site) -> None:
    continuous, coarse, month, spot = screens.open().page.evaluate(GAPS)
    assert continuous == 2500
    assert coarse == 300_000
    assert month == 10_800_000, "from a bucket of two hours to the next"
    assert spot == 0


EVENTS = r"""async () => {
  const { EventParser } = await import(new URL('page/events.js', location.origin));
  const whole = ': hello\r\nevent: tick\r\ndata: {"a":1}\r\n\r\nid: 7\ndata: one\ndata: two\n\ndata:\n\nevent: x\n\n';
  const answers = [];
  for (const size of [1, 2, 3, 1000]) {
    const parser = new EventParser();
    const found = [];
    for (let i = 0; i < whole.length; i += size) found.push(...parser.push(whole.slice(i, i + size)));
    answers.push(JSON.stringify(found));
  }
  return answers;
}"""


def test_events_are_the_same_however_the_bytes_are_cut(screens: Screens, site: Site) -> None:
    answers = screens.open().page.evaluate(EVENTS)
    assert len(set(answers)) == 1
    assert answers[0] == (
        '[{"type":"tick","data":"{\\"a\\":1}","id":null},{"type":"message","data":"one\\ntwo","id":"7"},'
        '{"type":"message","data":"","id":null}]'
    )


def test_a_person_admitted_while_the_page_is_open_appears(screens: Screens, site: Site) -> None:
    station = screens.open()
    station.page.evaluate("location.hash = '#/patient/p-comes-later'")
    expect(station.page.get_by_text("This person is not on this ward")).to_be_visible()
    assert site.admit("Later", patient_id="p-comes-later") == "p-comes-later"
    expect(station.page.locator(".patient-banner")).to_contain_text("p-comes-later")
    site.enter("p-comes-later", body_temp=41.5)
    expect(station.page.locator(".alert-card, .alert-line").first).to_be_visible()

"""With a thousand people on the ward only those in the window are drawn. How fast is `vigil bench page`'s business."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.station import Screens, Site
from tests.browser.wire import Wire

pytestmark = pytest.mark.browser

PEOPLE = 1000
#: A thousand copies of one card, drawn, and changed a second time: how many are there, how many drawn, what the first shows; then
#: how many are named before and after the end of the session.
CROWD = """async size => {
  const { applySnapshot, applyTick, cards } = await import(new URL("page/ward.js", location.origin));
  const { sessionEnded } = await import(new URL("page/session.js", location.origin));
  const settled = () => new Promise(done => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 300));
  const card = [...cards.values()][0].peek();
  const patients = Array.from({ length: size }, (_, n) => ({ ...card, id: `p-crowd-${n}` }));
  applySnapshot({ patients }, false);
  await settled();
  const count = () => ["*", ".tile", ".tile .l1"].map(what => document.querySelectorAll(what).length);
  const before = count();
  const at = new Date().toISOString();
  const vitals = { ...card.vitals, spo2: { ...card.vitals.bp_sys, unit: "%", value: 77, measured_at: at, received_at: at } };
  applyTick({ patients: Object.fromEntries(patients.map(one => [one.id, { vitals }])) });
  await settled();
  const shown = document.querySelector(".tile .cell.spo2 .value").textContent;
  const named = () => [...document.querySelectorAll(".tile-link")].filter(one => one.ariaLabel.includes(card.name.family)).length;
  const after = count(), names = [named()];
  sessionEnded.value = true;
  await settled();
  return { before, after, shown, names: [...names, named()] };
}"""


def test_only_the_tiles_in_the_window_are_drawn(screens: Screens, site: Site, wire: Wire) -> None:
    site.ill()
    station = screens.open()
    station.view("ward")
    expect(station.page.locator(".tile .l1").first).to_be_visible()
    wire.freeze()  # the product's own snapshot would take the crowd away
    found: dict[str, Any] = station.page.evaluate(CROWD, PEOPLE)
    (_, tiles, drawn), after = found["before"], found["after"]
    assert tiles == PEOPLE
    assert 0 < drawn < PEOPLE / 5
    assert after[1:] == [tiles, drawn]
    assert after[0] < found["before"][0] + 10 * drawn, "a tick changes what is drawn and adds no tiles"
    assert found["shown"] == "77"
    assert found["names"] == [PEOPLE, 0], "who is outside the window has no name either once the session has ended"

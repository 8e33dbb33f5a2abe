"""A weight that the wearer can hardly have: the card asks whose it is, and one tap answers."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.station import PHONE, Screens, Site
from tests.e2e.publishers import Publisher
from tests.product import eventually

pytestmark = pytest.mark.browser

ANSWER = "**/api/v1/questions/*/answer"


def on_the_scale(site: Site, patient_id: str, *weights: float) -> None:
    """The patient's scale sends them, the last one four minutes ago, the others on the days before."""
    device = site.wears(patient_id, f"scale-{patient_id}", "scale")
    with Publisher(device) as publisher:
        for seq, kg in enumerate(weights):
            at = time.time() - 240 - 86_400 * (len(weights) - 1 - seq)
            publisher.publish(device.pack(seq, {"n": "wt", "u": "kg", "v": kg}, at=at))


def questions(site: Site, patient_id: str) -> list[dict[str, Any]]:
    items = site.request("GET", "/questions", role="nurse")["items"]
    return [one for one in items if one["patient_id"] == patient_id]


def test_one_tap_says_whose_a_weight_is_and_the_last_answer_ends_the_alert(screens: Screens, site: Site) -> None:
    wearer, partner = site.admit("Scale", "Anna"), site.admit("Scale", "Bert")
    on_the_scale(site, wearer, 61.2, 83.4, 84.0)
    eventually(lambda: len(questions(site, wearer)) == 2, what="two questions")
    alert = site.alert_that_comes(wearer, "whose.body_weight")
    station = screens.open(viewport=PHONE)
    page = station.page
    station.view("worklist")
    card = station.show(alert["id"])
    asked = card.locator(".question")
    expect(asked).to_have_count(2)
    expect(asked.first).to_contain_text(
        re.compile(r"83\.4 kg at .*, 24h ago, on scale-.*Before: 61\.2 kg at .*\+22\.2")
    )
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    held: list[Route] = []
    page.route(ANSWER, lambda route: held.append(route))
    asked.first.get_by_label("asked by phone").check()
    asked.first.get_by_label("Somebody else of the ward").select_option(partner)
    asked.first.get_by_role("button", name="It is that of Scale, Bert").click()
    expect(asked.first.locator(".outcome")).to_have_text("Sending…")
    expect(asked).to_have_count(2)
    assert len(questions(site, wearer)) == 2
    held[0].continue_()
    page.unroute(ANSWER)
    expect(asked).to_have_count(1)
    expect(card).to_contain_text(re.compile(r"83\.4 entered for Scale, Bert at \d\d:\d\d\."))
    assert json.loads(held[0].request.post_data or "") == {"patient_id": partner, "reason": "asked by phone"}
    (left,) = questions(site, wearer)

    def overtaken(route: Route) -> None:
        body = {"patient_id": None, "reason": "her husband"}
        path = f"/questions/{left['question_id']}/answer"
        site.request("POST", path, body, name="Zhou Min", role="nurse")
        route.continue_()

    page.route(ANSWER, overtaken)
    asked.get_by_role("button", name="It is that of Scale, Anna").click()
    expect(page.locator("#live-assertive")).to_contain_text(
        "Somebody answered before you. Nothing sent.", timeout=15_000
    )
    expect(asked).to_have_count(0)
    expect(card.locator(".standing").first).to_contain_text("Ended", timeout=15_000)

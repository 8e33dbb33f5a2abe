"""The card of the risk models: what it says, when it is there, and what it never shows."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from api import shape
from api.schema.risk import ModelList, RiskList
from tests.browser.station import PHONE, Screens, Site, Station
from vigil.domain.risk import Contribution, ModelState, Prediction, RiskInput, Source
from vigil.domain.risk_facts import ModelFacts
from vigil.domain.risk_words import NOTICE, label
from vigil.domain.times import HOUR, MINUTE, SECOND

pytestmark = pytest.mark.browser

REASONS = (
    Contribution("age", 0.22, "Age 78"),
    Contribution("resp_rate", 0.81, "Breathing 24 a minute, 6 above this person's usual (18), measured 12 min ago"),
    Contribution(
        "body_temp",
        0.64,
        "Temperature 38.3 °C, 1.2 above typical (37.1), 9 h old: the risk could be lower by now",
    ),
    Contribution("spo2", -0.35, "Oxygen saturation 98 %, 2 above this person's usual (96), measured 1 min ago"),
    Contribution("sex", 0.01, "Female"),
)


def prediction(ago: int, **changes: Any) -> Prediction:
    """Made ``ago`` microseconds ago by the test's clock, which is the product's."""
    at = time.time_ns() // 1000 - ago
    made: dict[str, Any] = {
        "patient_id": "p-1",
        "model": "sepsis-home",
        "version": "0a1b2c3d4e5f",
        "at": at,
        "decided_at": at + 2 * SECOND,
        "position": 17,
        "state": ModelState.ACTIVE,
        "source": Source.MODEL,
        "probability": 0.071,
        "low": 0.05,
        "high": 0.09,
        "alert": True,
        "contributions": REASONS,
        "inputs": (
            RiskInput("resp_rate", 24.0, at - 12 * MINUTE, 720.0),
            RiskInput("body_temp", 38.3, at - 9 * HOUR, 32400.0),
            RiskInput("spo2", 98.0, at - MINUTE, 60.0),
        ),
    }
    return Prediction(**{**made, **changes})


def in_use(*names: str) -> dict[str, Any]:
    facts = {
        name: ModelFacts(
            name=name,
            title="A model",
            version="0a1b2c3d4e5f",
            label=label(name),
            state=ModelState.ACTIVE,
            patients="adults with vital signs from a wearable",
            out_of_scope=("children", "pregnancy"),
            training_data="stays in the intensive care units of one hospital",
            groups_not_evaluated="skin tone, ethnicity",
            missing_input="fewer than three fresh vital signs: NEWS2 decides",
            failure_modes=("fever without infection", "sepsis without fever"),
            threshold=0.04,
            baseline="NEWS2 of 5 or more",
            figures=(),
            approved_by=(),
            revalidate_by="2027-03-31",
        )
        for name in names
    }
    body = {"items": [shape.model_facts(one) for one in facts.values()]}
    ModelList.model_validate(body)
    return body


def shown(
    screens: Screens,
    site: Site,
    *predictions: Prediction,
    models: tuple[str, ...] = ("sepsis-home", "hypotension"),
    **options: Any,
) -> tuple[Station, Locator]:
    """A patient's page on which the server has told these predictions, in the shape of its own answers."""
    patient_id = site.admit("Risk")
    body = {"items": [shape.prediction(one) for one in predictions], "notice": NOTICE}
    RiskList.model_validate(body)

    answers = {f"patients/{patient_id}/risk": body, "models": in_use(*models)}

    def answer(route: Route) -> None:
        route.fulfill(json=answers[route.request.url.split("/api/v1/")[1]])

    station = screens.open(**options)
    for path in answers:
        station.page.route(f"**/api/v1/{path}", answer)
    with station.page.expect_response(f"**/patients/{patient_id}/risk"):
        station.open_patient(patient_id)
    return station, station.page.locator("section.risk")


def test_it_says_how_often_why_since_when_and_what_it_is_not(screens: Screens, site: Site) -> None:
    before = prediction(3 * HOUR, alert=False, probability=0.02, low=0.01, high=0.03)
    _, card = shown(screens, site, before, prediction(2 * HOUR), prediction(5 * MINUTE))
    expect(card.get_by_role("heading", name="Sepsis within 6 h")).to_be_visible()
    expect(card).to_contain_text(re.compile(r"Of 100 people with such values, this came to\s*about 7\s*\(5 to 9\)"))
    expect(card.locator(".side")).to_have_text(re.compile(r"^Above the model's threshold since .*\d\d:\d\d$"))
    expect(card.locator(".reasons li")).to_have_text(
        [
            re.compile(r"raises\s+Breathing 24 a minute, 6 above this person's usual \(18\), measured 12 min ago"),
            re.compile(r"raises\s+Temperature 38\.3 °C, .*9 h old: the risk could be lower by now"),
            re.compile(r"lowers\s+Oxygen saturation 98 %"),
        ]
    )
    expect(card.locator("h4")).to_have_text(re.compile(r"What moved it most, as of \d\d:\d\d"))
    expect(card.locator(".inputs")).to_contain_text(re.compile(r"Breathing rate 1[67]min\s*Temperature 9h"))
    expect(card).to_contain_text("sepsis-home 0a1b2c3d4e5f")
    expect(card).to_contain_text("Learned in intensive care, not at home. Decision support, not a diagnosis.")
    assert card.locator("circle.about").count() == 7
    assert card.locator("circle.maybe").count() == 2


def test_without_a_prediction_of_an_active_model_there_is_no_card(screens: Screens, site: Site) -> None:
    station, card = shown(screens, site)
    expect(station.page.locator(".now")).to_be_visible()
    expect(card).to_have_count(0)


def test_a_model_that_is_no_longer_in_use_is_not_shown(screens: Screens, site: Site) -> None:
    pressure = prediction(MINUTE, model="hypotension")
    _, card = shown(screens, site, prediction(MINUTE), pressure, models=("hypotension",))
    expect(card.locator(".risk-model h3")).to_have_text(["Mean pressure below 60 mmHg within the hour"])


def test_the_facts_of_the_card_are_one_tap_away(screens: Screens, site: Site) -> None:
    _, card = shown(screens, site, prediction(MINUTE))
    expect(card).to_contain_text("Not checked for: skin tone, ethnicity")
    facts = card.locator(".facts")
    expect(facts.get_by_text("sepsis without fever")).to_be_hidden()
    facts.get_by_text("What to know of this model").click()
    expect(facts.get_by_text("sepsis without fever")).to_be_visible()
    expect(facts).to_contain_text(re.compile(r"Signed off by\s*nobody yet"))
    expect(facts).to_contain_text("31-Mar-2027")


def test_the_product_itself_has_none_for_a_new_patient(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Nothing")
    station = screens.open()
    with station.page.expect_response(f"**/patients/{patient_id}/risk") as answered:
        station.open_patient(patient_id)
    assert answered.value.json() == {"items": [], "notice": NOTICE}
    expect(station.page.locator("section.risk")).to_have_count(0)


def test_where_the_model_abstained_the_card_says_that_news2_decides_and_why(screens: Screens, site: Site) -> None:
    why = "temperature is 9 h old"
    kept = prediction(
        MINUTE, source=Source.NEWS2, abstained=why, contributions=(), probability=0.004, low=0.0, high=0.02
    )
    _, card = shown(screens, site, kept)
    expect(card.locator(".news2-decides")).to_have_text(f"NEWS2 decides: {why}")
    expect(card).to_contain_text(re.compile(r"with such a NEWS2, this came to\s*fewer than 1\s*\(up to 2\)"))
    expect(card.locator(".side, .reasons")).to_have_count(0)


@pytest.mark.parametrize(
    ("hours", "note", "numbers"), [(3, "Old: last made 3h ago", 1), (7, "Too old to be shown: last made at", 0)]
)
def test_a_prediction_that_was_not_renewed_is_old_and_then_no_number(
    hours: int, note: str, numbers: int, screens: Screens, site: Site
) -> None:
    _, card = shown(screens, site, prediction(hours * HOUR + MINUTE))
    expect(card.locator(".late-note")).to_contain_text(note)
    expect(card.locator(".count")).to_have_count(numbers)


def test_one_that_was_asked_for_in_vain_is_named(screens: Screens, site: Site) -> None:
    patient_id = site.admit("Unanswered")
    station = screens.open()
    station.page.route(f"**/patients/{patient_id}/risk", lambda route: route.abort())
    station.open_patient(patient_id)
    expect(station.page.locator("section.risk")).to_contain_text("Risk model not loaded.")


@pytest.mark.parametrize(("lang", "scheme"), [("en", "light"), ("zh", "dark")])
@pytest.mark.parametrize("width", [320, 360, 1440])
def test_nothing_is_cut_at_any_width(width: int, lang: str, scheme: Any, screens: Screens, site: Site) -> None:
    pressure = prediction(MINUTE, model="hypotension", probability=0.43, low=0.36, high=0.5, alert=False)
    size = {**PHONE, "width": width, "height": 740}
    station, card = shown(screens, site, prediction(MINUTE), pressure, viewport=size, lang=lang, color_scheme=scheme)
    expect(card.locator(".risk-model")).to_have_count(2)
    assert station.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    inside = (
        "card => [...card.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth).length"
    )
    assert card.evaluate(inside) == 0
    if lang == "zh":
        expect(card).to_contain_text("风险模型")

"""What the API tells of the risk models: active ones to all who may read, shadow ones to those who make policies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from api.auth import RIGHTS, Right, Role
from tests.unit.api.site import START, Site
from vigil.domain.risk import Contribution, ModelState, Prediction, RiskInput, Source
from vigil.domain.risk_facts import Measured, ModelFacts
from vigil.domain.times import DAY, HOUR, MINUTE, to_iso

PATH = "/api/v1/patients/p-1/risk"


def prediction(at: int = START, **changes: Any) -> Prediction:
    made = Prediction(
        patient_id="p-1",
        model="sepsis-home",
        version="0a1b2c3d4e5f",
        at=at,
        decided_at=at + 2_500_000,
        position=17,
        state=ModelState.ACTIVE,
        source=Source.MODEL,
        probability=0.071,
        low=0.05,
        high=0.09,
        alert=True,
        contributions=(Contribution("resp_rate", 0.81234, "Breathing 24 a minute, 6 above this person's usual (18)"),),
        inputs=(RiskInput("resp_rate", 24.0, at - 12 * MINUTE, 720.04), RiskInput("news2", float("nan"), at, 0.0)),
    )
    return replace(made, **changes)


def test_a_prediction_comes_with_its_words_inputs_and_what_it_is_not(site: Site) -> None:
    site.admit("p-1")
    site.readings.append_predictions([prediction()])
    site.clock.advance(10)
    body = site.get(PATH).json()
    assert body == {
        "items": [
            {
                "model": "sepsis-home",
                "version": "0a1b2c3d4e5f",
                "label": "sepsis onset within 6 h, learned in intensive care",
                "state": "active",
                "at": to_iso(START),
                "decided_at": to_iso(START + 2_500_000),
                "position": 17,
                "source": "model",
                "probability": 0.071,
                "low": 0.05,
                "high": 0.09,
                "alert": True,
                "abstained": "",
                "words": "About 7 of 100 people with such values went on to sepsis within 6 h (5 to 9); "
                "learned in intensive care, not at home.",
                "contributions": [
                    {
                        "group": "resp_rate",
                        "log_odds": 0.812,
                        "text": "Breathing 24 a minute, 6 above this person's usual (18)",
                        "zh": None,
                    }
                ],
                "inputs": [
                    {
                        "vital": "resp_rate",
                        "value": 24.0,
                        "unit": "/min",
                        "measured_at": to_iso(START - 12 * MINUTE),
                        "age_s": 720.0,
                    },
                    {"vital": "news2", "value": None, "unit": "", "measured_at": to_iso(START), "age_s": 0.0},
                ],
            }
        ],
        "notice": "Decision support, not a diagnosis.",
    }


def test_where_the_model_abstained_news2_speaks(site: Site) -> None:
    site.admit("p-1")
    why = "temperature is 9 h old"
    site.readings.append_predictions(
        [prediction(source=Source.NEWS2, abstained=why, probability=0.004, low=0.001, high=0.01, contributions=())]
    )
    site.clock.advance(10)
    (item,) = site.get(PATH).json()["items"]
    assert (item["source"], item["abstained"], item["contributions"]) == ("news2", why, [])
    assert item["words"].startswith("Fewer than 1 of 100 people with such a NEWS2 went on to sepsis within 6 h;")


def test_the_day_by_default_the_newest_of_a_range_and_oldest_first(site: Site) -> None:
    site.admit("p-1")
    times = [START - DAY - HOUR, START - HOUR, START, START + HOUR]
    site.readings.append_predictions([prediction(at) for at in times])
    site.clock.advance(10)
    assert [one["at"] for one in site.get(PATH).json()["items"]] == [to_iso(at) for at in times[1:3]]
    asked = f"{PATH}?from={to_iso(times[0])}&to={to_iso(times[3] + 1000)}&limit=2"
    assert [one["at"] for one in site.get(asked).json()["items"]] == [to_iso(at) for at in times[2:]]


@pytest.mark.parametrize("role", [role for role in Role if Right.READ in RIGHTS[role]])
def test_shadow_predictions_are_for_those_who_make_policies_and_only_when_asked_for(site: Site, role: Role) -> None:
    site.admit("p-1")
    hidden = prediction(START + 1000, state=ModelState.SHADOW, probability=0.9, low=0.8, high=1.0)
    site.readings.append_predictions([prediction(), *[hidden] * 3])
    site.clock.advance(10)
    (seen,) = site.get(f"{PATH}?limit=1", role).json()["items"]
    assert (seen["state"], seen["probability"]) == ("active", 0.071)
    answer = site.get(f"{PATH}?shadow=true", role)
    if role in (Role.CLINICIAN, Role.ADMIN):
        assert {(one["state"], one["probability"]) for one in answer.json()["items"]} == {("shadow", 0.9)}
    else:
        assert answer.status_code == 403
        assert "0.9" not in answer.text


def test_an_unknown_patient_and_wrong_questions(site: Site) -> None:
    assert site.get("/api/v1/patients/p-9/risk").status_code == 404
    site.admit("p-1")
    assert site.get(PATH).json()["items"] == []
    for query in ("limit=0", "from=yesterday", "shadow=perhaps", f"from={to_iso(START)}&to={to_iso(START - 1)}"):
        assert site.get(f"{PATH}?{query}").status_code == 422, query


def test_open_api_shows_an_example(site: Site) -> None:
    schemas = site.get("/openapi.json", None).json()["components"]["schemas"]
    (shown,) = schemas["RiskList"]["examples"]
    assert shown["items"] == schemas["RiskOut"]["examples"]
    assert {"position", "abstained", "words"} <= set(shown["items"][0]) == set(schemas["RiskOut"]["properties"])


def facts(name: str, state: ModelState) -> ModelFacts:
    return ModelFacts(
        name=name,
        title="Sepsis from vital signs",
        version="0a1b2c3d4e5f",
        label="sepsis onset within 6 h, learned in intensive care",
        state=state,
        patients="adults",
        out_of_scope=("children",),
        training_data="stays in intensive care",
        groups_not_evaluated="skin tone",
        missing_input="NEWS2 decides",
        failure_modes=(),
        threshold=0.04,
        baseline="NEWS2 of 5 or more",
        figures=(Measured("auroc", 0.78, float("nan"), None, 0.61),),
        approved_by=(),
        revalidate_by="2026-12-31",
    )


def test_the_facts_of_models_in_use(site: Site) -> None:
    assert site.get("/api/v1/models").json() == {"items": []}
    used = [facts("sepsis-home", ModelState.ACTIVE), facts("hypotension", ModelState.SHADOW)]
    site = site.given(models=lambda: used)
    (one,) = site.get("/api/v1/models").json()["items"]
    assert (one["name"], one["state"], one["out_of_scope"], one["approved_by"]) == (
        "sepsis-home",
        "active",
        ["children"],
        [],
    )
    assert one["figures"] == [{"name": "auroc", "value": 0.78, "low": None, "high": None, "baseline": 0.61}]
    assert [each["state"] for each in site.get("/api/v1/models", "clinician").json()["items"]] == ["active", "shadow"]

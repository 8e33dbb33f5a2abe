"""What the risk models say of a patient."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schema.base import Model, Moment, example
from vigil.domain.risk_words import NOTICE

_Share = Annotated[float, Field(ge=0, le=1)]


class MeasuredOut(Model):
    """``low`` to ``high``: 95 % interval. ``baseline``: the same figure of what the model has to beat. null = not defined."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    baseline: float | None


class ModelOut(Model):
    """Facts of the model's card. ``approved_by`` empty: nobody has signed. ``figures``: of the evaluation, on people that it had
    not learned from; ``baseline``: what they are compared with."""

    model_config = example(
        name="sepsis-home",
        title="Sepsis from vital signs",
        version="0a1b2c3d4e5f",
        label="sepsis onset within 6 h, learned in intensive care",
        state="active",
        patients="adults",
        out_of_scope=["children", "pregnancy"],
        training_data="20,336 stays in the intensive care units of one hospital",
        groups_not_evaluated="skin tone, ethnicity",
        missing_input="fewer than three fresh vital signs: NEWS2 decides",
        failure_modes=["fever without infection"],
        threshold=0.04,
        baseline="NEWS2 of 5 or more",
        figures=[{"name": "auroc", "value": 0.78, "low": 0.77, "high": 0.79, "baseline": 0.61}],
        approved_by=[],
        revalidate_by="2026-12-31",
    )

    name: str
    title: str
    version: str
    label: str
    state: Literal["active", "shadow"]
    patients: str
    out_of_scope: list[str]
    training_data: str
    groups_not_evaluated: str
    missing_input: str
    failure_modes: list[str]
    threshold: float
    baseline: str
    figures: list[MeasuredOut]
    approved_by: list[str]
    revalidate_by: str


class ModelList(Model):
    items: list[ModelOut]


class TextOut(Model):
    text: str


class ContributionOut(Model):
    """``log_odds``: how far this group of inputs moved the risk from where it would be had it not been measured; above 0 = up.
    ``text``: for a nurse; ``zh``: the same in Chinese, of the strongest only, null where only the English was kept."""

    group: str
    log_odds: float
    text: str
    zh: TextOut | None


class RiskInputOut(Model):
    """``age_s``: from the measurement to ``at`` of the prediction."""

    vital: str
    value: float | None
    unit: str
    measured_at: Moment
    age_s: float | None


_EXAMPLE: dict[str, Any] = {
    "model": "sepsis-home",
    "version": "0a1b2c3d4e5f",
    "label": "sepsis onset within 6 h, learned in intensive care",
    "state": "active",
    "at": "2026-01-01T08:30:00.000Z",
    "decided_at": "2026-01-01T08:30:02.500Z",
    "position": 48210,
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
            "log_odds": 0.81,
            "text": "Breathing 24 a minute, 6 above this person's usual (18), measured 12 min ago",
            "zh": {"text": "呼吸频率 24/min，比该患者平时（18）高 6，12 分钟前测得"},
        }
    ],
    "inputs": [
        {
            "vital": "resp_rate",
            "value": 24.0,
            "unit": "/min",
            "measured_at": "2026-01-01T08:18:00.000Z",
            "age_s": 720.0,
        }
    ],
}


class RiskOut(Model):
    """One prediction. ``at``: measured time up to which readings counted; ``position``: all readings up to this ordinal were
    known. ``low`` to ``high``: how often the event came among people with about this prediction, 95 % interval.
    ``abstained``: why NEWS2 decided and not the model (``source`` "news2"), else empty. ``alert``: above the model's threshold;
    whether anybody is called is the policy's business. ``version``: first 12 digits of the model folder's hash."""

    model_config = example(**_EXAMPLE)

    model: str
    version: str
    label: str
    state: Literal["active", "shadow"]
    at: Moment
    decided_at: Moment
    position: int
    source: Literal["model", "news2"]
    probability: _Share
    low: _Share
    high: _Share
    alert: bool
    abstained: str
    words: str
    contributions: list[ContributionOut]
    inputs: list[RiskInputOut]


class RiskList(Model):
    """``notice`` belongs beside each number that is shown."""

    model_config = example(items=[_EXAMPLE], notice=NOTICE)

    items: list[RiskOut]
    notice: str

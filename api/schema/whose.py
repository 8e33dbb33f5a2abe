"""Questions whose a value is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schema.base import Identifier, Model, Moment, example
from vigil.domain.audit import LONGEST_REASON


class WhoseOut(Model):
    """``patient_id``: who wears the device. ``last_value``: the newest of this patient that counted, with which ``value`` does
    not go together."""

    question_id: int
    device_id: str
    patient_id: str
    vital: Literal["body_weight"]
    unit: str
    value: float
    measured_at: Moment
    last_value: float
    last_measured_at: Moment
    asked_at: Moment


class WhoseList(Model):
    """Oldest first."""

    items: list[WhoseOut]


class WhoseAnswer(Model):
    """``patient_id``: whose the value is, null = of nobody who is watched here. ``reason``: how that is known."""

    model_config = example(patient_id="p-0412", reason="weighed again with the nurse beside")

    patient_id: Identifier | None
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]


class WhoseAnswered(Model):
    """``patient_id``: whose chart it is about, the wearer's where the value is nobody's. ``ordinals``: of what was entered."""

    question_id: int
    patient_id: str
    answered_at: Moment
    ordinals: list[int]

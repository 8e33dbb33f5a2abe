"""Emergency grants in requests and answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from api.schema.base import Model, Moment, example
from vigil.domain.audit import LONGEST_REASON
from vigil.domain.break_glass import LEAST_REASON, Verdict

Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=LEAST_REASON, max_length=LONGEST_REASON, strict=True)
]


class OpenRecord(Model):
    model_config = example(reason="fell in the corridor of our ward, needs his limits now")

    reason: Reason


class GrantMade(Model):
    """Until ``expires_at`` everything about the patient answers as for one of the own ward."""

    id: str
    patient_id: str
    expires_at: Moment


class ReviewIn(Model):
    model_config = example(verdict="justified", note="on call in the neighbouring ward that night")

    verdict: Verdict
    note: Annotated[str, Field(max_length=LONGEST_REASON)] = ""


class ReviewOut(Model):
    verdict: Verdict
    note: str
    by: str
    at: Moment


class GrantOut(Model):
    """``running``: he sees the patient now. ``review`` null: nobody has said yet whether it was right."""

    id: str
    by: str
    patient_id: str
    reason: str
    at: Moment
    expires_at: Moment
    running: bool
    review: ReviewOut | None


class GrantList(Model):
    items: list[GrantOut]

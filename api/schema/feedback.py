"""Feedback: what people say of an alert."""

from __future__ import annotations

from api.schema.base import Model, Moment, Words, example
from vigil.domain.feedback import Verdict


class NewFeedback(Model):
    """``useful``: true and useful; ``not_useful``: true, but nothing had to be done; ``artefact``: the sensor was wrong;
    ``wrong_limit``: the value was right and is normal for this patient."""

    model_config = example(verdict="wrong_limit", note="COPD, 88 % is usual")

    verdict: Verdict
    note: Words = ""


class FeedbackOut(Model):
    """``counts``: the newest word of this person."""

    verdict: Verdict
    person: str
    at: Moment
    note: str
    counts: bool


class FeedbackList(Model):
    """``verdict``: as what the alert counts, by most persons; null = nobody has said anything. ``items``: oldest first."""

    verdict: Verdict | None
    items: list[FeedbackOut]

"""Feedback: a person says of an alert, open or resolved, whether it was true and of use."""

from __future__ import annotations

from fastapi import APIRouter

from api import shape
from api.auth import Actor, Right
from api.context import Here
from api.schema.feedback import FeedbackList, NewFeedback
from api.shape import Json
from vigil.domain.feedback import Feedback

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


@router.post(
    "/{alert_id}/feedback", response_model=FeedbackList, summary="What I say of this alert; my newest word counts"
)
def give(alert_id: str, body: NewFeedback, who: Actor, here: Here) -> Json:
    now = here.deps.clock.now_us()
    here.deps.records.add_feedback(Feedback(alert_id, who.name, body.verdict, body.note, now))
    return shape.feedback(here.deps.records.feedback(alert_id), who.may(Right.NAMES))

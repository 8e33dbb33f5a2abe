"""The hand-over note of a ward."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.auth import Reader, Right
from api.context import Here, Seen
from api.handover import handover
from api.handover_text import markdown
from api.schema.handover import HandoverOut
from api.shape import Json

router = APIRouter(prefix="/api/v1/handover", tags=["teams"])

MARKDOWN = "text/markdown"


@router.get(
    "",
    response_model=HandoverOut,
    responses={200: {"content": {MARKDOWN: {"schema": {"type": "string"}}}}},
    summary="What the next shift must know, as JSON or (Accept: text/markdown) as a page to read",
)
def note(
    ward: Annotated[str, Query(min_length=1, max_length=100)], who: Reader, here: Here, seen: Seen, request: Request
) -> Json | Response:
    facts = handover(here, seen, ward, who.may(Right.NAMES))
    if MARKDOWN in request.headers.get("accept", ""):
        return Response(markdown(facts), media_type=MARKDOWN)
    return facts

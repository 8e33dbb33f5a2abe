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
from api.staff import staff
from vigil.domain.phrases import Language

router = APIRouter(prefix="/api/v1/handover", tags=["teams"])

MARKDOWN = "text/markdown"


@router.get(
    "",
    response_model=HandoverOut,
    responses={200: {"content": {MARKDOWN: {"schema": {"type": "string"}}}}},
    summary="What the next shift must know, as JSON or (Accept: text/markdown) as a page to read, English or Chinese",
)
def note(
    ward: Annotated[str, Query(min_length=1, max_length=100)], who: Reader, here: Here, seen: Seen, request: Request
) -> Json | Response:
    facts = handover(here, seen, ward, who.may(Right.NAMES))
    if MARKDOWN not in request.headers.get("accept", ""):
        return facts
    # The first language that is asked for: there are two, and the first of them is what somebody reads who asks for neither.
    chinese = request.headers.get("accept-language", "").strip().lower().startswith("zh")
    language = Language.CHINESE if chinese else Language.ENGLISH
    text = markdown(facts, language, staff(here, seen) if who.may(Right.NAMES) else {})
    return Response(text, media_type=MARKDOWN, headers={"Content-Language": "zh" if chinese else "en"})

"""The event stream of the page."""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from api.auth import Reader
from api.context import Here
from api.errors import Problem
from api.sse import packed, takes_gzip

router = APIRouter(prefix="/api/v1", tags=["stream"])


class EventStream(StreamingResponse):
    """Ends its source as soon as the client is gone, not when the garbage collector comes by."""

    media_type = "text/event-stream"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        source = self.body_iterator
        try:
            await super().__call__(scope, receive, send)
        finally:
            if isinstance(source, contextlib.AbstractAsyncContextManager) or hasattr(source, "aclose"):
                await source.aclose()


@router.get(
    "/stream",
    response_class=Response,
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "events snapshot, alert, tick, heartbeat, break_glass, looking, resumed, reload",
        }
    },
    summary="Server-sent events: a snapshot, then each second's changes and every alert at once",
)
async def stream(
    request: Request,
    who: Reader,
    here: Here,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
    resume: Annotated[int | None, Query(alias="last_event_id", ge=0)] = None,
    test: Annotated[bool, Query(description="only the alerts of the self-test, for its watchdog")] = False,
) -> EventStream:
    if here.hub.full:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many open streams", headers={"Retry-After": "5"})
    gzip = takes_gzip(request.headers.get("accept-encoding", ""))
    client = here.hub.admit(who, test, gzip)
    frames = here.hub.stream(client, last_event_id if last_event_id is not None else resume)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Vary": "Accept-Encoding"}
    if gzip:
        return EventStream(packed(frames), headers={**headers, "Content-Encoding": "gzip"})
    return EventStream(frames, headers=headers)

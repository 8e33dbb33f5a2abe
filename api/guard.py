"""The outer door, as plain ASGI: token check before anything is read, the size of what is read, headers of every answer."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import Tokens
from api.errors import refusal

#: Everything below these needs a token, also paths that do not exist, so that nothing can be probed.
PROTECTED = ("/api", "/fhir", "/prom", "/alertmanager")
LOGIN = "/api/v1/auth/token"
ENROL = "/api/v1/enrol"
#: What the FHIR server can do: read by clients before they have a token.
METADATA = "/fhir/R4/metadata"


class Guard:
    """Puts the ``Principal`` into the scope, or answers 401. Tokens are taken from the header only, never from the address."""

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.protects(scope["path"]):
            scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
            principal = self._tokens.read(token.strip()) if scheme.lower() == "bearer" else None
            if principal is None:
                detail = "log in: a valid bearer token is needed"
                answer = refusal(scope["path"], 401, detail, headers={"WWW-Authenticate": "Bearer"})
                await answer(scope, receive, send)
                return
            scope["vigil.principal"] = principal
        await self._app(scope, receive, send)

    @staticmethod
    def protects(path: str) -> bool:
        return path not in (LOGIN, ENROL, METADATA) and any(
            path == prefix or path.startswith(prefix + "/") for prefix in PROTECTED
        )


class BodyLimit:
    """Reads a request's body up to ``most`` bytes before the application sees it, or answers 413."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._most:
                detail = f"the body must not be larger than {self._most} bytes"
                answer = refusal(scope["path"], 413, detail)
                await answer(scope, receive, send)
                return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, replay, send)


class SecurityHeaders:
    """Headers of every answer. ``policy`` is the Content-Security-Policy; answers that set ``Cache-Control`` keep theirs."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._fixed = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._fixed)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)

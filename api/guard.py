"""The outer door, as plain ASGI: who asks, before anything is read; the size of what is read; headers of every answer."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.accounts import AccountBook, Visit
from api.auth import NOT_KNOWN, Principal, Tokens
from api.errors import refusal
from vigil.domain.users import TOKEN_PREFIX

#: Everything below these needs a token or session, also paths that do not exist, so that nothing can be probed.
PROTECTED = ("/api", "/fhir", "/prom", "/alertmanager")
DOOR = "/api/v1/auth"
LOGIN = "/api/v1/auth/token"
#: Logging in with a password; logging out there is for those who are in.
SESSION = "/api/v1/auth/session"
ENROL = "/api/v1/enrol"
#: What the FHIR server can do: read by clients before they have a token.
METADATA = "/fhir/R4/metadata"
COOKIE, CSRF = "vigil_session", "x-vigil-csrf"
#: The page says by itself that an alert is on the screen, or that it can be heard: that is no sign that somebody sits there.
_BY_ITSELF = ("/seen", "/audible", "/looking")
_VISIT = "vigil.visit"

_Asker = Callable[[], Principal | None]


def visit_of(scope: Scope) -> Visit | None:
    """The session that the request came by; None for a token, and for a stranger."""
    found: Visit | None = scope.get(_VISIT)
    return found


class _Gone(OSError):
    """Whoever reads this answer is no longer who he was. An ``OSError``, as of a connection that broke."""


class Guard:
    """Puts the ``Principal`` into the scope, or answers 401. A token comes in the header, never in the address, and is taken
    before a cookie. What comes by cookie and may change something must bring the session's ``X-Vigil-CSRF``, or gets 403. An
    answer that goes on (an event stream) ends as soon as whoever asked is no longer who he was: disabled, locked, unlocked."""

    def __init__(self, app: ASGIApp, tokens: Tokens, accounts: AccountBook) -> None:
        self._app = app
        self._tokens = tokens
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        closed = scope["type"] == "http" and self.protects(scope["path"])
        if not closed and (scope["type"] != "http" or scope["path"] != SESSION):
            await self._app(scope, receive, send)
            return
        await self._accounts.fresh()
        headers = Headers(scope=scope)
        asks = await self._bearer(headers) if "authorization" in headers else self._visitor(scope, headers)
        principal = asks()
        if principal is not None:
            scope["vigil.principal"] = principal
        refused = self._refused(scope, closed, headers, principal)
        if refused is not None:
            await refused(scope, receive, send)
            return
        visit = visit_of(scope)
        if visit is not None and _touches(scope) and not visit.principal.locked:
            await self._accounts.touch(visit)
        await self._watched(scope, receive, send, asks, principal)

    async def _bearer(self, headers: Headers) -> _Asker:
        scheme, _, token = headers["authorization"].partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer":
            return lambda: None
        if not token.startswith(TOKEN_PREFIX):
            signed, accounts = self._tokens.read(token), self._accounts.exist
            return lambda: signed if self._accounts.exist is accounts else self._tokens.read(token)
        known = self._accounts.machine(token)
        if known is not None:
            await self._accounts.used(known[0])
        return lambda: None if (found := self._accounts.machine(token)) is None else found[1]

    def _visitor(self, scope: Scope, headers: Headers) -> _Asker:
        secret = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        scope[_VISIT] = self._accounts.visit(secret)
        return lambda: None if (now := self._accounts.visit(secret)) is None else now.principal

    def _refused(self, scope: Scope, closed: bool, headers: Headers, principal: Principal | None) -> Response | None:
        if closed and principal is None:
            return refusal(scope["path"], 401, NOT_KNOWN, headers={"WWW-Authenticate": "Bearer"})
        visit = visit_of(scope)
        if visit is None or not _changes(scope) or (scope["path"], scope["method"]) == (SESSION, "POST"):
            return None
        if hmac.compare_digest(headers.get(CSRF, "").encode(), visit.csrf.encode()):
            return None
        words = "X-Vigil-CSRF is missing, or is that of another session: read /api/v1/me again"
        return refusal(scope["path"], 403, words)

    async def _watched(
        self, scope: Scope, receive: Receive, send: Send, asks: _Asker, principal: Principal | None
    ) -> None:
        """Looks again before each part of an answer that goes on."""
        gone = False

        async def watched(message: Message) -> None:
            nonlocal gone
            if message["type"] == "http.response.body" and message.get("more_body", False):
                await self._accounts.fresh()
                gone = gone or asks() != principal
            if gone:
                raise _Gone
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except (_Gone, ClientDisconnect):
            if not gone:
                raise
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    @staticmethod
    def protects(path: str) -> bool:
        return path not in (DOOR, LOGIN, SESSION, ENROL, METADATA) and any(
            path == prefix or path.startswith(prefix + "/") for prefix in PROTECTED
        )


def _changes(scope: Scope) -> bool:
    return scope["method"] not in ("GET", "HEAD")


def _touches(scope: Scope) -> bool:
    return _changes(scope) and not scope["path"].endswith(_BY_ITSELF)


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

"""Each request's trail into the audit log: an entry before a change, one with every answer, one at the end of an event stream.

From what was typed only identifiers are taken: those of the path, and of the query by a closed list of names; the store keeps
those that are ours. From the body only the ``reason`` of a change that was made; from its answer the identifiers in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.audit import AuditLog
from api.errors import refusal
from vigil.domain.audit import LONGEST_REASON, MANY, UNKNOWN, Entry, Step
from vigil.domain.errors import StoreError
from vigil.runtime.clock import Clock

if TYPE_CHECKING:
    from api.auth import Principal

_Said = TypeVar("_Said", bound=msgspec.Struct)

_KEY, _CONCERNS = "vigil.trail", "vigil.concerns"
#: What a query may name, and which identifier that is.
_QUERIES = {
    "patient": "patient_id",
    "patient_id": "patient_id",
    "subject": "patient_id",
    "device": "device_id",
    "ward": "ward",
}
#: What ``resource_id`` is in the paths of FHIR.
_RESOURCES = {"/fhir/R4/Patient/{": "patient_id", "/fhir/R4/Device/{": "device_id"}
#: Whose identifier ``id`` is in the answer to what was made here.
_MADE = {
    "/api/v1/patients": "patient_id",
    "/api/v1/devices": "device_id",
    "/api/v1/gateways": "gateway_id",
    "/api/v1/enrol": "account",
}
#: A path with no other identifiers than these shows no patient.
_THINGS = frozenset({"device_id", "gateway_id", "team_id", "ward", "name", "user_id", "token_id"})
#: Lists in which no patient is.
_NOBODYS = frozenset(
    {
        "/api/v1/burden",
        "/api/v1/deadletters",
        "/api/v1/models",
        "/api/v1/policies/programme",
        "/api/v1/policies/programme/history",
        "/api/v1/screens",
        "/api/v1/staff",
        "/api/v1/teams",
        "/api/v1/tokens",
        "/api/v1/users",
    }
)
_STREAM = "text/event-stream"
#: Sent again and again by every page that is open.
_SIGNS_OF_LIFE = frozenset({"/api/v1/auth/active", "/api/v1/screens/audible", "/api/v1/screens/looking"})


class _Asked(msgspec.Struct):
    reason: Any = None


class _Answered(msgspec.Struct):
    """``name`` and ``role``: of who has logged in; ``subject``: of an observation that came by FHIR."""

    id: Any = None
    patient_id: Any = None
    subject: Any = None
    name: Any = None
    role: Any = None


class Trail:
    """One request. ``number``: of the request, the same in all its entries."""

    def __init__(self, log: AuditLog, clock: Clock, scope: Scope, number: str, doors: Collection[str]) -> None:
        self._log, self._clock, self._scope, self._number = log, clock, scope, number
        self._door = scope["path"] in doors
        self._changes = _changes(scope["method"], scope["path"])
        self._stream = self._asked = False
        self.answered = False
        self.body = b""

    @property
    def waited_for(self) -> bool:
        """Must the answer wait until it is recorded? So it is for a change that was begun, and for a way in."""
        return self._asked or self._door

    @property
    def keeps_body(self) -> bool:
        return self._changes and not self._door

    async def ask(self) -> None:
        """The entry before a change. Raises ``StoreError``: it cannot be written, and nothing may be changed."""
        if self._changes:
            await self._log.room()
            self._asked = True
            self._log.gather(self._entry(Step.ASKED))
            await self._log.settle()

    async def answer(self, status: int, stream: bool, quiet: bool, body: bytes = b"") -> None:
        """The entry of an answer that is about to leave. Raises ``StoreError``: it must not leave."""
        self.answered, succeeded = True, status < HTTPStatus.BAD_REQUEST
        if quiet and succeeded:
            return
        await self._log.room()
        if stream:
            self._stream = True
            self._log.gather(self._entry(Step.OPENED, status))
        elif self.waited_for:
            self._log.gather(self._entry(Step.ANSWERED, status, body), alike=not (self._asked or succeeded))
            if succeeded:
                await self._log.settle()
        else:
            self._log.gather(self._entry(Step.ANSWERED, status), alike=True)

    def end(self) -> None:
        """The request is over, whatever has become of it."""
        if self._stream:
            self._log.gather(self._entry(Step.ENDED, HTTPStatus.OK))
        elif not self.answered:
            self._log.gather(self._entry(Step.ANSWERED, HTTPStatus.INTERNAL_SERVER_ERROR), alike=not self._asked)

    def _entry(self, step: Step, status: int = 0, body: bytes = b"") -> Entry:
        said = _read(body, _Answered) if 0 < status < HTTPStatus.BAD_REQUEST else _Answered()
        who, role = self._who(said)
        return Entry(
            at=self._clock.now_us(),
            step=step,
            request=self._number,
            who=who,
            role=role,
            address=_address(self._scope),
            method=self._scope["method"],
            route=self._route,
            objects={**self._objects(), **self._made(said)},
            patient_id=MANY if self._shows(status) else "",
            reason=self._reason(status),
            status=int(status),
        )

    def _who(self, said: _Answered) -> tuple[str, str]:
        principal: Principal | None = self._scope.get("vigil.principal")
        if principal is not None:
            return principal.name, principal.role.value
        return (_text(said.name), _text(said.role)) if self._door else ("", "")

    def _objects(self) -> dict[str, str]:
        """As they were typed: the store tells which of them are ours."""
        typed = self._scope.get("path_params", {}).items()
        resource = next((kind for path, kind in _RESOURCES.items() if self._route.startswith(path)), "resource_id")
        found = {resource if kind == "resource_id" else str(kind): str(value) for kind, value in typed}
        for name, value in QueryParams(self._scope["query_string"]).multi_items():
            if name in _QUERIES and _understands(self._scope.get("route"), name):
                found.setdefault(_QUERIES[name], value.removeprefix("Patient/"))
        return {**found, **self._scope.get(_CONCERNS, {})}

    def _made(self, said: _Answered) -> dict[str, str]:
        subject = said.subject.get("reference") if isinstance(said.subject, dict) else None
        found = {"patient_id": _text(said.patient_id) or _text(subject).removeprefix("Patient/")}
        kind = _MADE.get(self._route)
        if kind is not None:
            found[kind] = _text(said.id)
        return {name: value for name, value in found.items() if value}

    def _shows(self, status: int) -> bool:
        """Is it an answer that may have shown anybody, if nothing else says whom?"""
        if self._changes or not 0 < status < HTTPStatus.BAD_REQUEST or self._route in _NOBODYS:
            return False
        typed = self._scope.get("path_params")
        return not typed or not _THINGS.issuperset(typed)

    @property
    def _route(self) -> str:
        return route_of(self._scope)

    def _reason(self, status: int) -> str:
        """Of a request that was carried out: only then is it known to be one."""
        made = self._asked and 0 < status < HTTPStatus.BAD_REQUEST
        return _text(_read(self.body, _Asked).reason).strip()[:LONGEST_REASON] if made else ""


def _changes(method: str, path: str) -> bool:
    """Two standards read by POST: searches of FHIR, and queries of Prometheus, which Grafana sends so."""
    reads = method in ("GET", "HEAD", "OPTIONS") or path.startswith("/prom/") or path.endswith("/_search")
    return not reads and path not in _SIGNS_OF_LIFE


def route_of(scope: Scope) -> str:
    """The template of the path; empty when there is no such route, and what was typed may be anything."""
    return str(getattr(scope.get("route"), "path", ""))


def _understands(route: object, query: str) -> bool:
    """Does the route look at this parameter? With one that it does not, somebody could have his reading of all people written
    down as the reading of one. Where there is no route nothing is shown, and all counts."""
    if not isinstance(route, APIRoute):
        return True
    fhir = (route.openapi_extra or {}).get("parameters", ())
    return any(one["name"] == query for one in fhir) or _takes(route.dependant, query)


def _takes(dependant: Dependant, query: str) -> bool:
    own = any(one.alias == query for one in dependant.query_params)
    return own or any(_takes(one, query) for one in dependant.dependencies)


def _address(scope: Scope) -> str:
    """Of who asked. A proxy that passes on ``X-Forwarded-For`` as it came lets a stranger write anything there."""
    client = scope.get("client")
    if not client:
        return ""
    try:
        return str(ip_address(client[0].partition("%")[0]))
    except ValueError:
        return UNKNOWN


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""


def _read(body: bytes, kind: type[_Said]) -> _Said:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # the latter: thousands of brackets
        return kind()


def concerns(scope: Scope, kind: str, identifier: str) -> None:
    """The request is about this one of ours, though neither path nor query names it."""
    scope.setdefault(_CONCERNS, {})[kind] = identifier


def trail_of(scope: Scope) -> Trail | None:
    found: Trail | None = scope.get(_KEY)
    return found


class Audited:
    """Plain ASGI around the guard, so that refused requests are recorded too. ``covers``: paths; ``doors``: those that give
    access to strangers; ``quiet``: templates of reads that say nothing about a person, recorded only when refused."""

    def __init__(
        self,
        app: ASGIApp,
        log: AuditLog,
        clock: Clock,
        covers: Callable[[str], bool],
        doors: Collection[str],
        quiet: Collection[str],
    ) -> None:
        self._app, self._log, self._clock = app, log, clock
        self._covers, self._doors, self._quiet = covers, doors, quiet
        self._started, self._numbers = clock.now_us(), itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (scope["path"] in self._doors or self._covers(scope["path"])):
            await self._app(scope, receive, send)
            return
        number = f"{self._started:x}-{next(self._numbers)}"
        trail = scope[_KEY] = Trail(self._log, self._clock, scope, number, self._doors)
        try:
            await self._app(scope, _noting(trail, receive), _Answers(self, trail, scope, send))
        finally:
            trail.end()

    def quiet(self, scope: Scope) -> bool:
        return scope["path"] in _SIGNS_OF_LIFE or (scope["method"] == "GET" and route_of(scope) in self._quiet)


class _Answers:
    """Sends on what was recorded, or says 503 instead of it."""

    def __init__(self, audited: Audited, trail: Trail, scope: Scope, send: Send) -> None:
        self._audited, self._trail, self._scope, self._send = audited, trail, scope, send
        self._held: Message | None = None
        self._stopped = False

    async def __call__(self, message: Message) -> None:
        if self._stopped:
            return
        if message["type"] == "http.response.start":
            self._held = message
            if self._trail.waited_for:
                return  # its identifiers are in the body
            await self._recorded(b"")
            return
        if self._held is not None:
            await self._recorded(message.get("body", b""))
        if not self._stopped:
            await self._send(message)

    async def _recorded(self, body: bytes) -> None:
        assert self._held is not None
        start, self._held = self._held, None
        stream = Headers(raw=start["headers"]).get("content-type", "").startswith(_STREAM)
        try:
            await self._trail.answer(start["status"], stream, self._audited.quiet(self._scope), body)
        except StoreError:
            self._stopped = True
            await self._refuse()
            return
        await self._send(start)

    async def _refuse(self) -> None:
        status = HTTPStatus.SERVICE_UNAVAILABLE
        detail = "the audit log cannot be written: what was asked for may have been done, look before you repeat it"
        await refusal(self._scope["path"], status, detail)(self._scope, _nothing, self._send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _noting(trail: Trail, receive: Receive) -> Receive:
    if not trail.keeps_body:
        return receive

    async def noted() -> Message:
        message = await receive()
        trail.body += message.get("body", b"")
        return message

    return noted

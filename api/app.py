"""Builds the web application from what it is given; nothing is created at import."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api import errors
from api.accounts import AccountBook
from api.alertmanager import routes as alertmanager
from api.audit import AuditLog, audit_log
from api.auth import Known, Needs, Open, Right, Tokens
from api.care import Care
from api.context import Context
from api.deps import ApiDeps
from api.fhir import routes as fhir
from api.fhir.asked import fhir_for
from api.guard import ENROL, LOGIN, SESSION, BodyLimit, Guard, SecurityHeaders
from api.live import LiveHub
from api.looking import Looking
from api.openapi import complete
from api.passwords import Passwords
from api.prometheus import routes as prometheus
from api.prometheus.catalogue import Catalogue
from api.routes import (
    alerts,
    asyncapi,
    audit,
    away,
    backups,
    break_glass,
    burden,
    clocks,
    contacts,
    deadletters,
    deliveries,
    device_settings,
    devices,
    enrolment,
    erasure,
    feedback,
    handover,
    health,
    notes,
    notices,
    patients,
    pauses,
    policies,
    policy_lab,
    risk,
    scores,
    screens,
    self_tests,
    session,
    staff,
    stream,
    teams,
    tokens,
    unclaimed,
    users,
    vitals,
    whose,
)
from api.schema.session import problem
from api.screens import Screens
from api.series import Wearing
from api.throttle import PER_NAME, FailureLimit
from api.trail import Audited
from api.unproven import Unproven
from api.ward import Ward
from api.web import CONTENT_POLICY, Page, PageFirst
from vigil import __version__
from vigil.domain.errors import ConfigError

#: No request of ours comes near it.
LARGEST_BODY = 64 * 1024

ROUTERS: tuple[APIRouter, ...] = (
    session.router,
    users.router,
    tokens.router,
    patients.router,
    erasure.router,
    notes.router,
    contacts.router,
    pauses.router,
    vitals.router,
    scores.router,
    risk.router,
    alerts.router,
    notices.router,
    feedback.router,
    burden.router,
    away.router,
    clocks.router,
    devices.router,
    device_settings.router,
    enrolment.router,
    unclaimed.router,
    whose.router,
    policies.router,
    policy_lab.router,
    teams.router,
    staff.router,
    handover.router,
    deadletters.router,
    audit.router,
    break_glass.router,
    backups.router,
    deliveries.router,
    health.router,
    screens.router,
    asyncapi.router,
    self_tests.router,
    stream.router,
    prometheus.router,
    alertmanager.router,
    fhir.router,
)

_RESPONSES: dict[int | str, dict[str, Any]] = {
    401: problem("no valid token"),
    403: problem("the role lacks the right"),
    404: problem("no such thing"),
    422: problem("the request cannot be carried out; `errors` lists why"),
    503: problem("a part that is needed does not answer"),
}


def create_app(deps: ApiDeps) -> FastAPI:
    """The API and the page. The live view runs for as long as the app's lifespan.

    Raises ``ConfigError`` for a short token key, or a route that does not say who may use it.
    """
    accounts = AccountBook(deps.records.accounts, deps.clock, deps.sessions)
    signed = Tokens(deps.token_key, deps.clock, lambda: not accounts.exist)
    care = Care(deps.records, deps.clock, deps.gateways)
    ward = Ward(deps.readings, deps.records, deps.bus, deps.clock, care)
    looking = Looking(deps.clock)
    hub = LiveHub(ward, deps.records, deps.bus, deps.clock, care, looking)
    failures, wrong_codes = FailureLimit(deps.clock), FailureLimit(deps.clock)
    wearing = Wearing(deps.readings, deps.records)
    passwords, log_ins = Passwords(), FailureLimit(deps.clock, PER_NAME, None)
    context = Context(
        deps,
        signed,
        ward,
        care,
        hub,
        failures,
        wrong_codes,
        Unproven(deps.readings),
        wearing,
        accounts,
        passwords,
        log_ins,
        Screens(deps.clock),
        looking,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await audit_log(app).start()
        await hub.start()
        try:
            yield
        finally:
            await hub.stop()
            await audit_log(app).stop()
            passwords.close()

    app = FastAPI(
        title="Vigil",
        version=__version__,
        description="Remote patient monitoring. Research platform, not a medical device; not validated for clinical use.",
        lifespan=lifespan,
        docs_url=None,  # Swagger's page loads its scripts from outside, which the content policy forbids
        redoc_url=None,
        responses=_RESPONSES,
    )
    app.state.context = context
    app.state.audit = AuditLog(deps.records)
    app.state.fhir = fhir_for(deps)
    app.state.whose = whose.Answering()
    app.state.prometheus = Catalogue(deps.readings, deps.records)
    app.state.started_at = deps.clock.now_us()
    for router in ROUTERS:
        check_declared(router)
        app.include_router(router)
    errors.install(app, [one for router in ROUTERS for one in router.routes if isinstance(one, APIRoute)])
    complete(app)
    app.add_middleware(BodyLimit, most=LARGEST_BODY)
    app.add_middleware(Guard, tokens=signed, accounts=accounts)
    app.add_middleware(
        Audited,
        log=app.state.audit,
        clock=deps.clock,
        covers=Guard.protects,
        doors=(LOGIN, SESSION, ENROL),
        quiet=frozenset(quiet_routes()),
    )
    if deps.web_root is not None:
        app.add_middleware(PageFirst, page=Page(deps.web_root))
    app.add_middleware(SecurityHeaders, policy=CONTENT_POLICY)
    return app


def end_streams(app: FastAPI) -> None:
    """Ends the event streams, from any thread. Call it before the server is told to exit, or it waits for them."""
    context = app.state.context
    assert isinstance(context, Context)
    context.hub.end_streams()


def declared(route: APIRoute) -> Needs | Known | Open | None:
    """What the route says about who may use it."""
    return next((one for one in _calls(route.dependant) if isinstance(one, (Needs, Known, Open))), None)


def _calls(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def quiet_routes() -> Iterator[str]:
    """Reads that say nothing about a person and are asked for all the time: by the right ``health``, and by any who is known."""
    for route in (one for router in ROUTERS for one in router.routes if isinstance(one, APIRoute)):
        need = declared(route)
        known = isinstance(need, Known) and "GET" in (route.methods or ())
        if known or (isinstance(need, Needs) and need.right is Right.HEALTH):
            yield route.path


def check_declared(router: APIRouter) -> None:
    """Raises ``ConfigError`` for a route that forgot to say who may use it."""
    for route in router.routes:
        if not isinstance(route, APIRoute) or declared(route) is None:
            raise ConfigError(f"a route does not say who may use it: {getattr(route, 'path', route)}")

"""How the system is: for operators, supervisors and Prometheus. No patient data."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Response

from api.auth import Anybody, Right, may
from api.care import View
from api.context import Context, Here, Seen
from api.deps import Check
from api.schema.session import Alive, Health, Ready
from api.shape import Json, iso
from vigil import __version__
from vigil.domain.errors import VigilError

router = APIRouter(tags=["health"])

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def _run(here: Context) -> dict[str, Check]:
    found = {}
    for name, check in here.deps.checks.items():
        try:
            found[name] = check()
        except VigilError as error:
            found[name] = Check(False, f"the check failed: {type(error).__name__}")
    found["live"] = Check(here.hub.running, "" if here.hub.running else "the live view does not run")
    return found


def _sound(here: Context, seen: View) -> dict[str, Check]:
    """Of the wards that the caller sees. Nothing is said where nobody is watched. A ward without any open page is no fault, nor
    are silent pages where other ways to call are set up."""
    try:
        heard = here.screens.heard(filter(seen.ward, here.ward.wards()))
    except VigilError as error:
        return {"sound": Check(False, f"the check failed: {type(error).__name__}", needed=False)}
    mute = [one.ward for one in heard if one.silent and not one.audible]
    unseen = [one.ward for one in heard if not one.silent and not one.audible]
    said = [f"no audible screen for {', '.join(mute)}"] if mute else []
    said += [f"no screen is open for {', '.join(unseen)}"] if unseen else []
    words = "; ".join(said) or "each ward has a screen that can be heard"
    return {"sound": Check(not mute or len(here.deps.channels) > 1, words, needed=False)} if heard else {}


@router.get(
    "/api/v1/health", response_model=Health, summary="Every check with its words", dependencies=[may(Right.HEALTH)]
)
def health(here: Here, seen: Seen) -> Json:
    checks = _run(here) | _sound(here, seen)
    return {
        "status": "ok" if all(check.ok for check in checks.values()) else "degraded",
        "checks": [{"name": name, "ok": check.ok, "detail": check.detail} for name, check in checks.items()],
        "version": __version__,
        "server_at": iso(here.deps.clock.now_us()),
        "clients": here.hub.clients,
        "dropped": here.hub.dropped,
    }


@router.get("/healthz", response_model=Alive, dependencies=[Anybody], summary="The process lives")
def alive() -> Json:
    return {"status": "alive"}


@router.get(
    "/readyz",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "not ready, with the reasons"}},
    dependencies=[Anybody],
    summary="Ready to serve: stores open, analytics caught up, broker connected",
)
def ready(here: Here, response: Response) -> Json:
    lacking = {name: check for name, check in _run(here).items() if check.needed and not check.ok}
    reasons = [f"{name}: {check.detail or 'failed'}" for name, check in lacking.items()]
    if reasons:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return {"status": "not_ready" if reasons else "ready", "reasons": reasons}


@router.get("/metrics", dependencies=[Anybody], response_class=Response, summary="Prometheus text format")
def metrics(here: Here) -> Response:
    return Response(here.deps.metrics(), media_type=PROMETHEUS)

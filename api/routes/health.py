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
from vigil.domain.phrases import Phrase, chinese_text, phrase

router = APIRouter(tags=["health"])

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def _broken(error: VigilError) -> list[Phrase]:
    return [phrase("check.failed", error=type(error).__name__)]


def _run(here: Context) -> dict[str, Check]:
    found = {}
    for name, check in here.deps.checks.items():
        try:
            found[name] = check()
        except VigilError as error:
            found[name] = Check(False, _broken(error))
    found["live"] = Check(here.hub.running, [] if here.hub.running else [phrase("check.live.failing")])
    return found


def _sound(here: Context, seen: View) -> dict[str, Check]:
    """Of the wards that the caller sees. Nothing is said where nobody is watched. A ward without any open page is no fault, nor
    are silent pages where other ways to call are set up."""
    try:
        heard = here.screens.heard(filter(seen.ward, here.ward.wards()))
    except VigilError as error:
        return {"sound": Check(False, _broken(error), needed=False)}
    mute = [one.ward for one in heard if one.silent and not one.audible]
    unseen = [one.ward for one in heard if not one.silent and not one.audible]
    said = [phrase("check.sound.mute", wards=", ".join(mute))] if mute else []
    said += [phrase("check.sound.unseen", wards=", ".join(unseen))] if unseen else []
    parts = phrase("check.parts", parts=said or [phrase("check.sound")])
    return {"sound": Check(not mute or len(here.deps.channels) > 1, [parts], needed=False)} if heard else {}


def _row(name: str, check: Check) -> Json:
    zh = chinese_text(check.said) if check.said else None
    return {"name": name, "ok": check.ok, "detail": check.detail, "zh": None if zh is None else {"detail": zh}}


@router.get(
    "/api/v1/health", response_model=Health, summary="Every check with its words", dependencies=[may(Right.HEALTH)]
)
def health(here: Here, seen: Seen) -> Json:
    checks = _run(here) | _sound(here, seen)
    return {
        "status": "ok" if all(check.ok for check in checks.values()) else "degraded",
        "checks": [_row(name, check) for name, check in checks.items()],
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

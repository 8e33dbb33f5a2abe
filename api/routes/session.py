"""Logging in with the access key of this installation."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request

from api.auth import RIGHTS, Anybody, Caller, same_secret
from api.context import Here
from api.errors import Problem
from api.schema.session import SLOWED, Login, Me, TokenOut
from api.shape import Json, iso

router = APIRouter(prefix="/api/v1", tags=["session"])


@router.post(
    "/auth/token",
    response_model=TokenOut,
    responses=SLOWED,
    dependencies=[Anybody],
    summary="Exchange the access key for a token",
)
def log_in(body: Login, request: Request, here: Here) -> Json:
    address = request.client.host if request.client else ""
    wait = here.failures.wait_s(address)
    if wait:
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"too many wrong keys; try again in {wait} s",
            headers={"Retry-After": str(wait)},
        )
    if not same_secret(body.secret, here.deps.first_run_secret):
        here.failures.failed(address)
        raise Problem(HTTPStatus.UNAUTHORIZED, "this is not the access key", headers={"WWW-Authenticate": "Bearer"})
    name = body.name.strip()
    token, who = here.tokens.issue(name, body.role)
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_at": iso(who.expires_at),
        "role": who.role,
        "name": who.name,
    }


@router.get("/me", response_model=Me, summary="Who am I, and what may I do")
def me(who: Caller) -> Json:
    rights = sorted(right.value for right in RIGHTS[who.role])
    return {"name": who.name, "role": who.role, "expires_at": iso(who.expires_at), "rights": rights}

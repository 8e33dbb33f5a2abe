"""Logging in and out: by name and password into a session, by the access key of an installation that has no account yet."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.accounts import Visit
from api.auth import Anybody, Caller, Principal, Right, same_secret, session_locked
from api.context import Context, Here
from api.errors import Problem
from api.guard import COOKIE, visit_of
from api.schema.session import SLOWED, Door, Login, Me, NameAndPassword, OwnPassword, PasswordChange, TokenOut, problem
from api.shape import Json, iso
from api.trail import concerns
from vigil.domain.errors import InvalidInput
from vigil.domain.times import SECOND
from vigil.domain.users import composed, folded, password_given, require_somebodys

router = APIRouter(prefix="/api/v1", tags=["session"])

#: The same for a wrong name, a wrong password and an account that is disabled.
WRONG = "the name or the password is wrong"
#: How tries to log in are counted.
OPENED, REFUSED, TOO_OFTEN = "opened", "refused", "too_often"
UNLOCKED, NOT_UNLOCKED = "unlocked", "not_unlocked"


async def _visit(request: Request, _who: Caller) -> Visit:
    """Raises ``InvalidInput`` for a bearer."""
    visit = visit_of(request.scope)
    if visit is None:
        raise InvalidInput("only a session that was opened with name and password can do this")
    return visit


async def _unlocked(visit: Annotated[Visit, Depends(_visit)]) -> Visit:
    if visit.principal.locked:
        raise session_locked()
    return visit


AnyVisit = Annotated[Visit, Depends(_visit)]
OpenVisit = Annotated[Visit, Depends(_unlocked)]


@router.get("/auth", response_model=Door, dependencies=[Anybody], summary="How people log in here")
async def door(here: Here) -> Json:
    await here.accounts.fresh()
    return {"accounts": here.accounts.exist}


@router.post(
    "/auth/token",
    response_model=TokenOut,
    responses=SLOWED,
    dependencies=[Anybody],
    summary="Exchange the access key for a token, as long as there is no account",
)
async def log_in(body: Login, request: Request, here: Here) -> Json:
    await here.accounts.fresh()
    if here.accounts.exist:
        raise _unknown("the access key opens nothing here any more: log in with name and password")
    address = _address(request)
    _slow_down(here.failures.wait_s(address), "keys")
    if not same_secret(body.secret, here.deps.first_run_secret):
        here.failures.failed(address)
        raise _unknown("this is not the access key")
    require_somebodys(body.name)
    token, who = here.tokens.issue(body.name.strip(), body.role, for_access_key=True)
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_at": iso(who.expires_at),
        "role": who.role,
        "name": who.name,
    }


@router.post(
    "/auth/session",
    response_model=Me,
    responses=SLOWED,
    dependencies=[Anybody],
    summary="Log in with name and password: a cookie, and `csrf` to send with every change",
)
async def open_session(body: NameAndPassword, request: Request, response: Response, here: Here) -> Json:
    """Always a new session; one that the browser had ends."""
    await here.accounts.fresh(now=True)  # whoever was made by a command comes at once
    limit, keys = here.log_ins, (f"name {folded(body.name)}", f"address {_address(request)}")
    user = here.accounts.user(body.name)
    if user is not None:
        concerns(request.scope, "user_id", user.user_id)
    try:
        _slow_down(max(map(limit.wait_s, keys)), "tries")
    except Problem:
        here.deps.count_log_in(TOO_OFTEN)
        raise
    for key in keys:
        limit.failed(key)  # before the answer is known: many who come at once are counted, too
    known = user if user is not None and user.enabled else None
    try:
        fits = await here.passwords.fits(
            composed(body.password.get_secret_value()), None if known is None else known.password_hash
        )
    except Problem:
        for key in keys:
            limit.forgive(key)  # too many waited: it was not looked at
        raise
    before = visit_of(request.scope)
    opened = await asyncio.to_thread(here.accounts.open, known, before) if fits and known is not None else None
    if opened is None:
        here.deps.count_log_in(REFUSED)
        raise _unknown(WRONG)
    for key in keys:
        limit.forgive(key)
    here.deps.count_log_in(OPENED)
    secret, visit = opened
    response.set_cookie(
        COOKIE,
        secret,
        max_age=here.deps.sessions.life_us // SECOND,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return _me(here, visit.principal, visit)


@router.post("/auth/unlock", response_model=Me, responses=SLOWED, summary="Go on with an idle session")
async def unlock(body: OwnPassword, visit: AnyVisit, here: Here) -> Json:
    try:
        await _prove(here, visit, body.password.get_secret_value())
    except Problem:
        here.deps.count_log_in(NOT_UNLOCKED)
        raise
    await asyncio.to_thread(here.accounts.unlock, visit)
    here.deps.count_log_in(UNLOCKED)
    return _me(here, (here.accounts.again(visit) or visit).principal, visit)


@router.post("/auth/active", status_code=HTTPStatus.NO_CONTENT, summary="A person uses the page")
async def active(_visit: OpenVisit) -> None:
    """The guard has seen the touch, as with every change."""


@router.post("/auth/lock", status_code=HTTPStatus.NO_CONTENT, summary="Lock the session now")
async def lock(visit: AnyVisit, here: Here) -> None:
    await asyncio.to_thread(here.accounts.lock, visit)


@router.delete("/auth/session", status_code=HTTPStatus.NO_CONTENT, summary="Log out")
async def log_out(visit: AnyVisit, response: Response, here: Here) -> None:
    def end() -> None:
        with here.accounts.changing() as records:
            records.end_session(visit.session.secret_hash)

    await asyncio.to_thread(end)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


@router.post(
    "/auth/password",
    status_code=HTTPStatus.NO_CONTENT,
    responses=SLOWED | {409: problem("the password was changed meanwhile")},
    summary="Change the own password; the other sessions of this person end",
)
async def change_password(body: PasswordChange, visit: OpenVisit, here: Here) -> None:
    user = visit.user
    new = password_given(body.new.get_secret_value(), user.user_id)
    await _prove(here, visit, body.old.get_secret_value())
    hashed = await here.passwords.hashed(new)

    def change() -> None:
        with here.accounts.changing() as records:
            records.set_password(user.user_id, hashed, user.password_hash, visit.session.secret_hash)

    await asyncio.to_thread(change)


@router.get("/me", response_model=Me, summary="Who am I, and what may I do")
async def me(who: Caller, request: Request, here: Here) -> Json:
    return _me(here, who, visit_of(request.scope))


async def _prove(here: Context, visit: Visit, password: str) -> None:
    """Is it the person of the session? Counted by session: somebody who tries the name elsewhere must not keep him out."""
    key = f"session {visit.session.secret_hash}"
    _slow_down(here.log_ins.wait_s(key), "passwords")
    here.log_ins.failed(key)
    try:
        fits = await here.passwords.fits(composed(password), visit.user.password_hash)
    except Problem:
        here.log_ins.forgive(key)  # too many waited: it was not looked at
        raise
    if not fits:
        raise _unknown("the password is wrong")
    here.log_ins.forgive(key)


def _me(here: Context, who: Principal, visit: Visit | None) -> Json:
    return {
        "name": who.name,
        "display": who.name if visit is None else visit.user.display,
        "role": who.role,
        "wards": None if who.wards is None else sorted(who.wards),
        "rights": sorted(right.value for right in Right if who.may(right)),
        "expires_at": iso(who.expires_at),
        "locked": who.locked,
        "csrf": None if visit is None else visit.csrf,
        "idle_s": None if visit is None else here.accounts.idle_s,
    }


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _slow_down(wait_s: int, what: str) -> None:
    if wait_s:
        words = f"too many wrong {what}; try again in {wait_s} s"
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, words, headers={"Retry-After": str(wait_s)})


def _unknown(words: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, words, headers={"WWW-Authenticate": "Bearer"})

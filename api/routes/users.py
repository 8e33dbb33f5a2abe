"""Accounts of the people who log in. Whoever keeps them gives nobody more than he has."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from fastapi import APIRouter, Request

from api.auth import AccountKeeper, Principal, Right, may, require_within
from api.context import Context, Here
from api.schema.users import NewPassword, NewUser, UserChange, UserList, UserOut
from api.shape import Json, iso, iso_or_none
from api.trail import concerns
from vigil.domain.errors import NotFound
from vigil.domain.users import User, login_name, password_given

router = APIRouter(prefix="/api/v1/users", tags=["accounts"])


@router.get("", response_model=UserList, summary="Who may log in", dependencies=[may(Right.ACCOUNTS)])
def users(here: Here) -> Json:
    return {"items": [_shown(one) for one in here.accounts.users()]}


@router.post("", status_code=HTTPStatus.CREATED, response_model=UserOut, summary="Add a person's account")
async def add(body: NewUser, request: Request, here: Here, who: AccountKeeper) -> Json:
    """The first account must be an admin's: from then on the access key opens nothing, nor do tokens it was exchanged for."""
    wards = _wards(body)
    require_within(who, body.role, None, wards)
    user_id = login_name(body.user_id)
    password = password_given(body.password.get_secret_value(), user_id)
    hashed = await here.passwords.hashed(password)
    user = User(user_id, body.display.strip(), body.role, wards, hashed, here.deps.clock.now_us())

    def keep() -> None:
        with here.accounts.changing() as records:
            records.add_user(user)

    await asyncio.to_thread(keep)
    concerns(request.scope, "user_id", user_id)
    return _shown(user)


@router.get("/{user_id}", response_model=UserOut, summary="One account", dependencies=[may(Right.ACCOUNTS)])
def user(user_id: str, here: Here) -> Json:
    return _shown(_known(here, user_id))


@router.put("/{user_id}", response_model=UserOut, summary="Change what a person is called and may do")
def change(user_id: str, body: UserChange, here: Here, who: AccountKeeper) -> Json:
    """Another role or other wards end this person's sessions."""
    _may_keep(here, who, user_id)
    wards = _wards(body)
    require_within(who, body.role, None, wards)
    with here.accounts.changing() as records:
        changed = records.change_user(user_id, body.display.strip(), body.role, wards)
    return _shown(changed)


@router.post(
    "/{user_id}/password",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Give a person a new password; all sessions of this person end",
)
async def set_password(user_id: str, body: NewPassword, here: Here, who: AccountKeeper) -> None:
    _may_keep(here, who, user_id)
    hashed = await here.passwords.hashed(password_given(body.password.get_secret_value(), user_id))

    def keep() -> None:
        _may_keep(here, who, user_id)  # once more: the account may have been given more while the password was hashed
        with here.accounts.changing() as records:
            records.set_password(user_id, hashed)

    await asyncio.to_thread(keep)


@router.post("/{user_id}/disable", response_model=UserOut, summary="Let a person log in no more; sessions end at once")
def disable(user_id: str, here: Here, who: AccountKeeper) -> Json:
    """The last admin who can log in stays."""
    _may_keep(here, who, user_id)
    with here.accounts.changing() as records:
        return _shown(records.disable_user(user_id, here.deps.clock.now_us()))


@router.post("/{user_id}/enable", response_model=UserOut, summary="Let a disabled person log in again")
def enable(user_id: str, here: Here, who: AccountKeeper) -> Json:
    _may_keep(here, who, user_id)
    with here.accounts.changing() as records:
        return _shown(records.enable_user(user_id))


def _known(here: Context, user_id: str) -> User:
    """Raises ``NotFound``, also for other capitals: an address names one account."""
    found = here.accounts.user(user_id)
    if found is None or found.user_id != user_id:
        raise NotFound("no such account")
    return found


def _may_keep(here: Context, who: Principal, user_id: str) -> None:
    """Whoever may do less than an account must not take it over."""
    found = _known(here, user_id)
    require_within(who, found.role, None, found.wards)


def _wards(body: UserChange) -> frozenset[str] | None:
    return None if body.wards is None else frozenset(body.wards)


def _shown(user: User) -> Json:
    return {
        "user_id": user.user_id,
        "display": user.display,
        "role": user.role,
        "wards": None if user.wards is None else sorted(user.wards),
        "made_at": iso(user.made_at),
        "disabled_at": iso_or_none(user.disabled_at),
    }

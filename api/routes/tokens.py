"""Tokens of machines: opaque, for a limited time, with some rights of one role. Of a token only the hash is kept."""

from __future__ import annotations

import secrets
from http import HTTPStatus

from fastapi import APIRouter, Request

from api.auth import RIGHTS, AccountKeeper, Right, may, require_within
from api.context import Here
from api.schema.users import NewToken, TokenList, TokenMade, TokenShown
from api.shape import Json, iso, iso_or_none
from api.trail import concerns
from vigil.domain.errors import InvalidInput, NotFound
from vigil.domain.times import DAY
from vigil.domain.users import TOKEN_PREFIX, MachineToken, secret_hash

router = APIRouter(prefix="/api/v1/tokens", tags=["accounts"])


@router.get(
    "", response_model=TokenList, summary="Tokens of machines, newest first", dependencies=[may(Right.ACCOUNTS)]
)
def tokens(here: Here) -> Json:
    return {"items": [_shown(one) for one in here.accounts.machines()]}


@router.post(
    "", status_code=HTTPStatus.CREATED, response_model=TokenMade, summary="Make a token; it is shown this once"
)
def make(body: NewToken, request: Request, here: Here, who: AccountKeeper) -> Json:
    rights = None if body.rights is None else frozenset(body.rights)
    wards = None if body.wards is None else frozenset(body.wards)
    if rights is not None and not rights <= RIGHTS[body.role]:
        raise InvalidInput(f"rights: the role {body.role.value} does not have all of them")
    require_within(who, body.role, rights, wards)
    secret, now = TOKEN_PREFIX + secrets.token_urlsafe(32), here.deps.clock.now_us()
    named = None if rights is None else frozenset(one.value for one in rights)
    token_id, ends = f"t-{secrets.token_hex(8)}", now + body.days * DAY
    made = MachineToken(token_id, secret_hash(secret), body.name.strip(), body.role, named, wards, who.name, now, ends)
    with here.accounts.changing() as records:
        records.add_token(made)
    concerns(request.scope, "token_id", token_id)
    return {**_shown(made), "token": secret}


@router.post("/{token_id}/revoke", response_model=TokenShown, summary="End a token at once; again = no change")
def revoke(token_id: str, here: Here, who: AccountKeeper) -> Json:
    found = next((one for one in here.accounts.machines() if one.token_id == token_id), None)
    if found is None:
        raise NotFound("no such token")
    rights = None if found.rights is None else frozenset(one for one in Right if one.value in found.rights)
    require_within(who, found.role, rights, found.wards)
    with here.accounts.changing() as records:
        return _shown(records.revoke_token(token_id, here.deps.clock.now_us()))


def _shown(token: MachineToken) -> Json:
    return {
        "token_id": token.token_id,
        "name": token.name,
        "role": token.role,
        "rights": None if token.rights is None else sorted(token.rights),
        "wards": None if token.wards is None else sorted(token.wards),
        "made_by": token.made_by,
        "made_at": iso(token.made_at),
        "expires_at": iso(token.expires_at),
        "revoked_at": iso_or_none(token.revoked_at),
        "last_used": None if token.last_day is None else iso(token.last_day * DAY),
    }

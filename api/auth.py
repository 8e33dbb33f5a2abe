"""Who may do what: signed tokens, roles and rights. Deny by default. Sessions and tokens of machines: ``accounts``.

Two locks on every door: ``Guard`` refuses any path under a protected prefix without a valid token, before the body is read;
``Needs`` on each route names the one right it takes. ``create_app`` refuses to build an app with a route that names none.
A role says what somebody may do, ``Principal.wards`` for whom.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from api.errors import Problem
from api.trail import trail_of
from vigil.domain.errors import ConfigError
from vigil.domain.times import HOUR, SECOND
from vigil.domain.users import Role as Role
from vigil.runtime.clock import Clock

if TYPE_CHECKING:
    from api.care import Care

#: One nurse's shift: nobody has to log in again in the middle of it.
TOKEN_LIFE_US = 12 * HOUR
AUDIENCE = "vigil"
ALGORITHM = "HS256"
LEAST_KEY_BYTES = 32
#: Ours are shorter than 1 kB.
LONGEST_TOKEN = 4096
#: Claim ``via`` of tokens that were exchanged for the access key.
_ACCESS_KEY = "access-key"


class Right(StrEnum):
    """What a route asks for. ``NAMES`` is asked for by no route: it decides whether names are in the answer."""

    NAMES = "names"
    READ = "read"
    ACT = "act"
    ADMIT = "admit"
    DISCHARGE = "discharge"
    POLICIES = "policies"
    DEVICES = "devices"
    PROVISION = "provision"
    ENROLMENTS = "enrolments"
    BIND = "bind"
    DEADLETTERS = "deadletters"
    AUDIT = "audit"
    ACCOUNTS = "accounts"
    BACKUP = "backup"
    ERASE = "erase"
    HEALTH = "health"


_CARE = {Right.NAMES, Right.READ, Right.ACT, Right.DEVICES, Right.BIND, Right.HEALTH}

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.NURSE: frozenset(_CARE),
    Role.CLINICIAN: frozenset(_CARE | {Right.POLICIES, Right.DISCHARGE}),
    Role.TECHNICIAN: frozenset(
        {Right.DEVICES, Right.PROVISION, Right.ENROLMENTS, Right.BIND, Right.DEADLETTERS, Right.HEALTH}
    ),
    Role.ADMIN: frozenset(Right),
    Role.AUDITOR: frozenset(
        {Right.READ, Right.DEVICES, Right.ENROLMENTS, Right.DEADLETTERS, Right.AUDIT, Right.HEALTH}
    ),
    Role.RESEARCH: frozenset({Right.READ, Right.HEALTH}),
}


NOT_KNOWN = "log in: a valid bearer token or session is needed"

#: What is left to an idle session until its person types the password: the alarms go on, without names.
LOCKED = frozenset({Right.READ, Right.HEALTH})


#: What can be had for some wards. Any other right reaches into all of them: who is limited to wards does not have it.
BY_WARD = frozenset(
    {
        Right.NAMES,
        Right.READ,
        Right.ACT,
        Right.ADMIT,
        Right.DISCHARGE,
        Right.POLICIES,
        Right.DEVICES,
        Right.PROVISION,
        Right.ENROLMENTS,
        Right.BIND,
        Right.DEADLETTERS,
        Right.ACCOUNTS,  # within his wards: ``require_within``
        Right.HEALTH,
    }
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. ``expires_at``: microseconds UTC. ``wards``: whose patients he may see, None = all. ``rights``: what he was
    given of his role's rights, None = all of them. ``locked``: nobody has touched his session for a while."""

    name: str
    role: Role
    expires_at: int
    wards: frozenset[str] | None = None
    rights: frozenset[Right] | None = None
    locked: bool = False

    def may(self, right: Right) -> bool:
        given = right in RIGHTS[self.role] and (self.rights is None or right in self.rights)
        return given and (right in LOCKED or not self.locked) and (self.wards is None or right in BY_WARD)


class Tokens:
    """Issues and reads the signed tokens of one installation. ``key_opens``: does the access key open anything now?"""

    def __init__(self, key: bytes, clock: Clock, key_opens: Callable[[], bool] = lambda: True) -> None:
        if len(key) < LEAST_KEY_BYTES:
            raise ConfigError(f"the token key must have at least {LEAST_KEY_BYTES} bytes")
        self._key = OctKey.import_key(key)
        self._clock, self._key_opens = clock, key_opens
        self._claims = jwt.JWTClaimsRegistry(
            now=self._now_s,
            aud={"essential": True, "value": AUDIENCE},
            sub={"essential": True},
            role={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )

    def _now_s(self) -> int:
        return self._clock.now_us() // SECOND

    def issue(self, name: str, role: Role, *, for_access_key: bool = False) -> tuple[str, Principal]:
        """``for_access_key``: the token opens nothing either when the access key no longer does."""
        now = self._now_s()
        expires = now + TOKEN_LIFE_US // SECOND
        claims: dict[str, str | int] = {"sub": name, "role": role.value, "aud": AUDIENCE, "iat": now, "exp": expires}
        if for_access_key:
            claims["via"] = _ACCESS_KEY
        token = jwt.encode({"alg": ALGORITHM, "typ": "JWT"}, claims, self._key, algorithms=[ALGORITHM])
        return token, Principal(name, role, expires * SECOND)

    def read(self, token: str) -> Principal | None:
        """The bearer, or None for a token that is forged, expired, or meant for another system."""
        if len(token) > LONGEST_TOKEN:
            return None
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            self._claims.validate(claims)
            if claims.get("via") == _ACCESS_KEY and not self._key_opens():
                return None
            return Principal(str(claims["sub"]), Role(claims["role"]), int(claims["exp"]) * SECOND)
        except (JoseError, ValueError, RecursionError):  # the latter: thousands of brackets in its head
            return None


def same_secret(given: str, right: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(given.encode(), right.encode())


class Needs:
    """Dependency of a route: the caller must hold ``right``, and whom the path names must be his to see; gives the ``Principal``.
    ``anybodys``: it may name anybody, which break-glass needs."""

    def __init__(self, right: Right, *, anybodys: bool = False) -> None:
        self.right, self.anybodys = right, anybodys

    async def __call__(self, request: Request) -> Principal:
        principal: Principal | None = request.scope.get("vigil.principal")
        if principal is None:
            raise unauthorized()
        if not principal.may(self.right):
            if principal.locked:
                raise session_locked()
            raise Problem(HTTPStatus.FORBIDDEN, f"the role {principal.role.value} has no right to: {self.right.value}")
        if principal.wards is not None and not self.anybodys:
            care: Care = request.app.state.context.care
            await asyncio.to_thread(care.check, principal, request.path_params)
        trail = trail_of(request.scope)
        if trail is not None:
            await trail.ask()
        return principal


class Open:
    """Dependency that declares a route open to everybody."""

    async def __call__(self) -> None:
        return None


class Known:
    """Dependency of a route that any logged-in person may use."""

    async def __call__(self, request: Request) -> Principal:
        principal: Principal | None = request.scope.get("vigil.principal")
        if principal is None:
            raise unauthorized()
        trail = trail_of(request.scope)
        if trail is not None:
            await trail.ask()
        return principal


def require_within(who: Principal, role: Role, rights: frozenset[Right] | None, wards: frozenset[str] | None) -> None:
    """Nobody gives more than he has. ``rights`` None = all of the role. Raises ``Problem``."""
    given = Principal("", role, 0, wards, rights)
    within = all(who.may(right) for right in Right if given.may(right))
    if not within or (who.wards is not None and (wards is None or not wards <= who.wards)):
        raise Problem(HTTPStatus.FORBIDDEN, "that is more than you may do yourself, or in other wards")


def session_locked() -> Problem:
    words = "this session is locked, because nobody used it for a while: unlock it with the password"
    return Problem(HTTPStatus.FORBIDDEN, words, {"locked": True})


def unauthorized() -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, NOT_KNOWN, headers={"WWW-Authenticate": "Bearer"})


def may(right: Right) -> Any:
    """For ``dependencies=[…]`` of a route that does not look at who asks."""
    return Depends(Needs(right))


Anybody = Depends(Open())
Caller = Annotated[Principal, Depends(Known())]
Reader = Annotated[Principal, Depends(Needs(Right.READ))]
Actor = Annotated[Principal, Depends(Needs(Right.ACT))]
Provisioner = Annotated[Principal, Depends(Needs(Right.PROVISION))]
AccountKeeper = Annotated[Principal, Depends(Needs(Right.ACCOUNTS))]
DeviceReader = Annotated[Principal, Depends(Needs(Right.DEVICES))]
Binder = Annotated[Principal, Depends(Needs(Right.BIND))]
PolicyMaker = Annotated[Principal, Depends(Needs(Right.POLICIES))]

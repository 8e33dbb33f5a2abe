"""Who may do what: bearer tokens, roles and rights. Deny by default.

Two locks on every door: ``Guard`` refuses any path under a protected prefix without a valid token, before the body is read;
``Needs`` on each route names the one right it takes. ``create_app`` refuses to build an app with a route that names none.
A role says what somebody may do, ``Principal.wards`` for whom.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from api.errors import Problem
from api.trail import trail_of
from vigil.domain.errors import ConfigError
from vigil.domain.times import HOUR, SECOND
from vigil.runtime.clock import Clock

#: One nurse's shift: nobody has to log in again in the middle of it.
TOKEN_LIFE_US = 12 * HOUR
AUDIENCE = "vigil"
ALGORITHM = "HS256"
LEAST_KEY_BYTES = 32


class Role(StrEnum):
    NURSE = "nurse"
    CLINICIAN = "clinician"
    TECHNICIAN = "technician"
    ADMIN = "admin"
    AUDITOR = "auditor"
    RESEARCH = "research"


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
    BACKUP = "backup"
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


#: What is left to an idle session until its person types the password: the alarms go on, without names.
LOCKED = frozenset({Right.READ, Right.HEALTH})


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
        return given and (right in LOCKED or not self.locked)


class Tokens:
    """Issues and reads the signed tokens of one installation."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        if len(key) < LEAST_KEY_BYTES:
            raise ConfigError(f"the token key must have at least {LEAST_KEY_BYTES} bytes")
        self._key = OctKey.import_key(key)
        self._clock = clock
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

    def issue(self, name: str, role: Role) -> tuple[str, Principal]:
        now = self._now_s()
        expires = now + TOKEN_LIFE_US // SECOND
        claims = {"sub": name, "role": role.value, "aud": AUDIENCE, "iat": now, "exp": expires}
        token = jwt.encode({"alg": ALGORITHM, "typ": "JWT"}, claims, self._key, algorithms=[ALGORITHM])
        return token, Principal(name, role, expires * SECOND)

    def read(self, token: str) -> Principal | None:
        """The bearer, or None for a token that is forged, expired, or meant for another system."""
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            self._claims.validate(claims)
            return Principal(str(claims["sub"]), Role(claims["role"]), int(claims["exp"]) * SECOND)
        except (JoseError, ValueError):
            return None


def same_secret(given: str, right: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(given.encode(), right.encode())


class Needs:
    """Dependency of a route: the caller must hold ``right``; gives the ``Principal``."""

    def __init__(self, right: Right) -> None:
        self.right = right

    async def __call__(self, request: Request) -> Principal:
        principal: Principal | None = request.scope.get("vigil.principal")
        if principal is None:
            raise unauthorized()
        if not principal.may(self.right):
            raise Problem(HTTPStatus.FORBIDDEN, f"the role {principal.role.value} has no right to: {self.right.value}")
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
        return principal


def unauthorized() -> Problem:
    return Problem(
        HTTPStatus.UNAUTHORIZED, "log in: a valid bearer token is needed", headers={"WWW-Authenticate": "Bearer"}
    )


def may(right: Right) -> Any:
    """For ``dependencies=[…]`` of a route that does not look at who asks."""
    return Depends(Needs(right))


Anybody = Depends(Open())
Caller = Annotated[Principal, Depends(Known())]
Reader = Annotated[Principal, Depends(Needs(Right.READ))]
Actor = Annotated[Principal, Depends(Needs(Right.ACT))]
Provisioner = Annotated[Principal, Depends(Needs(Right.PROVISION))]
PolicyMaker = Annotated[Principal, Depends(Needs(Right.POLICIES))]

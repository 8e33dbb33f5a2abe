"""Logging in, and how the system is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.auth import Role
from api.errors import MEDIA_TYPE
from api.schema.base import Model, Moment


class Login(Model):
    """``name``: who acts; written into the log of every alert that this person touches."""

    secret: Annotated[str, Field(min_length=1, max_length=200)]
    role: Role
    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]


class TokenOut(Model):
    access_token: str
    token_type: Literal["Bearer"]
    expires_at: Moment
    role: Role
    name: str


class Me(Model):
    name: str
    role: Role
    expires_at: Moment
    rights: list[str]


class CheckOut(Model):
    name: str
    ok: bool
    detail: str


class Health(Model):
    """``dropped``: ticks that slow clients of the event stream did not get (each was replaced by a snapshot)."""

    status: Literal["ok", "degraded"]
    checks: list[CheckOut]
    version: str
    server_at: Moment
    clients: int
    dropped: int


class Ready(Model):
    status: Literal["ready", "not_ready"]
    reasons: list[str]


class Alive(Model):
    status: Literal["alive"]


class ProblemOut(Model):
    """RFC 9457 problem details, ``application/problem+json``."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[dict[str, str]] | None = None


def problem(words: str, **members: Any) -> dict[str, Any]:
    """A refusal as OpenAPI has it, described by ``words``. ``members``: schemas of what the document has beside the usual."""
    schema = ProblemOut.model_json_schema()
    return {
        "description": words,
        "content": {MEDIA_TYPE: {"schema": schema | {"properties": schema["properties"] | members}}},
    }


#: For routes that slow down who guesses.
SLOWED: dict[int | str, dict[str, Any]] = {429: problem("too many wrong tries; `Retry-After` has the seconds to wait")}

"""Logging in, and how the system is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr

from api.auth import Role
from api.errors import MEDIA_TYPE
from api.schema.base import Model, Moment


class Login(Model):
    """``name``: who acts; written into the log of every alert that this person touches."""

    secret: Annotated[str, Field(min_length=1, max_length=200)]
    role: Role
    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]


def _text(typed: SecretStr) -> SecretStr:
    """JSON can hold half a letter."""
    if any("\ud800" <= letter <= "\udfff" for letter in typed.get_secret_value()):
        raise ValueError("must be text")
    return typed


#: Longer than any password that is taken, so that a wrong one is told from a right one by nothing but the check.
Password = Annotated[SecretStr, Field(min_length=1, max_length=1000), AfterValidator(_text)]


class Door(Model):
    """``accounts``: log in with name and password; else with the access key of this installation."""

    accounts: bool


class NameAndPassword(Model):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    password: Password


class OwnPassword(Model):
    password: Password


class PasswordChange(Model):
    """``new``: 12 to 128 characters, and not the name."""

    old: Password
    new: Password


class TokenOut(Model):
    access_token: str
    token_type: Literal["Bearer"]
    expires_at: Moment
    role: Role
    name: str


class Me(Model):
    """``rights``: what may be done at this moment; ``wards`` null = all. ``locked``: the session was idle for ``idle_s``, and
    is without names until it is unlocked. ``csrf``: goes with every change as ``X-Vigil-CSRF``. Tokens have neither."""

    name: str
    display: str
    role: Role
    wards: list[str] | None
    rights: list[str]
    expires_at: Moment
    locked: bool
    csrf: str | None
    idle_s: int | None


class DetailOut(Model):
    detail: str


class CheckOut(Model):
    """``zh``: the detail in Chinese, null where there is none."""

    name: str
    ok: bool
    detail: str
    zh: DetailOut | None


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

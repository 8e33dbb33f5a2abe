"""Accounts of people and tokens of machines."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.auth import Right, Role
from api.schema.base import Model, Moment, Whole, example
from api.schema.session import Password

#: Seen as one line, and not empty.
Line = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
#: Null = all of them.
Wards = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=100)] | None


class UserChange(Model):
    """Another role or other wards end this person's sessions."""

    model_config = example(display="Li Na", role="nurse", wards=["home-north"])

    display: Line
    role: Role
    wards: Wards


class NewUser(UserChange):
    """``user_id``: the name to log in with, and to be called by in a team. ``password``: 12 to 128 characters."""

    model_config = example(
        user_id="li.na", display="Li Na", role="nurse", wards=["home-north"], password="a long sentence of hers"
    )

    user_id: Annotated[str, Field(min_length=1, max_length=200)]
    password: Password


class NewPassword(Model):
    password: Password


class UserOut(Model):
    user_id: str
    display: str
    role: Role
    wards: list[str] | None
    made_at: Moment
    disabled_at: Moment | None


class UserList(Model):
    items: list[UserOut]


class NewToken(Model):
    """``rights``: which of the role's, null = all. ``days``: until it ends."""

    model_config = example(name="grafana", role="research", rights=["read"], wards=None, days=90)

    name: Annotated[Line, Field(max_length=64)]
    role: Role
    rights: Annotated[list[Right], Field(max_length=len(Right))] | None
    wards: Wards
    days: Annotated[Whole, Field(ge=1, le=366)]


class TokenShown(Model):
    """``last_used``: the day, in UTC."""

    token_id: str
    name: str
    role: Role
    rights: list[str] | None
    wards: list[str] | None
    made_by: str
    made_at: Moment
    expires_at: Moment
    revoked_at: Moment | None
    last_used: Moment | None


class TokenMade(TokenShown):
    """``token`` is shown this once."""

    token: str


class TokenList(Model):
    items: list[TokenShown]

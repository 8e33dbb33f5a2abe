"""Screens that would be heard."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schema.base import Identifier, Model, Truth, example

ScreenName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")]


class ScreenState(Model):
    """``screen``: a name that the page gives itself, another one for each tab. ``audible``: the browser lets it sound."""

    model_config = example(screen="5b3c0a52-5a0e-4a35-9d43-3f1f6b0c2a11", audible=False)

    screen: ScreenName
    audible: Truth


class LookingState(Model):
    """``looking``: the card of the alert is open there, in sight, and somebody has touched the screen lately."""

    model_config = example(
        alert_id="a-5f0c7d1e9a3b4c2d1e0f9a8b", screen="5b3c0a52-5a0e-4a35-9d43-3f1f6b0c2a11", looking=True
    )

    alert_id: Identifier
    screen: ScreenName
    looking: Truth


class HeardOut(Model):
    """``audible``, ``silent``: pages that are open now for people who may answer an alert of this ward."""

    ward: str
    audible: int
    silent: int


class HeardList(Model):
    items: list[HeardOut]

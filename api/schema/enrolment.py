"""Claim codes, what a device gets for one, and the log of broker accounts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schema.base import Identifier, Model, Moment, example
from vigil.domain.enrolment import Outcome


class ClaimCode(Model):
    """The code is shown in this answer only; it is used once, before ``expires_at``. ``qr``: the code alone as a picture, SVG."""

    id: str
    code: Annotated[str, Field(examples=["7KQM-3XPA-WD9H"])]
    qr: str
    expires_at: Moment


class GatewayClaim(Model):
    model_config = example(devices=["w-0a1b2c3d"])

    devices: Annotated[list[Identifier], Field(min_length=1, max_length=1000)]


class CodeUsed(Model):
    """``device_id``: whose code this is, if the sender knows: the id of a device or gateway. A code of another is refused."""

    model_config = example(code="7KQM-3XPA-WD9H", device_id="w-0a1b2c3d")

    code: Annotated[str, Field(min_length=1, max_length=64)]
    device_id: Identifier | None = None


class BrokerLogin(Model):
    """``topic_prefix``: below which it publishes, and a gateway tells its own state. ``devices``: for which a gateway speaks.
    The password is shown in this answer only."""

    host: str
    port: int
    username: str
    password: str
    tenant: str
    topic_prefix: str
    devices: list[str]


class Credentials(Model):
    id: str
    mqtt: BrokerLogin


class CredentialsGone(Model):
    id: str
    revoked_at: Moment


class EnrolmentOut(Model):
    """``actor`` is empty where a device or a stranger sent a code."""

    at: Moment
    outcome: Outcome
    actor: str


class EnrolmentList(Model):
    id: str
    items: list[EnrolmentOut]

"""Devices, gateways, bindings, and how they log in to the broker."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schema.base import Identifier, Model, Moment, Number, Time, example
from api.schema.ward import Value
from vigil.domain.presence import By, State
from vigil.domain.wearing import Standing


class ConnectionOut(Model):
    """To the broker, by the word of ``by``; null where neither the device nor a gateway has said anything. It says nothing about
    data: a device may be online and silent. "offline" counts after 45 seconds without an "online"."""

    state: State
    since_at: Moment | None
    by: By | None


class WornOut(Model):
    """Is the device on its patient? ``by``: who looked, null for the wearer's word at the device. While nobody has said anything
    it is ``waiting``, and the values are judged all the same."""

    standing: Standing
    by: str | None
    at: Moment | None
    text: str


class AskedOut(Model):
    """Somebody wants its values now. ``told_at`` null: it was not connected yet. ``accepted`` null: it has not answered, which
    many devices never do; ``text``: why it does not measure."""

    by: str | None
    at: Moment
    told_at: Moment | None
    accepted: bool | None
    text: str


class DeviceOut(Model):
    """``unproven``: it sends no pack numbers, so that a lost message cannot be noticed. ``taken_over_at``: two clients use its
    account, seen last then; a new password ends that. ``asked``: to measure now, in the last minutes."""

    id: str
    model: str
    interval_s: dict[str, float]
    patient_id: str | None
    bound_since_at: Moment | None
    worn: WornOut | None
    last_received_at: Moment | None
    unproven: bool
    connection: ConnectionOut
    taken_over_at: Moment | None
    taken_over_times: int
    battery: Value | None
    asked: AskedOut | None


class DeviceList(Model):
    items: list[DeviceOut]


class NewDevice(Model):
    model_config = example(id="w-0a1b2c3d", model="patch-2", interval_s={"heart_rate": 1})

    id: Identifier
    model: Annotated[str, Field(min_length=1, max_length=100)]
    interval_s: dict[str, Annotated[Number, Field(gt=0, le=604_800)]] = Field(default_factory=dict)


class MqttOut(Model):
    """The password is shown in this answer only."""

    host: str
    port: int
    username: str
    password: str
    topic_prefix: str


class GatewayMqtt(Model):
    host: str
    port: int
    username: str
    password: str
    topic_prefixes: list[str]


class Provisioned(Model):
    id: str
    mqtt: MqttOut


class NewGateway(Model):
    model_config = example(id="g-kitchen", devices=["w-0a1b2c3d"])

    id: Identifier
    devices: Annotated[list[Identifier], Field(min_length=1, max_length=1000)]


class ProvisionedGateway(Model):
    id: str
    mqtt: GatewayMqtt


class NewBinding(Model):
    patient_id: Identifier
    start_at: Time | None = None


class NewWord(Model):
    """``patient_id``: whom you saw with the device, so that a word about an earlier wearer is refused."""

    model_config = example(patient_id="p-0412", confirmed=True)

    patient_id: Identifier
    confirmed: bool


class BindingState(Model):
    device_id: str
    patient_id: str | None
    start_at: Moment | None
    end_at: Moment | None


class DeadValue(Model):
    name: str
    reason: str
    detail: str = ""


class DeadLetterOut(Model):
    id: int
    received_at: Moment
    topic: str
    device_id: str
    reason: str
    reason_text: str
    detail: str
    values: list[DeadValue]
    payload_base64: str
    payload_text: str | None


class DeadLetterPage(Model):
    items: list[DeadLetterOut]
    next_before: int | None


class Deliveries(Model):
    """``values_refused`` and ``packs_refused`` count by reason: single values of packs, and packs refused whole."""

    device_id: str
    since_at: Moment
    values_stored: int
    values_refused: dict[str, int]
    packs_refused: dict[str, int]

"""The topic tree ``rpm/v1/{tenant}/d/{device}/…``. No topic ever names a patient."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from vigil.domain.errors import RefusalReason, Refused
from vigil.domain.people import is_device_id

ROOT = "rpm/v1"
CHANNELS = ("vitals", "backfill")
#: The account rules keep it for gateways, so that one name never stands for a device and a gateway.
GATEWAY_PREFIX = "g-"


@dataclass(frozen=True, slots=True)
class TelemetryTopic:
    tenant: str
    device_id: str
    channel: str


def telemetry(tenant: str, device_id: str, channel: str = "vitals") -> str:
    """Where a device publishes packs: ``vitals`` for live ones, ``backfill`` for history."""
    return f"{ROOT}/{tenant}/d/{device_id}/tel/{channel}"


def telemetry_filters(tenant: str) -> list[str]:
    """What ingest subscribes to."""
    return [telemetry(tenant, "+", channel) for channel in CHANNELS]


def state(tenant: str, device_id: str) -> str:
    """Retained presence of a device; its will publishes "offline" here."""
    return f"{ROOT}/{tenant}/d/{device_id}/state"


def command(tenant: str, device_id: str, name: str) -> str:
    """From the platform to a device: ``ack`` says what is stored."""
    return f"{ROOT}/{tenant}/d/{device_id}/cmd/{name}"


def result(tenant: str, device_id: str, name: str) -> str:
    """From a device to the platform: what it answers to a command, or asks (``vigil.wire.control``)."""
    return f"{ROOT}/{tenant}/d/{device_id}/res/{name}"


def gateway_state(tenant: str, gateway_id: str) -> str:
    """Retained presence of a gateway itself."""
    return f"{ROOT}/{tenant}/g/{gateway_id}/state"


def talk_filters(tenant: str) -> list[str]:
    """What is heard beside telemetry: presence, and what devices answer and ask."""
    return [state(tenant, "+"), gateway_state(tenant, "+"), result(tenant, "+", "+")]


def parse_talk(topic: str) -> tuple[str, str] | None:
    """(sender, "state" or name of the result) of a topic of ``talk_filters``; None for any other.

    >>> parse_talk("rpm/v1/home/g/g-1/state"), parse_talk("rpm/v1/home/d/w-1/res/time"), parse_talk("rpm/v1/home/g/w-1/state")
    (('g-1', 'state'), ('w-1', 'time'), None)
    """
    parts = topic.split("/")
    if len(parts) not in (6, 7) or parts[:2] != ["rpm", "v1"] or not is_device_id(parts[4]):
        return None
    if parts[3] != ("g" if parts[4].startswith(GATEWAY_PREFIX) else "d"):
        return None
    if len(parts) == 6:
        return (parts[4], "state") if parts[5] == "state" else None
    return (parts[4], parts[6]) if parts[3] == "d" and parts[5] == "res" else None


@lru_cache(maxsize=20_000)
def parse_telemetry(topic: str) -> TelemetryTopic:
    """Raises ``Refused`` (bad_topic) for anything but a telemetry topic of a well-formed device.

    >>> parse_telemetry("rpm/v1/home/d/w-1/tel/vitals").device_id
    'w-1'
    """
    parts = topic.split("/")
    well_formed = len(parts) == 7 and parts[:2] == ["rpm", "v1"] and parts[3] == "d" and parts[5] == "tel"
    if not well_formed or parts[6] not in CHANNELS or not is_device_id(parts[4]):
        raise Refused(RefusalReason.BAD_TOPIC, topic[:200])
    return TelemetryTopic(parts[2], parts[4], parts[6])


def device_of(topic: str) -> str:
    """The device that a command, state or telemetry topic names; empty when it names none."""
    parts = topic.split("/")
    return parts[4] if len(parts) > 4 and parts[3] == "d" else ""

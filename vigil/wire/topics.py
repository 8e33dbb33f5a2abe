"""The topic tree ``rpm/v1/{tenant}/d/{device}/…``. No topic ever names a patient."""

from __future__ import annotations

from dataclasses import dataclass

from vigil.domain.errors import RefusalReason, Refused
from vigil.domain.people import is_device_id

ROOT = "rpm/v1"
CHANNELS = ("vitals", "backfill")


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

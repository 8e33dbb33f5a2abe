"""Bytes to values: topic, SenML, epoch and seq."""

from __future__ import annotations

from ingest.batch import Pack
from vigil.domain.errors import RefusalReason, Refused
from vigil.runtime.mqtt import Message
from vigil.wire import packs, topics


def decode(message: Message) -> Pack:
    """Never raises for what a sender sent: the pack then carries its refusal."""
    pack = Pack(message, device_id=topics.device_of(message.topic)[:64])
    try:
        topic = topics.parse_telemetry(message.topic)
        pack.device_id = topic.device_id
        pack.digest = packs.digest(message.payload)
        pack.values = packs.read(message.payload, topic.device_id)
    except Refused as refused:
        pack.refuse(refused.reason, refused.detail)
        # A pack on the wrong topic must not use up a number of the topic's device.
        if refused.reason not in (RefusalReason.BAD_TOPIC, RefusalReason.BASE_NAME_MISMATCH):
            pack.values.epoch, pack.values.seq = packs.sequence_of(message.payload)
    return pack

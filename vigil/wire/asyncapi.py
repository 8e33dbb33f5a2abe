"""``asyncapi.yaml``: the contract on the wire for machines (AsyncAPI 3.0), made from the tables and never written by hand.

As AsyncAPI wants it, an operation is seen from the described application, which is the platform: it *receives* telemetry and
*sends* commands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from vigil import __version__
from vigil.domain.errors import RefusalReason
from vigil.wire import commands, control, packs, topics
from vigil.wire.asyncapi_schemas import PREFIX, Json, schemas
from vigil.wire.resend import HISTORY, LIVE, LIVE_EXPIRY_S
from vigil.wire.senml import MAX_PACK_BYTES

#: The device, gateway and moment of all examples.
DEVICE, GATEWAY, EPOCH, SEQ = "w-0a1b2c3d", "g-kitchen", 7, 4711
AT_US = 1_767_225_600_000_000
_MQTT = {"bindingVersion": "0.2.0"}


@dataclass(frozen=True, slots=True)
class _Value:
    """One value of the example pack."""

    name: str
    value: float | str | None
    t_us: int = AT_US
    quality: int = 0
    site: str | None = None


#: The reading of the firmware page: each of its examples holds these values.
READING = (
    _Value("hr", 72),
    _Value("spo2", 97),
    _Value("rr", 16),
    _Value("sbp", 121),
    _Value("dbp", 78),
    _Value("temp", 36.8),
)


def example_pack(*, cbor: bool) -> bytes:
    return packs.write(DEVICE, EPOCH, SEQ, READING, cbor=cbor)


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic. ``sends``: the platform sends here, else it receives. ``reply``: the channel on which it answers."""

    key: str
    topic: Callable[[str, str], str]
    message: str
    sends: bool
    title: str
    words: str
    retain: bool = False
    reply: str = ""
    expiry_s: int | None = None
    gateway: bool = False


def _command(name: str) -> Callable[[str, str], str]:
    return lambda tenant, device: topics.command(tenant, device, name)


def _result(name: str) -> Callable[[str, str], str]:
    return lambda tenant, device: topics.result(tenant, device, name)


def _telemetry(name: str) -> Callable[[str, str], str]:
    return lambda tenant, device: topics.telemetry(tenant, device, name)


_STATE = "Publish online after each connection, retained; set the will to offline, retained, QoS 1. It says nothing about data."
# fmt: off
# One topic a line, so that it reads as the table it is: key, topic, message, does the platform send, title, words.
CHANNELS = (
    Channel("vitals", _telemetry(LIVE), "pack", False, "Live values", "What was just measured.", expiry_s=LIVE_EXPIRY_S),
    Channel("backfill", _telemetry(HISTORY), "pack", False, "History", "What waited for a connection, oldest first."),
    Channel("state", topics.state, "state", False, "Presence of a device", _STATE, retain=True),
    Channel("gatewayState", topics.gateway_state, "state", False, "Presence of a gateway", _STATE, retain=True, gateway=True),
    Channel("ack", _command("ack"), "ack", True, "Stored up to", "Delete only what this covers. At most one a second."),
    Channel("missing", _command("backfill"), "missing", True, "Send again", "Packs that the platform lacks."),
    Channel("notHeld", _result("backfill"), "missing", False, "Has them no more", "The same JSON as the question."),
    Channel("error", _command("error"), "error", True, "Refused", "Why values or a pack became a dead letter."),
    Channel("time", _command("time"), "time", True, "Server time", "After each online, and as the answer to res/time."),
    Channel("timeQuestion", _result("time"), "timeQuestion", False, "What time is it", "Once a second at most.", reply="time"),
    Channel("config", _command("config"), "config", True, "Settings", "How often to measure, and when to send at once."),
    Channel("configAnswer", _result("config"), "configAnswer", False, "Settings taken or not", "The answer to cmd/config."),
    Channel("bound", _command("bound"), "bound", True, "Worn from now on", "Somebody was given the device, or it was taken off."),
    Channel("boundAnswer", _result("bound"), "boundAnswer", False, "Mine or not", "What the wearer says to cmd/bound."),
    Channel("measure", _command("measure"), "measure", True, "Measure now", "A person wants your values now."),
    Channel("measureAnswer", _result("measure"), "measureAnswer", False, "Measures or not", "The answer to cmd/measure."),
)
# fmt: on

#: Name of a message: its schema, or its words, and its example.
_JSON_MESSAGES: dict[str, tuple[str, bytes]] = {
    "ack": ("Ack", packs.write_ack(EPOCH, SEQ)),
    "missing": ("Backfill", commands.write_backfill(EPOCH, 4705, 4709)),
    "error": ("Error", commands.write_error(EPOCH, SEQ, RefusalReason.UNIT_MISSING, ["temp"])),
    "time": ("Time", control.write_time(AT_US + 250_000, 4_000, 12)),
    "config": ("Config", control.write_config(3, {"hr": 5, "spo2": 5}, {"spo2": (88, None)})),
    "timeQuestion": ("TimeQuestion", b'{"asked":12}'),
    "configAnswer": ("ConfigAnswer", b'{"version":3,"accepted":true}'),
    "bound": ("Bound", control.write_bound(12)),
    "boundAnswer": ("BoundAnswer", b'{"binding":12,"confirmed":true}'),
    "measure": ("Measure", control.write_measure(1767225600)),
    "measureAnswer": ("MeasureAnswer", control.write_measure_answer(1767225600, "")),
}


def text(tenant: str) -> bytes:
    """The document as YAML, UTF-8."""
    return msgspec.yaml.encode(document(tenant))


def document(tenant: str) -> Json:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vigil: devices and gateways",
            "version": __version__,
            "description": "Vital signs over MQTT 3.1.1 or 5. The v1 in each topic changes when an existing sender would break.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"broker": _server("mqtt", "1883", tenant), "brokerTls": _server("secure-mqtt", "8883", tenant)},
        "channels": {one.key: _channel(one, tenant) for one in CHANNELS},
        "operations": {one.key: _operation(one) for one in CHANNELS},
        "components": {
            "messages": _messages(),
            "schemas": schemas(),
            "securitySchemes": {
                "account": {"type": "userPassword", "description": "User name = client id = device or gateway id."}
            },
        },
    }


def _server(protocol: str, port: str, tenant: str) -> Json:
    will = {"topic": topics.state(tenant, DEVICE), "qos": 1, "message": "offline", "retain": True}
    return {
        "host": "{host}:{port}",
        "protocol": protocol,
        "protocolVersion": "3.1.1",
        "description": "As the answer of POST /api/v1/enrol says. Version 5 is spoken too, where the broker does.",
        "variables": {"host": {"default": "localhost"}, "port": {"default": port}},
        "security": [{"$ref": "#/components/securitySchemes/account"}],
        "bindings": {"mqtt": {"clientId": DEVICE, "cleanSession": False, "lastWill": will, **_MQTT}},
    }


def _channel(one: Channel, tenant: str) -> Json:
    name, example = ("gateway", GATEWAY) if one.gateway else ("device", DEVICE)
    names = ["packJson", "packCbor"] if one.message == "pack" else [one.message]
    return {
        "address": one.topic(tenant, f"{{{name}}}"),
        "title": one.title,
        "description": one.words,
        "parameters": {name: {"description": f"id of the {name}", "examples": [example]}},
        "messages": {found: {"$ref": f"#/components/messages/{found}"} for found in names},
    }


def _operation(one: Channel) -> Json:
    binding: Json = {"qos": 1, "retain": one.retain, **_MQTT}
    if one.expiry_s is not None:
        binding["messageExpiryInterval"] = one.expiry_s
    made: Json = {
        "action": "send" if one.sends else "receive",
        "channel": {"$ref": f"#/channels/{one.key}"},
        "title": one.title,
        "bindings": {"mqtt": binding},
    }
    return {**made, "reply": {"channel": {"$ref": f"#/channels/{one.reply}"}}} if one.reply else made


def _messages() -> Json:
    pack, size = {"$ref": PREFIX + "Pack"}, f"At most {MAX_PACK_BYTES} bytes."
    made: Json = {
        "packJson": {
            "contentType": "application/senml+json",
            "description": size,
            "payload": pack,
            "examples": [{"name": "reading", "payload": msgspec.json.decode(example_pack(cbor=False))}],
        },
        "packCbor": {
            "contentType": "application/senml+cbor",
            "description": f"{size} The same with the integer labels of RFC 8428 section 6; the schema is that of the JSON form.",
            "payload": pack,
            "x-example-hex": example_pack(cbor=True).hex(),
        },
        "state": {
            "contentType": "text/plain",
            "payload": {"type": "string", "enum": ["online", "offline"]},
            "examples": [{"name": "online", "payload": "online"}],
        },
    }
    for name, (schema, example) in _JSON_MESSAGES.items():
        found: Any = msgspec.json.decode(example)
        made[name] = {"payload": {"$ref": PREFIX + schema}, "examples": [{"name": name, "payload": found}]}
    return made

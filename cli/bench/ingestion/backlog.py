"""Messages that wait at the broker for ``ingest``: published before the clock runs, so that nobody publishes meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from cli.bench.ingestion.site import GATEWAY, HOST, TENANT, Site
from simulators.packs import Record
from vigil.domain.errors import BrokerError
from vigil.domain.times import SECOND
from vigil.runtime.mqtt import Message, Subscriber
from vigil.wire import packs, topics

#: Six vitals of a resting adult, a little different from reading to reading.
VITALS = 6
_PUBLISHED_S, _CONNECTED_S = 300.0, 20.0
#: Messages on the way to the broker at once.
_IN_FLIGHT = 1000


@dataclass(frozen=True, slots=True)
class Shape:
    """``readings`` of six vitals in a message, one second apart."""

    name: str
    readings: int

    @property
    def values(self) -> int:
        return self.readings * VITALS


SINGLE, BATCHED = Shape("1 reading a message", 1), Shape("10 readings a message", 10)


def records(number: int, at: int) -> list[Record]:
    """The ``number``-th reading of a device, measured ``at`` microseconds UTC."""
    wobble = number % 7
    values = {
        "hr": 68 + wobble,
        "spo2": 96 + wobble % 3,
        "rr": 14 + wobble % 4,
        "sbp": 118 + wobble,
        "dbp": 76 + wobble,
    }
    return [*(Record(wire, at, float(value)) for wire, value in values.items()), Record("temp", at, 36.5 + wobble / 10)]


def messages(devices: Sequence[str], shape: Shape, count: int, epoch: int, end: int) -> Iterator[tuple[str, bytes]]:
    """``count`` packs (topic, payload), the devices in turn; the last reading of each is measured at ``end`` microseconds."""
    rounds = -(-count // len(devices))
    for place in range(count):
        seq, device = divmod(place, len(devices))
        first = end - ((rounds - seq) * shape.readings - 1) * SECOND
        samples = [
            record
            for number in range(shape.readings)
            for record in records(seq * shape.readings + number, first + number * SECOND)
        ]
        payload = packs.write(devices[device], epoch, seq, samples)
        yield topics.telemetry(TENANT, devices[device]), payload


def open_session(site: Site) -> None:
    """The broker keeps from now on what is published for ``ingest``. Raises ``BrokerError``."""
    reader = subscriber(site, lambda _: None)
    reader.start()
    reader.wait_connected(_CONNECTED_S)
    reader.stop()


def publish(site: Site, waiting: Sequence[tuple[str, bytes]]) -> None:
    """All of them, until the broker has each. Raises ``BrokerError``."""
    with publisher(site) as client:
        sent = [client.publish(topic, payload, qos=1) for topic, payload in waiting]
        for each in sent[-_IN_FLIGHT:]:
            each.wait_for_publish(_PUBLISHED_S)
        if not all(each.is_published() for each in sent):
            raise BrokerError("the broker did not take the messages of the measurement in time")


def subscriber(site: Site, on_message: Callable[[Message], None]) -> Subscriber:
    """A reader with the core's own account, filters and session."""
    return Subscriber(
        host=HOST,
        port=site.broker_port,
        client_id="ingest",
        password=site.keys.ingest_password,
        filters=topics.telemetry_filters(TENANT),
        receive_maximum=5000,
        clock=site.clock,
        on_message=on_message,
    )


class publisher:  # noqa: N801 - used as a function
    """The gateway's connection, in a thread of paho's, as ``with publisher(site) as client``."""

    def __init__(self, site: Site, on_message: Callable[[str, bytes], None] | None = None) -> None:
        self._connected = threading.Event()
        self._address = (HOST, site.broker_port)
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=GATEWAY, protocol=MQTTProtocolVersion.MQTTv311, clean_session=True
        )
        self._client.username_pw_set(GATEWAY, site.password)
        self._client.max_inflight_messages_set(_IN_FLIGHT)
        self._client.on_connect = self._on_connect
        self._filters = [(topics.command(TENANT, device, "ack"), 1) for device in site.devices] if on_message else []
        if on_message is not None:
            self._client.on_message = lambda _client, _data, message: on_message(message.topic, bytes(message.payload))

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            return
        for start in range(0, len(self._filters), 100):
            client.subscribe(self._filters[start : start + 100])
        self._connected.set()

    def __enter__(self) -> paho.Client:
        self._client.connect_async(*self._address)
        self._client.loop_start()
        if not self._connected.wait(_CONNECTED_S):
            raise BrokerError("the sender of the measurement cannot connect")
        return self._client

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

"""A paho client and a broker process for tests: every wait has a deadline, nothing sleeps."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.deadline import DEADLINE_S, listening, until
from vigil.runtime.broker import BrokerPlan


@contextmanager
def running(plan: BrokerPlan, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The broker as a process that is stopped (and must then have stopped by itself) at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(plan.argv, stdout=output, stderr=subprocess.STDOUT, env=dict(os.environ))
        try:
            assert until(lambda: listening(plan.port) or process.poll() is not None), log.read_text()
            assert process.poll() is None, log.read_text()
            yield process
            if process.poll() is None:
                process.terminate()
                process.wait(DEADLINE_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


class Probe:
    """One MQTT connection that remembers what it received, published and was told."""

    def __init__(
        self,
        port: int,
        user: str,
        password: str | None,
        *,
        client_id: str | None = None,
        protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv311,
        clean: bool = True,
        will: tuple[str, bytes] | None = None,
        manual_ack: bool = False,
    ) -> None:
        self.port = port
        self.received: list[tuple[str, bytes]] = []
        self.retained: list[str] = []
        self.connack: ReasonCode | None = None
        self.suback: list[ReasonCode] = []
        self.acknowledged = 0
        self.pubacks: list[ReasonCode] = []
        self.disconnects = 0
        self._changed = threading.Condition()
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=user if client_id is None else client_id,
            protocol=protocol,
            clean_session=None if protocol is MQTTProtocolVersion.MQTTv5 else clean,
            reconnect_on_failure=False,
            manual_ack=manual_ack,
        )
        self.client.max_inflight_messages_set(0)
        if password is not None:
            self.client.username_pw_set(user, password)
        if will is not None:
            self.client.will_set(will[0], will[1], qos=1)
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message
        self.client.on_subscribe = self._on_subscribe
        self.client.on_publish = self._on_publish
        self.client.on_disconnect = self._on_disconnect

    def _on_connect(
        self, client: paho.Client, data: Any, flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        with self._changed:
            self.connack = reason
            self._changed.notify_all()

    def _on_message(self, client: paho.Client, data: Any, message: paho.MQTTMessage) -> None:
        with self._changed:
            self.received.append((message.topic, bytes(message.payload)))
            if message.retain:
                self.retained.append(message.topic)
            self._changed.notify_all()

    def _on_subscribe(
        self, client: paho.Client, data: Any, mid: int, codes: list[ReasonCode], properties: Properties | None
    ) -> None:
        with self._changed:
            self.suback += codes
            self._changed.notify_all()

    def _on_publish(
        self, client: paho.Client, data: Any, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        with self._changed:
            self.acknowledged += 1
            self.pubacks.append(reason)
            self._changed.notify_all()

    def _on_disconnect(
        self, client: paho.Client, data: Any, flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        with self._changed:
            self.disconnects += 1
            self._changed.notify_all()

    def wait(self, happened: Callable[[], bool], deadline_s: float = DEADLINE_S) -> bool:
        with self._changed:
            return self._changed.wait_for(happened, deadline_s)

    def knock(self) -> str | None:
        """The broker's answer to CONNECT, in words; None when it went away without one. The network loop runs from here on."""
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        self.wait(lambda: self.connack is not None or self.disconnects > 0)
        return None if self.connack is None else str(self.connack)

    def connect(self) -> str:
        answer = self.knock()
        assert answer is not None, "no CONNACK"
        return answer

    def subscribe(self, *filters: str) -> list[int]:
        self.suback = []
        self.client.subscribe([(topic_filter, 1) for topic_filter in filters])
        assert self.wait(lambda: len(self.suback) == len(filters)), "no SUBACK"
        return [code.value for code in self.suback]

    def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> None:
        self.client.publish(topic, payload, qos=qos, retain=retain)

    def published(self, count: int, deadline_s: float = DEADLINE_S) -> bool:
        return self.wait(lambda: self.acknowledged >= count, deadline_s)

    def got(self, count: int, deadline_s: float = DEADLINE_S) -> bool:
        return self.wait(lambda: len(self.received) >= count, deadline_s)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        # Or client and probe hold each other, and the garbage collector may take the client's sockets before the client that
        # would close them, and warn.
        self.client.on_connect = self.client.on_disconnect = self.client.on_message = None
        self.client.on_publish = self.client.on_subscribe = None

    def drop(self) -> None:
        """Lose the connection without a DISCONNECT."""
        self.client.loop_stop()
        sock = self.client.socket()
        assert isinstance(sock, socket.socket)
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()


def burst(
    port: int, user: str, password: str, topic: str, count: int, *, goodbye: bool, first_topic: str | None = None
) -> None:
    """Publish ``count`` QoS 1 messages back to back, wait for the last PUBACK, and leave at once.

    Faster than paho, and without keep-alive: amqtt's reader then takes in many packets before anything else runs,
    which is when an acknowledged message can still be waiting inside the broker at the end of the connection.
    """
    login = b"\x00\x04MQTT\x04\xc2\x00\x00" + _text(user) + _text(user) + _text(password)
    topics = [first_topic or topic] + [topic] * (count - 1)
    packets = b"".join(
        _packet(0x32, _text(to) + struct.pack("!H", number + 1) + b"%04d" % number) for number, to in enumerate(topics)
    )
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
        connection.sendall(_packet(0x10, login))
        assert connection.recv(4) == b"\x20\x02\x00\x00"
        sender = threading.Thread(target=connection.sendall, args=(packets,))
        sender.start()
        acknowledged = 0
        while acknowledged < 4 * count:
            acknowledged += len(connection.recv(65_536))
        sender.join()
        if goodbye:
            connection.sendall(b"\xe0\x00")


def _text(text: str) -> bytes:
    return struct.pack("!H", len(text)) + text.encode()


def _packet(kind: int, body: bytes) -> bytes:
    length, size = bytearray(), len(body)
    while True:
        size, digit = divmod(size, 128)
        length.append(digit | (128 if size else 0))
        if not size:
            return bytes([kind]) + bytes(length) + body

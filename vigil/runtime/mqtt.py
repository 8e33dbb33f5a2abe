"""MQTT with manual acknowledgement: the one place that decides when a message counts as received.

A message is acknowledged (PUBACK) by its receiver after the commit, never on arrival: paho's default acknowledges on
arrival and loses what a killed process held in memory. After a reconnect the broker sends unacknowledged messages again,
maybe under reused ids, so acknowledgements of an older connection are dropped.
"""

from __future__ import annotations

import logging
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from vigil.domain.errors import BrokerError, ConfigError
from vigil.runtime.clock import Clock
from vigil.runtime.tls import Trust, explain

logger = logging.getLogger(__name__)

#: MQTT 5 for "never", and not a number of hours: mosquitto 2.0.11 may crash over sessions that end (decision 0005).
SESSION_EXPIRY_S = 0xFFFFFFFF
KEEPALIVE_S = 60


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message. ``connection`` numbers the connection that it came by. ``apart``: it came by ingest's second line."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    connection: int
    received_at: int
    apart: bool = False


class Subscriber:
    """A persistent-session MQTT client whose owner acknowledges each message.

    ``on_message`` runs on the network thread and may block for a while, much shorter than ``KEEPALIVE_S``: the broker then waits.
    MQTT 5 is tried first; a broker that speaks only 3.1.1 is then met on its terms. ``trouble`` says in words why there is no
    TLS with the broker, as far as that is known; ``tls`` None = without TLS.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        client_id: str,
        password: str,
        filters: list[str],
        receive_maximum: int,
        clock: Clock,
        on_message: Callable[[Message], None],
        tls: Trust | None = None,
    ) -> None:
        self._address = (host, port)
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        self.trouble = ""
        self._client_id = client_id
        self._password = password
        self._filters = filters
        self._receive_maximum = receive_maximum
        self._clock = clock
        self._on_message = on_message
        self._connection = 0
        self._version = MQTTProtocolVersion.MQTTv5
        self._settled = False
        self._stopping = False
        self._connected = threading.Event()
        self._client: paho.Client | None = None

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    @property
    def connection(self) -> int:
        """How many connections there were: a new number means that messages may have got lost at the broker."""
        return self._connection

    @property
    def protocol(self) -> str:
        return "5" if self._version is MQTTProtocolVersion.MQTTv5 else "3.1.1"

    def start(self) -> None:
        """Connects in the background and keeps trying; ``connected`` says whether it is. Raises ``ConfigError`` for certificates
        that cannot be read."""
        self._client = self._make()
        self._client.connect_async(*self._address, keepalive=KEEPALIVE_S, **self._connect_options())
        self._client.loop_start()

    def wait_connected(self, timeout_s: float) -> None:
        """Raises ``BrokerError`` when there is no connection in time."""
        if not self._connected.wait(timeout_s):
            raise BrokerError(f"no MQTT connection to {self._address[0]}:{self._address[1]} within {timeout_s:g} s")

    def stop(self) -> None:
        """Ends the connection but not the session: what comes meanwhile waits at the broker."""
        self._stopping = True
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
        self._connected.clear()

    def acknowledge(self, message: Message) -> None:
        """PUBACK, unless the connection has changed since the message came."""
        if self._client is not None and message.qos > 0 and message.connection == self._connection:
            self._client.ack(message.mid, message.qos)

    def publish(self, topic: str, payload: bytes) -> None:
        """QoS 1, best effort: only for messages that are repeated anyway, such as ``cmd/ack``."""
        if self._client is not None and self.connected:
            self._client.publish(topic, payload, qos=1)

    def _make(self) -> paho.Client:
        five = self._version is MQTTProtocolVersion.MQTTv5
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if five else False,
            protocol=self._version,
            manual_ack=True,
        )
        client.username_pw_set(self._client_id, self._password)
        client.reconnect_delay_set(min_delay=1, max_delay=10)
        # paho's 20 on the way at once would make everybody's acknowledgements wait behind a flood (measured: 80 s).
        client.max_inflight_messages_set(0)
        client.on_connect = self._handle_connect
        client.on_disconnect = self._handle_disconnect
        client.on_connect_fail = self._handle_connect_fail
        client.on_message = self._handle_message
        client.on_socket_open = _send_at_once
        if self._tls is not None:
            self._context = self._tls.context()
            client.tls_set_context(self._context)
            client.on_pre_connect = self._handle_pre_connect
            client.on_log = self._handle_log
        return client

    def _connect_options(self) -> dict[str, Any]:
        if self._version is not MQTTProtocolVersion.MQTTv5:
            return {}
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        properties.ReceiveMaximum = self._receive_maximum
        return {"clean_start": False, "properties": properties}

    def _handle_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            level = logging.INFO if reason == "Unsupported protocol version" else logging.ERROR
            logger.log(level, "broker refuses the connection: %s", reason)
            return
        self._settled, self.trouble = True, ""
        self._connection += 1
        client.subscribe([(topic_filter, 1) for topic_filter in self._filters])
        self._connected.set()
        logger.info("connected to the broker by MQTT %s", self.protocol)

    def _handle_disconnect(self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        was = self._connected.is_set()
        self._connected.clear()
        if self._stopping:
            return
        if was:
            logger.warning("connection to the broker lost: %s; reconnecting", reason)
        else:
            self._fall_back()

    def _handle_connect_fail(self, _client: paho.Client, _data: Any) -> None:
        error = sys.exc_info()[1]  # paho calls this where it has caught it
        if isinstance(error, ssl.SSLError):
            self._complain(error)
        else:
            logger.debug("broker not reachable yet")

    def _handle_pre_connect(self, _client: paho.Client, _data: Any) -> None:
        """Certificates may have been renewed since the last connection."""
        if self._tls is not None and self._context is not None:
            try:
                self._tls.read_into(self._context)
            except ConfigError as error:  # somebody may be writing them: what was read before still holds
                self._complain(error)

    def _handle_log(self, _client: paho.Client, _data: Any, level: int, said: str) -> None:
        """By TLS 1.3 a broker refuses our certificate after we have seen the connection made: only paho's log has the reason."""
        if level == LogLevel.MQTT_LOG_ERR and "alert" in said:
            self._complain(said)

    def _complain(self, error: BaseException | str) -> None:
        """Once per cause, not once per attempt."""
        words = explain(error)
        if words != self.trouble:
            logger.error("no TLS with the broker at %s:%d: %s", *self._address, words)
        self.trouble = words

    def _fall_back(self) -> None:
        """The very first connection was closed on us: the broker may not speak MQTT 5."""
        if self._settled or self._version is not MQTTProtocolVersion.MQTTv5 or self._client is None or self.trouble:
            return
        self._version = MQTTProtocolVersion.MQTTv311
        old = self._client
        threading.Thread(target=self._replace, args=(old,), name="mqtt-fall-back", daemon=True).start()

    def _replace(self, old: paho.Client) -> None:
        old.disconnect()
        old.loop_stop()
        logger.info("the broker does not speak MQTT 5; trying 3.1.1")
        if not self._stopping:
            self.start()

    def _handle_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._on_message(
            Message(
                message.topic, bytes(message.payload), message.mid, message.qos, self._connection, self._clock.now_us()
            )
        )


def _send_at_once(_client: paho.Client, _data: Any, sock: Any) -> None:
    """Without this a PUBACK right after a ``cmd/ack`` waits for the other side's delayed acknowledgement, about 40 ms."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

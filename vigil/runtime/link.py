"""The sender's side of MQTT on asyncio: one persistent session that is connected again and again until cancelled.

A published message counts as delivered to the broker only; what the platform has stored is said by ``cmd/ack``, and keeping
copies until then is the owner's business. MQTT 5 is tried first; a broker that speaks only 3.1.1 is met on its terms.
The clean end of ``run`` publishes the will's message itself, because a broker sends it only for a lost connection.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

import aiomqtt
import numpy as np
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from vigil.domain.errors import BrokerError, ConfigError
from vigil.runtime.clock import Clock
from vigil.runtime.mqtt import KEEPALIVE_S, SESSION_EXPIRY_S
from vigil.runtime.tls import Trust, explain, trusted

logger = logging.getLogger(__name__)

#: For one answer of the broker (ours). A connection that is slower counts as lost.
TIMEOUT_S = 20.0
_GOODBYE_S = 2.0
_CANCEL_AGAIN_S = 0.2
_REFUSED = 0x80  # SUBACK codes from here on
#: CONNACK "unacceptable protocol version": 3.1.1's own number, and what paho makes of it for an MQTT 5 client.
_WRONG_VERSION = (1, 0x84)


@dataclass(frozen=True, slots=True)
class BrokerLogin:
    """The client id is the user name, as the broker demands. ``tls`` None = without TLS."""

    host: str
    port: int
    user: str
    password: str
    tls: Trust | None = field(default_factory=trusted)


@dataclass(frozen=True, slots=True)
class ReconnectRule:
    """Seconds (ours): ``first_s`` doubling to ``longest_s``, each taken half to fully by chance, so that a ward of devices does
    not come back in one second; a connection that held ``steady_s`` starts it anew."""

    first_s: float = 1.0
    longest_s: float = 60.0
    steady_s: float = 30.0


class Connection:
    """What an owner may do while connected. Raises ``BrokerError``; the link then connects again."""

    def __init__(self, client: aiomqtt.Client, five: bool) -> None:
        self._client = client
        self._five = five

    async def subscribe(self, filters: Sequence[str]) -> None:
        """QoS 1. A filter that the broker refuses is logged: the rest must go on."""
        if not filters:
            return
        try:
            codes = await self._client.subscribe([(topic_filter, 1) for topic_filter in filters])
        except aiomqtt.MqttError as error:
            raise BrokerError(f"cannot subscribe: {error}") from error
        numbers = [code if isinstance(code, int) else code.value for code in codes]
        for topic_filter, number in zip(filters, numbers, strict=False):
            if number >= _REFUSED:
                logger.error("the broker refuses the subscription to %s", topic_filter)

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None) -> None:
        """QoS 1; returns after PUBACK. ``expiry_s`` is said to brokers of MQTT 5 only."""
        properties: Properties | None = None
        if expiry_s is not None and self._five:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = expiry_s
        try:
            await self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        except aiomqtt.MqttError as error:
            raise BrokerError(f"cannot publish: {error}") from error


class Link:
    """``on_message(topic, payload)`` runs in the event loop and must return at once."""

    def __init__(
        self,
        login: BrokerLogin,
        *,
        clock: Clock,
        rng: np.random.Generator,
        on_message: Callable[[str, bytes], None],
        will: tuple[str, bytes] | None = None,
        rule: ReconnectRule | None = None,
    ) -> None:
        self._login = login
        self._clock = clock
        self._rng = rng
        self._on_message = on_message
        self._will = will
        self._rule = rule or ReconnectRule()
        self._five = True
        self._settled = False
        self._since: float | None = None
        self._complaint = ""
        self._alert = ""
        # With a parent it says what paho says as before; without a name in the registry a thousand devices leave nothing behind.
        self._paho = logging.Logger("mqtt")
        self._paho.parent = logging.getLogger("mqtt")
        self._paho.addFilter(self._hear)

    @property
    def connected(self) -> bool:
        return self._since is not None

    @property
    def protocol(self) -> str:
        return "5" if self._five else "3.1.1"

    async def run(self, session: Callable[[Connection], Awaitable[None]]) -> NoReturn:
        """Runs ``session`` on each new connection. It should not return before it is cancelled."""
        delay_s, this_task = self._rule.first_s, asyncio.current_task()
        while True:
            if this_task is not None and this_task.cancelling():
                raise asyncio.CancelledError  # swallowed on the way, see _end
            started = self._clock.monotonic()
            try:
                await self._connect(session)
            except BrokerError as error:
                self._complain(str(error))
            if self._clock.monotonic() - started >= self._rule.steady_s:
                delay_s = self._rule.first_s
            await asyncio.sleep(delay_s * float(self._rng.uniform(0.5, 1.0)))
            delay_s = min(delay_s * 2.0, self._rule.longest_s)

    async def _connect(self, session: Callable[[Connection], Awaitable[None]]) -> None:
        self._alert = ""
        try:
            client = self._client()
        except ConfigError as error:  # certificates: somebody may be renewing them at this moment
            raise BrokerError(str(error)) from error
        opening = asyncio.ensure_future(client.__aenter__())
        try:
            await asyncio.shield(opening)
        except aiomqtt.MqttError as error:
            self._fall_back(error)
            raise BrokerError(f"cannot connect: {self._why(error)}") from error
        except asyncio.CancelledError:
            await self._abandon(client, opening)
            raise
        self._settled, self._complaint, self._since = True, "", self._clock.monotonic()
        logger.debug("%s is connected by MQTT %s", self._login.user, self.protocol)
        try:
            await self._serve(client, session)
        except asyncio.CancelledError:
            await self._say_goodbye(client)
            raise
        finally:
            self._since = None
            with suppress(aiomqtt.MqttError):
                await client.__aexit__(None, None, None)

    async def _serve(self, client: aiomqtt.Client, session: Callable[[Connection], Awaitable[None]]) -> None:
        """Until either side ends. The receiver notices a lost connection at once, a waiting publish only after its time-out."""
        tasks = [
            asyncio.ensure_future(session(Connection(client, self._five))),
            asyncio.ensure_future(self._receive(client)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await _end(tasks)

    async def _receive(self, client: aiomqtt.Client) -> None:
        try:
            async for message in client.messages:
                if isinstance(message.payload, bytes):
                    self._on_message(message.topic.value, message.payload)
        except aiomqtt.MqttError as error:
            raise BrokerError(f"connection lost: {self._why(error)}") from error

    async def _abandon(self, client: aiomqtt.Client, opening: asyncio.Future[aiomqtt.Client]) -> None:
        """Connecting happens in a thread that nothing interrupts: let it end, or its socket stays open."""
        with suppress(aiomqtt.MqttError, TimeoutError):
            await asyncio.wait_for(opening, _GOODBYE_S)
            await client.__aexit__(None, None, None)

    async def _say_goodbye(self, client: aiomqtt.Client) -> None:
        if self._will is not None:
            with suppress(BrokerError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await Connection(client, self._five).publish(*self._will, retain=True)

    def _client(self) -> aiomqtt.Client:
        login, will = self._login, None
        if self._will is not None:
            will = aiomqtt.Will(self._will[0], self._will[1], qos=1, retain=True)
        properties: Properties | None = None
        if self._five:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
        client = aiomqtt.Client(
            login.host,
            login.port,
            identifier=login.user,
            username=login.user,
            password=login.password,
            protocol=aiomqtt.ProtocolVersion.V5 if self._five else aiomqtt.ProtocolVersion.V311,
            clean_session=None if self._five else False,
            clean_start=False if self._five else MQTT_CLEAN_START_FIRST_ONLY,  # the latter also means "not MQTT 5"
            properties=properties,
            will=will,
            logger=self._paho,
            tls_context=login.tls.context() if login.tls is not None else None,
            keepalive=KEEPALIVE_S,
            timeout=TIMEOUT_S,
            # A device answers cmd/ack and publishes: without this the second small packet waits 40 ms for the first one's ACK.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
        client.pending_calls_threshold = 1000  # it only decides about a warning
        return client

    def _why(self, error: aiomqtt.MqttError) -> str:
        return str(error) if self._login.tls is None else explain(self._alert or str(error))

    def _hear(self, record: logging.LogRecord) -> bool:
        """By TLS 1.3 a broker refuses our certificate after we have seen the connection made: only paho's log has the reason.
        It is told as ours."""
        said = record.getMessage()
        if self._login.tls is None or record.levelno < logging.ERROR or "alert" not in said:
            return True
        self._alert = said
        return False

    def _fall_back(self, error: aiomqtt.MqttError) -> None:
        """Before the first success: the broker says that it does not speak MQTT 5, or closes without a word."""
        if self._settled or not self._five or self._alert:
            return
        refusal = error.rc if isinstance(error, aiomqtt.MqttCodeError) else None
        number = getattr(refusal, "value", refusal)
        if number in _WRONG_VERSION or str(error) == "Operation timed out":
            self._five = False

    def _complain(self, complaint: str) -> None:
        """Once per outage and cause, not once per attempt."""
        if complaint != self._complaint:
            logger.warning("%s: %s; trying again", self._login.user, complaint)
            self._complaint = complaint


async def _end(tasks: Sequence[asyncio.Future[None]]) -> None:
    """Cancels until they are done: on Python 3.11 ``asyncio.wait_for``, which aiomqtt uses, swallows a cancellation that comes
    together with what it waits for."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # the first one was raised already; this keeps asyncio from reporting the other

"""An amqtt broker that keeps what it acknowledged and enforces Vigil's accounts. For the demo only.

What amqtt 0.12 does by itself, and what this subclass changes:

- It drops acknowledged messages that still wait when their publisher disconnects. Here the queue is run empty first.
- It evicts and re-labels the session of a client id before it checks the password. Here the CONNECT is checked first.
- It sends every connecting client all retained messages that match anybody's subscription, and publishes a Will
  without asking for the right to. Here both are held to the rights file.
- It walks its subscriptions while other tasks may change them (the message is then lost for the later subscribers).
  Here nothing in that walk yields; that is why rights are checked in this class and not in amqtt plugins, which
  are awaited.
- It hangs on an MQTT 5 CONNECT. Here the client is told "unacceptable protocol version" and can fall back to 3.1.1.
- It forgets what a persistent session was sent and had not acknowledged after 5 s or when its connection ended. Here
  that is queued for the next connection.
- On a take-over of a persistent session it marks the new connection as disconnected. Here the old one ends first.

What it still forgets, and the re-send until ``cmd/ack`` brings back: everything at a restart, retained ``state``
included. It delivers with the subscriber's QoS, whatever the publisher chose, and has no limit on what it queues.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn

from amqtt.adapters import BufferReader, ReaderAdapter, StreamReaderAdapter, StreamWriterAdapter, WriterAdapter
from amqtt.broker import Broker, Server
from amqtt.contexts import Action, ListenerConfig
from amqtt.errors import MQTTError, NoDataError
from amqtt.mqtt.connack import NOT_AUTHORIZED, UNACCEPTABLE_PROTOCOL_VERSION
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.packet import CONNECT, MQTTFixedHeader
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.session import Session

from vigil.runtime.broker.acl import LOG_TOPIC, matches
from vigil.runtime.broker.amqtt_connection import BoundedReader, KeepingHandler, refuse
from vigil.runtime.broker.rights import Rights
from vigil.runtime.broker.takeovers import takeover_line

_LOG = logging.getLogger(__name__)
#: A client that has not said CONNECT by then is cut off (ours).
CONNECT_TIMEOUT_S = 10.0
_CONNECT_LIMIT = 256 * 1024  # bytes: two ids, a password and a Will of at most 64 KiB each
_MQTT_3_1_1 = 4


@dataclass(frozen=True, slots=True)
class _Connection:
    """``hashed``: the account's password, as it was when the client was let in."""

    handler: BrokerProtocolHandler
    ended: asyncio.Event
    hashed: str | None


class VigilBroker(Broker):
    def __init__(self, rights: Rights, port: int, payload_limit: int, packet_limit: int) -> None:
        """Bytes for both limits: messages over the first are dropped, packets over the second end the connection."""
        super().__init__(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
                "session_expiry_interval": 7 * 24 * 3600,
                "plugins": {},
            }
        )
        self._rights = rights
        self._payload_limit = payload_limit
        self._packet_limit = packet_limit
        self._connections: dict[str, _Connection] = {}

    async def end_outdated(self) -> None:
        """End the connections whose account is gone or renewed, as mosquitto does when it reads its files again."""
        for user, connection in list(self._connections.items()):
            if self._rights.hash_of(user) != connection.hashed:
                await self._end(connection.handler)

    # --- a client connects -------------------------------------------------------------------------------------

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        bounded = BoundedReader(StreamReaderAdapter(reader), self._packet_limit)
        try:
            await self._client_connected(listener_name, bounded, StreamWriterAdapter(writer))
        except OSError:
            _LOG.debug("a connection broke off")
        finally:
            writer.close()

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        try:
            connect = await asyncio.wait_for(self._read_connect(reader, writer), CONNECT_TIMEOUT_S)
        except TimeoutError as error:
            raise MQTTError("no CONNECT in time") from error
        user = connect.username
        if user is None or not self._admits(connect):
            await refuse(writer, NOT_AUTHORIZED, "wrong user name or password, or a Will on a foreign topic")
        connect.client_id = user  # use_username_as_clientid; see acl.py
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                while user in self._connections:
                    await self._take_over(user, self._connections[user])
        except TimeoutError as error:
            raise MQTTError("the earlier connection of this client does not end") from error
        _, session = await super()._initialize_client_session(
            BufferReader(connect.to_bytes()), writer, remote_address, remote_port
        )
        return KeepingHandler(self.plugins_manager), session

    async def _read_connect(self, reader: ReaderAdapter, writer: WriterAdapter) -> ConnectPacket:
        header = await MQTTFixedHeader.from_stream(reader)
        if header is None or header.packet_type != CONNECT or header.remaining_length > _CONNECT_LIMIT:
            raise MQTTError("the first packet is not a CONNECT")
        try:
            body = await reader.read(header.remaining_length)
        except asyncio.IncompleteReadError as error:
            raise NoDataError("the CONNECT is cut short") from error
        # "MQTT" with its length, then the protocol level. Checked before parsing: amqtt would take the properties of
        # an MQTT 5 CONNECT for the client id and wait for bytes that never come.
        if body[:6] == b"\x00\x04MQTT" and body[6:7] != bytes([_MQTT_3_1_1]):
            await refuse(writer, UNACCEPTABLE_PROTOCOL_VERSION, "only MQTT 3.1.1 is spoken here")
        return await ConnectPacket.from_stream(BufferReader(body), fixed_header=header)

    def _admits(self, connect: ConnectPacket) -> bool:
        user, password = connect.username, connect.password
        if user is None or password is None or not self._rights.admits(user, password):
            return False
        return not connect.will_flag or self._rights.acl.may_write(user, connect.will_topic or "")

    async def _authenticate(self, session: Session, _: ListenerConfig) -> bool:
        session.password = None  # checked in _initialize_client_session, which alone creates sessions
        return True

    async def _handle_client_session(
        self,
        reader: ReaderAdapter,
        writer: WriterAdapter,
        client_session: Session,
        handler: BrokerProtocolHandler,
        server: Server,
        listener_name: str,
    ) -> None:
        user, ended = str(client_session.client_id), asyncio.Event()
        self._connections[user] = _Connection(handler, ended, self._rights.hash_of(user))
        try:
            await super()._handle_client_session(reader, writer, client_session, handler, server, listener_name)
        finally:
            del self._connections[user]
            ended.set()

    async def _take_over(self, user: str, connection: _Connection) -> None:
        await self.internal_message_broadcast(LOG_TOPIC, takeover_line(user).encode(), 0)
        await self._end(connection.handler)
        await connection.ended.wait()

    async def _end(self, handler: BrokerProtocolHandler) -> None:
        if handler.session is not None:
            await handler.handle_connection_closed()
            await self._stop_handler(handler)

    # --- while it is connected ---------------------------------------------------------------------------------

    async def _client_message_loop(self, client_session: Session, handler: BrokerProtocolHandler) -> None:
        disconnected = asyncio.ensure_future(handler.wait_disconnect())
        workers = [
            asyncio.ensure_future(self._deliver_for_ever(client_session, handler)),
            asyncio.ensure_future(self._subscribe_for_ever(client_session, handler)),
            asyncio.ensure_future(self._unsubscribe_for_ever(client_session, handler)),
        ]
        try:
            await asyncio.wait([disconnected, *workers], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for worker in workers:
                worker.cancel()
            results = await asyncio.gather(*workers, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception):
                    _LOG.error("ending the connection of %s", client_session.client_id, exc_info=result)
            await handler.handle_connection_closed()  # when a worker ended first; else this does nothing
            await self._run_empty(client_session, handler)
            await disconnected
            await self._handle_disconnect(client_session, handler, disconnected)
            # Stopping the handler let its last PUBLISH tasks run; they were acknowledged too.
            await self._run_empty(client_session, handler)

    async def _run_empty(self, session: Session, handler: BrokerProtocolHandler) -> None:
        """The cure: hand on what the client sent and was acknowledged for, although it is gone.

        Nothing here yields to other tasks, so no clean-up of the session can clear the queue in between.
        """
        while not session.delivered_message_queue.empty():
            await self._hand_on(session, handler, session.delivered_message_queue.get_nowait())

    async def _deliver_for_ever(self, session: Session, handler: BrokerProtocolHandler) -> None:
        # The getter is the queue's own, not handler.mqtt_deliver_next_message in a task: cancelling a task that has
        # already taken a message loses the message, cancelling Queue.get does not.
        while await self._hand_on(session, handler, await session.delivered_message_queue.get()):
            pass

    async def _hand_on(self, session: Session, handler: BrokerProtocolHandler, message: Any) -> bool:
        if len(message.data) > self._payload_limit:
            _LOG.warning("dropped a message of %s: larger than the limit", session.client_id)
            return True
        taken: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        taken.set_result(message)
        return bool(await self._handle_message_delivery(session, handler, taken))

    async def _subscribe_for_ever(self, session: Session, handler: BrokerProtocolHandler) -> NoReturn:
        while True:
            pending = asyncio.ensure_future(handler.get_next_pending_subscription())
            await _settled(pending)
            await self._handle_subscription(session, handler, pending)

    async def _unsubscribe_for_ever(self, session: Session, handler: BrokerProtocolHandler) -> NoReturn:
        while True:
            pending = asyncio.ensure_future(handler.get_next_pending_unsubscription())
            await _settled(pending)
            await self._handle_unsubscription(session, handler, pending)

    # --- rights ------------------------------------------------------------------------------------------------

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        user, acl = str(session.client_id), self._rights.acl
        if action is Action.PUBLISH:
            return acl.may_write(user, topic)
        if action is Action.SUBSCRIBE:
            return acl.may_subscribe(user, topic)
        return acl.may_read(user, topic)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        topic_filter, qos = subscription
        holders = (holder for holder, _ in self._subscriptions.get(topic_filter, []))
        handler = self._get_handler(session)
        if handler is None or session.client_id not in {holder.client_id for holder in holders}:
            return
        for topic, kept in self._retained_messages.items():
            if matches(topic_filter, topic) and self._rights.acl.may_read(str(session.client_id), topic):
                # Not awaited: the caller walks a dictionary that others change.
                self._send(handler.mqtt_publish(topic, kept.data, min(qos, kept.qos or 0), retain=True))

    async def _publish_session_retained_messages(self, session: Session) -> None:
        # Not awaited: the client's SUBSCRIBE would stay unanswered until it has acknowledged every queued message.
        handler = self._get_handler(session)
        while handler is not None and not session.retained_messages.empty():
            queued = session.retained_messages.get_nowait()
            self._send(handler.mqtt_publish(queued.topic, queued.data, queued.qos, retain=False))

    def _send(self, publish: Coroutine[Any, Any, Any]) -> None:
        self._tasks_queue.append(asyncio.ensure_future(publish))  # the broadcast loop reaps these tasks


async def _settled(future: asyncio.Future[Any]) -> None:
    try:
        await asyncio.wait([future])
    finally:
        if not future.done():
            future.cancel()

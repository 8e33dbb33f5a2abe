"""One client's connection to the embedded broker: bounded reading, refusing, and sending without forgetting."""

from __future__ import annotations

import asyncio
from typing import NoReturn

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import RetainedApplicationMessage
from amqtt.errors import AMQTTError, MQTTError
from amqtt.mqtt.connack import ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.session import IncomingApplicationMessage, OutgoingApplicationMessage

#: After this long without a PUBACK a message counts as lost on its way; it is sent again at the next reconnect (ours).
PUBACK_TIMEOUT_S = 60.0


class BoundedReader(ReaderAdapter):
    """Ends a connection that announces more than ``limit`` bytes, before any of them is read into memory."""

    def __init__(self, inner: ReaderAdapter, limit: int) -> None:
        self._inner = inner
        self._limit = limit

    async def read(self, n: int = -1) -> bytes:
        if n > self._limit:
            # Not MQTTError: amqtt's reader would skip that one and go on in the middle of the packet.
            raise AMQTTError("packet too large")
        return await self._inner.read(n)

    def feed_eof(self) -> None:
        self._inner.feed_eof()


class KeepingHandler(BrokerProtocolHandler):
    """Queues, for the next connection of a persistent session, each QoS 1 message that was not acknowledged on this."""

    _over = False

    async def stop(self) -> None:
        self._over = True
        await super().stop()

    async def mqtt_publish(
        self, topic: str, data: bytes | bytearray, qos: int | None, retain: bool, ack_timeout: int | None = None
    ) -> OutgoingApplicationMessage:
        session, acknowledged = self.session, False
        try:
            if self._over:
                raise AMQTTError("the connection is over")
            sent = await super().mqtt_publish(topic, data, qos, retain, ack_timeout)
            acknowledged = True
            return sent
        finally:
            if not acknowledged and qos and session is not None and not session.clean_session:
                session.retained_messages.put_nowait(RetainedApplicationMessage(None, topic, data, qos))

    async def _handle_qos1_message_flow(
        self, app_message: OutgoingApplicationMessage | IncomingApplicationMessage
    ) -> None:
        session, number = self.session, app_message.packet_id
        if not isinstance(app_message, OutgoingApplicationMessage) or session is None or number is None:
            await super()._handle_qos1_message_flow(app_message)
            return
        # As in amqtt, but with a longer time-out, and ready for the PUBACK before the message is sent, not after.
        waiter: asyncio.Future[PubackPacket] = asyncio.get_running_loop().create_future()
        self._puback_waiters[number] = waiter
        session.inflight_out[number] = app_message  # next_packet_id looks here
        try:
            app_message.publish_packet = app_message.build_publish_packet()
            await self._send_packet(app_message.publish_packet)
            app_message.puback_packet = await asyncio.wait_for(waiter, PUBACK_TIMEOUT_S)
        finally:
            self._puback_waiters.pop(number, None)
            session.inflight_out.pop(number, None)


async def refuse(writer: WriterAdapter, code: int, reason: str) -> NoReturn:
    """Answer a CONNECT with this return code and end the connection."""
    await ConnackPacket.build(0, code).to_stream(writer)
    await writer.close()
    raise MQTTError(reason)

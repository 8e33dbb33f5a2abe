"""Step "publish": what is due goes to the broker, QoS 1, under each device's own topic, live values first."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from gateway.count import Counts
from gateway.spool import Outgoing, Spool
from gateway.spool_thread import SpoolThread
from vigil.domain.errors import SpoolError
from vigil.runtime.link import Connection
from vigil.wire import topics
from vigil.wire.resend import LIVE, LIVE_EXPIRY_S, ResendRule

logger = logging.getLogger(__name__)

ONLINE, OFFLINE = b"online", b"offline"
#: Packs marked as sent in one transaction, and under way to the broker at once (ours; paho itself keeps 20 in flight).
BATCH_PACKS = 100


def state_topic(tenant: str, gateway_id: str) -> str:
    """Retained presence of the gateway itself."""
    return f"{topics.ROOT}/{tenant}/g/{gateway_id}/state"


class Publisher:
    """``session`` runs on each new connection. ``wake`` when something new may be due."""

    def __init__(
        self,
        tenant: str,
        gateway_id: str,
        devices: tuple[str, ...],
        spool: SpoolThread,
        rule: ResendRule,
        counts: Counts,
    ) -> None:
        self._tenant = tenant
        self._state = state_topic(tenant, gateway_id)
        self._ack_topics = [topics.command(tenant, device, "ack") for device in devices]
        self._spool = spool
        self._counts = counts
        #: How often the disk is asked for packs that have become due.
        self._look_every_s = min(1.0, rule.first_s / 4)
        self._to_do = asyncio.Event()

    def wake(self) -> None:
        self._to_do.set()

    async def session(self, connection: Connection) -> None:
        await connection.subscribe(self._ack_topics)
        await connection.publish(self._state, ONLINE, retain=True)
        self._counts.connected.set(1)
        try:
            await self._publish_for_ever(connection)
        finally:
            self._counts.connected.set(0)

    async def _publish_for_ever(self, connection: Connection) -> None:
        fresh_connection, complaint = True, ""
        while True:
            self._to_do.clear()
            packs: list[Outgoing] = []
            try:
                if fresh_connection:
                    await self._spool.do(Spool.all_due)
                    fresh_connection = False
                packs = await self._spool.do(lambda spool: spool.take(BATCH_PACKS))
            except SpoolError as error:  # a full disk, most likely: the packs are safe, so wait for room
                if str(error) != complaint:
                    complaint = str(error)
                    logger.error("cannot send: %s", complaint)
            await asyncio.gather(*(self._send(connection, pack) for pack in packs))
            if len(packs) < BATCH_PACKS:
                await self._pause()

    async def _send(self, connection: Connection, pack: Outgoing) -> None:
        topic = topics.telemetry(self._tenant, pack.device_id, pack.channel)
        (self._counts.sent if pack.attempts == 1 else self._counts.resent).inc()
        await connection.publish(topic, pack.payload, expiry_s=LIVE_EXPIRY_S if pack.channel == LIVE else None)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._look_every_s):
                await self._to_do.wait()

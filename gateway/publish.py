"""Step "publish": what is due goes to the broker, QoS 1, under each device's own topic.

Two loops share a connection. Fresh live values go at once, the newest first. History and repetitions go in small bites at a
steady pace when no live value is under way: a live value then waits behind one bite, not behind a backlog.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from gateway.asked import Asked
from gateway.count import Counts
from gateway.pace import Pace
from gateway.settings import GatewaySettings
from gateway.spool import Outgoing, Spool
from gateway.spool_thread import SpoolThread
from gateway.unable import Unable
from vigil.domain.errors import SpoolError
from vigil.runtime.clock import Clock
from vigil.runtime.link import Connection
from vigil.wire import topics
from vigil.wire.commands import Backfill, write_backfill
from vigil.wire.resend import LIVE, LIVE_EXPIRY_S

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

ONLINE, OFFLINE = b"online", b"offline"
#: Live packs marked as sent in one transaction, and under way to the broker at once: paho itself keeps 20 in flight. Not more, so
#: that the newest are looked for again soon.
BATCH_PACKS = 20
#: So long history waits for a moment without live packs under way (ours); then it takes a bite all the same.
HISTORY_WAITS_S = 1.0


class Publisher:
    """``session`` runs on each new connection. ``wake`` when something new may be due."""

    def __init__(
        self,
        settings: GatewaySettings,
        spool: SpoolThread,
        asked: Asked,
        unable: Unable,
        counts: Counts,
        clock: Clock,
    ) -> None:
        self._tenant = settings.tenant
        self._state = topics.gateway_state(settings.tenant, settings.login.user)
        self._filters = [
            topics.command(settings.tenant, device, name)
            for device in settings.devices
            for name in ("ack", "backfill", "config")
        ]
        self._spool = spool
        self._asked = asked
        self._unable = unable
        self._counts = counts
        self._pace = Pace(settings.history_packs_s, clock)
        #: How often the disk is asked for packs that have become due.
        self._look_every_s = min(1.0, settings.resend.first_s / 4)
        self._live_to_do, self._history_to_do = asyncio.Event(), asyncio.Event()
        self._live_idle = asyncio.Event()
        self._clock = clock
        self._complaint = ""

    def wake(self) -> None:
        self._live_to_do.set()
        self._history_to_do.set()

    async def session(self, connection: Connection) -> None:
        await connection.subscribe(self._filters)
        await connection.publish(self._state, ONLINE, retain=True)
        self._counts.connected.set(1)
        self._pace.new_line()
        try:
            await self._all_due()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send_live(connection))
                group.create_task(self._send_history(connection))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        finally:
            self._counts.connected.set(0)

    async def _all_due(self) -> None:
        while await self._tried(Spool.all_due) is None:
            await asyncio.sleep(self._look_every_s)

    async def _tried(self, act: Callable[[Spool], _T]) -> _T | None:
        """None when the spool fails: a full disk, most likely. The packs are safe, so wait for room."""
        try:
            return await self._spool.do(act)
        except SpoolError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                logger.error("cannot send: %s", error)
            return None

    async def _send_live(self, connection: Connection) -> None:
        while True:
            self._live_to_do.clear()
            packs = await self._tried(partial(Spool.take_live, limit=BATCH_PACKS)) or []
            await asyncio.gather(*(self._send(connection, pack) for pack in packs))
            if len(packs) < BATCH_PACKS:
                self._live_idle.set()
                await _pause(self._live_to_do, self._look_every_s)
                self._live_idle.clear()

    async def _send_history(self, connection: Connection) -> None:
        while True:
            self._history_to_do.clear()
            for device, command, answer in self._unable.taken():
                await connection.publish(topics.result(self._tenant, device, command), answer)
            for device, question in self._asked.taken():
                gone = await self._tried(partial(Spool.asked_again, device_id=device, asked=question)) or []
                await asyncio.gather(*(self._deny(connection, device, run) for run in gone))
            bite = self._pace.bite()
            if not bite:
                await asyncio.sleep(self._pace.next_s)
                continue
            await _pause(self._live_idle, HISTORY_WAITS_S)
            packs = await self._tried(partial(Spool.take_history, limit=bite)) or []
            started = self._clock.monotonic()
            await asyncio.gather(*(self._send(connection, pack) for pack in packs))
            self._pace.sent(len(packs), self._clock.monotonic() - started)
            if not packs:
                await _pause(self._history_to_do, self._look_every_s)

    async def _deny(self, connection: Connection, device: str, gone: Backfill) -> None:
        """The platform need not wait for these."""
        self._counts.gone.inc(gone.to - gone.from_ + 1)
        answer = write_backfill(gone.epoch, gone.from_, gone.to)
        await connection.publish(topics.result(self._tenant, device, "backfill"), answer)

    async def _send(self, connection: Connection, pack: Outgoing) -> None:
        topic = topics.telemetry(self._tenant, pack.device_id, pack.channel)
        (self._counts.sent if pack.attempts == 1 else self._counts.resent).inc()
        await connection.publish(topic, pack.payload, expiry_s=LIVE_EXPIRY_S if pack.channel == LIVE else None)


async def _pause(to_do: asyncio.Event, longest_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(longest_s):
            await to_do.wait()

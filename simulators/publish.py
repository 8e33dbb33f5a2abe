"""Step "publish": simulated devices speak MQTT as firmware should, many in one event loop.

Each device has its own connection and account, numbers its packs, and keeps them until ``cmd/ack``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn, Self

import numpy as np

from simulators.packs import Pack
from simulators.send_outbox import Counts, Outbox
from vigil.domain.errors import InvalidInput
from vigil.runtime.clock import Clock
from vigil.runtime.link import BrokerLogin, Connection, Link, ReconnectRule
from vigil.wire import packs as wire
from vigil.wire import topics
from vigil.wire.resend import LIVE, LIVE_EXPIRY_S, ResendRule, new_epoch

#: Packs that one device holds before ``send`` waits (ours): four windows.
OUTBOX_PACKS = 1024
ONLINE, OFFLINE = b"online", b"offline"


@dataclass(frozen=True, slots=True)
class DeviceAccess:
    """Where a device connects, and as whom; client id = user name = device id."""

    device_id: str
    host: str
    port: int
    username: str
    password: str


class DeviceSender:
    """One device: retained ``state``, an outbox, re-sending. ``run`` until cancelled."""

    def __init__(
        self,
        access: DeviceAccess,
        tenant: str,
        clock: Clock,
        rng: np.random.Generator,
        *,
        rule: ResendRule,
        reconnect: ReconnectRule,
        outbox_packs: int,
        cbor: bool,
    ) -> None:
        self._device_id = access.device_id
        self._tenant = tenant
        self._clock = clock
        self._limit = outbox_packs
        self._outbox = Outbox(access.device_id, new_epoch(rng, clock.now_us()), rule, cbor=cbor)
        self._to_do = asyncio.Event()
        self._progress = asyncio.Event()
        state = topics.state(tenant, access.device_id)
        self._online = (state, ONLINE)
        self._ack_topic = topics.command(tenant, access.device_id, "ack")
        self._link = Link(
            BrokerLogin(access.host, access.port, access.username, access.password),
            clock=clock,
            rng=rng,
            on_message=self._take_message,
            will=(state, OFFLINE),
            rule=reconnect,
        )

    @property
    def counts(self) -> Counts:
        return self._outbox.counts

    @property
    def connected(self) -> bool:
        return self._link.connected

    async def run(self) -> NoReturn:
        await self._link.run(self._session)

    async def send(self, pack: Pack) -> None:
        """Waits while the outbox is full."""
        while len(self._outbox) >= self._limit:
            await self._wait_progress()
        self._outbox.add(pack)
        self._to_do.set()

    async def drained(self) -> None:
        while len(self._outbox):
            await self._wait_progress()

    async def _wait_progress(self) -> None:
        self._progress.clear()
        await self._progress.wait()

    async def _session(self, connection: Connection) -> None:
        await connection.subscribe([self._ack_topic])
        await connection.publish(*self._online, retain=True)
        self._outbox.all_due()
        while True:
            self._to_do.clear()
            for waiting in self._outbox.due(self._clock.monotonic()):
                self._outbox.note_sent(waiting, self._clock.monotonic())
                for _ in range(waiting.copies):
                    await connection.publish(
                        topics.telemetry(self._tenant, self._device_id, waiting.channel),
                        waiting.payload,
                        expiry_s=LIVE_EXPIRY_S if waiting.channel == LIVE else None,
                    )
            await self._wait_work()

    async def _wait_work(self) -> None:
        due_s = self._outbox.next_due_s()
        patience_s = None if due_s is None else max(0.0, due_s - self._clock.monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._to_do.wait()

    def _take_message(self, topic: str, payload: bytes) -> None:
        ack = wire.read_ack(payload) if topic == self._ack_topic else None
        if ack is not None and self._outbox.acknowledge(ack):
            self._progress.set()
            self._to_do.set()  # the window has moved


class Fleet:
    """Devices that send for themselves: ``async with Fleet(...) as fleet: await fleet.send(pack)``.

    The senders start at ``async with`` and connect in the background, again and again; packs wait meanwhile. At its end the
    devices say "offline"; what is not acknowledged by then is forgotten, so ``drain`` first.
    """

    def __init__(
        self,
        access: Iterable[DeviceAccess],
        tenant: str,
        clock: Clock,
        rng: np.random.Generator,
        *,
        rule: ResendRule | None = None,
        reconnect: ReconnectRule | None = None,
        outbox_packs: int = OUTBOX_PACKS,
        cbor: bool = False,
    ) -> None:
        self._senders: dict[str, DeviceSender] = {}
        for entry in access:
            self._senders[entry.device_id] = DeviceSender(
                entry,
                tenant,
                clock,
                rng,
                rule=rule or ResendRule(),
                reconnect=reconnect or ReconnectRule(),
                outbox_packs=outbox_packs,
                cbor=cbor,
            )
        self._tasks: list[asyncio.Task[NoReturn]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(sender.run()) for sender in self._senders.values()]
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):  # a cancelled sender is no fault; anything else is a bug to be seen
                raise result

    @property
    def connected(self) -> int:
        """How many devices are connected now."""
        return sum(sender.connected for sender in self._senders.values())

    @property
    def counts(self) -> dict[str, Counts]:
        return {device_id: sender.counts for device_id, sender in self._senders.items()}

    async def send(self, pack: Pack) -> None:
        """Returns when the pack is in the device's outbox, so waits while that is full. ``InvalidInput``: no such device."""
        sender = self._senders.get(pack.device_id)
        if sender is None:
            raise InvalidInput(f"device {pack.device_id} has no access to the broker")
        await sender.send(pack)

    async def drain(self, timeout_s: float) -> dict[str, Counts]:
        """Waits until the platform has acknowledged everything, at most so long; the counts say whether it has."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                for sender in self._senders.values():
                    await sender.drained()
        return self.counts

"""Writes down every ``cmd/ack`` that the broker passes on, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import numpy as np

from vigil.runtime.clock import SystemClock
from vigil.runtime.link import BrokerLogin, Connection, Link, ReconnectRule
from vigil.wire import packs as wire
from vigil.wire import topics


@dataclass(frozen=True, slots=True)
class Ack:
    """``at``: microseconds UTC when it came here."""

    device: str
    epoch: int
    seq: int
    at: int


@dataclass
class Observer:
    tenant: str
    devices: Sequence[str]
    acks: list[Ack] = field(default_factory=list)
    _clock: SystemClock = field(default_factory=SystemClock)

    @asynccontextmanager
    async def watching(self, login: BrokerLogin) -> AsyncIterator[None]:
        link = Link(
            login,
            clock=self._clock,
            rng=np.random.default_rng(0),
            on_message=self._take,
            rule=ReconnectRule(first_s=0.2, longest_s=1.0),
        )
        task = asyncio.create_task(link.run(self._session))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _session(self, connection: Connection) -> None:
        await connection.subscribe([topics.command(self.tenant, device, "ack") for device in self.devices])
        await asyncio.Event().wait()

    def _take(self, topic: str, payload: bytes) -> None:
        ack = wire.read_ack(payload)
        assert ack is not None, payload
        self.acks.append(Ack(topic.split("/")[4], ack.epoch, ack.seq, self._clock.now_us()))

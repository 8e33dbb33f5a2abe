"""A home: the hub with a real spool, real bleak and an adapter in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gateway.ble.config import read
from gateway.ble.count import BluetoothCounts
from gateway.ble.deliver import Delivery
from gateway.ble.frames import FrameBook
from gateway.ble.hub import Hub
from gateway.ble.radio import Radio
from gateway.count import Counts
from gateway.spool import Spool
from gateway.spool_thread import SpoolThread
from tests.integration.ble.air import CENTRAL, Air, backends
from tests.unit.gateway.lines import opened
from vigil.domain.vitals import VITALS
from vigil.runtime.clock import Clock, SystemClock
from vigil.runtime.link import ReconnectRule
from vigil.runtime.metrics import Metrics
from vigil.wire.packs import read as read_pack

DEADLINE_S = 20.0


async def eventually(happened: Callable[[], bool]) -> None:
    """Lets the loop run until it happened."""
    async with asyncio.timeout(DEADLINE_S):
        while not happened():
            await asyncio.sleep(0.005)


class Noon(SystemClock):
    """It is always noon; only the waits take time."""

    US = 1_767_268_800_000_000  # 2026-01-01T12:00:00Z

    def now_us(self) -> int:
        return self.US


class Waiting(NamedTuple):
    """``old``: goes as history."""

    name: str
    t_us: int
    value: float
    old: bool


@dataclass(slots=True)
class Home:
    air: Air
    radio: Radio
    spool: SpoolThread
    book: FrameBook
    metrics: Metrics

    def count(self, name: str, outcome: str) -> int:
        begin = f'gateway_ble_{name}_total{{outcome="{outcome}"}} '
        found = [line for line in self.metrics.text().decode().splitlines() if line.startswith(begin)]
        return int(float(found[0].removeprefix(begin))) if found else 0

    def frames(self, outcome: str = "accepted") -> int:
        return self.count("frames", outcome)

    async def readings(self, device: str) -> list[Waiting]:
        """What waits in the spool, in the order it was accepted."""

        def rows(spool: Spool) -> list[tuple[bytes, int]]:
            return spool._db.execute(
                "SELECT payload, backfill FROM packs WHERE device = ? ORDER BY rowid", (device,)
            ).fetchall()

        found = [(read_pack(payload, device), bool(old)) for payload, old in await self.spool.do(rows)]
        return [
            Waiting(VITALS[pack.vital[at]].wire, pack.time_us[at], pack.value[at], old)
            for pack, old in found
            for at in range(len(pack.vital))
        ]

    async def values(self, device: str, name: str | None = None) -> list[float]:
        return [each.value for each in await self.readings(device) if name in (None, each.name)]

    async def aside(self) -> list[tuple[str, str, str]]:
        """(label, outcome, hex)"""
        return await self.spool.do(
            lambda _: self.book._db.execute("SELECT label, outcome, frame FROM aside ORDER BY number").fetchall()
        )


@asynccontextmanager
async def home(path: Path, *peripherals: dict[str, Any], air: Air, clock: Clock | None = None) -> AsyncIterator[Home]:
    """The hub works inside the block. The same ``path`` and ``air`` again: the gateway was started again."""
    settings = read({"peripheral": list(peripherals)}).bluetooth
    assert settings is not None
    clock = clock or SystemClock()
    central = await air.adapter(CENTRAL)
    radio = Radio("", *backends(central, air))
    spool = SpoolThread(opened(path / "spool.sqlite3", clock))
    book, metrics = FrameBook(path / "frames.sqlite3"), Metrics()
    counts = BluetoothCounts(metrics)
    delivery = Delivery(spool, book, Counts(metrics), counts, lambda: None)
    rule = ReconnectRule(first_s=0.01, longest_s=0.05)
    hub = Hub(settings, radio, delivery, counts, clock=clock, rng=np.random.default_rng(1), rule=rule)
    working = asyncio.create_task(hub.run())
    try:
        yield Home(air, radio, spool, book, metrics)
        assert not working.done(), "nothing may end the hub"
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        book.close()
        spool.close()

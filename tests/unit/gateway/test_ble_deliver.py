"""Frames wait in memory, in order and bounded, until they are on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.ble import deliver
from gateway.ble.count import BluetoothCounts
from gateway.ble.deliver import Delivery
from gateway.ble.frames import FrameBook
from gateway.ble.packs import Aside, Reading
from gateway.count import Counts
from gateway.decode import NewPack
from gateway.spool import Spool
from gateway.spool_accept import Accepted
from gateway.spool_thread import SpoolThread
from tests.unit.gateway.lines import new
from vigil.domain.errors import SpoolError
from vigil.runtime.metrics import Metrics

BAD = Aside("bad", "w-1", "Battery Level", 1, b"\x65", "101 %")


@dataclass(slots=True)
class Disk:
    """Stands for the spool: what it accepted, and how it fails. ``room``: packs that it still takes."""

    room: int = 1_000_000
    fault: SpoolError | None = None
    stored: list[NewPack] = field(default_factory=list)
    tries: int = 0
    damaged: bool = False

    @property
    def packs(self) -> int:
        return len(self.stored)

    size = packs

    def accept(self, packs: list[NewPack]) -> list[Accepted]:
        self.tries += 1
        if self.fault is not None:
            raise self.fault
        return [self._accept(pack) for pack in packs]

    def _accept(self, pack: NewPack) -> Accepted:
        if pack in self.stored:
            return Accepted(self.stored.index(pack), repeated=True)
        if len(self.stored) >= self.room:
            return Accepted(None)
        self.stored.append(pack)
        return Accepted(len(self.stored) - 1)

    def close(self) -> None:
        pass


@dataclass(slots=True)
class Bench:
    delivery: Delivery
    disk: Disk
    book: FrameBook
    metrics: Metrics
    woken: int = 0

    def frames(self, outcome: str) -> int:
        begin = f'gateway_ble_frames_total{{outcome="{outcome}"}} '
        found = [line for line in self.metrics.text().decode().splitlines() if line.startswith(begin)]
        return int(float(found[0].removeprefix(begin))) if found else 0

    async def until(self, stored: int) -> None:
        async with asyncio.timeout(20):
            while len(self.disk.stored) < stored or self.frames("accepted") < stored:
                await asyncio.sleep(0)


@asynccontextmanager
async def bench(path: Path, disk: Disk) -> AsyncIterator[Bench]:
    metrics, book = Metrics(), FrameBook(path / "f.sqlite3")
    spool = SpoolThread(_as_spool(disk))

    def woken() -> None:
        made.woken += 1

    delivery = Delivery(spool, book, Counts(metrics), BluetoothCounts(metrics), woken, retry_s=0.001)
    made = Bench(delivery, disk, book, metrics)
    working = asyncio.create_task(delivery.run())
    try:
        yield made
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        book.close()
        spool.close()


def _as_spool(disk: Disk) -> Spool:
    return disk  # type: ignore[return-value]


def reading(number: int, identified: bool = False) -> Reading:
    return Reading(new(number), identified)


def test_while_the_disk_fails_frames_wait_in_their_order(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def run() -> None:
        disk = Disk(fault=SpoolError("spool: database or disk is full"))
        async with bench(tmp_path, disk) as here:
            for number in range(50):
                here.delivery.put(reading(number))
            async with asyncio.timeout(20):
                while disk.tries < 5:
                    await asyncio.sleep(0)
            assert disk.stored == []
            assert here.woken == 0
            disk.fault = None
            await here.until(50)
            assert disk.stored == [new(number) for number in range(50)]
            assert here.woken > 0

    asyncio.run(run())
    assert caplog.text.count("database or disk is full") == 1
    assert "stored again" in caplog.text


def test_a_full_spool_takes_the_rest_when_there_is_room(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        disk = Disk(room=7)
        async with bench(tmp_path, disk) as here:
            for number in range(20):
                here.delivery.put(reading(number, identified=True))
            await here.until(7)
            disk.room = 100
            await here.until(20)
            assert disk.stored == [new(number) for number in range(20)]
            assert (here.frames("accepted"), here.frames("repeated")) == (20, 0)

    asyncio.run(run())
    assert caplog.text.count("the spool is full") == 1


def test_beyond_the_bound_the_newest_are_dropped_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "HELD_FRAMES", 10)

    async def run() -> None:
        async with bench(tmp_path, Disk()) as here:
            for number in range(15):
                here.delivery.put(reading(number))
            assert here.frames("dropped") == 5
            await here.until(10)
            assert here.disk.stored == [new(number) for number in range(10)]

    asyncio.run(run())
    assert "10 frames wait already: new ones are lost" in caplog.text


def test_the_end_stores_what_is_here_or_says_how_much_is_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run(disk: Disk) -> None:
        async with bench(tmp_path, disk) as here:
            await asyncio.sleep(0)
            for number in range(20):
                here.delivery.put(reading(number))

    good, broken = Disk(), Disk(fault=SpoolError("spool: gone"))
    asyncio.run(run(good))
    assert len(good.stored) == 20
    assert "lost" not in caplog.text
    asyncio.run(run(broken))
    assert "20 Bluetooth frames are lost" in caplog.text


def test_a_broken_database_of_frames_holds_no_reading_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with bench(tmp_path, Disk()) as here:
            here.book._db.execute("DROP TABLE taken")
            here.delivery.put(BAD)
            for number in range(10):
                here.delivery.put(reading(number, identified=True))
            await here.until(10)
            assert here.frames("bad") == 1

    asyncio.run(run())
    assert "no such table: taken; readings are, but one that is sent again may be taken twice" in caplog.text


def test_a_frame_is_taken_once_also_when_the_spool_has_forgotten_it(tmp_path: Path) -> None:
    async def run() -> None:
        async with bench(tmp_path, Disk()) as here:
            here.delivery.put(reading(1, identified=True))
            await here.until(1)
            here.disk.stored.clear()
            for number in (1, 2, 1):
                here.delivery.put(reading(number, identified=True))
            async with asyncio.timeout(20):
                while here.frames("repeated") < 2:
                    await asyncio.sleep(0)
            assert here.disk.stored == [new(2)]

    asyncio.run(run())

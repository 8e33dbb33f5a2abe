"""Packs as lines to a gateway: a real intake and spool, no broker."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.spool import Outgoing, Spool
from simulators.packs import Pack, Record
from simulators.send_lines import UNANSWERED_LINES, SocketFleet
from tests.unit.gateway.conversation import Desk, desk
from vigil.domain.errors import InvalidInput
from vigil.domain.quality import Quality
from vigil.domain.vitals import VITALS
from vigil.wire import packs as wire

NOON = 1_767_225_600_000_000


async def delivered(here: Desk) -> list[Outgoing]:
    """Plays the platform: takes all that waits and acknowledges it."""

    def carry(spool: Spool) -> list[Outgoing]:
        taken: list[Outgoing] = []
        while more := spool.take_live(500) + spool.take_history(500):
            taken += more
            spool.prune({(pack.device_id, pack.epoch): pack.seq for pack in sorted(more, key=lambda one: one.seq)})
        return taken

    return await here.spool.do(carry)


def rows(outgoing: list[Outgoing]) -> list[tuple[str, str, int, float, int, str]]:
    """Device, name, time, value, quality, site of every value, sorted."""
    found = []
    for pack in outgoing:
        read = wire.read(pack.payload, pack.device_id)
        assert read.refused == []
        for i in range(len(read.vital)):
            name = VITALS[read.vital[i]].wire
            found.append((pack.device_id, name, read.time_us[i], read.value[i], read.quality[i], read.site[i]))
    return sorted(found)


def test_every_value_of_a_pack_arrives_as_it_was(tmp_path: Path) -> None:
    later = NOON + 1_234_567
    records = (
        Record("hr", NOON, 72),
        Record("spo2", NOON, 96.5, int(Quality.MOTION), "finger"),
        Record("spo2", NOON, 94, 0, "ear"),
        Record("temp", later, 36.8),
        Record("avpu", later, "V"),
        Record("hr", later, 73, int(Quality.TEST)),
    )

    async def talk() -> None:
        async with desk(tmp_path) as here, SocketFleet(here.where, ["w-1", "w-2"]) as fleet:
            await fleet.send(Pack("w-1", (NOON, later), records))
            while fleet.counts["w-1"].packs_acked < 3:
                await asyncio.sleep(0.01)
            assert rows(await delivered(here)) == sorted(
                [
                    ("w-1", "hr", NOON, 72.0, 0, ""),
                    ("w-1", "spo2", NOON, 96.5, 1, "finger"),
                    ("w-1", "spo2", NOON, 94.0, 0, "ear"),
                    ("w-1", "temp", later, 36.8, 0, ""),
                    ("w-1", "avpu", later, 2.0, 0, ""),
                    ("w-1", "hr", later, 73.0, 32, ""),
                ]
            )
            counts = await fleet.drain(20)
            assert (counts["w-1"].packs_sent, counts["w-1"].values_sent) == (3, 6)

    asyncio.run(talk())


def test_copies_of_a_pack_arrive_once_and_count_once(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path) as here, SocketFleet(here.where, ["w-1"]) as fleet:
            await fleet.send(Pack("w-1", (NOON,), (Record("hr", NOON, 72),), copies=4))
            await fleet.send(Pack("w-1", (NOON + 1,), (Record("hr", NOON + 1, 73),)))
            while fleet.counts["w-1"].packs_acked < 2:
                await asyncio.sleep(0.01)
            assert [row[3] for row in rows(await delivered(here))] == [72.0, 73.0]
            counts = fleet.counts["w-1"]
            assert (counts.packs_sent, counts.packs_acked, counts.resent) == (2, 2, 3)

    asyncio.run(talk())


def test_drain_waits_until_the_spool_is_empty(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path) as here, SocketFleet(here.where, ["w-1"]) as fleet:
            await fleet.send(Pack("w-1", (NOON,), (Record("hr", NOON, 72),)))
            draining = asyncio.create_task(fleet.drain(20))
            while not fleet.counts["w-1"].packs_acked:
                await asyncio.sleep(0.01)
            for _ in range(20):
                await asyncio.sleep(0.01)
            assert not draining.done()
            await delivered(here)
            await draining

    asyncio.run(talk())


def test_drain_gives_up_at_its_time(tmp_path: Path) -> None:
    async def talk() -> None:
        async with SocketFleet(tmp_path / "nobody.sock", ["w-1"]) as fleet:
            await fleet.send(Pack("w-1", (NOON,), (Record("hr", NOON, 72),)))
            counts = await fleet.drain(0.05)
            assert (counts["w-1"].packs_sent, counts["w-1"].packs_acked) == (1, 0)

    asyncio.run(talk())


def test_a_foreign_device_is_an_error_of_the_caller_and_a_refusal_is_counted(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path) as here, SocketFleet(here.where, ["w-1", "w-7"]) as fleet:
            with pytest.raises(InvalidInput):
                await fleet.send(Pack("w-2", (NOON,), (Record("hr", NOON, 72),)))
            await fleet.send(Pack("w-7", (NOON,), (Record("hr", NOON, 72),)))
            await fleet.drain(20)
            assert fleet.refusals == {"this gateway does not speak for device 'w-7'": 1}
            assert fleet.counts["w-7"].packs_acked == 0

    asyncio.run(talk())


def test_send_waits_while_nobody_answers(tmp_path: Path) -> None:
    async def talk() -> None:
        async with SocketFleet(tmp_path / "gw.sock", ["w-1"]) as fleet:
            sent = 0

            async def produce() -> None:
                nonlocal sent
                for second in range(2 * UNANSWERED_LINES):
                    at = NOON + second * 1_000_000
                    await fleet.send(Pack("w-1", (at,), (Record("hr", at, 72),)))
                    sent += 1

            producing = asyncio.create_task(produce())
            await asyncio.sleep(0.05)
            assert sent == UNANSWERED_LINES
            async with desk(tmp_path, tmp_path / "gw.sock") as here:
                await producing
                while fleet.counts["w-1"].packs_acked < 2 * UNANSWERED_LINES:
                    await asyncio.sleep(0.01)
                assert await here.seqs() == list(range(2 * UNANSWERED_LINES))

    asyncio.run(talk())


def test_a_full_spool_is_tried_again_until_there_is_room(tmp_path: Path) -> None:
    async def talk() -> None:
        async with desk(tmp_path, max_bytes=2000) as here, SocketFleet(here.where, ["w-1"]) as fleet:
            for second in range(20):
                at = NOON + second * 1_000_000
                await fleet.send(Pack("w-1", (at,), (Record("hr", at, 72),)))
            while not fleet.refusals:
                await asyncio.sleep(0.01)
            carried: list[Outgoing] = []
            async with asyncio.timeout(20):
                while fleet.counts["w-1"].packs_acked < 20:
                    carried += await delivered(here)
                    await asyncio.sleep(0.02)
            carried += await delivered(here)
            assert [row[2] for row in rows(carried)] == [NOON + second * 1_000_000 for second in range(20)]

    asyncio.run(talk())

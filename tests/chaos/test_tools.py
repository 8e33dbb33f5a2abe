"""The suite's own instruments: the verdict sees what it is there to see, the proxy does what it says."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.chaos.observer import Ack
from tests.chaos.plan import GATEWAYS, INGEST, KINDS, Act, plan
from tests.chaos.proxy import Packets, Proxy
from tests.chaos.verdict import Stored, doubled_alerts, judge, untrue

ROWS = [("w-1", 0, at, at, 60.0) for at in (10, 20, 30)]
SENT = {row[:3]: row[4] for row in ROWS}
ALERT = {
    "kind": "physiological",
    "patient_id": "p-1",
    "rule": "limit.spo2.low",
    "onset_at": "t",
    "retrospective": False,
}


def stored(*rows: tuple[str, int, int, int, float], doubled_packs: int = 0) -> Stored:
    return Stored(list(rows), {}, doubled_packs)


def test_the_verdict_counts_what_is_wrong() -> None:
    assert judge(SENT, stored(*reversed(ROWS))).holds
    assert judge(SENT, stored(*ROWS[1:])).lost == 1
    assert judge(SENT, stored(*ROWS, ROWS[0])).doubled == 1
    assert judge(SENT, stored(*ROWS, doubled_packs=1)).doubled == 1
    assert judge(SENT, stored(*ROWS[:2], ("w-1", 0, 30, 30, 61.0))).altered == 1
    assert judge(SENT, stored(*ROWS, ("w-2", 0, 30, 30, 60.0))).altered == 1
    assert judge(SENT, stored(*ROWS[:2], ("w-1", 0, 30, 15, 60.0))).disordered == 1


@pytest.mark.parametrize(
    ("packs", "true"),
    [
        pytest.param({0: 100, 1: 200}, True, id="all there in time"),
        pytest.param({0: 100, 1: 0}, True, id="a dead letter"),
        pytest.param({1: 200}, False, id="a gap"),
        pytest.param({0: 301, 1: 200}, False, id="received after it was acknowledged"),
        pytest.param({}, False, id="nothing"),
    ],
)
def test_an_acknowledgement_must_have_been_true_when_it_was_made(packs: dict[int, int], true: bool) -> None:
    found = untrue([Ack("w-1", 7, 1, 300)], Stored([], {("w-1", 7): packs}, 0))
    assert (found == []) is true


def test_an_alert_that_came_twice_is_seen() -> None:
    later = ALERT | {"onset_at": "u"}
    assert doubled_alerts([ALERT, later, ALERT | {"kind": "technical"}]) == {}
    assert list(doubled_alerts([ALERT, later, ALERT]).values()) == [2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_follows_from_its_seed_and_its_faults_do_not_overlap(kind: str) -> None:
    for seed in range(200):
        faults = plan(kind, seed)
        assert faults == plan(kind, seed)
        ends = [0.0, *(part for fault in faults for part in (fault.start, fault.end))]
        assert ends == sorted(ends)
        assert ends[-1] < 0.95
        assert all(set(fault.victims) <= {"broker", "core", INGEST, *GATEWAYS} for fault in faults)
        assert all((fault.seconds > 0) == (fault.act is Act.DELAY) for fault in faults)


def _connect(name: str) -> bytes:
    body = b"\x00\x04MQTT\x05\x02\x00\x3c\x05\x11\x00\x00\x00\x01" + struct.pack("!H", len(name)) + name.encode()
    return bytes([0x10, len(body)]) + body


def test_packets_are_cut_whatever_the_chunks_are() -> None:
    stream = _connect("g-1") + bytes([0x32, 0xC8, 0x01]) + bytes(200) + b"\xc0\x00"
    packets = Packets()
    found = [packet for at in range(len(stream)) for packet in packets.feed(stream[at : at + 1])]
    assert [(kind, len(body)) for kind, body in found] == [(1, 21), (3, 200), (12, 0)]
    assert Packets().feed(stream) == found


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data)
    writer.close()


class Client:
    """One connection through the proxy to an echo, opened in a name."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hello: bytes) -> None:
        self._reader = reader
        self.writer = writer
        self._hello = hello

    async def greet(self) -> None:
        assert await self.said(self._hello) == self._hello

    async def said(self, data: bytes) -> bytes:
        self.writer.write(data)
        return await self._reader.readexactly(len(data))


def through_the_proxy(test: Callable[[Proxy, Callable[[str], Awaitable[Client]]], Awaitable[None]]) -> None:
    async def run() -> None:
        async with _proxy() as proxy:
            clients: list[Client] = []

            async def connected(name: str) -> Client:
                clients.append(Client(*await asyncio.open_connection("127.0.0.1", proxy.port), _connect(name)))
                await clients[-1].greet()
                return clients[-1]

            await test(proxy, connected)
            for client in clients:
                client.writer.close()

    asyncio.run(run())


@asynccontextmanager
async def _proxy() -> AsyncIterator[Proxy]:
    async with await asyncio.start_server(_echo, "127.0.0.1", 0) as server:
        proxy = Proxy(int(server.sockets[0].getsockname()[1]))
        async with proxy.serving():
            yield proxy


def test_a_cut_ends_the_connections_of_one_client_only() -> None:
    async def test(proxy: Proxy, connected: Callable[[str], Awaitable[Client]]) -> None:
        one, other = await connected("g-1"), await connected("g-2")
        assert proxy.cut("g-1") == 1
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await one.said(b"\xc0\x00")
        assert await other.said(b"\xc0\x00") == b"\xc0\x00"
        await connected("g-1")

    through_the_proxy(test)


def test_one_that_is_shut_out_is_alone_and_can_come_back() -> None:
    async def test(proxy: Proxy, connected: Callable[[str], Awaitable[Client]]) -> None:
        one, other = await connected("g-1"), await connected("g-2")
        proxy.shut_out("g-1")
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await one.said(b"\xc0\x00")
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await connected("g-1")
        assert await other.said(b"\xc0\x00") == b"\xc0\x00"
        assert (proxy.connected("g-1"), proxy.connected("g-2")) == (False, True)
        proxy.let_in("g-1")
        await connected("g-1")
        assert proxy.connected("g-1")

    through_the_proxy(test)


def test_a_silent_connection_stays_open_and_carries_nothing() -> None:
    async def test(proxy: Proxy, connected: Callable[[str], Awaitable[Client]]) -> None:
        one = await connected("g-1")
        assert proxy.silence("g-1") == 1
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one.said(b"\xc0\x00"), 0.05)
        await connected("g-1")

    through_the_proxy(test)


def test_a_delay_is_for_both_ways_and_ends() -> None:
    async def test(proxy: Proxy, connected: Callable[[str], Awaitable[Client]]) -> None:
        one = await connected("g-1")
        loop = asyncio.get_running_loop()
        proxy.delay("g-1", 0.05)
        before = loop.time()
        await one.said(b"\xc0\x00")
        assert loop.time() - before >= 0.1
        proxy.delay("g-1", 0.0)
        await one.said(b"\xc0\x00")

    through_the_proxy(test)


def test_a_pack_that_comes_again_is_counted_whatever_its_channel() -> None:
    async def test(proxy: Proxy, connected: Callable[[str], Awaitable[Client]]) -> None:
        one = await connected("g-1")
        packs = [(b"d/w-1/tel/vitals", b"a"), (b"d/w-1/tel/vitals", b"b"), (b"d/w-2/tel/vitals", b"a")]
        for topic, payload in (*packs, (b"d/w-1/tel/backfill", b"a"), *[(b"g/g-1/state", b"online")] * 2):
            topic = b"rpm/v1/home/" + topic
            body = struct.pack("!H", len(topic)) + topic + b"\x00\x01" + b"\x00" + payload
            await one.said(bytes([0x32, len(body)]) + body)
        assert proxy.resent == {"g-1": 1}

    through_the_proxy(test)

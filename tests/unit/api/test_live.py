"""The event stream: snapshot, ticks, alerts at once, resume, slow clients."""

from __future__ import annotations

import asyncio
import json
import threading
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import httpx
import pytest
import uvicorn

from api.app import end_streams
from api.auth import TOKEN_LIFE_US, Principal, Role
from api.care import EVERYBODY, WHOLE
from api.live import MOST_RESUMED, LiveHub
from api.sse import MOST_ALERTS, MOST_TICKS, Client, Frame, frame, packed, takes_gzip
from api.ticks import Changes
from tests.unit.api.site import START, Site
from vigil.domain.alerts import Priority
from vigil.domain.errors import StoreError
from vigil.domain.lifecycle import DeadlineReached, Stamp
from vigil.domain.people import Device

FAR = START + TOKEN_LIFE_US
WAIT_S = 20.0

Event = tuple[str, int | None, Any]


def parsed(data: bytes) -> Event:
    """Name, id and data of one frame."""
    fields = dict(line.split(": ", 1) for line in data.decode().strip().split("\n"))
    assert data.endswith(b"\n\n")
    return fields["event"], int(fields["id"]) if "id" in fields else None, json.loads(fields["data"])


def caller(names: bool = True, expires_at: int = FAR) -> Principal:
    return Principal("Li Na", Role.NURSE if names else Role.RESEARCH, expires_at)


class Reader:
    """One client of the hub."""

    def __init__(self, frames: AsyncIterator[bytes]) -> None:
        self._frames = frames

    async def next(self) -> Event:
        return parsed(await asyncio.wait_for(anext(self._frames), WAIT_S))

    async def names(self) -> AsyncIterator[str]:
        """Of all events until the stream ends."""
        async for data in self._frames:
            yield parsed(data)[0]

    async def until(self, name: str) -> Event:
        while True:
            event = await self.next()
            if event[0] == name:
                return event


def with_hub(site: Site, script: Callable[[LiveHub, Callable[..., Reader]], Awaitable[None]]) -> None:
    """Runs ``script`` while the app's lifespan, and so the hub, runs."""

    async def run() -> None:
        async with site.app.router.lifespan_context(site.app):
            hub = site.context.hub
            streams: list[Any] = []

            def connect(last: int | None = None, names: bool = True, expires_at: int = FAR) -> Reader:
                streams.append(hub.stream(hub.admit(caller(names, expires_at)), last))
                return Reader(streams[-1])

            await script(hub, connect)
            for stream in streams:
                await stream.aclose()
            assert hub.clients == 0

    asyncio.run(run())


def test_it_begins_with_a_snapshot_of_everything(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [84.0])
    alert = site.raise_alert("p-1")

    async def script(hub: LiveHub, connect: Callable[..., Reader]) -> None:
        name, seq, data = await connect().next()
        assert (name, seq, data["server_at"]) == ("snapshot", 1, "2026-01-01T00:00:00.000Z")
        assert [one["id"] for one in data["alerts"]] == [alert.alert_id]
        assert data["patients"] == json.loads(json.dumps(site.context.ward.cards(True, WHOLE)))
        _, _, hidden = await connect(names=False).next()
        assert hidden["patients"][0]["name"] is None

    with_hub(site, script)


def test_alerts_are_pushed_at_once_and_in_order(site: Site) -> None:
    site.admit("p-1")

    async def script(hub: LiveHub, connect: Callable[..., Reader]) -> None:
        reader = connect()
        await reader.next()
        first = await asyncio.to_thread(site.raise_alert, "p-1")
        second = await asyncio.to_thread(site.raise_alert, "p-1", "news2", Priority.HIGH)
        got = [await reader.until("alert"), await reader.until("alert")]
        assert [(seq, data["seq"], data["step"]) for _, seq, data in got] == [(1, 1, "opened"), (2, 2, "opened")]
        assert [data["alert"]["id"] for _, _, data in got] == [first.alert_id, second.alert_id]

    with_hub(site, script)


def test_a_tick_holds_what_changed_and_a_heartbeat_comes_when_nothing_did(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [96.0])

    async def script(hub: LiveHub, connect: Callable[..., Reader]) -> None:
        await hub.tick()
        reader = connect()
        await reader.next()
        site.clock.advance(1)
        site.store("w-1", "spo2", [95.0])
        name, seq, data = await reader.until("tick")
        assert (seq, data["server_at"]) == (None, "2026-01-01T00:00:01.000Z")
        assert {one: list(two["vitals"]) for one, two in data["patients"].items()} == {"p-1": ["spo2"]}
        assert data["patients"]["p-1"]["vitals"]["spo2"]["value"] == 95
        name, _, data = await reader.next()
        assert (name, data) == ("heartbeat", {"server_at": "2026-01-01T00:00:01.000Z"})

    with_hub(site, script)


def test_a_client_that_comes_back_gets_what_it_missed_then_a_snapshot(site: Site) -> None:
    site.admit("p-1")
    alerts = [site.raise_alert("p-1", rule) for rule in ("a", "b", "c")]

    async def script(hub: LiveHub, connect: Callable[..., Reader]) -> None:
        reader = connect(1)
        events = [await reader.next() for _ in range(4)]
        assert [(name, seq) for name, seq, _ in events] == [
            ("alert", 2),
            ("alert", 3),
            ("resumed", None),
            ("snapshot", 3),
        ]
        assert events[2][2] == {"from": 1, "to": 3}
        assert [data["alert"]["id"] for name, _, data in events if name == "alert"] == [
            one.alert_id for one in alerts[1:]
        ]
        assert (await connect(3).next())[2] == {"from": 3, "to": 3}
        assert (await connect(99).next())[0] == "snapshot"  # from another life of the database

    with_hub(site, script)


def test_a_client_that_missed_too_much_starts_from_a_snapshot(site: Site) -> None:
    site.admit("p-1")
    alert = site.raise_alert("p-1")
    for _ in range(MOST_RESUMED):
        assert alert.deadline_at is not None
        site.clock.jump_to(alert.deadline_at)
        stamp = Stamp(f"deadline:{alert.deadline_at}", alert.deadline_at)
        alert = site.happen(alert, DeadlineReached(stamp, alert.deadline_at)).after

    async def script(hub: LiveHub, connect: Callable[..., Reader]) -> None:
        assert (await connect(0, expires_at=site.clock.now_us() + 1).next())[0] == "snapshot"
        reader = connect(1, expires_at=site.clock.now_us() + 1)
        events = [await reader.next() for _ in range(MOST_RESUMED + 2)]
        assert [name for name, _, _ in events] == ["alert"] * MOST_RESUMED + ["resumed", "snapshot"]

    with_hub(site, script)


def test_no_alert_is_lost_or_doubled_for_clients_that_come_in_the_middle_of_a_storm(site: Site) -> None:
    site.admit("p-1")
    total = 60

    async def script(hub: LiveHub, connect: Callable[..., Reader]) -> None:
        def storm() -> None:
            for number in range(total):
                site.raise_alert("p-1", f"rule.{number}")

        async def watch() -> list[int]:
            reader = connect()
            seen: list[int] = []
            _, known, _ = await reader.until("snapshot")
            assert known is not None
            while known + len(seen) < total:
                _, seq, _ = await reader.until("alert")
                seen.append(seq or 0)
            assert seen == list(range(known + 1, total + 1))
            return seen

        storming = asyncio.create_task(asyncio.to_thread(storm))
        watchers = []
        for _ in range(8):
            watchers.append(asyncio.create_task(watch()))
            await asyncio.to_thread(site.records.last_seq)
        await storming
        assert len(await asyncio.gather(*watchers)) == 8

    with_hub(site, script)


def test_an_admission_sends_everybody_a_new_snapshot(site: Site) -> None:
    async def script(hub: LiveHub, connect: Callable[..., Reader]) -> None:
        reader = connect()
        await reader.next()
        await hub.tick()
        site.admit("p-1")
        while True:
            _, _, data = await reader.until("snapshot")
            if [card["id"] for card in data["patients"]] == ["p-1"]:
                return

    with_hub(site, script)


def test_who_comes_while_a_tick_is_made_is_sent_one_snapshot(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.admit("p-1")
    looked, go_on = threading.Event(), threading.Event()
    ward = site.context.ward
    take = ward.take_changes

    def slowly() -> Changes:
        changes = take()
        looked.set()
        assert go_on.wait(WAIT_S)
        return changes

    async def script(hub: LiveHub, connect: Callable[..., Reader]) -> None:
        await hub.tick()  # the first finds everything new
        monkeypatch.setattr(ward, "take_changes", slowly)
        ticking = asyncio.create_task(hub.tick())
        assert await asyncio.to_thread(looked.wait, WAIT_S)
        reader = connect()
        assert (await reader.next())[0] == "snapshot"
        go_on.set()
        await ticking
        await hub.tick()
        assert (await reader.next())[0] == "heartbeat"

    with_hub(site, script)


def test_a_stream_ends_with_its_token(site: Site) -> None:
    async def script(hub: LiveHub, connect: Callable[..., Reader]) -> None:
        reader = connect(expires_at=START + 1_000_000)
        await reader.next()
        site.clock.advance(1)
        assert "reload" not in [name async for name in reader.names()]

    with_hub(site, script)


def test_streams_end_before_the_server_stops(site: Site) -> None:
    async def script(hub: LiveHub, connect: Callable[..., Reader]) -> None:
        reader = connect()
        await reader.next()
        await asyncio.to_thread(end_streams, site.app)
        assert {name async for name in reader.names()} <= {"tick", "heartbeat"}
        with pytest.raises(StoreError):
            connect()

    with_hub(site, script)


def test_a_slow_client_loses_ticks_never_alerts_and_starts_over() -> None:
    async def run() -> None:
        client = Client(caller(), EVERYBODY)
        client.offer_alert(7, Frame(b"alert"))
        dropped = [client.offer_tick(number, Frame(b"tick")) for number in range(MOST_TICKS + 3)]
        assert dropped == [0] * MOST_TICKS + [MOST_TICKS + 1, 0, 0]
        assert not client.take_start_over()  # the alert that waits goes first
        assert await client.next() == b"alert"
        assert await client.next() is None
        assert client.take_start_over()
        client.offer_tick(MOST_TICKS + 3, Frame(b"in the snapshot"))
        client.offer_tick(MOST_TICKS + 4, Frame(b"after it"))
        client.skip_ticks(MOST_TICKS + 3)
        assert await client.next() == b"after it"

    asyncio.run(run())


def test_a_client_too_slow_for_the_alerts_is_told_to_reload(site: Site) -> None:
    async def run() -> None:
        client = Client(caller(), EVERYBODY)
        for seq in range(1, MOST_ALERTS + 2):
            client.offer_alert(seq, Frame(b"alert"))
        assert client.closed
        assert client.last_words is not None
        assert parsed(client.last_words)[0] == "reload"

    asyncio.run(run())


def test_alerts_that_the_client_has_seen_are_not_sent_again() -> None:
    async def run() -> None:
        client = Client(caller(), EVERYBODY)
        client.offer_alert(3, Frame(b"3"))
        client.offer_alert(4, Frame(b"4"))
        client.skip_alerts(3)
        client.offer_alert(2, Frame(b"2"))
        client.offer_alert(5, Frame(b"5"))
        assert [await client.next(), await client.next()] == [b"4", b"5"]

    asyncio.run(run())


def test_a_frame_is_one_line_of_data_and_has_no_nan() -> None:
    assert frame("tick", {"a": "x\ny", "b": float("nan")}, 5) == b'event: tick\nid: 5\ndata: {"a":"x\\ny","b":null}\n\n'


def test_the_stream_is_refused_while_the_hub_does_not_run(site: Site) -> None:
    assert site.get("/api/v1/stream").status_code == 503


class Served:
    """The app on a real server, for what only a socket shows."""

    def __init__(self, site: Site) -> None:
        config = uvicorn.Config(site.app, host="127.0.0.1", port=0, log_config=None, ws="none", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)

    async def url(self) -> str:
        self._thread.start()
        while not self._server.started:
            await asyncio.sleep(0)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(WAIT_S)


async def _lines(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    block = b""
    async for chunk in response.aiter_bytes():
        block += chunk
        while b"\n\n" in block:
            event, block = block.split(b"\n\n", 1)
            yield event + b"\n\n"


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        *(("gzip", True), ("deflate, GZIP;q=0.5", True), ("br;q=1, gzip ; q=1.0", True)),
        *(
            ("", False),
            ("identity", False),
            ("gzip;q=0", False),
            ("br, gzip; q=0.00", False),
            ("*", False),
            ("xgzip", False),
        ),
    ],
)
def test_who_does_not_say_that_he_takes_gzip_is_not_sent_it(accepted: str, taken: bool) -> None:
    assert takes_gzip(accepted) is taken


def test_packed_events_are_made_once_and_can_be_read_one_by_one() -> None:
    made = [
        frame("tick", {"patients": {f"p-{one}": {"spo2": 96 + turn} for one in range(50)}}, turn) for turn in range(3)
    ]

    async def run() -> None:
        async def frames() -> AsyncGenerator[Frame]:
            for one in made:
                yield one

        reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
        got = [reader.decompress(part) async for part in packed(frames())]
        assert got == [b"", *made]  # each is whole as soon as it has come
        assert not reader.eof

    asyncio.run(run())
    assert all(one.packed is one.packed for one in made)
    assert len(made[0].packed) < len(made[0]) / 3


@pytest.mark.parametrize(("accepted", "said"), [("gzip", "gzip"), ("identity", None)])
def test_a_stream_is_packed_for_who_takes_it(site: Site, accepted: str, said: str | None) -> None:
    site.admit("p-1", "w-1")
    served = Served(site)

    async def run() -> None:
        headers = {"Authorization": f"Bearer {site.token('nurse')}", "Accept-Encoding": accepted}
        async with (
            httpx.AsyncClient(base_url=await served.url(), headers=headers, timeout=WAIT_S) as client,
            client.stream("GET", "/api/v1/stream") as response,
            aclosing(_lines(response)) as lines,
        ):
            assert (response.headers.get("content-encoding"), response.headers["vary"]) == (said, "Accept-Encoding")
            await Reader(lines).until("snapshot")

    try:
        asyncio.run(run())
    finally:
        served.stop()


def test_over_a_real_socket_with_resume_by_header(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.records.put_device(Device("w-2", "m"))
    served = Served(site)

    async def run() -> None:
        url = await served.url()
        headers = {"Authorization": f"Bearer {site.token('nurse')}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=WAIT_S) as client:
            async with client.stream("GET", "/api/v1/stream") as response, aclosing(_lines(response)) as lines:
                assert response.status_code == 200
                assert response.headers["content-type"].startswith("text/event-stream")
                assert response.headers["cache-control"] == "no-store"
                reader = Reader(lines)
                await reader.until("snapshot")
                assert (await client.get("/api/v1/health")).json()["clients"] == 1
                await asyncio.to_thread(site.raise_alert, "p-1")
                assert (await reader.until("alert"))[1] == 1
                await reader.until("heartbeat")
            again = {"Last-Event-ID": "0"}
            async with (
                client.stream("GET", "/api/v1/stream", headers=again) as response,
                aclosing(_lines(response)) as lines,
            ):
                reader = Reader(lines)
                assert [(await reader.next())[0] for _ in range(3)] == ["alert", "resumed", "snapshot"]
            assert (await client.get("/api/v1/stream", headers={"Last-Event-ID": "x"})).status_code == 422
            checks = (await client.get("/api/v1/health")).json()["checks"]
            assert [one["ok"] for one in checks if one["name"] == "live"] == [True]

    try:
        asyncio.run(run())
    finally:
        served.stop()

"""The event stream of who sees some wards: nothing of another one, and an opened record only as long as it is open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.auth import Principal, Role
from api.care import EVERYBODY, Reach
from api.cut import cut
from api.live import LiveHub
from tests.unit.api.test_live import Reader, parsed
from tests.unit.api.test_ward import news2
from tests.unit.api.two_wards import MARK, OWN, TwoWards, open_two_wards, principal
from vigil.domain.times import HOUR, to_iso

REASON = "found on the floor of our ward"
THEIRS = f"p-{MARK}"

Connect = Callable[..., Reader]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[TwoWards]:
    opened = open_two_wards(tmp_path)
    yield opened
    opened.site.close()


def live(both: TwoWards, script: Callable[[LiveHub, Connect], Awaitable[None]]) -> None:
    """Ticks come when the script says so; alerts and grants at once."""

    async def run() -> None:
        async with both.site.app.router.lifespan_context(both.site.app):
            hub, streams = both.site.context.hub, list[Any]()

            def connect(who: Principal, last: int | None = None) -> Reader:
                streams.append(hub.stream(hub.admit(who), last))
                return Reader(streams[-1])

            await hub.tick()  # the first one asks all for a snapshot
            await script(hub, connect)
            for stream in streams:
                await stream.aclose()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("api.live.PERIOD_S", 3600.0)
        asyncio.run(run())


def own(event: tuple[str, int | None, Any]) -> Any:
    """The data, in which nothing of the other ward may be."""
    assert MARK not in json.dumps(event[2]), event
    return event[2]


def happen(both: TwoWards, patient_id: str, device_id: str, value: float) -> str:
    """Everything that a tick and an alert can tell; the alert's id."""
    both.site.store(device_id, "spo2", [value])
    both.site.bus.board.put_score(news2(patient_id, 7, both.site.clock.now_us()))
    return both.site.raise_alert(patient_id, f"limit.spo2.low.{value:g}").alert_id


async def until(reader: Reader, name: str) -> Any:
    """The data of the next event of this name, and nothing of the other ward in all before it."""
    while True:
        event = await reader.next()
        data = own(event)
        if event[0] == name:
            return data


def test_a_snapshot_and_alerts_are_of_the_own_ward(both: TwoWards) -> None:
    async def script(hub: LiveHub, connect: Connect) -> None:
        nurse, chief = connect(principal([OWN])), connect(principal(None))
        first, everything = own(await nurse.next()), (await chief.next())[2]
        assert [(one["id"], one["rank"]) for one in first["patients"]] == [(f"p-{OWN}", 1)]
        assert {one["patient_id"] for one in first["alerts"]} == {f"p-{OWN}"}
        assert {one["id"] for one in everything["patients"]} == {f"p-{OWN}", THEIRS}
        for value, (patient, device) in enumerate(((THEIRS, f"w-{MARK}"), (f"p-{OWN}", f"w-{OWN}")), 80):
            both.site.clock.advance(1)
            happen(both, patient, device, value)
            await hub.tick()
        alert = await until(nurse, "alert")
        assert alert["alert"]["patient_id"] == f"p-{OWN}"
        assert {(await chief.until("alert"))[2]["alert"]["patient_id"] for _ in "ab"} == {THEIRS, f"p-{OWN}"}

    live(both, script)


def test_a_tick_is_of_the_own_ward_and_the_same_bytes_for_all_of_it(both: TwoWards) -> None:
    async def script(hub: LiveHub, connect: Connect) -> None:
        nurses, chief = [connect(principal([OWN], f"n-{number}")) for number in range(5)], connect(principal(None))
        for reader in (*nurses, chief):
            await reader.next()
        both.site.clock.advance(1)
        for patient, device in ((THEIRS, f"w-{MARK}"), (f"p-{OWN}", f"w-{OWN}")):
            both.site.store(device, "spo2", [80])
            both.site.bus.board.put_score(news2(patient, 7, both.site.clock.now_us()))
        await hub.tick()
        frames = [await anext(reader._frames) for reader in nurses]
        assert len({id(data) for data in frames}) == 1
        name, _, data = parsed(frames[0])
        assert (name, list(data["patients"])) == ("tick", [f"p-{OWN}"])
        assert MARK not in frames[0].decode()
        assert set((await chief.next())[2]["patients"]) == {THEIRS, f"p-{OWN}"}

    live(both, script)


def test_what_happens_to_others_only_beats(both: TwoWards) -> None:
    async def script(hub: LiveHub, connect: Connect) -> None:
        nurse = connect(principal([OWN]))
        own(await nurse.next())
        both.site.clock.advance(1)
        happen(both, THEIRS, f"w-{MARK}", 80)
        await hub.tick()
        assert (await nurse.next())[0] == "heartbeat"

    live(both, script)


def test_who_comes_back_gets_only_the_own_alerts_that_he_missed(both: TwoWards) -> None:
    async def script(hub: LiveHub, connect: Connect) -> None:
        last = both.site.records.last_seq()
        happen(both, THEIRS, f"w-{MARK}", 80)
        mine = happen(both, f"p-{OWN}", f"w-{OWN}", 81)
        nurse = connect(principal([OWN]), last)
        assert own(await nurse.next())["alert"]["id"] == mine
        assert (await nurse.next())[0] == "resumed"

    live(both, script)


def test_an_opened_record_comes_and_goes_by_itself_and_the_ward_is_told_at_once(both: TwoWards) -> None:
    care, clock = both.site.context.care, both.site.clock

    async def script(hub: LiveHub, connect: Connect) -> None:
        nurse, theirs, chief = (
            connect(principal([OWN])),
            connect(principal([MARK], "mo")),
            connect(principal(None, "zoe")),
        )
        for reader in (nurse, theirs, chief):
            await reader.next()
        grant = care.open(principal([OWN]), THEIRS, REASON)
        ends = to_iso(clock.now_us() + HOUR)
        told = {"id": grant.grant_id, "patient_id": THEIRS, "by": "li", "at": to_iso(clock.now_us()), "until": ends}
        for reader in (theirs, chief):  # without a tick: the hub was woken
            assert (await reader.until("break_glass"))[2] == told
            (card,) = [one for one in (await reader.until("snapshot"))[2]["patients"] if one["id"] == THEIRS]
            assert card["break_glass"] == [{"by": "li", "until": ends}]
        snapshot = (await nurse.until("snapshot"))[2]
        assert {one["id"] for one in snapshot["patients"]} == {f"p-{OWN}", THEIRS}
        happen(both, THEIRS, f"w-{MARK}", 80)
        assert (await nurse.until("alert"))[2]["alert"]["patient_id"] == THEIRS
        clock.jump_to(grant.expires_at - 1)
        await hub.tick()
        clock.jump_to(grant.expires_at)
        happen(both, THEIRS, f"w-{MARK}", 79)  # before any tick could tell that the grant is over
        event = await nurse.until("snapshot")
        assert {one["id"] for one in own(event)["patients"]} == {f"p-{OWN}"}
        (card,) = [one for one in (await theirs.until("snapshot"))[2]["patients"] if one["id"] == THEIRS]
        while card["break_glass"]:
            (card,) = [one for one in (await theirs.until("snapshot"))[2]["patients"] if one["id"] == THEIRS]

    live(both, script)


async def first(stream: AsyncIterator[bytes], name: bytes) -> bytes:
    """Of this name."""
    return await anext(one async for one in stream if one.startswith(name))


def test_clients_of_one_ward_are_sent_the_same_bytes_made_once(both: TwoWards) -> None:
    """So a tick costs a client no more than its place in a queue, however many there are."""

    async def script(hub: LiveHub, _connect: Connect) -> None:
        clients = [
            hub.admit(principal([OWN], f"n-{number}", role))
            for number in range(250)
            for role in (Role.NURSE, Role.RESEARCH)
        ]
        streams: list[Any] = [hub.stream(client, None) for client in clients]
        snapshots = {id(await anext(stream)) for stream in streams}
        assert len(snapshots) == 2  # with names and without
        both.site.clock.advance(1)
        happen(both, f"p-{OWN}", f"w-{OWN}", 82)
        await hub.tick()
        assert len({id(await first(stream, b"event: alert")) for stream in streams}) == 2
        for stream in streams:
            await stream.aclose()

    live(both, script)


WARDS = {"a1": "a", "a2": "a", "b1": "b", "c1": "c"}
A, AC, B_OPENED = Reach(frozenset("a")), Reach(frozenset("ac")), Reach(frozenset("a"), frozenset({"b1"}))


def tick(*patients: str, order: list[str] | None = None) -> dict[str, Any]:
    made = {"server_at": "t", "patients": {one: {"vitals": one} for one in patients}}
    return made if order is None else {**made, "order": order}


@pytest.mark.parametrize(
    ("whole", "before", "reach", "wanted"),
    [
        (tick("a1", "b1"), [], A, tick("a1")),
        (tick("a1", "b1"), [], EVERYBODY, tick("a1", "b1")),
        (tick("b1", "c1"), [], A, None),
        (tick("b1", "c1"), [], AC, tick("c1")),
        (tick("b1", "c1"), [], B_OPENED, tick("b1")),
        (tick("x9"), [], A, None),
        (tick(order=["b1", "a1", "a2", "c1"]), ["a1", "b1", "a2", "c1"], A, None),
        (tick(order=["a2", "a1", "b1", "c1"]), ["a1", "b1", "a2", "c1"], A, tick(order=["a2", "a1"])),
        (tick(order=["b1", "a1", "a2", "c1"]), ["a1", "b1", "a2", "c1"], B_OPENED, tick(order=["b1", "a1", "a2"])),
        (tick("a2", order=["c1", "a1", "a2"]), ["a1", "a2", "c1"], AC, tick("a2", order=["c1", "a1", "a2"])),
    ],
)
def test_a_tick_is_cut(whole: Any, before: list[str], reach: Reach, wanted: Any) -> None:
    assert cut(whole, before, WARDS, [reach, EVERYBODY, A])[reach] == wanted

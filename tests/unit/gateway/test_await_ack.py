"""Acknowledgements: gathered, highest first, ours only."""

from __future__ import annotations

import asyncio

import pytest

from gateway.await_ack import Acknowledgements
from gateway.settings import GatewaySettings
from vigil.domain.errors import ConfigError
from vigil.runtime.link import BrokerLogin
from vigil.wire import packs as wire


def topic(device: str) -> str:
    return f"rpm/v1/home/d/{device}/cmd/ack"


def test_the_highest_of_each_device_and_epoch_is_handed_out_once() -> None:
    acks = Acknowledgements("home", ("w-1", "w-2"))
    for device, epoch, seq in (("w-1", 5, 3), ("w-1", 5, 9), ("w-1", 5, 4), ("w-1", 6, 0), ("w-2", 5, 1)):
        acks.take_message(topic(device), wire.write_ack(epoch, seq))

    async def read() -> None:
        assert await acks.next() == {("w-1", 5): 9, ("w-1", 6): 0, ("w-2", 5): 1}
        waiting = asyncio.ensure_future(acks.next())
        await asyncio.sleep(0)
        assert not waiting.done()
        acks.put_back({("w-1", 5): 9})
        acks.take_message(topic("w-1"), wire.write_ack(5, 11))
        assert await waiting == {("w-1", 5): 11}

    asyncio.run(read())


@pytest.mark.parametrize(
    ("where", "payload"),
    [
        (topic("w-9"), wire.write_ack(1, 1)),
        ("rpm/v1/home/d/w-1/cmd/config", wire.write_ack(1, 1)),
        (topic("w-1"), b"{}"),
        (topic("w-1"), b'{"epoch":1,"seq":"all"}'),
        (topic("w-1"), b"\xff"),
    ],
)
def test_anything_else_changes_nothing(where: str, payload: bytes) -> None:
    acks = Acknowledgements("home", ("w-1",))
    acks.take_message(where, payload)
    acks.take_message(topic("w-1"), wire.write_ack(2, 2))
    assert asyncio.run(acks.next()) == {("w-1", 2): 2}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"devices": ()}, "at least one device"),
        ({"devices": ("w/1",)}, "no device id"),
        ({"listen": None}, "a socket to listen on, or standard input"),
        ({"spool_max_bytes": 0}, "positive"),
        ({"spool_max_age_s": 86_399.0}, "a day at least"),
        ({"history_packs_s": 0.5}, "1 to 10000"),
        ({"history_packs_s": 1e9}, "1 to 10000"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, object], says: str, tmp_path: object) -> None:
    good: dict[str, object] = {
        "login": BrokerLogin("127.0.0.1", 1, "g-1", "x"),
        "tenant": "home",
        "devices": ("w-1",),
        "spool": tmp_path,
    }
    GatewaySettings(**good)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=says):
        GatewaySettings(**(good | changes))  # type: ignore[arg-type]

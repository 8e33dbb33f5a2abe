"""Simulated devices straight on a real broker: the same promises as the gateway's, kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from simulators.packs import Pack, Record
from simulators.publish import DeviceAccess, Fleet
from tests.deadline import DEADLINE_S
from tests.integration.broker_site import needs_mosquitto
from tests.integration.gateway_platform import DEVICES, TENANT, Broker, Platform, eventually, taken_over
from vigil.domain.errors import InvalidInput
from vigil.domain.vitals import BY_WIRE
from vigil.runtime.broker import BrokerKind
from vigil.runtime.broker.mosquitto import find_mosquitto
from vigil.runtime.clock import SystemClock
from vigil.runtime.link import ReconnectRule
from vigil.wire.resend import ResendRule

START_US = 1_767_225_600_000_000
RULE = ResendRule(first_s=0.5, longest_s=2.0, window=64)
RECONNECT = ReconnectRule(first_s=0.1, longest_s=0.5)


@pytest.fixture(params=list(BrokerKind))
def broker(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Broker]:
    """mosquitto by MQTT 5, and the embedded broker, which speaks 3.1.1 only."""
    if request.param is BrokerKind.MOSQUITTO and find_mosquitto() is None:
        pytest.skip("mosquitto is not on the PATH")
    broker = Broker(tmp_path, request.param)
    broker.start()
    yield broker
    broker.close()


def fleet(
    port: int,
    devices: Iterable[str] = DEVICES,
    *,
    seed: int = 1,
    outbox_packs: int = 1024,
    rule: ResendRule = RULE,
) -> Fleet:
    return Fleet(
        [DeviceAccess(device, "127.0.0.1", port, device, f"pw {device}") for device in devices],
        TENANT,
        SystemClock(),
        np.random.default_rng(seed),
        rule=rule,
        reconnect=RECONNECT,
        outbox_packs=outbox_packs,
    )


def pack(device: str, second: int) -> Pack:
    at = START_US + second * 1_000_000
    return Pack(device, (at,), (Record("hr", at, 60 + second % 40), Record("spo2", at, 97, 1)))


def expected(seconds: range) -> list[tuple[int, int, float]]:
    rows = []
    for second in seconds:
        at = START_US + second * 1_000_000
        rows += [(at, BY_WIRE["hr"].index, 60.0 + second % 40), (at, BY_WIRE["spo2"].index, 97.0)]
    return sorted(rows)


def test_everything_arrives_and_is_counted_once(broker: Broker, platform: Platform) -> None:
    async def run() -> None:
        async with fleet(broker.port) as devices:
            for second in range(100):
                for device in DEVICES:
                    await devices.send(pack(device, second))
            counts = await devices.drain(DEADLINE_S)
            for device in DEVICES:
                assert counts[device].packs_sent == counts[device].packs_acked == 100
                assert counts[device].values_sent == 200
            assert devices.connected == 3
            await eventually(lambda: [platform.states.get(device) for device in DEVICES] == [b"online"] * 3)
        await eventually(lambda: [platform.states.get(device) for device in DEVICES] == [b"offline"] * 3)

    asyncio.run(run())
    assert platform.conflicts == []
    for device in DEVICES:
        assert platform.readings(device) == expected(range(100))


def test_a_second_start_with_the_same_seed_has_another_epoch(broker: Broker, platform: Platform) -> None:
    async def run(first: int) -> None:
        async with fleet(broker.port, seed=7) as devices:
            for second in range(first, first + 10):
                await devices.send(pack("w-1", second))
            assert (await devices.drain(DEADLINE_S))["w-1"].packs_acked == 10

    asyncio.run(run(0))
    asyncio.run(run(10))
    assert platform.conflicts == []
    assert len(platform.epochs("w-1")) == 2
    assert platform.readings("w-1") == expected(range(20))


def test_a_lost_acknowledgement_makes_the_pack_come_again_and_count_once(broker: Broker, platform: Platform) -> None:
    platform.acknowledging = False

    async def run() -> None:
        async with fleet(broker.port) as devices:
            for second in range(10):
                await devices.send(pack("w-2", second))
            await eventually(lambda: sum(platform.received.values()) >= 20)
            platform.acknowledging = True
            counts = (await devices.drain(DEADLINE_S))["w-2"]
            assert (counts.packs_sent, counts.packs_acked, counts.values_sent) == (10, 10, 20)
            assert counts.resent >= 10

    asyncio.run(run())
    assert platform.readings("w-2") == expected(range(10))


def test_after_a_reconnect_what_is_unacknowledged_is_sent_again_at_once(broker: Broker, platform: Platform) -> None:
    platform.acknowledging = False

    async def run() -> None:
        async with fleet(broker.port, ["w-1"], rule=ResendRule()) as devices:
            await eventually(
                lambda: "w-1" in platform.states
            )  # it has subscribed: a pack from before would come again late
            for second in range(10):
                await devices.send(pack("w-1", second))
            await eventually(lambda: len(platform.stored) == 10)
            assert set(platform.received.values()) == {1}
            with taken_over(broker.port, "w-1"):
                await eventually(lambda: set(platform.received.values()) == {2})
            assert devices.counts["w-1"].resent == 10

    asyncio.run(run())
    assert platform.conflicts == []


def test_send_waits_while_the_outbox_is_full(broker: Broker, platform: Platform) -> None:
    platform.acknowledging = False

    async def run() -> None:
        async with fleet(broker.port, outbox_packs=16) as devices:
            for second in range(16):
                await devices.send(pack("w-1", second))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(devices.send(pack("w-1", 16)), 0.5)
            assert devices.counts["w-1"].packs_sent == 16
            await devices.send(pack("w-2", 0))  # another device is not held up
            platform.acknowledging = True
            await devices.send(pack("w-1", 16))
            assert (await devices.drain(DEADLINE_S))["w-1"].packs_acked == 17

    asyncio.run(run())
    assert platform.readings("w-1") == expected(range(17))


def test_a_device_without_access_is_refused(broker: Broker) -> None:
    async def run() -> None:
        async with fleet(broker.port, ["w-1"]) as devices:
            with pytest.raises(InvalidInput, match="w-9"):
                await devices.send(pack("w-9", 0))

    asyncio.run(run())


def test_stopping_while_connecting_leaves_nothing_behind(broker: Broker) -> None:
    async def run() -> None:
        for pause in (0.0, 0.005, 0.02):
            async with fleet(broker.port):
                await asyncio.sleep(pause)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


@pytest.mark.mosquitto
@pytest.mark.skipif(find_mosquitto() is None, reason=str(needs_mosquitto[1].kwargs["reason"]))
def test_nothing_is_lost_when_the_broker_is_killed(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.start()
    platform = Platform(broker.port)
    platform.start()

    async def run() -> None:
        async with fleet(broker.port) as devices:
            for second in range(300):
                for device in DEVICES:
                    await devices.send(pack(device, second))
                if second in (100, 200):
                    await eventually(lambda: len(platform.stored) > 200)
                    broker.kill()
                if second in (130, 230):
                    broker.start()
            counts = await devices.drain(2 * DEADLINE_S)
            assert all(counts[device].packs_acked == 300 for device in DEVICES)

    asyncio.run(run())
    platform.stop()
    broker.close()
    assert platform.conflicts == []
    for device in DEVICES:
        assert platform.readings(device) == expected(range(300))

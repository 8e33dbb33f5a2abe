"""The gateway with a real broker: nothing accepted is lost, whatever is killed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gateway.runner import Gateway
from gateway.settings import GatewaySettings
from simulators.packs import Pack, Record
from simulators.send_lines import SocketFleet
from tests.deadline import DEADLINE_S
from tests.integration.broker_site import needs_mosquitto
from tests.integration.gateway_platform import DEVICES, Broker, Platform, eventually, taken_over
from tests.integration.gateway_process import gateway, settings
from tests.unit.gateway.lines import line
from vigil.domain.vitals import BY_WIRE
from vigil.runtime.clock import SystemClock
from vigil.runtime.link import BrokerLogin
from vigil.runtime.metrics import Metrics
from vigil.wire.resend import ResendRule

pytestmark = needs_mosquitto
ROOT = Path(__file__).parents[2]
START_US = 1_767_225_600_000_000


def pack(device: str, second: int) -> Pack:
    at = START_US + second * 1_000_000
    return Pack(device, (at,), (Record("hr", at, 60 + second % 40), Record("spo2", at, 97, 1, "finger")))


def expected(device: str, seconds: range) -> list[tuple[int, int, float]]:
    rows = []
    for second in seconds:
        at = START_US + second * 1_000_000
        rows += [(at, BY_WIRE["hr"].index, 60.0 + second % 40), (at, BY_WIRE["spo2"].index, 97.0)]
    return sorted(rows)


@asynccontextmanager
async def working(chosen: GatewaySettings, metrics: Metrics | None = None) -> AsyncIterator[SocketFleet]:
    async with gateway(chosen, metrics).serving() as address:
        assert isinstance(address, tuple)
        async with SocketFleet(address, DEVICES) as fleet:
            yield fleet


def test_lines_reach_the_platform_and_leave_the_spool(tmp_path: Path, broker: Broker, platform: Platform) -> None:
    async def run() -> None:
        async with working(settings(tmp_path / "spool.db", broker.port)) as fleet:
            for second in range(200):
                for device in DEVICES:
                    await fleet.send(pack(device, second))
            counts = await fleet.drain(DEADLINE_S)
            for device in DEVICES:
                assert platform.readings(device) == expected(device, range(200))
                assert counts[device].packs_sent == counts[device].packs_acked == 200
                assert counts[device].values_sent == 400
                assert len(platform.epochs(device)) == 1
            assert platform.states["g-1"] == b"online"
        await eventually(lambda: platform.states["g-1"] == b"offline")

    asyncio.run(run())
    assert platform.conflicts == []


def test_nothing_is_lost_when_the_broker_is_killed(tmp_path: Path, broker: Broker, platform: Platform) -> None:
    async def run() -> None:
        async with working(settings(tmp_path / "spool.db", broker.port)) as fleet:
            for second in range(400):
                for device in DEVICES:
                    await fleet.send(pack(device, second))
                if second in (100, 200):
                    await eventually(lambda: len(platform.stored) > 100)
                    broker.kill()
                if second in (150, 300):
                    broker.start()
            await fleet.drain(2 * DEADLINE_S)

    asyncio.run(run())
    assert platform.conflicts == []
    for device in DEVICES:
        assert platform.readings(device) == expected(device, range(400))


def test_nothing_is_lost_or_doubled_when_the_gateway_is_killed(
    tmp_path: Path, broker: Broker, platform: Platform
) -> None:
    socket = tmp_path / "gw.sock"
    command = [sys.executable, "-m", "tests.integration.gateway_process"]
    command += [str(tmp_path / "spool.db"), str(broker.port), str(socket)]

    async def run() -> None:
        process = subprocess.Popen(command, cwd=ROOT)
        try:
            async with SocketFleet(socket, DEVICES) as fleet:
                for second in range(600):
                    for device in DEVICES:
                        await fleet.send(pack(device, second))
                    if second in (200, 400):
                        await eventually(lambda: len(platform.stored) > 100)
                        process.kill()
                        process.wait()
                        process = subprocess.Popen(command, cwd=ROOT)
                counts = await fleet.drain(2 * DEADLINE_S)
            assert fleet.refusals == {}
            assert all(counts[device].packs_acked == 600 for device in DEVICES)
        finally:
            process.kill()
            process.wait()

    asyncio.run(run())
    assert platform.conflicts == []
    for device in DEVICES:
        assert platform.readings(device) == expected(device, range(600))
        assert len(platform.epochs(device)) == 3  # one for each life of the gateway


def test_without_an_acknowledgement_packs_stay_and_are_sent_again(
    tmp_path: Path, broker: Broker, platform: Platform
) -> None:
    platform.acknowledging = False
    metrics = Metrics()
    chosen = settings(tmp_path / "spool.db", broker.port, resend=ResendRule(0.3, 1.0, window=8))

    async def run() -> None:
        async with working(chosen, metrics) as fleet:
            for second in range(20):
                await fleet.send(pack("w-1", second))
            await eventually(lambda: len(platform.stored) == 20)  # fresh values are not held back by the window
            await eventually(lambda: max(platform.received.values()) >= 3)
            assert b"gateway_spool_packs 20.0" in metrics.text()
            resent = [key[2] for key, times in platform.received.items() if times > 1]
            assert set(resent) <= set(range(8))
            platform.acknowledging = True
            await fleet.drain(DEADLINE_S)
            assert b"gateway_spool_packs 0.0" in metrics.text()
            assert b"gateway_packs_pruned_total 20.0" in metrics.text()

    asyncio.run(run())
    assert platform.conflicts == []


def test_what_was_spooled_without_a_broker_is_sent_when_there_is_one(tmp_path: Path, broker: Broker) -> None:
    broker.kill()
    chosen = settings(tmp_path / "spool.db", broker.port)

    async def offline() -> None:
        async with gateway(chosen).serving() as address:
            assert isinstance(address, tuple)
            async with SocketFleet(address, DEVICES) as fleet:
                for second in range(300):
                    await fleet.send(pack("w-2", second))
                await eventually(lambda: fleet.counts["w-2"].packs_acked == 300)

    async def online() -> None:
        async with working(chosen) as fleet:
            await fleet.send(pack("w-2", 300))
            await fleet.drain(DEADLINE_S)

    asyncio.run(offline())
    broker.start()
    platform = Platform(broker.port)
    platform.start()
    asyncio.run(online())
    platform.stop()
    assert platform.readings("w-2") == expected("w-2", range(301))
    assert len(platform.epochs("w-2")) == 2


def test_after_a_reconnect_what_is_unacknowledged_is_sent_again_at_once(
    tmp_path: Path, broker: Broker, platform: Platform
) -> None:
    platform.acknowledging = False
    chosen = settings(tmp_path / "spool.db", broker.port, resend=ResendRule())

    async def run() -> None:
        async with working(chosen) as fleet:
            for second in range(10):
                await fleet.send(pack("w-1", second))
            await eventually(lambda: len(platform.stored) == 10)
            assert set(platform.received.values()) == {1}
            with taken_over(broker.port, "g-1"):
                await eventually(lambda: set(platform.received.values()) == {2})

    asyncio.run(run())
    assert platform.conflicts == []


def test_a_small_window_moves_on_as_soon_as_something_is_acknowledged(
    tmp_path: Path, broker: Broker, platform: Platform
) -> None:
    """Were it only looked at once a second, 60 packs of history in windows of 2 would take half a minute."""
    chosen = settings(tmp_path / "spool.db", broker.port, resend=ResendRule(window=2))

    async def run() -> None:
        async with working(chosen) as fleet:
            for rate in range(60, 120):  # of one moment, so that they do not join
                await fleet.send(Pack("w-1", (START_US,), (Record("hr", START_US, rate),), backfill=True))
            await fleet.drain(DEADLINE_S)
            assert len(platform.stored) == 60

    asyncio.run(run())


def test_history_goes_on_its_own_channel(tmp_path: Path, broker: Broker, platform: Platform) -> None:
    async def run() -> None:
        async with working(settings(tmp_path / "spool.db", broker.port)) as fleet:
            await fleet.send(replace(pack("w-1", 0), backfill=True))
            await fleet.send(pack("w-1", 1))
            await fleet.drain(DEADLINE_S)

    asyncio.run(run())
    assert {key[2]: channel for key, channel in platform.channels.items()} == {0: "backfill", 1: "vitals"}


def test_a_wrong_password_keeps_everything_and_works_once_it_is_right(
    tmp_path: Path, broker: Broker, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = settings(tmp_path / "spool.db", broker.port, login=BrokerLogin("127.0.0.1", broker.port, "g-1", "guess"))

    async def refused() -> None:
        async with gateway(wrong).serving() as address:
            assert isinstance(address, tuple)
            async with SocketFleet(address, DEVICES) as fleet:
                await fleet.send(pack("w-1", 0))
                await eventually(lambda: fleet.counts["w-1"].packs_acked == 1)
                await eventually(lambda: "Not authorized" in caplog.text)

    async def right() -> None:
        async with working(settings(tmp_path / "spool.db", broker.port)) as fleet:
            await fleet.drain(DEADLINE_S)

    asyncio.run(refused())
    assert platform.stored == {}
    assert "guess" not in caplog.text
    asyncio.run(right())
    assert platform.readings("w-1") == expected("w-1", range(1))


def test_standard_input_ends_the_gateway_when_all_is_delivered(
    tmp_path: Path, broker: Broker, platform: Platform
) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path; from tests.integration.gateway_process import *;"
        "asyncio.run(gateway(settings(Path(sys.argv[1]), int(sys.argv[2]), listen=None, standard_input=True)).run())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "spool.db"), str(broker.port)],
        input=b"".join(line(number) for number in range(100)),
        capture_output=True,
        cwd=ROOT,
        timeout=2 * DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.count(b'"ok":true') == 100
    assert len(platform.readings("w-1")) == 200


def test_a_stopped_gateway_ends_cleanly(tmp_path: Path, broker: Broker) -> None:
    async def run() -> None:
        chosen = settings(tmp_path / "spool.db", broker.port)
        running = Gateway(chosen, clock=SystemClock(), metrics=Metrics(), rng=np.random.default_rng())
        for pause in (0.0, 0.01, 0.3):
            task = asyncio.create_task(running.run())
            await asyncio.sleep(pause)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())

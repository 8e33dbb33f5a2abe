"""A storm of duplicates through a real (embedded) broker: every copy travels, under one number."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

from simulators.faults import Fault, FaultKind
from simulators.patient import VirtualPatient
from simulators.publish import DeviceAccess, Fleet
from tests.deadline import DEADLINE_S
from tests.integration.gateway_platform import TENANT, Broker, Platform, eventually
from tests.unit.simulators.watching import AFTERNOON_US, SECOND
from vigil.runtime.broker import BrokerKind
from vigil.runtime.clock import SystemClock

SENT = 20


def test_every_copy_arrives_under_one_number(tmp_path: Path) -> None:
    storm = Fault(FaultKind.DUPLICATES, 5, 10, amount=4)
    packs = VirtualPatient(3, "stable", [storm], AFTERNOON_US, device_id="w-1").advance(
        AFTERNOON_US + (SENT - 1) * SECOND
    )
    broker = Broker(tmp_path, BrokerKind.EMBEDDED)
    broker.start()
    platform = Platform(broker.port)
    platform.start()

    async def run() -> None:
        access = DeviceAccess("w-1", "127.0.0.1", broker.port, "w-1", "pw w-1")
        async with Fleet([access], TENANT, SystemClock(), np.random.default_rng(1)) as fleet:
            for pack in packs:
                await fleet.send(pack)
            counts = (await fleet.drain(DEADLINE_S))["w-1"]
            assert (counts.packs_sent, counts.packs_acked) == (SENT, SENT)
            assert counts.resent >= 30
            await eventually(lambda: sum(platform.received.values()) >= SENT + 30)

    try:
        asyncio.run(run())
    finally:
        platform.stop()
        broker.close()
    assert platform.conflicts == []
    assert len(platform.stored) == SENT
    often = {key[2]: times for key, times in platform.received.items()}
    assert all(often[seq] >= 4 for seq in range(5, 15))

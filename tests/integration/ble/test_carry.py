"""From the peripheral's air to the platform: the whole gateway, a real broker, and what is notified is what is stored."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

from gateway.ble.config import read
from gateway.ble.radio import Radio
from gateway.runner import Gateway
from tests.integration.ble import frames
from tests.integration.ble.air import CENTRAL, Air, backends
from tests.integration.ble.home import eventually
from tests.integration.ble.peripherals import CUFF, CURRENT_TIME, GLUCOSE, HEART_RATE, sensor
from tests.integration.broker_site import needs_mosquitto
from tests.integration.gateway_platform import Broker, Platform
from tests.integration.gateway_process import settings
from vigil.domain.vitals import BY_WIRE
from vigil.runtime.clock import SystemClock
from vigil.runtime.metrics import Metrics

pytestmark = needs_mosquitto
STRAP, PRESSURE, METER = (f"F0:00:00:00:00:0{number}" for number in range(2, 5))


def stored(platform: Platform, device: str, name: str) -> list[float]:
    return [value for _, vital, value in platform.readings(device) if vital == BY_WIRE[name].index]


def test_notified_is_stored_also_when_the_broker_dies_in_between(
    tmp_path: Path, broker: Broker, platform: Platform
) -> None:
    """200 rates, 20 pressures and 50 records from a memory that is sent three times."""
    table = [
        {"address": STRAP, "device": "w-1"},
        {"address": PRESSURE, "device": "w-2"},
        {"address": METER, "device": "w-3"},
    ]

    async def run() -> None:
        air = Air()
        strap, cuff = await sensor(air, STRAP, "sensor", HEART_RATE), await sensor(air, PRESSURE, "sensor", CUFF)
        meter = await sensor(air, METER, "sensor", GLUCOSE, CURRENT_TIME, records=True)
        meter.values["2A2B"] = frames.current_time((2026, 1, 2, 0, 0, 0))
        meter.records = [frames.glucose(65500 + at, (2026, 1, 1, 8, at, 0)) for at in range(36)]
        meter.records += [frames.glucose(at, (2026, 1, 1, 8, 36 + at, 0)) for at in range(14)]
        chosen = settings(tmp_path / "spool.db", broker.port, bluetooth=read({"peripheral": table}).bluetooth)
        radio = Radio("", *backends(await air.adapter(CENTRAL), air))
        metrics = Metrics()
        gateway = Gateway(chosen, clock=SystemClock(), metrics=metrics, rng=np.random.default_rng(1), radio=radio)
        async with gateway.serving():
            await eventually(lambda: strap.listened_to and cuff.listened_to and meter.listened_to)
            for number in range(200):
                await strap.send("2A37", bytes((0, 40 + number)))
                if number % 10 == 0:
                    await cuff.send("2A35", frames.cuff(100 + number))
                if number == 80:
                    broker.kill()
                if number in (60, 120):
                    await eventually(lambda: meter.listened_to)
                    await meter.vanish()
                    await meter.advertise()
            await eventually(lambda: len(meter.asked) == 3)
            broker.start()
            await eventually(lambda: len(stored(platform, "w-1", "hr")) == 200)
            await eventually(lambda: len(stored(platform, "w-2", "sbp")) == 20)
            await eventually(lambda: len(stored(platform, "w-3", "glu-mgdl")) == 50)
            await eventually(lambda: b"gateway_spool_packs 0.0" in metrics.text())

    asyncio.run(run())
    assert stored(platform, "w-1", "hr") == [40.0 + number for number in range(200)]
    assert stored(platform, "w-2", "sbp") == [100.0 + number for number in range(0, 200, 10)]
    assert stored(platform, "w-3", "glu-mgdl") == [100.0] * 50
    assert platform.conflicts == []

"""``kill -9`` of the gateway while peripherals speak: what was on the disk is stored, once, and under its own device."""

from __future__ import annotations

import asyncio
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.integration.ble import frames
from tests.integration.ble.air import Air
from tests.integration.ble.killed_hub import Fault, KilledHub, faults
from tests.integration.ble.peripherals import CURRENT_TIME, GLUCOSE, HEART_RATE, Sensor, sensor
from tests.integration.broker_site import needs_mosquitto
from tests.integration.gateway_platform import Broker, Platform, eventually
from vigil.domain.vitals import BY_WIRE

pytestmark = needs_mosquitto

STRAPS, METER = {"F0:00:00:00:00:02": "w-1", "F0:00:00:00:00:03": "w-2"}, {"F0:00:00:00:00:04": "w-3"}
#: Seconds between two rates of a strap (a hundred times as often as a real one) and between two records of the meter.
RATE_S, RECORD_S = 0.01, 0.002
#: Measured before each start; the meter sends its whole memory each time.
NEW_RECORDS = 60
#: What was notified longer before the end is on the disk (ours: commits on a busy machine).
MOMENT_S = 2.0


@dataclass(slots=True)
class Strap:
    """Sends the odd or the even numbers as its rates. ``sent``: to the living gateway that had subscribed, with the loop's time;
    ``kept``: those of the dead ones that were on the disk; ``lost``: how many were not."""

    sensor: Sensor
    number: int
    sent: list[tuple[float, float]] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)
    lost: int = 0

    async def beat(self) -> None:
        while True:
            if self.sensor.listened_to:
                self.sent.append((float(self.number), asyncio.get_running_loop().time()))
                await self.sensor.send("2A37", b"\x01" + self.number.to_bytes(2, "little"))
                self.number += 2
            await asyncio.sleep(RATE_S)

    def dead(self, on_disk: set[float], ended_s: float) -> str:
        """Only the end of what was notified may be missing, and only what came in the moment of the kill."""
        kept = [rate for rate, _ in self.sent if rate in on_disk]
        missing = self.sent[len(kept) :]
        assert kept == [rate for rate, _ in self.sent[: len(kept)]], "a hole"
        age_s = max(ended_s - missing[0][1], 0.0) if missing else 0.0
        assert age_s < MOMENT_S
        said = f"{len(self.sent)} rates, {len(missing)} lost of the last {age_s * 1000:.0f} ms"
        self.kept += kept
        self.lost += len(missing)
        self.sent.clear()
        return said


def record(number: int) -> bytes:
    """The meter's ``number``-th, of so many mg/dL."""
    hour, minute = divmod(number, 60)
    return frames.glucose(number, (2026, 1, 1, hour, minute, 0), raw=0xB000 + number)


class Home:
    def __init__(self, folder: Path, broker: Broker, platform: Platform) -> None:
        self.air = Air()
        self.hub = KilledHub(folder, broker.port, self.air, STRAPS | METER)
        self.platform = platform
        self.straps: dict[str, Strap] = {}
        self.beating: list[asyncio.Task[None]] = []

    async def live(self, plan: list[Fault]) -> None:
        """Dies of each fault, then lives until all is stored."""
        for at, (address, device) in enumerate(STRAPS.items(), 1):
            self.straps[device] = Strap(await sensor(self.air, address, "sensor", HEART_RATE), at)
        (address,) = METER
        meter = await sensor(self.air, address, "sensor", GLUCOSE, CURRENT_TIME, records=True)
        meter.values["2A2B"], meter.record_s = frames.current_time((2026, 1, 2, 0, 0, 0)), RECORD_S
        self.beating = [asyncio.create_task(strap.beat()) for strap in self.straps.values()]
        try:
            async with self.hub.adapter.plugged_in():
                for fault in plan:
                    await self._life(meter, fault)
                await self._life(meter, None)
        finally:
            for task in self.beating:
                task.cancel()
            self.hub.kill()

    async def _life(self, meter: Sensor, fault: Fault | None) -> None:
        """``fault`` None: until all is stored."""
        # A strap goes on speaking to a dead one until it sees that nobody is there.
        await eventually(lambda: not any(strap.sensor.listened_to for strap in self.straps.values()))
        for strap in self.straps.values():
            strap.sent.clear()
        meter.records += [record(len(meter.records) + number) for number in range(1, NEW_RECORDS + 1)]
        asked = len(meter.asked)
        self.hub.start(fault or Fault())
        if fault is None:
            await eventually(lambda: len(self.stored("w-3")) >= len(meter.records))
            for task in self.beating:
                assert not task.done(), "no strap stopped by itself"
                task.cancel()
            await eventually(self._is_all_stored)
            self.hub.kill()
        await self.hub.died()
        said = [f"{fault or 'the end'!s:24} memory asked {len(meter.asked) - asked} x"]
        for device, strap in self.straps.items():
            # In this order: a pack may go from here to there meanwhile, never back.
            waiting = set(self.hub.on_disk(device))
            said.append(strap.dead(waiting | set(self.stored(device)), self.hub.ended_s))
        print("; ".join(said))

    def _is_all_stored(self) -> bool:
        """Of the life that lasts all that was notified, of the others all that was on the disk."""
        return all(
            {*strap.kept, *(rate for rate, _ in strap.sent)} <= set(self.stored(device))
            for device, strap in self.straps.items()
        )

    def stored(self, device: str) -> list[float]:
        return [value for _, _, value in self.platform.readings(device)]


@pytest.mark.timeout(120)
def test_kill_9_of_the_gateway_at_random_points(tmp_path: Path, broker: Broker, platform: Platform) -> None:
    """Seven lives of one gateway. Lost are only rates that came in the moment of a kill; what it prints says how many.

    The system's memory survives ``kill -9``: a power cut is another thing.
    """
    seed = int(os.environ.get("VIGIL_CHAOS_SEED") or secrets.randbelow(1_000_000))
    print(f"VIGIL_CHAOS_SEED={seed} makes the same faults again")
    home = Home(tmp_path, broker, platform)
    asyncio.run(home.live(faults(seed, NEW_RECORDS)))
    for device, strap in home.straps.items():
        assert len(strap.kept) > strap.lost
        assert sorted(home.stored(device)) == strap.kept, "each once, and nothing of another device"
    assert sorted(home.stored("w-3")) == [1.0 + number for number in range(7 * NEW_RECORDS)]
    vitals = {device: {BY_WIRE[name].index} for device, name in (("w-1", "hr"), ("w-2", "hr"), ("w-3", "glu-mgdl"))}
    assert {device: {vital for _, vital, _ in platform.readings(device)} for device in vitals} == vitals
    assert platform.conflicts == []

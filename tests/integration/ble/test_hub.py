"""What peripherals notify and indicate is what the spool has, each under its own device."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.integration.ble import frames
from tests.integration.ble.air import Air
from tests.integration.ble.home import Noon, eventually, home
from tests.integration.ble.peripherals import (
    BATTERY,
    CUFF,
    CURRENT_TIME,
    GLUCOSE,
    HEART_RATE,
    PLX_CONTINUOUS,
    PLX_SPOT,
    SCALE,
    THERMOMETER,
    sensor,
)
from vigil.domain.times import HOUR, MINUTE, SECOND

STRAP, OXIMETER, THERMO, PRESSURE, METER = (f"F0:00:00:00:00:0{number}" for number in range(2, 7))


def test_every_notification_is_in_the_spool(tmp_path: Path) -> None:
    async def run() -> None:
        air = Air()
        strap = await sensor(air, STRAP, "strap", HEART_RATE)
        async with home(tmp_path, {"address": STRAP, "device": "w-1"}, air=air) as here:
            await eventually(lambda: strap.listened_to)
            for number in range(300):
                await strap.send("2A37", bytes((0, 60 + number % 40)))
            await eventually(lambda: here.frames() == 300)
            assert await here.values("w-1") == [60.0 + number % 40 for number in range(300)]

    asyncio.run(run())


def test_five_peripherals_at_once_each_under_its_own_device(tmp_path: Path) -> None:
    async def run() -> None:
        air = Air()
        made = {
            "w-spo2": await sensor(air, STRAP, "oximeter", PLX_SPOT, PLX_CONTINUOUS),
            "w-temp": await sensor(air, THERMO, "thermometer", THERMOMETER),
            "w-cuff": await sensor(air, PRESSURE, "cuff", CUFF),
            "w-scale": await sensor(air, OXIMETER, "scale", SCALE),
            "w-strap": await sensor(air, METER, "strap", HEART_RATE),
        }
        addresses = (STRAP, THERMO, PRESSURE, OXIMETER, METER)
        named = [{"address": address, "device": device} for address, device in zip(addresses, made, strict=True)]
        async with home(tmp_path, *named, air=air) as here:
            await eventually(lambda: all(each.listened_to for each in made.values()))
            for _ in range(20):
                await made["w-spo2"].send("2A5F", frames.PLX_CONTINUOUS)
                await made["w-strap"].send("2A37", b"\x00\x50")
            await made["w-spo2"].send("2A5E", frames.PLX_SPOT)
            await made["w-temp"].send("2A1C", frames.TEMPERATURE)
            await made["w-cuff"].send("2A35", frames.CUFF)
            await made["w-scale"].send("2A9D", frames.WEIGHT)
            await eventually(lambda: here.frames() == 44)
            assert await here.values("w-strap") == [80.0] * 20
            assert await here.values("w-spo2", "spo2") == [100.0] * 20 + [94.0]
            assert await here.values("w-spo2", "hr") == [90.0] * 20 + [147.0]
            assert await here.values("w-temp") == [36.8]
            assert await here.values("w-cuff") == [120.0, 80.0, 90.0]
            assert await here.values("w-scale") == [70.0]
            assert await here.aside() == []

    asyncio.run(run())


def test_two_peripherals_of_one_name_do_not_mix(tmp_path: Path) -> None:
    async def run() -> None:
        air = Air()
        his, hers = await sensor(air, STRAP, "BP7000", CUFF), await sensor(air, PRESSURE, "BP7000", CUFF)
        other = await sensor(air, METER, "BP7000", CUFF)
        named = [{"address": STRAP.lower(), "device": "w-his"}, {"address": PRESSURE, "device": "w-hers"}]
        async with home(tmp_path, *named, air=air) as here:
            await eventually(lambda: his.listened_to and hers.listened_to)
            for number in range(50):
                await asyncio.gather(
                    his.send("2A35", frames.cuff(100 + number)), hers.send("2A35", frames.cuff(150 + number))
                )
            await eventually(lambda: here.frames() == 100)
            assert await here.values("w-his", "sbp") == [100.0 + number for number in range(50)]
            assert await here.values("w-hers", "sbp") == [150.0 + number for number in range(50)]
            assert other.times_connected == 0, "nobody said whose it is"

    asyncio.run(run())


def test_its_battery_and_its_clock_are_read_first_and_its_times_corrected(tmp_path: Path) -> None:
    """The cuff's clock is 3 h 10 min ahead of UTC; what it measured 2 h ago goes as history, what it measured now does not."""

    async def run() -> None:
        air = Air()
        cuff = await sensor(air, PRESSURE, "cuff", CUFF, BATTERY, CURRENT_TIME)
        cuff.values = {"2A19": b"\x37", "2A2B": frames.current_time((2026, 1, 1, 15, 10, 0))}
        async with home(tmp_path, {"address": PRESSURE, "device": "w-1"}, air=air, clock=Noon()) as here:
            await eventually(lambda: cuff.listened_to)
            await cuff.send("2A35", frames.cuff(120, (2026, 1, 1, 13, 10, 0)))
            await cuff.send("2A35", frames.cuff(130, (2026, 1, 1, 15, 9, 55)))
            await eventually(lambda: here.frames() == 3)
            assert [each for each in await here.readings("w-1") if each.name in ("batt", "sbp")] == [
                ("batt", Noon.US, 55.0, False),
                ("sbp", Noon.US - 2 * HOUR, 120.0, True),
                ("sbp", Noon.US - 5 * SECOND, 130.0, False),
            ]

    asyncio.run(run())


def test_records_from_the_memory_are_taken_once_over_reconnects_and_restarts(tmp_path: Path) -> None:
    """The meter's number is a u16 and wraps; it reports its whole memory whenever it is asked."""

    async def run() -> None:
        air = Air()
        meter = await sensor(air, METER, "meter", GLUCOSE, CURRENT_TIME, records=True)
        meter.values["2A2B"] = frames.current_time((2026, 1, 1, 12, 0, 0))
        numbers = [*range(65530, 65536), *range(6)]
        meter.records = [frames.glucose(number, (2026, 1, 1, 11, at, 0)) for at, number in enumerate(numbers)]
        named, noon = {"address": METER, "device": "w-1"}, Noon()
        async with home(tmp_path, named, air=air, clock=noon) as here:
            await eventually(lambda: here.frames() == 12)
        async with home(tmp_path, named, air=air, clock=noon) as here:
            await eventually(lambda: here.frames("repeated") == 12)
            await meter.vanish()
            meter.records.append(frames.glucose(6, (2026, 1, 1, 11, 12, 0)))
            await meter.advertise()
            await eventually(lambda: (here.frames("repeated"), here.frames()) == (24, 1))
        async with home(tmp_path, named, air=air, clock=noon) as here:
            await eventually(lambda: here.frames("repeated") == 13)
            times = [each.t_us for each in await here.readings("w-1")]
            assert times == [Noon.US - HOUR + at * MINUTE for at in range(13)]
        assert meter.asked == [b"\x01\x01"] * 4

    asyncio.run(run())


def test_a_number_alone_does_not_make_a_record_the_same(tmp_path: Path) -> None:
    """65,536 records later the same number stands for another measurement."""

    async def run() -> None:
        air = Air()
        meter = await sensor(air, METER, "meter", GLUCOSE, CURRENT_TIME, records=True)
        meter.values["2A2B"] = frames.current_time((2026, 1, 1, 12, 0, 0))
        meter.records = [
            frames.glucose(7, (2025, 6, 1, 8, 0, 0)),
            frames.glucose(7, (2026, 1, 1, 8, 0, 0)),
            frames.glucose(7, (2026, 1, 1, 8, 0, 0), raw=0xB05A),
            frames.glucose(7, (2026, 1, 1, 8, 0, 0)),
        ]
        async with home(tmp_path, {"address": METER, "device": "w-1"}, air=air, clock=Noon()) as here:
            await eventually(lambda: here.frames() + here.frames("repeated") == 4)
            assert await here.values("w-1") == [100.0, 100.0, 90.0]

    asyncio.run(run())

"""What goes wrong around a peripheral costs only what it must, is said with the device's name, and ends nothing."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason

from gateway.ble.radio import Radio
from tests.integration.ble import frames
from tests.integration.ble.air import CENTRAL, Air
from tests.integration.ble.home import eventually, home
from tests.integration.ble.peripherals import BATTERY, CUFF, HEART_RATE, SCALE, sensor
from vigil.domain.errors import BluetoothError

STRAP, PRESSURE, WEIGHT = (f"F0:00:00:00:00:0{number}" for number in range(2, 5))


def test_gone_in_the_middle_of_its_notifications_and_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What reached the adapter before each end is in the spool, all of it once; a neighbour does not notice."""
    caplog.set_level("INFO")

    async def run() -> None:
        air = Air()
        strap, cuff = await sensor(air, STRAP, "strap", HEART_RATE), await sensor(air, PRESSURE, "cuff", CUFF)
        named = [{"address": STRAP, "device": "w-strap"}, {"address": PRESSURE, "device": "w-cuff"}]
        async with home(tmp_path, *named, air=air) as here:
            await eventually(lambda: cuff.listened_to)
            for turn in range(10):
                await eventually(lambda: strap.listened_to)
                for number in range(40):
                    await strap.send("2A37", bytes((0, 40 + number)))
                    if number == 20 + turn:
                        await strap.vanish()
                await cuff.send("2A35", frames.cuff(100 + turn))
                await strap.advertise()
            await eventually(lambda: strap.listened_to)
            heard = [number for turn in range(10) for number in range(40, 61 + turn)]
            await eventually(lambda: here.frames() == len(heard) + 10)
            assert await here.values("w-strap") == heard
            assert (strap.times_connected, cuff.times_connected) == (11, 1)
            assert here.count("connections", "lost") == 10

    asyncio.run(run())
    assert "w-strap: the connection has ended after 21 readings" in caplog.text


def test_frames_that_break_their_layout_are_kept_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        air = Air()
        cuff = await sensor(air, PRESSURE, "cuff", CUFF)
        async with home(tmp_path, {"address": PRESSURE, "device": "w-cuff"}, air=air) as here:
            await eventually(lambda: cuff.listened_to)
            for _ in range(5):
                await cuff.send("2A35", b"\x1e\x8a")
                await cuff.send("2A35", frames.CUFF)
            await cuff.send("2A35", b"")
            await eventually(lambda: (here.frames(), here.frames("bad")) == (5, 6))
            await eventually(lambda: caplog.text.count("w-cuff: kept aside") == 3)
            kept = await here.aside()
            assert kept == [("w-cuff", "bad", "1e 8a")] * 5 + [("w-cuff", "bad", "")]

    asyncio.run(run())
    assert "w-cuff: kept aside: Blood Pressure Measurement: 1 bytes too few: 1e 8a" in caplog.text


def test_an_unknown_user_of_a_scale_is_nobodys_reading(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        air = Air()
        scale = await sensor(air, WEIGHT, "scale", SCALE, BATTERY)
        scale.values["2A19"] = b"\x50"
        named = {"address": WEIGHT, "users": {"1": "w-anna", "2": "w-ben"}}
        async with home(tmp_path, named, air=air) as here:
            await eventually(lambda: scale.listened_to)
            for user, kg in ((1, 60), (2, 80), (3, 120), (255, 90), (None, 70), (1, 61)):
                await scale.send("2A9D", frames.weight(kg, user))
            await eventually(lambda: here.frames("unknown_user") == 3 and here.frames() == 5)
            assert await here.values("w-anna") == [80.0, 60.0, 61.0]
            assert await here.values("w-ben") == [80.0, 80.0]
            assert [frame for _, _, frame in await here.aside()] == [
                frames.weight(kg, user).hex(" ") for user, kg in ((3, 120), (255, 90), (None, 70))
            ]

    asyncio.run(run())
    assert "w-anna: kept aside: Weight Measurement: its user 3 is not in the settings" in caplog.text
    assert frames.weight(120, 3).hex(" ") not in caplog.text, "a stranger's weight"


def test_a_lost_pairing_is_said_once_and_heals_when_it_is_made_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The cuff is reset to its factory state: it does not know the gateway, whose system still has the old key."""

    async def run() -> None:
        air = Air()
        old = await sensor(air, PRESSURE, "cuff", CUFF, BATTERY, secret=True)
        old.values["2A19"] = b"\x50"
        strap = await sensor(air, STRAP, "strap", HEART_RATE)
        cuff = {"address": PRESSURE, "device": "w-cuff", "bond": True}
        async with home(tmp_path, cuff, {"address": STRAP, "device": "w-strap"}, air=air) as here:
            await eventually(lambda: here.frames() == 1)
            await old.vanish()
            air.remove(PRESSURE)
            new = await sensor(air, PRESSURE, "cuff", CUFF)
            await eventually(lambda: here.count("connections", "unpaired") > 2)
            assert caplog.text.count("w-cuff: the pairing is lost") == 1
            await eventually(lambda: strap.listened_to)
            await strap.send("2A37", b"\x00\x50")
            await eventually(lambda: here.frames() == 2)
            await air.unpair(CENTRAL, PRESSURE)  # as a person does in the system's settings
            await eventually(lambda: new.listened_to)
            await new.send("2A35", frames.CUFF)
            await eventually(lambda: here.frames() == 3)

    asyncio.run(run())


def test_a_peripheral_that_wants_pairing_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        air = Air()
        await sensor(air, PRESSURE, "cuff", CUFF, BATTERY, secret=True)
        async with home(tmp_path, {"address": PRESSURE, "device": "w-cuff"}, air=air) as here:
            await eventually(lambda: here.count("connections", "unpaired") > 2)

    asyncio.run(run())
    assert caplog.text.count("w-cuff: it wants to be paired; set bond = true") == 1


def test_a_pairing_that_is_refused_is_no_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        air = Air()
        await sensor(air, PRESSURE, "cuff", CUFF, pairs=False)
        async with home(tmp_path, {"address": PRESSURE, "device": "w-cuff", "bond": True}, air=air) as here:
            await eventually(lambda: here.count("connections", "unpaired") > 2)

    asyncio.run(run())
    assert "w-cuff: the pairing is lost" in caplog.text


def test_a_peripheral_with_nothing_for_us_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        air = Air()
        await sensor(air, WEIGHT, "lamp", ("FFE0", "FFE1", HEART_RATE[2]))
        async with home(tmp_path, {"address": WEIGHT, "device": "w-1"}, air=air) as here:
            await eventually(lambda: here.count("connections", "failed") > 2)

    asyncio.run(run())
    assert caplog.text.count("w-1: cannot be read: it has nothing that Vigil reads") == 1


def test_an_adapter_that_is_switched_off_and_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def run() -> None:
        air = Air()
        strap = await sensor(air, STRAP, "strap", HEART_RATE)
        air.adapter_fault = BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF)
        async with home(tmp_path, {"address": STRAP, "device": "w-1"}, air=air) as here:
            await eventually(lambda: "no Bluetooth, so nothing is read from w-1" in caplog.text)
            assert b"gateway_ble_radio 0.0" in here.metrics.text()
            air.adapter_fault = None
            await eventually(lambda: strap.listened_to)
            assert b"gateway_ble_radio 1.0" in here.metrics.text()
            await strap.send("2A37", b"\x00\x50")
            await eventually(lambda: here.frames() == 1)

    asyncio.run(run())
    assert caplog.text.count("no Bluetooth") == 1
    assert "Bluetooth works again" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="the adapter of Linux")
def test_a_machine_without_a_bluetooth_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """bleak's own backend, where there is no D-Bus."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'none'}")
    with pytest.raises(BluetoothError):
        asyncio.run(asyncio.wait_for(Radio().find(lambda _: True, lambda: None), 10))

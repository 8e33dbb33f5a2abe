"""What was kept aside becomes somebody's reading when the settings say whose it is, once, at the time when it was measured."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.ble.claim import claim
from gateway.ble.config import BluetoothSettings, read
from gateway.ble.frames import FrameBook
from gateway.ble.measurement import LocalTime
from gateway.ble.packs import Aside, FrameReader
from gateway.ble.profiles import PROFILES
from gateway.ble.profiles.profile import Profile, uuid
from gateway.spool import Spool
from tests.unit.gateway.lines import opened
from vigil.domain.times import HOUR, from_iso
from vigil.runtime.clock import ManualClock
from vigil.wire import packs as wire

NOW = from_iso("2026-01-01T12:00:00Z")
CUFF, GLUCOSE = (PROFILES[uuid(short)] for short in (0x2A35, 0x2A18))
SHOWN = LocalTime.of(2026, 1, 1, 9, 0, 0)
TIME = struct.pack("<H5B", 2026, 1, 1, 9, 0, 0)


def settings(address: str = "F0:00:00:00:00:02", **changes: Any) -> BluetoothSettings:
    bluetooth = read({"peripheral": [{"address": address, "device": "w-1"} | changes]}).bluetooth
    assert bluetooth is not None
    return bluetooth


def cuff(user: int, systolic: int = 120) -> bytes:
    return struct.pack("<B3H", 2 | 8, systolic, 80, 90) + TIME + bytes((user,))


def record(number: int) -> bytes:
    """Of a glucose meter's memory: 5.5 mmol/L, capillary whole blood, finger."""
    return struct.pack("<BH", 0x02 | 0x04, number) + TIME + struct.pack("<HB", 0xC000 | 55, 0x11)


class Home:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NOW)
        self.spool: Spool = opened(folder / "s.sqlite3", self.clock)
        self.path = folder / "f.sqlite3"
        self.book = FrameBook(self.path)

    def keep(self, frame: bytes, profile: Profile = CUFF, clock_ahead: int = 0) -> None:
        """With the settings of ``settings()``; ``clock_ahead``: the peripheral has told a clock that is so far ahead."""
        reader = FrameReader(settings().peripherals[0])
        if clock_ahead:
            reader.clock.told(LocalTime(NOW + clock_ahead), NOW)
        aside = reader.take(profile, frame, NOW)
        assert isinstance(aside, Aside)
        self.book.write([], [aside])

    def sent(self) -> list[tuple[str, str, int, float]]:
        """Device, channel, measured time and first value of what is due."""
        self.spool.all_due()
        found = []
        for pack in self.spool.take_history(100):
            values = wire.read(pack.payload, pack.device_id)
            found += [
                (pack.device_id, pack.channel, values.time_us[at], values.value[at])
                for at in range(len(values.value))
                if values.value[at] not in (80.0, 90.0)
            ]
        return sorted(found)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.spool.close()
    made.book.close()


def test_a_user_who_is_named_later_gets_what_came_before(home: Home) -> None:
    home.keep(cuff(2, 131), clock_ahead=HOUR)
    home.keep(cuff(3, 141), clock_ahead=HOUR)
    assert claim(settings(), home.spool, home.book) == 0
    assert claim(settings(users={"2": "w-anna"}), home.spool, home.book) == 1
    assert home.sent() == [("w-anna", "backfill", SHOWN.us - HOUR, 131.0)], "by the clock of then, as history"
    assert [aside.frame for _, aside in home.book.claimable()] == [cuff(3, 141)]
    assert claim(settings(users={"2": "w-anna"}), home.spool, home.book) == 0


def test_what_the_sensor_sends_again_meanwhile_is_not_doubled(home: Home) -> None:
    named = settings(users={"2": "w-anna"})
    home.keep(cuff(2))
    assert claim(named, home.spool, home.book) == 1
    home.keep(cuff(2))
    assert claim(named, home.spool, home.book) == 1
    assert len(home.sent()) == 1


def test_a_time_zone_that_is_given_later_serves_too(home: Home) -> None:
    home.keep(record(7), GLUCOSE)
    assert claim(settings(zone="Europe/Berlin"), home.spool, home.book) == 1
    assert home.sent() == [("w-1", "backfill", SHOWN.us - HOUR, 5.5)]


def test_frames_of_another_sensor_or_broken_ones_stay(home: Home) -> None:
    home.keep(cuff(2))
    home.keep(b"\x1e")
    assert claim(settings("F0:00:00:00:00:03", users={"2": "w-anna"}), home.spool, home.book) == 0
    assert claim(settings(users={"2": "w-anna"}), home.spool, home.book) == 1
    with sqlite3.connect(home.path) as db:
        left = db.execute("SELECT outcome FROM aside").fetchall()
    db.close()
    assert left == [("bad",)]


def test_a_full_spool_leaves_them_aside(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.spool.close()
    home.spool = opened(tmp_path / "small.sqlite3", home.clock, max_bytes=1)
    home.keep(cuff(2))
    assert claim(settings(users={"2": "w-anna"}), home.spool, home.book) == 0
    assert len(home.book.claimable()) == 1
    home.spool.close()
    home.book.close()


def test_a_file_of_before_is_taken_over(tmp_path: Path) -> None:
    """Its frames have no address, so they stay where a person can read them."""
    path = tmp_path / "f.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute(
            "CREATE TABLE aside (number INTEGER PRIMARY KEY AUTOINCREMENT, received_us INTEGER NOT NULL, label TEXT NOT NULL,"
            " characteristic TEXT NOT NULL, outcome TEXT NOT NULL, why TEXT NOT NULL, frame TEXT NOT NULL)"
        )
        db.execute("INSERT INTO aside VALUES (1, 1, 'w-1', 'Blood Pressure Measurement', 'unknown_user', 'why', '00')")
    db.close()
    home = Home(tmp_path)
    assert home.book.claimable() == []
    home.keep(cuff(2))
    assert [number for number, _ in home.book.claimable()] == [2]
    home.spool.close()
    home.book.close()

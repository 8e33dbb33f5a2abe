"""Frames to packs: whose they are, when they were measured, and when two of them are one."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.ble.config import read
from gateway.ble.packs import CURRENT_TIME, Aside, FrameReader, Reading
from gateway.ble.profiles import PROFILES
from gateway.ble.profiles.profile import Profile, uuid
from vigil.domain.quality import Quality
from vigil.domain.times import HOUR, SECOND, from_iso

NOW = from_iso("2026-01-01T12:00:00Z")
ADDRESS = "F0:00:00:00:00:02"
HEART_RATE, CUFF, GLUCOSE, BATTERY, PLX = (PROFILES[uuid(short)] for short in (0x2A37, 0x2A35, 0x2A18, 0x2A19, 0x2A5F))
TIME = struct.pack("<H5B", 2026, 1, 1, 11, 0, 0)


def reader(**changes: Any) -> FrameReader:
    bluetooth = read({"peripheral": [{"address": ADDRESS, "device": "w-1"} | changes]}).bluetooth
    assert bluetooth is not None
    return FrameReader(bluetooth.peripherals[0])


def taken(by: FrameReader, profile: Profile, frame: bytes, at: int = NOW) -> list[Reading]:
    found = by.take(profile, frame, at)
    assert isinstance(found, list)
    return found


def cuff(user: int | None = None, time: bytes = TIME) -> bytes:
    flags = 2 | (8 if user is not None else 0)
    return struct.pack("<B3H", flags, 120, 80, 90) + time + (b"" if user is None else bytes((user,)))


def test_the_same_rate_each_second_is_another_reading_each_second() -> None:
    by = reader()
    packs = [taken(by, HEART_RATE, b"\x00\x50", NOW + at * SECOND)[0] for at in (0, 0, 1)]
    assert len({each.pack.digest for each in packs}) == 3
    assert not any(each.identified for each in packs)


def test_a_frame_with_its_time_is_the_same_reading_however_often_it_comes() -> None:
    first, again = reader(zone="UTC"), reader(zone="UTC")
    one, two = taken(first, CUFF, cuff(), NOW)[0], taken(again, CUFF, cuff(), NOW + HOUR)[0]
    assert one.identified
    assert one.pack.digest == two.pack.digest
    assert [sample.t_us for sample in one.pack.samples] == [NOW - HOUR] * 3
    assert one.pack.backfill
    other = taken(reader(zone="UTC", address="F0:00:00:00:00:03"), CUFF, cuff())[0]
    assert other.pack.digest != one.pack.digest, "another cuff of the family said the same at the same second"


def test_a_value_whose_time_only_the_gateway_knows_is_marked() -> None:
    def marks(by: FrameReader, profile: Profile, frame: bytes) -> set[int]:
        return {sample.quality & Quality.GATEWAY_TIME for sample in taken(by, profile, frame)[0].pack.samples}

    assert marks(reader(), CUFF, cuff()) == {Quality.GATEWAY_TIME}, (
        "its clock has no zone, and it did not tell its time"
    )
    assert marks(reader(zone="UTC"), CUFF, cuff()) == {0}
    unset = struct.pack("<H5B", 0, 0, 0, 0, 0, 0)
    assert marks(reader(zone="UTC"), CUFF, cuff(time=unset)) == {Quality.GATEWAY_TIME}
    assert marks(reader(), HEART_RATE, b"\x00\x50") == {0}, "a rate is sent when it is measured"


def test_what_was_measured_a_minute_ago_may_still_alarm() -> None:
    by = reader(zone="UTC")
    a_minute_ago, older = struct.pack("<H5B", 2026, 1, 1, 11, 59, 0), struct.pack("<H5B", 2026, 1, 1, 11, 58, 59)
    assert not taken(by, CUFF, cuff(time=a_minute_ago))[0].pack.backfill
    assert taken(by, CUFF, cuff(time=older))[0].pack.backfill


def test_whose_it_is() -> None:
    by = reader(users={"1": "w-anna", "255": "w-guest"})
    assert [taken(by, CUFF, cuff(user))[0].pack.device_id for user in (None, 1, 255)] == ["w-1", "w-anna", "w-guest"]
    stranger = by.take(CUFF, cuff(2), NOW)
    assert isinstance(stranger, Aside)
    assert (stranger.outcome, stranger.frame) == ("unknown_user", cuff(2))
    assert "user 2" in stranger.why
    assert isinstance(reader().take(CUFF, cuff(1), NOW), Aside), "users were never said to exist"
    assert [each.pack.device_id for each in taken(by, BATTERY, b"\x40")] == ["w-1", "w-anna", "w-guest"]


def test_a_record_without_a_known_time_is_kept_aside() -> None:
    by = reader()
    record = struct.pack("<BH", 2, 7) + TIME + struct.pack("<HB", 0xB064, 0x12)
    found = by.take(GLUCOSE, record, NOW)
    assert isinstance(found, Aside)
    assert found.outcome == "untimed"
    assert taken(by, PROFILES[CURRENT_TIME], TIME + bytes(3)) == []
    (reading,) = taken(by, GLUCOSE, record)
    assert reading.pack.samples[0].t_us == NOW


def test_control_solution_is_nobodys_value_and_no_clock() -> None:
    by = reader()
    assert taken(by, GLUCOSE, struct.pack("<BH", 2, 7) + TIME + struct.pack("<HB", 0xB064, 0x1A)) == []
    assert by.clock.offset_us is None


@given(profile=st.sampled_from(sorted(PROFILES)), frame=st.binary(max_size=24), at=st.integers(NOW, NOW + HOUR))
def test_any_bytes_are_readings_or_aside(profile: str, frame: bytes, at: int) -> None:
    found = reader(zone="UTC").take(PROFILES[profile], frame, at)
    if isinstance(found, Aside):
        assert found.outcome in ("bad", "unknown_user", "untimed")
        assert found.frame == frame
        assert "w-1" not in found.why
    for reading in found if isinstance(found, list) else []:
        assert reading.pack.samples
        assert reading.pack.device_id == "w-1"

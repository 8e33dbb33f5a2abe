"""The clock of a peripheral: known, unknown, impossible; never with a zone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ble.measurement import LocalTime
from gateway.ble.profiles.date_time import DateTime, date_time
from gateway.ble.profiles.frame import Frame
from tests.unit.gateway.ble.vectors import profile
from vigil.domain.errors import BadFrame


def read(text: str) -> DateTime:
    return date_time(Frame("Date Time", bytes.fromhex(text)))


def test_a_date() -> None:
    found = read("E2 07 04 11 0F 33 00")
    assert found == DateTime(2018, 4, 17, 15, 51, 0)
    assert str(found.local()) == "2018-04-17T15:51:00"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00 00 00 00 12 1A 20", DateTime(None, None, None, 18, 26, 32)),
        ("00 00 04 11 14 29 3B", DateTime(None, 4, 17, 20, 41, 59)),
        ("EA 07 02 1E 08 00 00", DateTime(2026, 2, 30, 8, 0, 0)),
    ],
)
def test_an_unknown_date_and_one_that_no_calendar_has_give_no_time(text: str, expected: DateTime) -> None:
    found = read(text)
    assert found == expected
    assert found.local() is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("E2 07 04 11 0F 33", "1 bytes too few"),
        ("2D 06 01 01 00 00 00", "year 1581"),
        ("10 27 01 01 00 00 00", "year 10000"),
        ("E2 07 0D 11 0F 33 00", "month 13"),
        ("E2 07 04 20 0F 33 00", "day 32"),
        ("E2 07 04 11 18 33 00", "hour 24"),
        ("E2 07 04 11 0F 3C 00", "minute 60"),
        ("E2 07 04 11 0F 33 3C", "second 60"),
    ],
)
def test_what_is_no_date_at_all(text: str, says: str) -> None:
    with pytest.raises(BadFrame, match=says):
        read(text)


@given(st.datetimes(datetime(1582, 1, 1), datetime(9999, 12, 31)).map(lambda t: t.replace(microsecond=0)))  # noqa: DTZ001
def test_a_local_time_counts_as_the_calendar_does(shown: datetime) -> None:
    local = LocalTime.of(shown.year, shown.month, shown.day, shown.hour, shown.minute, shown.second)
    assert datetime(1970, 1, 1) + timedelta(microseconds=local.us) == shown  # noqa: DTZ001
    assert str(local) == shown.isoformat()


@pytest.mark.parametrize(
    ("short", "text"),
    [
        (0x2A5E, "01 64 00 5A 00 00 00 00 00 12 1A 20"),
        (0x2A5E, "11 64 00 5A 00 E2 07 04 11 0F 33 00"),  # clock not set, and yet a time
        (0x2A5E, "10 64 00 5A 00"),
        (0x2A35, "02 78 00 50 00 5A 00 00 00 00 00 12 1A 20"),
        (0x2A1C, "02 70 01 00 FF EA 07 02 1E 08 00 00"),
        (0x2A9D, "02 B0 36 00 00 00 00 00 00 00"),
        (0x2A18, "02 07 00 00 00 00 00 00 00 00 64 B0 11"),
        (0x2A18, "03 07 00 00 00 00 00 00 00 00 05 00 64 B0 11"),  # an offset to nothing
        (0x2A18, "0A 07 00 E2 07 04 11 0F 33 00 64 B0 11 00 08"),  # time fault
    ],
)
def test_values_of_a_peripheral_that_does_not_know_the_time_are_kept_without_it(short: int, text: str) -> None:
    found = profile(short).decode(bytes.fromhex(text))
    assert found.device_time is None
    assert not found.clock_set
    assert all(one.value is not None for one in found.values)
    assert found.values


def test_a_frame_without_a_time_says_nothing_about_the_clock() -> None:
    found = profile(0x2A1C).decode(bytes.fromhex("00 70 01 00 FF"))
    assert found.device_time is None
    assert found.clock_set


def test_a_time_offset_out_of_the_calendar() -> None:
    with pytest.raises(BadFrame, match="time offset 5 min leaves the calendar"):
        profile(0x2A18).decode(bytes.fromhex("01 07 00 0F 27 0C 1F 17 3B 3B 05 00"))
    with pytest.raises(BadFrame, match="time offset -5 min leaves the calendar"):
        profile(0x2A18).decode(bytes.fromhex("01 07 00 2E 06 01 01 00 00 00 FB FF"))

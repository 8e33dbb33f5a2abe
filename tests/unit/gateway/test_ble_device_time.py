"""When a value was measured, from what the peripheral's clock shows."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ble.device_time import PeripheralClock
from gateway.ble.measurement import LocalTime, Measurement
from vigil.domain.quality import AHEAD_ALLOWED, OLDEST
from vigil.domain.times import DAY, HOUR, MINUTE, SECOND, from_iso

NOW = from_iso("2026-01-01T12:00:00Z")
FIRST, LAST = LocalTime.of(1, 1, 1, 0, 0, 0), LocalTime.of(9999, 12, 31, 23, 59, 59)


def shown(year: int, month: int, day: int, hour: int, minute: int = 0, second: int = 0) -> Measurement:
    return Measurement(device_time=LocalTime.of(year, month, day, hour, minute, second))


def test_a_clock_that_was_read_needs_no_zone_and_need_not_be_right() -> None:
    clock = PeripheralClock()
    clock.told(LocalTime.of(2000, 1, 1, 0, 10, 0), NOW)
    assert clock.measured_us(shown(2000, 1, 1, 0, 9), NOW + 5 * SECOND) == NOW - MINUTE
    assert clock.measured_us(shown(1999, 12, 30, 0, 10), NOW) == NOW - 2 * DAY


def test_without_a_clock_a_zone_helps_also_over_the_change_of_summer_time() -> None:
    clock = PeripheralClock(ZoneInfo("Europe/Berlin"))
    assert clock.measured_us(shown(2026, 1, 1, 12, 59), NOW) == NOW - MINUTE
    assert clock.measured_us(shown(2025, 7, 1, 14), NOW) == from_iso("2025-07-01T12:00:00Z")


def test_with_neither_a_fresh_value_was_measured_when_it_came() -> None:
    clock = PeripheralClock()
    assert clock.measured_us(shown(2026, 1, 1, 9), NOW) == NOW
    assert clock.measured_us(Measurement(), NOW) == NOW
    assert clock.measured_us(Measurement(clock_set=False), NOW) == NOW


@pytest.mark.parametrize("memory", [{"stored": True}, {"sequence": 7}])
def test_with_neither_nobody_knows_when_a_stored_value_was_measured(memory: dict[str, int]) -> None:
    clock = PeripheralClock()
    measurement = Measurement(device_time=LocalTime.of(2026, 1, 1, 9, 0, 0), **memory)  # type: ignore[arg-type]
    assert clock.measured_us(measurement, NOW) is None
    clock.told(LocalTime.of(2026, 1, 1, 10, 0, 0), NOW)
    assert clock.measured_us(measurement, NOW) == NOW - HOUR
    clock.forget()
    assert clock.measured_us(measurement, NOW) is None


def test_a_time_that_cannot_be_is_no_time() -> None:
    clock = PeripheralClock(ZoneInfo("UTC"))
    assert clock.measured_us(shown(2026, 1, 1, 12, 0, 5), NOW) == NOW + AHEAD_ALLOWED
    assert clock.measured_us(shown(2026, 1, 1, 12, 0, 6), NOW) == NOW
    assert clock.measured_us(shown(2000, 1, 1, 0), NOW) == NOW


@given(
    device_us=st.one_of(st.none(), st.integers(FIRST.us, LAST.us)),
    told_us=st.one_of(st.none(), st.integers(FIRST.us, LAST.us)),
    zone=st.sampled_from([None, "UTC", "Asia/Kathmandu", "America/New_York", "Pacific/Kiritimati"]),
    stored=st.booleans(),
    clock_set=st.booleans(),
)
def test_no_clock_gives_a_time_that_ingest_would_refuse(
    device_us: int | None, told_us: int | None, zone: str | None, stored: bool, clock_set: bool
) -> None:
    clock = PeripheralClock(ZoneInfo(zone) if zone else None)
    if told_us is not None:
        clock.told(LocalTime(told_us), NOW)
    device_time = LocalTime(device_us) if device_us is not None else None
    found = clock.measured_us(Measurement(device_time=device_time, stored=stored, clock_set=clock_set), NOW)
    if found is None:
        assert stored
    else:
        assert OLDEST <= found <= NOW + AHEAD_ALLOWED

"""The stage as a thread, on the system's clock: readings in at the bus, alerts out at the bus, a snapshot at the end."""

from __future__ import annotations

import doctest
import threading
from pathlib import Path

import pytest

import analytics.book
import analytics.freshness
import analytics.wording
from analytics.runner import Analytics
from tests.unit.analytics.stores import MemoryReadings
from tests.unit.analytics.ward import DEVICE, PATIENT, START, Value, Ward
from vigil.bus.board import Bus
from vigil.domain.errors import StoreError
from vigil.domain.readings import ReadingBatch
from vigil.domain.times import SECOND
from vigil.runtime.clock import ManualClock, SystemClock
from vigil.runtime.metrics import Metrics

PATIENCE_S = 20.0


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    ward = Ward.with_one_patient(tmp_path)
    ward.clock = ManualClock(SystemClock().now_us())
    ward.records.unbind(DEVICE, START)
    ward.records.bind(DEVICE, PATIENT, START + SECOND)
    return ward


def now_s() -> float:
    return (SystemClock().now_us() - START) / SECOND


def test_it_judges_what_comes_on_the_bus_and_stops_cleanly(ward: Ward) -> None:
    bus = Bus()
    told = bus.transitions.subscribe(100)
    running = Analytics(ward.readings, ward.records, bus, SystemClock(), ward.path, Metrics())
    ready_before = running.ready
    running.start()
    bus.readings.publish(ward.stored([Value("spo2", now_s(), 70)]))
    line = told.next(timeout=PATIENCE_S)
    assert line is not None
    assert line.after.rule == "limit.spo2.low"
    bus.readings.publish(ward.stored([Value("spo2", now_s(), 71)]))
    running.stop()
    assert (ready_before, running.ready) == (False, True)
    assert running.position == 2
    assert ward.path.exists()
    bus.readings.publish(ward.stored([Value("spo2", now_s(), 71)]))  # nobody listens, nobody waits
    again = Analytics(ward.readings, ward.records, Bus(), SystemClock(), ward.path, Metrics())
    again.catch_up()
    assert again.position == 3
    assert ward.steps("limit.spo2.low") == ["opened"]


class BrokenReadings(MemoryReadings):
    """A store that fails when a gap is to be filled."""

    broken = False

    def after(self, ordinal: int, limit: int) -> ReadingBatch:
        if self.broken:
            raise StoreError("the disk is gone")
        return super().after(ordinal, limit)


def test_a_crash_is_told_and_frees_whoever_waits_for_us(ward: Ward) -> None:
    readings = BrokenReadings()
    readings.known = ward.readings.known
    ward.readings = readings
    bus, crashed = Bus(), threading.Event()
    told: list[str] = []

    def on_crash(name: str, error: Exception) -> None:
        told.append(f"{name}: {error}")
        crashed.set()

    running = Analytics(readings, ward.records, bus, SystemClock(), ward.path, Metrics())
    running.start(on_crash)
    ward.stored([Value("spo2", now_s(), 97)])
    readings.broken = True
    bus.readings.publish(ward.stored([Value("spo2", now_s(), 97)]))
    assert crashed.wait(PATIENCE_S)
    assert told == ["analytics: the disk is gone"]
    for _ in range(600):
        bus.readings.publish(readings.all)
    running.stop()


@pytest.mark.parametrize("module", [analytics.book, analytics.freshness, analytics.wording])
def test_examples_in_docstrings(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted > 0
    assert result.failed == 0


def test_lag_and_position_are_in_the_metrics(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    ward.at(5)
    ward.send(Value("spo2", 2, 97))
    text = ward.metrics.text().decode()
    assert "analytics_lag_seconds 3.0" in text
    assert "analytics_position_ordinal 1.0" in text
    assert PATIENT not in text
    assert DEVICE not in text

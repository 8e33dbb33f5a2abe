"""The same stage over the embedded stores, with a restart of the whole process in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cryptography.fernet import Fernet

from analytics.runner import Analytics
from tests.unit.analytics.ward import DEVICE, PATIENT, START, patient
from vigil.bus.board import Bus
from vigil.domain.effective import PolicyDocument, Scope
from vigil.domain.people import Device
from vigil.domain.readings import NO_SEQUENCE, ReadingBatch, Stream
from vigil.domain.times import HOUR, SECOND
from vigil.domain.vitals import BY_NAME
from vigil.runtime.clock import ManualClock
from vigil.runtime.metrics import Metrics
from vigil.store import Commit
from vigil.store.duck import DuckReadingStore
from vigil.store.records import SqlRecordStore

KEY = Fernet.generate_key()
SPO2 = Stream(0, DEVICE, BY_NAME["spo2"].index, "")


@dataclass
class Core:
    readings: DuckReadingStore
    records: SqlRecordStore
    analytics: Analytics
    clock: ManualClock

    def stored(self, second: int, value: float) -> ReadingBatch:
        at = np.array([START + second * SECOND], np.int64)
        never = np.array([NO_SEQUENCE], np.uint32)
        batch = ReadingBatch(
            np.zeros(1, np.uint64),
            np.zeros(1, np.uint32),
            at,
            at,
            at,
            np.array([value]),
            np.zeros(1, np.uint16),
            never,
            never,
        )
        return self.readings.commit(Commit(batch, [] if self.readings.streams() else [SPO2], [], []))

    def run(self, start: int, values: list[float]) -> None:
        for second, value in enumerate(values, start):
            self.clock.jump_to(START + second * SECOND)
            self.analytics.process(self.stored(second, value))
            self.analytics.tick()


@contextmanager
def core(path: Path, clock: ManualClock) -> Iterator[Core]:
    readings = DuckReadingStore(path / "readings.duckdb", clock)
    records = SqlRecordStore(f"sqlite:///{path / 'records.sqlite3'}", KEY)
    analytics = Analytics(readings, records, Bus(), clock, path / "analytics.npz", Metrics())
    try:
        yield Core(readings, records, analytics, clock)
    finally:
        readings.close()
        records.close()


def test_an_alert_its_scores_and_a_restart(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with core(tmp_path, clock) as one:
        one.records.add_patient(patient())
        one.records.put_device(Device(DEVICE, "wearable"))
        one.records.bind(DEVICE, PATIENT, START - HOUR)
        quick = {"limit": [{"vital": "spo2", "side": "low", "delay_s": 15, "hysteresis": 1}], "clear_delay_s": 60}
        one.records.put_policy(PolicyDocument(Scope.PATIENT, PATIENT, quick, "doctor", "test"))
        one.run(0, [97.0] * 5 + [84.0] * 10)
        one.analytics.save()
        one.run(15, [84.0] * 3)
        one.stored(18, 84.0)
        one.stored(19, 84.0)
        one.stored(20, 84.0)  # stored, but the process dies before it is judged
        assert [line.after.rule for line in one.records.transitions() if line.after.rule != "news2"] == []
        assert one.readings.scores(PATIENT, START, START + HOUR, 100)
    with core(tmp_path, clock) as other:
        other.analytics.catch_up()
        alert = next(found for found in other.records.alerts() if found.rule == "limit.spo2.low")
        assert alert.evidence.text == "SpO2 84 %, below 90 % for 15 s. Good signal."
        other.run(21, [97.0] * 61)
    with core(tmp_path, clock) as last:
        (tmp_path / "analytics.npz").unlink()
        last.analytics.catch_up()
        lines = [line.step.value for line in last.records.transitions() if line.after.rule == "limit.spo2.low"]
        assert lines == ["opened", "cleared"]

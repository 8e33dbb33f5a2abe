"""A ward of one process that tests move second by second."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from analytics.engine.compiled import Kernels
from analytics.kernels import every_kernel
from analytics.runner import Analytics
from tests.unit.analytics.stores import MemoryReadings, MemoryRecords
from vigil.bus.board import Bus
from vigil.domain.alerts import Alert, Step, Transition
from vigil.domain.lifecycle import Acknowledge, ReturnToList, Stamp, apply
from vigil.domain.people import Device, Patient
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.readings import NO_SEQUENCE, ReadingBatch
from vigil.domain.times import SECOND
from vigil.domain.vitals import BY_NAME
from vigil.runtime.clock import ManualClock
from vigil.runtime.metrics import Metrics
from vigil.store import Commit

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
PATIENT = "p-1"
DEVICE = "w-1"


@dataclass(frozen=True)
class Value:
    """One reading, seconds from ``START``; ``received_s`` is when the server got it, by default at once."""

    vital: str
    measured_s: float
    value: float
    quality: int = 0
    received_s: float | None = None
    device_id: str = DEVICE
    site: str = ""


def patient(patient_id: str = PATIENT, **change: Any) -> Patient:
    person = Patient(patient_id, "Test", "Person", date(1950, 1, 1), "female", "A")
    return replace(person, **change)


@cache
def compiled() -> Kernels:
    """One set of compiled kernels for all tests that drive whole histories."""
    kernels = Kernels()
    kernels.compile(every_kernel())
    return kernels


@dataclass
class Ward:
    path: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    readings: MemoryReadings = field(default_factory=MemoryReadings)
    records: MemoryRecords = field(default_factory=MemoryRecords)
    bus: Bus = field(default_factory=Bus)
    metrics: Metrics = field(default_factory=Metrics)
    kernels: Kernels | None = None

    def __post_init__(self) -> None:
        self.analytics = self.restarted()

    @staticmethod
    def with_one_patient(path: Path, kernels: Kernels | None = None, **change: Any) -> Ward:
        ward = Ward(path / "analytics.npz", kernels=kernels)
        ward.records.add_patient(patient(**change))
        ward.records.put_device(Device(DEVICE, "wearable"))
        ward.records.bind(DEVICE, PATIENT, START - 3600 * SECOND)
        return ward

    def restarted(self) -> Analytics:
        """A new process over the same stores and snapshot; the old one is gone without a word."""
        self.bus, self.metrics = Bus(), Metrics()
        self.analytics = Analytics(
            self.readings, self.records, self.bus, self.clock, self.path, self.metrics, self.kernels
        )
        return self.analytics

    def stored(self, values: Iterable[Value]) -> ReadingBatch:
        """Commit readings without telling analytics."""
        values = list(values)
        measured = np.array([START + round(v.measured_s * SECOND) for v in values], np.int64)
        received = [v.measured_s if v.received_s is None else v.received_s for v in values]
        never = np.full(len(values), NO_SEQUENCE, np.uint32)
        batch = ReadingBatch(
            ordinal=np.zeros(len(values), np.uint64),
            stream=np.array(
                [self.readings.stream(v.device_id, BY_NAME[v.vital].index, v.site) for v in values], np.uint32
            ),
            measured_at=measured,
            device_time=measured,
            received_at=np.array([START + round(s * SECOND) for s in received], np.int64),
            value=np.array([v.value for v in values], np.float64),
            quality=np.array([v.quality for v in values], np.uint16),
            epoch=never,
            seq=never,
        )
        return self.readings.commit(Commit(batch, [], [], []))

    def send(self, *values: Value) -> None:
        """Commit and judge."""
        if values:
            self.analytics.process(self.stored(values))

    def at(self, second: float) -> None:
        self.clock.jump_to(START + round(second * SECOND))

    def tick(self, second: float | None = None) -> None:
        if second is not None:
            passed = (START + round(second * SECOND) - self.clock.now_us()) / SECOND
            self.clock.advance(passed)
        self.analytics.tick()

    def run(self, start: int, values: Sequence[float], vital: str = "spo2", quality: int = 0) -> int:
        """One value a second, each with its tick; returns the second after the last one."""
        for second, value in enumerate(values, start):
            self.clock.jump_to(START + second * SECOND)
            self.send(Value(vital, second, value, quality))
            self.tick()
        return start + len(values)

    # --- what came of it -------------------------------------------------------------------------------------------

    def lines(self, rule: str | None = None) -> list[Transition]:
        return [line for line in self.records.log if rule in (None, line.after.rule)]

    def steps(self, rule: str) -> list[str]:
        return [line.step.value for line in self.lines(rule)]

    def alert(self, rule: str, retrospective: bool = False) -> Alert:
        found = [a for a in self.records.alerts() if a.rule == rule and a.retrospective == retrospective]
        assert found, f"no alert of rule {rule}; there are {[a.rule for a in self.records.alerts()]}"
        return found[0]

    def rules(self) -> set[str]:
        return {alert.rule for alert in self.records.alerts()}

    def acknowledge(self, rule: str, who: str = "nurse") -> Transition:
        """As the api does it, without telling analytics."""
        alert = self.alert(rule)
        stamp = Stamp(f"command:{alert.alert_id}:{alert.version}", self.clock.now_us(), who)
        line = apply(alert, Acknowledge(stamp, alert.version), BEDSIDE_POLICY)
        assert line is not None
        recorded = self.records.record(line)
        assert recorded is not None
        assert recorded.step is Step.ACKNOWLEDGED
        return recorded

    def give_back(self, rule: str, who: str = "nurse") -> Transition:
        alert = self.alert(rule)
        stamp = Stamp(f"command:{alert.alert_id}:{alert.version}", self.clock.now_us(), who)
        line = apply(alert, ReturnToList(stamp, alert.version), BEDSIDE_POLICY)
        assert line is not None
        recorded = self.records.record(line)
        assert recorded is not None
        return recorded

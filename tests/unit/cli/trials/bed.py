"""Readings of some days in the real embedded stores, for trials of policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from cryptography.fernet import Fernet

from api.trials import TrialPlan, Tried
from vigil.domain.effective import Scope
from vigil.domain.people import Device, Patient
from vigil.domain.policy import DEFAULT_POLICY, Policy, with_limits
from vigil.domain.readings import NO_SEQUENCE, ReadingBatch, Stream
from vigil.domain.times import DAY, MINUTE
from vigil.domain.vitals import BY_NAME
from vigil.runtime.clock import ManualClock, SystemClock
from vigil.store import Commit
from vigil.store.duck import DuckReadingStore
from vigil.store.records import SqlRecordStore

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
END = START + 3 * DAY
#: Without the delays of the starting policy, so that few values are enough.
QUICK = with_limits(DEFAULT_POLICY, [{"vital": "heart_rate", "side": "high", "limit": 130, "delay_s": 0}], "ours")


def higher(limit: float) -> Policy:
    return with_limits(QUICK, [{"vital": "heart_rate", "side": "high", "limit": limit}], "Dr Wang")


def person(patient_id: str, ward: str = "north") -> Patient:
    return Patient(patient_id, "", "", date(1950, 3, 1), "female", ward)


def tried(patient_id: str, limit: float) -> Tried:
    return Tried(person(patient_id), QUICK, higher(limit))


def plan(*people: Tried, scope: Scope = Scope.WARD, name: str = "north") -> TrialPlan:
    return TrialPlan(scope, name, people, START, END, 0, "Dr Wang")


def heart_rates(values: Sequence[float], start: int = START, stream: int = 0) -> ReadingBatch:
    """One a minute, received at once."""
    size = len(values)
    at = start + np.arange(size, dtype=np.int64) * MINUTE
    unnumbered = np.full(size, NO_SEQUENCE, np.uint32)
    return ReadingBatch(
        np.arange(1, size + 1, dtype=np.uint64), np.full(size, stream, np.uint32), at, at, at,
        np.array(values, np.float64), np.zeros(size, np.uint16), unnumbered, unnumbered,
    )  # fmt: skip


#: At rest, with 135 for a quarter of an hour and 150 for another one, so far apart that the first is over before.
UNREST = [80.0] * 60 + [135.0] * 15 + [80.0] * 120 + [150.0] * 15 + [80.0] * 120


@dataclass
class Bed:
    """``clock`` of the trials is the system's, because they wait for a process."""

    readings: DuckReadingStore
    records: SqlRecordStore
    clock: SystemClock

    def wear(self, patient_id: str, device_id: str, values: Sequence[float], start: int = START) -> None:
        self.records.add_patient(replace(person(patient_id), family="Marker-Family"))
        self.records.put_device(Device(device_id, "patch"))
        self.records.bind(device_id, patient_id, START - DAY)
        stream = Stream(len(self.readings.streams()), device_id, BY_NAME["heart_rate"].index, "")
        batch = heart_rates(values, start, stream.stream)
        self.readings.commit(Commit(batch, [stream], [], []))

    def close(self) -> None:
        self.readings.close()
        self.records.close()


def open_bed(folder: Path) -> Bed:
    readings = DuckReadingStore(folder / "readings.duckdb", ManualClock(END))
    records = SqlRecordStore(f"sqlite:///{folder / 'records.db'}", Fernet.generate_key())
    return Bed(readings, records, SystemClock())

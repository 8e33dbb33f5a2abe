"""Small domain objects for the store suites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from vigil.domain.alerts import Alert, Condition, Evidence, Handling, Kind, Priority, Step, Transition
from vigil.domain.people import Patient
from vigil.domain.readings import COLUMN_TYPES, NO_SEQUENCE, ReadingBatch, Stream
from vigil.store import Commit, DeadLetter, PackRow

NAN = float("nan")
#: 2026-01-01T00:00:00Z in microseconds.
T0 = 1_767_225_600_000_000


def readings(rows: Sequence[tuple[int, int, float, int]], **columns: int) -> ReadingBatch:
    """From (stream, measured_at, value, quality); the other columns are derived, or given as one number for all."""
    stream, measured, value, quality = zip(*rows, strict=True) if rows else ((), (), (), ())
    made: dict[str, Any] = {
        "ordinal": [0] * len(rows),
        "stream": stream,
        "measured_at": measured,
        "device_time": measured,
        "received_at": [at + 7 for at in measured],
        "value": value,
        "quality": quality,
        "epoch": [3] * len(rows),
        "seq": range(len(rows)),
        **{name: [number] * len(rows) for name, number in columns.items()},
    }
    return ReadingBatch(*(np.array(made[name], dtype) for name, dtype in COLUMN_TYPES.items()))


def unsequenced(rows: Sequence[tuple[int, int, float, int]]) -> ReadingBatch:
    return readings(rows, epoch=NO_SEQUENCE, seq=NO_SEQUENCE)


def streams(count: int, device_id: str = "w-1") -> list[Stream]:
    return [Stream(number, device_id, number, "") for number in range(count)]


def commit(
    batch: ReadingBatch | None = None,
    new: Sequence[Stream] = (),
    packs: Sequence[PackRow] = (),
    dead: Sequence[DeadLetter] = (),
) -> Commit:
    return Commit(ReadingBatch.empty() if batch is None else batch, new, packs, dead)


def dead_letter(reason: str = "malformed", device_id: str = "w-1", payload: bytes = b"{") -> DeadLetter:
    return DeadLetter(T0, f"rpm/v1/home/d/{device_id}/tel/vitals", device_id, reason, "at byte 1", payload)


def patient(patient_id: str = "p-1", **changes: Any) -> Patient:
    made = Patient(patient_id, "Family", "Given", date(1950, 2, 28), "female", "North", demo=True)
    return replace(made, **changes)


def alert(alert_id: str = "a-1", **changes: Any) -> Alert:
    made = Alert(
        alert_id=alert_id,
        patient_id="p-1",
        rule="limit.spo2.low",
        kind=Kind.PHYSIOLOGICAL,
        priority=Priority.MEDIUM,
        peak_priority=Priority.HIGH,
        condition=Condition.TRUE,
        handling=Handling.UNACKNOWLEDGED,
        title="Oxygen saturation low",
        cause="ordinal:17:opened",
        onset_at=T0,
        opened_at=T0 + 15_000_000,
        updated_at=T0 + 15_000_000,
        evidence=Evidence(
            text="87 % for 15 s, limit 90 %",
            values=({"vital": "spo2", "value": 87.0, "unit": "%", "ordinal": 17},),
            limit={"vital": "spo2", "side": "low", "value": 90, "delay_s": 15},
            policy_version="abc",
        ),
        device_id="w-1",
    )
    return replace(made, **changes)


def opened(of: Alert | None = None) -> Transition:
    after = of or alert()
    return Transition(Step.OPENED, after.cause, after.opened_at, "engine", after, measured_at=after.onset_at)


def follows(before: Alert, step: Step, cause: str, **changes: Any) -> Transition:
    """The next transition of an alert, one version on."""
    after = replace(before, version=before.version + 1, **changes)
    return Transition(step, cause, after.updated_at, "nurse-1", after, note="seen", detail={"why": ["x", 1]})

"""Wards of many people whose devices send together, fall silent together, and bring back what they kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from tests.unit.analytics.stores import MemoryRecords
from tests.unit.analytics.ward import START, Ward, compiled, patient
from vigil.domain.alerts import Alert, Transition
from vigil.domain.calls import interrupts
from vigil.domain.deliveries import Target
from vigil.domain.people import Device
from vigil.domain.readings import NO_SEQUENCE, ReadingBatch
from vigil.domain.times import HOUR, SECOND
from vigil.domain.vitals import BY_NAME
from vigil.store import Commit

#: Seconds between two values of a vital.
STEP = 10
#: (person, second) to the value.
Course = Callable[[int, int], float]
#: Does this person's device reach the server at this second?
Reaches = Callable[[int, int], bool]

NORMAL: dict[str, Course] = {
    "spo2": lambda _person, _second: 97.0,
    "heart_rate": lambda person, second: 70.0 + (second // STEP + person) % 4,
}


def everybody(_person: int, _second: int) -> bool:
    return True


class CountingRecords(MemoryRecords):
    """Keeps whom each line was told to."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[Transition, tuple[Target, ...]]] = []

    def record(self, transition: Transition, targets: Sequence[Target] = ()) -> Transition | None:
        self.told.append((transition, tuple(targets)))
        return super().record(transition, targets)


class Fleet(Ward):
    """``people`` numbered from 0, person n in ward ``wards[n % len(wards)]``."""

    def __init__(
        self, folder: Path, people: int, wards: Sequence[str] = ("A",), courses: dict[str, Course] | None = None
    ):
        self.people = people
        self.courses = NORMAL | (courses or {})
        super().__init__(folder / "analytics.npz", records=CountingRecords(), kernels=compiled())
        every = dict.fromkeys(self.courses, float(STEP))
        for person in range(people):
            self.records.add_patient(patient(f"p-{person:03d}", ward=wards[person % len(wards)]))
            self.records.put_device(Device(f"w-{person:03d}", "wearable", every))
            self.records.bind(f"w-{person:03d}", f"p-{person:03d}", START - 48 * HOUR)

    def measured(self, seconds: Iterable[int], reaches: Reaches = everybody) -> list[tuple[int, str, int]]:
        return [
            (person, vital, second)
            for second in seconds
            for person in range(self.people)
            if reaches(person, second)
            for vital in self.courses
        ]

    def receive(self, rows: Sequence[tuple[int, str, int]], at: int) -> None:
        """They come in this order at this second."""
        if not rows:
            return
        never = np.full(len(rows), NO_SEQUENCE, np.uint32)
        measured = np.array([START + second * SECOND for _, _, second in rows], np.int64)
        of = {
            (person, vital): self.readings.stream(f"w-{person:03d}", BY_NAME[vital].index)
            for person in range(self.people)
            for vital in self.courses
        }
        batch = ReadingBatch(
            ordinal=np.zeros(len(rows), np.uint64),
            stream=np.array([of[person, vital] for person, vital, _ in rows], np.uint32),
            measured_at=measured,
            device_time=measured,
            received_at=np.full(len(rows), START + at * SECOND, np.int64),
            value=np.array([self.courses[vital](person, second) for person, vital, second in rows]),
            quality=np.zeros(len(rows), np.uint16),
            epoch=never,
            seq=never,
        )
        self.analytics.process(self.readings.commit(Commit(batch, [], [], [])))

    def live(self, start: int, end: int, reaches: Reaches = everybody) -> None:
        """Values come as they are measured, with a tick each time."""
        for second in range(start, end, STEP):
            self.at(second)
            self.receive(self.measured([second], reaches), second)
            self.tick()

    def bring_back(self, rows: Sequence[tuple[int, str, int]], at: int, chunks: int = 20) -> int:
        """What devices and broker kept, in ``chunks`` of one second each; returns the second after the last one."""
        size = -(-len(rows) // chunks)
        for number in range(chunks):
            self.at(at + number)
            self.receive(rows[number * size : (number + 1) * size], at + number)
            self.tick()
        return at + chunks

    # --- what came of it -------------------------------------------------------------------------------------------

    def calls(self, since: int = 0) -> list[Transition]:
        """The interruptions from this second on."""
        return [line for line in self.records.log if interrupts(line) and line.at >= START + since * SECOND]

    def called(self, since: int = 0) -> list[tuple[str, str, str]]:
        return [(line.after.patient_id, line.after.rule, line.step.value) for line in self.calls(since)]

    def of(self, rule: str) -> list[Alert]:
        """Alerts of the rule, or of rules that begin with it and a dot; by patient."""
        found = [one for one in self.records.alerts() if one.rule == rule or one.rule.startswith(f"{rule}.")]
        return sorted(found, key=lambda alert: alert.patient_id)

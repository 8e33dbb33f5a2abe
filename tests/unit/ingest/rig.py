"""Ingest with a real store, a few devices, and a clock that the test moves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.acknowledge import Acknowledger
from ingest.bind import Binder
from ingest.clocks import Clocks
from ingest.commit import Committer
from ingest.count import Counts
from ingest.dedupe import Deduper
from ingest.gaps import Gaps, passed_over
from ingest.pipeline import Pipeline
from ingest.repeats import Repeats
from ingest.sequences import Sequences
from ingest.streams import Streams
from ingest.tell import Teller
from ingest.time import Timekeeper
from ingest.whose import Whose
from ingest.whose_alert import WhoseAlert
from vigil.bus.board import Bus
from vigil.domain.alerts import Alert, Transition
from vigil.domain.people import Binding, Device
from vigil.domain.readings import ReadingBatch
from vigil.domain.vitals import VITALS
from vigil.domain.whose import WhoseQuestion
from vigil.runtime.clock import ManualClock
from vigil.runtime.metrics import Metrics
from vigil.runtime.mqtt import Message
from vigil.store import DeadLetter
from vigil.store.duck.store import DuckReadingStore

NOW = 1_767_225_600_000_000


@dataclass
class FewRecords:
    """What ingest asks of the records, held in memory."""

    known: list[Device] = field(
        default_factory=lambda: [Device("w-1", "test"), Device("w-2", "test"), Device("w-3", "test")]
    )
    bound: list[Binding] = field(
        default_factory=lambda: [Binding(1, "w-1", "p-1", 0, None), Binding(2, "w-2", "p-2", 0, NOW + 10**7)]
    )
    changes: int = 0
    asked: list[WhoseQuestion] = field(default_factory=list)
    alerted: list[str] = field(default_factory=list)

    def revision(self) -> int:
        return self.changes

    def devices(self) -> list[Device]:
        return self.known

    def bindings(self) -> list[Binding]:
        return self.bound

    def ask_whose(self, questions: list[WhoseQuestion]) -> None:
        self.asked += questions

    def alerts(self, **_: object) -> list[Alert]:
        return []

    def policy(self, _patient_id: str) -> None:
        return None

    def record(self, line: Transition) -> None:
        self.alerted.append(line.after.rule)


class Rig:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NOW)
        self.records = FewRecords()
        self.store = DuckReadingStore(folder / "readings.duckdb", self.clock)
        self.metrics = Metrics()
        self.published: list[tuple[str, dict[str, int]]] = []
        self.asked: list[tuple[str, dict[str, int]]] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.bus = Bus()
        self.handed_on = self.bus.readings.subscribe(1000)
        self._open()

    def _open(self) -> None:
        self.sequences = Sequences(self.store.packs(), passed_over(self.store))
        streams, counts = Streams(self.store.streams()), Counts(self.metrics)
        self.committer = Committer(self.store, self.sequences, streams, self.clock)
        self.acknowledger = Acknowledger("home", self.sequences, self._publish, self.clock)
        self.gaps = Gaps(
            "home", self.sequences, self.acknowledger, self._publish, self.committer.keep, self.clock, counts
        )
        clocks = Clocks()
        clocks.rebuild(self.store)
        self.teller = Teller("home", self._publish, self.clock)
        binder = Binder(self.records)  # type: ignore[arg-type]  # only the four methods above are used
        self.pipeline = Pipeline(
            binder,
            Deduper(self.store, self.sequences, streams),
            self.committer,
            self.acknowledger,
            self.gaps,
            self.teller,
            counts,
            self.bus,
            Timekeeper(clocks),
            Repeats(),
            Whose(self.store, self.records, binder, WhoseAlert(self.records, self.bus, self.clock)),  # type: ignore[arg-type]  # as above
        )

    def restart(self, folder: Path) -> None:
        self.store.close()
        self.store = DuckReadingStore(folder / "readings.duckdb", self.clock)
        self._open()

    def _publish(self, topic: str, payload: bytes) -> None:
        """Acknowledgements, questions for packs that lack, and errors, each in its own list."""
        where = {"ack": self.published, "backfill": self.asked, "error": self.told}
        where[topic.rpartition("/")[2]].append((topic, json.loads(payload)))

    def message(self, payload: bytes | list[dict[str, Any]], device: str = "w-1", topic: str = "") -> Message:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return Message(topic or f"rpm/v1/home/d/{device}/tel/vitals", body, 1, 1, 1, self.clock.now_us())

    def send(self, payload: bytes | list[dict[str, Any]], device: str = "w-1", topic: str = "") -> ReadingBatch:
        readings = self.pipeline.run([self.message(payload, device, topic)])
        self.pipeline.hand_on(readings)
        return readings

    def dead(self) -> list[DeadLetter]:
        return self.store.dead_letters(100, None, None, None)

    def stored(self) -> list[tuple[str, float]]:
        streams = {s.stream: s for s in self.store.streams()}
        batch = self.store.after(0, 10_000)
        return [
            (VITALS[streams[s].vital].wire, v) for s, v in zip(batch.stream.tolist(), batch.value.tolist(), strict=True)
        ]

    def count(self, name: str) -> float:
        """Sum of a counter over its labels, from the text that /metrics shows."""
        lines = self.metrics.text().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name) and "_created" not in line)


def pack(
    *values: dict[str, Any], seq: int | None = 0, epoch: int = 1, device: str = "w-1", at: float = NOW / 1e6
) -> list[dict[str, Any]]:
    head: dict[str, Any] = {"bn": f"urn:dev:{device}:", "bt": at}
    numbers = [] if seq is None else [{"n": "epoch", "v": epoch}, {"n": "seq", "v": seq}]
    records = [*numbers, *values]
    return [{**head, **records[0]}, *records[1:]]


HR = {"n": "hr", "v": 72}

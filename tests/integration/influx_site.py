"""A journal that grows, its forwarder in a thread, and a server: what the tests of the copy to InfluxDB share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.conformance.stores.given import T0, commit, readings, streams
from tests.product import eventually
from vigil.runtime.clock import SystemClock
from vigil.runtime.metrics import Metrics
from vigil.store.duck import DuckReadingStore
from vigil.store.influx.forward import Forwarder
from vigil.store.influx.server import InfluxServer

SERIES = 5


@dataclass
class Copying:
    journal: DuckReadingStore
    forwarder: Forwarder

    def add(self, count: int) -> None:
        """One commit. Each reading has a millisecond of its own: not every server keeps more."""
        first = self.journal.head()
        rows = [(n % SERIES, T0 + 1000 * n, float(n % 100), 0) for n in range(first, first + count)]
        self.journal.commit(commit(readings(rows), streams(SERIES)))

    def caught_up(self) -> None:
        eventually(
            lambda: self.forwarder.standing().ok and not self.forwarder.standing().behind, 60, "the copy is complete"
        )


@contextmanager
def copying(folder: Path, server: InfluxServer) -> Iterator[Copying]:
    clock = SystemClock()
    journal = DuckReadingStore(folder / "readings.duckdb", clock)
    forwarder = Forwarder(journal, server, folder / "influx.json", clock, Metrics(), Random(1))
    crashed: list[Exception] = []
    forwarder.start(lambda _name, error: crashed.append(error))
    try:
        yield Copying(journal, forwarder)
    finally:
        forwarder.stop()
        journal.close()
    assert crashed == []

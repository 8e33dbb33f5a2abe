"""A journal that is copied to InfluxDB with each commit, and the questions asked of the copy that the copy can answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from random import Random

from vigil.domain.errors import StoreError
from vigil.domain.readings import ReadingBatch
from vigil.runtime.clock import ManualClock
from vigil.runtime.influx import InfluxSettings
from vigil.runtime.metrics import Metrics
from vigil.store import Buckets, Commit, Latest
from vigil.store.duck import DuckReadingStore
from vigil.store.influx.forward import Forwarder
from vigil.store.influx.history import InfluxHistory
from vigil.store.influx.server import InfluxServer

#: The server is one for all tests: a folder knows its own bucket.
SETTINGS_FILE = "influx.settings"


class CopiedReadingStore(DuckReadingStore):
    def __init__(self, folder: Path) -> None:
        clock = ManualClock()
        super().__init__(folder / "readings.duckdb", clock)
        self._settings = InfluxSettings.model_validate_json((folder / SETTINGS_FILE).read_text("utf-8"))
        self._writer = InfluxServer(self._settings, clock)
        self._copying = threading.Lock()
        self._local, self._open = threading.local(), True
        self._forwarder = Forwarder(self, self._writer, folder / "influx.json", clock, Metrics(), Random(1))
        self._copy()

    def commit(self, batch: Commit) -> ReadingBatch:
        stored = super().commit(batch)
        self._copy()
        return stored

    def latest(self) -> Latest:
        return self._history().latest()

    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch:
        return self._history().range(streams, start, end, limit)

    def buckets(self, streams: Sequence[int], start: int, end: int, points: int) -> Buckets:
        return self._history().buckets(streams, start, end, points)

    def close(self) -> None:
        self._open = False
        self._writer.close()
        super().close()

    def _copy(self) -> None:
        with self._copying:
            while self._forwarder.step() == 0.0:
                pass
            standing = self._forwarder.standing()
            assert (standing.ok, standing.behind) == (True, 0), standing.words

    def _history(self) -> InfluxHistory:
        if not self._open:
            raise StoreError("the copy is closed")
        if not hasattr(self._local, "history"):  # a server object belongs to one thread
            self._local.history = InfluxHistory(InfluxServer(self._settings, ManualClock()), self.streams)
        history: InfluxHistory = self._local.history
        return history

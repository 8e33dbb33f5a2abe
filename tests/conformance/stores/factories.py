"""The stores under test. Another implementation joins by one line here; ``folder`` is its own and survives a restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conformance.stores.copied import CopiedReadingStore
from vigil.domain.readings import ReadingBatch
from vigil.domain.times import DAY
from vigil.runtime.clock import ManualClock
from vigil.store import Commit, ReadingStore, RecordStore
from vigil.store.duck import DuckReadingStore
from vigil.store.records import SqlRecordStore

#: A key for tests only: 32 bytes of the letter k.
KEY = b"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#: Later than the readings of all tests.
LAST_DAY = 200_000 * DAY


class Closed(DuckReadingStore):
    """Readings go into files at the first commit and at every 32nd, as if their days were long over."""

    def commit(self, batch: Commit) -> ReadingBatch:
        stored = super().commit(batch)
        self._commits = getattr(self, "_commits", 0) + 1
        if self._commits % 32 == 1:
            self.close_days(LAST_DAY)
        return stored


#: The server is one for all tests: a folder knows the URL of its own database.
POSTGRESQL, URL_FILE = "postgresql", "records.url"

#: Likewise; its journal is DuckDB, and answers what a copy cannot.
INFLUXDB = "influxdb"

READING_STORES: dict[str, Callable[[Path], ReadingStore]] = {
    "duckdb": lambda folder: DuckReadingStore(folder / "readings.duckdb", ManualClock()),
    INFLUXDB: CopiedReadingStore,
    "duckdb and files": lambda folder: Closed(folder / "readings.duckdb", ManualClock()),
}

RECORD_STORES: dict[str, Callable[[Path], RecordStore]] = {
    "sqlite": lambda folder: SqlRecordStore(f"sqlite:///{folder / 'records.sqlite3'}", KEY),
    POSTGRESQL: lambda folder: SqlRecordStore((folder / URL_FILE).read_text("utf-8"), KEY),
}

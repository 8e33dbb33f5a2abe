"""The stores under test. Another implementation joins by one line here; ``folder`` is its own and survives a restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conformance.stores.copied import CopiedReadingStore
from vigil.runtime.clock import ManualClock
from vigil.store import ReadingStore, RecordStore
from vigil.store.duck import DuckReadingStore
from vigil.store.records import SqlRecordStore

#: A key for tests only: 32 bytes of the letter k.
KEY = b"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="

#: The server is one for all tests: a folder knows the URL of its own database.
POSTGRESQL, URL_FILE = "postgresql", "records.url"

#: Likewise; its journal is DuckDB, and answers what a copy cannot.
INFLUXDB = "influxdb"

READING_STORES: dict[str, Callable[[Path], ReadingStore]] = {
    "duckdb": lambda folder: DuckReadingStore(folder / "readings.duckdb", ManualClock()),
    INFLUXDB: CopiedReadingStore,
}

RECORD_STORES: dict[str, Callable[[Path], RecordStore]] = {
    "sqlite": lambda folder: SqlRecordStore(f"sqlite:///{folder / 'records.sqlite3'}", KEY),
    POSTGRESQL: lambda folder: SqlRecordStore((folder / URL_FILE).read_text("utf-8"), KEY),
}

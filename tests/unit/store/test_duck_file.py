"""Opening a DuckDB store: one owner, our own schema, and a disk that is full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.conformance.stores.given import T0, commit, readings, streams
from vigil.domain.errors import StoreError
from vigil.runtime.clock import ManualClock
from vigil.store.duck import DuckReadingStore
from vigil.store.duck.connection import DuckFile

ROOT = Path(__file__).parents[3]

_OPEN = """
import sys
from pathlib import Path
from vigil.domain.errors import StoreError
from vigil.runtime.clock import ManualClock
from vigil.store.duck import DuckReadingStore
try:
    DuckReadingStore(Path(sys.argv[1]), ManualClock())
except StoreError as error:
    print(error)
"""

# Commits until the largest file may not grow further: what a full disk does, without filling one. Then there is room again.
_FILL = """
import resource, signal, sys
from pathlib import Path
from tests.conformance.stores.given import T0, commit, readings, streams
from vigil.domain.errors import StoreError
from vigil.runtime.clock import ManualClock
from vigil.store.duck import DuckReadingStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = DuckReadingStore(Path(sys.argv[1]), ManualClock())
store.commit(commit(new=streams(1)))
least, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, most))
errors = 0
while errors < 3:
    try:
        store.commit(commit(readings([(0, T0, 1.0, 0)] * 500)))
    except StoreError:
        errors += 1
print(store.head(), len(store.after(0, 1_000_000)))
resource.setrlimit(resource.RLIMIT_FSIZE, (least, most))
store.commit(commit(readings([(0, T0, 1.0, 0)] * 5)))
print(store.head())
"""


def child(program: str, path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    return done.stdout


def test_a_second_process_is_told_who_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "readings.duckdb"
    store = DuckReadingStore(path, ManualClock())
    said = child(_OPEN, path)
    assert str(path) in said
    assert "in use by another running Vigil: stop that one" in said
    store.close()
    assert child(_OPEN, path) == ""


def test_a_second_store_in_the_same_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "readings.duckdb"
    store = DuckReadingStore(path, ManualClock())
    with pytest.raises(StoreError, match="in use"):
        DuckReadingStore(path, ManualClock())
    store.commit(commit(new=streams(1)))
    store.close()
    DuckReadingStore(path, ManualClock()).close()


def test_another_schema_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "readings.duckdb"
    DuckReadingStore(path, ManualClock()).close()
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE schema_info SET version = 999")
    for _ in range(2):
        with pytest.raises(StoreError, match="schema version 999, this Vigil needs 4"):
            DuckReadingStore(path, ManualClock())


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE mine (x INTEGER)")
    with pytest.raises(StoreError, match="another program"):
        DuckReadingStore(path, ManualClock())


@pytest.mark.parametrize("content", [b"not a database, but long enough for a header" * 400, b"\0" * 20_000])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "readings.duckdb"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="cannot be opened"):
        DuckReadingStore(path, ManualClock())
    assert path.read_bytes() == content


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        DuckReadingStore(tmp_path / "nowhere" / "readings.duckdb", ManualClock())


def test_the_time_of_creation_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "readings.duckdb"
    DuckReadingStore(path, ManualClock(T0)).close()
    DuckReadingStore(path, ManualClock(T0 + 5)).close()
    with duckdb.connect(str(path), read_only=True) as con:
        assert con.execute("SELECT version, created_at FROM schema_info").fetchall() == [(4, T0)]


def test_a_file_from_before_predictions_and_closed_days_is_brought_up_to_date_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "readings.duckdb"
    store = DuckReadingStore(path, ManualClock(T0))
    kept = store.commit(commit(readings([(0, T0, 97.0, 0)]), streams(1)))
    store.close()
    with duckdb.connect(str(path)) as con:
        con.execute("DROP TABLE predictions; DROP TABLE parts; DROP TABLE newest; DROP TABLE given")
        con.execute("DROP TABLE hours; DROP TABLE unrolled; DROP TABLE forgotten")
        con.execute("UPDATE schema_info SET version = 1")
    for _ in range(2):
        store = DuckReadingStore(path, ManualClock(T0 + 5))
        assert store.latest_predictions() == []
        assert store.after(0, 10).value.tolist() == kept.value.tolist()
        store.close()
    with duckdb.connect(str(path), read_only=True) as con:
        assert con.execute("SELECT version, created_at FROM schema_info").fetchall() == [(4, T0)]


def test_a_full_disk_is_a_store_error_and_costs_nothing_that_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "readings.duckdb"
    full, readable, later = map(int, child(_FILL, path).split())
    assert full == readable > 500
    assert later == full + 5
    store = DuckReadingStore(path, ManualClock())
    assert store.after(0, later + 1000).ordinal.tolist() == list(range(1, later + 1))
    store.close()


def test_a_transaction_that_raises_is_rolled_back(tmp_path: Path) -> None:
    file = DuckFile(tmp_path / "any.duckdb")
    with file.write() as con:
        con.execute("CREATE TABLE t (x INTEGER)")

    def interrupted() -> None:
        with file.write() as con:
            con.execute("INSERT INTO t VALUES (1)")
            raise KeyError("in the middle")

    with pytest.raises(KeyError):
        interrupted()
    with pytest.raises(StoreError, match=r"writing .* failed: CatalogException"), file.write() as con:
        con.execute("INSERT INTO t VALUES (1); INSERT INTO nowhere VALUES (1)")
    with file.read() as con:
        assert con.execute("SELECT * FROM t").fetchall() == []
    file.close()

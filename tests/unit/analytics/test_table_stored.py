"""The store of a Vigil that is not running as a table; of one that runs, a sentence."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from analytics.backtest.table import from_store
from tests.conformance.stores.given import T0, commit
from vigil.domain.errors import StoreError
from vigil.domain.people import Binding
from vigil.domain.quality import Quality
from vigil.domain.readings import NO_SEQUENCE, ReadingBatch, Stream
from vigil.domain.times import DAY, HOUR, SECOND
from vigil.domain.vitals import BY_NAME
from vigil.runtime.clock import ManualClock
from vigil.store.duck import DuckReadingStore

ROOT = Path(__file__).parents[3]
HR, SPO2 = BY_NAME["heart_rate"].index, BY_NAME["spo2"].index
STREAMS = [
    Stream(0, "w-1", HR, ""),
    Stream(1, "w-1", SPO2, "finger"),
    Stream(2, "w-2", HR, ""),
    Stream(3, "w-3", HR, ""),
]
BINDINGS = [
    Binding(1, "w-1", "p-b", T0, T0 + HOUR),
    Binding(2, "w-1", "p-a", T0 + 2 * HOUR, None),
    Binding(3, "w-2", "p-b", 0, None),
]
#: stream, measured, received, value, quality
ROWS = [
    (0, T0, T0 + 5 * SECOND, 70.0, 0),
    (1, T0, T0 + 4 * SECOND, math.nan, Quality.NO_VALUE | Quality.CONTACT_LOST),
    (0, T0 + HOUR, T0 + HOUR, 71.0, 0),  # the binding has ended
    (0, T0 + 2 * HOUR, T0 + 2 * HOUR, 72.0, 0),
    (2, T0, T0, 310.0, Quality.MANUAL),  # as entered: nothing is judged again
    (3, T0, T0, 73.0, 0),  # nobody has ever worn it
]


def batch() -> ReadingBatch:
    stream, measured, received, value, quality = zip(*ROWS, strict=True)
    size = len(ROWS)
    return ReadingBatch(
        ordinal=np.zeros(size, np.uint64),
        stream=np.array(stream, np.uint32),
        measured_at=np.array(measured, np.int64),
        device_time=np.array(measured, np.int64) + 1,
        received_at=np.array(received, np.int64),
        value=np.array(value),
        quality=np.array(quality, np.uint16),
        epoch=np.full(size, 3, np.uint32),
        seq=np.arange(size, dtype=np.uint32),
    )


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[DuckReadingStore]:
    store = DuckReadingStore(tmp_path / "readings.duckdb", ManualClock())
    store.commit(commit(batch(), new=STREAMS))
    yield store
    store.close()


@pytest.fixture(params=[0, 200_000 * DAY], ids=["open days", "closed days"])
def path(request: pytest.FixtureRequest, open_store: DuckReadingStore, tmp_path: Path) -> Path:
    open_store.close_days(request.param)
    open_store.close()
    return tmp_path / "readings.duckdb"


def test_readings_belong_to_whom_wore_the_device_when_they_were_measured(path: Path) -> None:
    before = path.read_bytes()
    table = from_store(path, BINDINGS)
    assert table.patients == ["p-a", "p-b"]
    owners = [(table.patients[table.patient_of_stream[s.stream]], s.device_id, s.vital, s.site) for s in table.streams]
    assert owners == [
        ("p-a", "w-1#0", HR, ""),
        ("p-b", "w-1#1", HR, ""),
        ("p-b", "w-1#1", SPO2, "finger"),
        ("p-b", "w-2", HR, ""),
    ]
    readings = table.readings
    assert readings.stream.tolist() == [0, 3, 2, 1]
    assert readings.measured_at.tolist() == [T0 + 2 * HOUR, T0, T0, T0]
    assert (readings.device_time == readings.measured_at + 1).all()
    assert [readings.value[n] for n in (0, 1, 3)] == [72.0, 310.0, 70.0]
    assert math.isnan(readings.value[2])
    assert readings.quality.tolist() == [0, Quality.MANUAL, Quality.NO_VALUE | Quality.CONTACT_LOST, 0]
    assert (readings.epoch.tolist(), readings.seq.tolist()) == ([3] * 4, [3, 4, 1, 0])
    assert table.refused.counts == {"no_patient": 2}
    assert [one.row for one in table.refused.examples] == [3, 6]
    assert path.read_bytes() == before


def test_range_and_patients(path: Path) -> None:
    assert from_store(path, BINDINGS, first=T0 + 1).patients == ["p-a"]
    assert from_store(path, BINDINGS, last=T0 + 1).patients == ["p-b"]
    assert from_store(path, BINDINGS, patients=["p-b"]).readings.value[[0, 2]].tolist() == [310.0, 70.0]
    assert len(from_store(path, []).readings) == 0


def test_readings_without_a_number_have_none(tmp_path: Path) -> None:
    path = tmp_path / "readings.duckdb"
    store = DuckReadingStore(path, ManualClock())
    readings = batch()
    readings.seq[:] = NO_SEQUENCE
    readings.epoch[:] = NO_SEQUENCE
    store.commit(commit(readings, new=STREAMS))
    store.close()
    table = from_store(path, BINDINGS)
    assert set(table.readings.seq.tolist()) == set(table.readings.epoch.tolist()) == {NO_SEQUENCE}


def test_a_store_whose_owner_was_killed_is_read_to_the_last_commit(
    open_store: DuckReadingStore, tmp_path: Path
) -> None:
    left = tmp_path / "left"
    left.mkdir()
    for file in tmp_path.glob("readings.duckdb*"):
        shutil.copy(file, left / file.name)
    assert (left / "readings.duckdb.wal").stat().st_size > 0
    assert len(from_store(left / "readings.duckdb", BINDINGS).readings) == 4


_READ = """
import sys
from pathlib import Path
from analytics.backtest.table import from_store
from vigil.domain.errors import StoreError
try:
    from_store(Path(sys.argv[1]), [])
except StoreError as error:
    print(error)
"""


def test_a_running_vigil_must_be_stopped_first(open_store: DuckReadingStore, tmp_path: Path) -> None:
    path = tmp_path / "readings.duckdb"
    said = "readings.duckdb is in use by a running Vigil: stop it"
    with pytest.raises(StoreError, match=said):
        from_store(path, [])
    child = [sys.executable, "-c", _READ, str(path)]
    done = subprocess.run(child, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert said in done.stdout, done.stderr


def test_what_is_no_store_of_this_vigil(path: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"none\.duckdb does not exist"):
        from_store(tmp_path / "none.duckdb", [])
    (tmp_path / "text.duckdb").write_text("no database\n" * 1000)
    with pytest.raises(StoreError, match=r"text\.duckdb cannot be read"):
        from_store(tmp_path / "text.duckdb", [])
    with duckdb.connect(str(tmp_path / "other.duckdb")) as con:
        con.execute("CREATE TABLE t (i INTEGER)")
    with pytest.raises(StoreError, match="another program"):
        from_store(tmp_path / "other.duckdb", [])
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE schema_info SET version = 99")
    with pytest.raises(StoreError, match="schema version 99"):
        from_store(path, [])

"""Closed days: what moves into files, what a crash leaves, what is forgotten."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import duckdb
import pytest

from tests.conformance.stores.given import commit, readings
from vigil.domain.errors import StoreError
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.times import DAY, HOUR
from vigil.runtime.clock import ManualClock
from vigil.store.duck import DuckReadingStore, history
from vigil.store.duck.closing import MOST_FILES

#: 2026-01-01T00:00:00Z in microseconds.
NEW_YEAR = 1_767_225_600_000_000
STREAMS = [Stream(0, "w-1", 0, ""), Stream(1, "w-2", 0, "")]
ALWAYS = (0, NEW_YEAR + 1000 * DAY, 10_000)


class Shelf:
    """A store with three days of two streams, a value an hour."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open()
        for day in range(3):
            self.put(
                [(stream, NEW_YEAR + day * DAY + hour * HOUR, 60.0 + hour) for hour in range(24) for stream in (0, 1)]
            )

    def open(self) -> None:
        self.store = DuckReadingStore(self.folder / "readings.duckdb", ManualClock())

    def reopen(self) -> None:
        self.store.close()
        self.open()

    def put(self, rows: list[tuple[int, int, float]]) -> ReadingBatch:
        return self.store.commit(commit(readings([(*row, 0) for row in rows]), STREAMS))

    def close(self, days: int) -> int:
        return self.store.close_days(NEW_YEAR + days * DAY)

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.folder / history.FOLDER).glob("*"))

    def all(self) -> dict[str, str]:
        """Everything that can be asked, to be compared."""
        stored = self.store
        rows = [
            stored.range([0, 1], *ALWAYS),
            stored.after(0, 10_000),
            stored.range([1], NEW_YEAR, NEW_YEAR + 2 * DAY, 5),
        ]
        buckets = stored.buckets([0], NEW_YEAR - HOUR, NEW_YEAR + 4 * DAY, 7)
        latest = stored.latest()
        arrays = [getattr(one, name) for one in rows for name in one.__dataclass_fields__]
        arrays += [getattr(one, name) for one in (buckets, latest) for name in one.__dataclass_fields__]
        found = {str(place): repr(array.tolist()) for place, array in enumerate(arrays)}
        found["counts"] = f"{stored.head()} {stored.delivered('w-1', NEW_YEAR + DAY)}"
        return found


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.store.close()


def test_nothing_that_can_be_asked_changes_when_days_are_closed(shelf: Shelf) -> None:
    before = shelf.all()
    assert shelf.close(2) == 96
    assert shelf.files() == ["2026-01-01.1.parquet", "2026-01-02.1.parquet"]
    assert shelf.all() == before
    shelf.reopen()
    assert shelf.all() == before
    assert (shelf.close(2), shelf.close(3)) == (0, 48)
    shelf.reopen()
    assert shelf.all() == before
    assert shelf.put([(0, NEW_YEAR + 3 * DAY, 70.0)]).ordinal.tolist() == [145]


def test_a_day_that_is_not_over_stays(shelf: Shelf) -> None:
    assert shelf.store.close_days(NEW_YEAR + 2 * DAY - 1) == 48
    assert shelf.files() == ["2026-01-01.1.parquet"]


def test_a_file_is_sorted_and_its_line_tells_its_hash(shelf: Shelf) -> None:
    shelf.close(1)
    file = shelf.folder / history.FOLDER / "2026-01-01.1.parquet"
    with duckdb.connect() as con:
        rows = con.execute(f"SELECT stream, measured_at, ordinal FROM '{file}'").fetchall()
    assert rows == sorted(rows)
    assert len(rows) == 48
    shelf.store.close()
    with duckdb.connect(str(shelf.folder / "readings.duckdb")) as con:
        (part,) = history.stored(con)
    shelf.open()
    assert (part.size, part.sha256) == (48, hashlib.sha256(file.read_bytes()).hexdigest())
    assert file.stat().st_mode & 0o777 == 0o600


def test_late_values_become_further_files_and_then_one(shelf: Shelf) -> None:
    shelf.close(3)
    for late in range(MOST_FILES):
        shelf.put([(0, NEW_YEAR + late, 50.0 + late)])
        before = shelf.all()
        assert shelf.close(3) == 1
        assert shelf.all() == before
    assert [name for name in shelf.files() if name.startswith("2026-01-01")] == [f"2026-01-01.{MOST_FILES + 2}.parquet"]
    shelf.reopen()
    assert shelf.all() == before


@pytest.mark.parametrize("left", ["2026-01-03.1.parquet", "2026-01-03.1.draft"])
def test_what_a_crash_left_is_removed(shelf: Shelf, left: str) -> None:
    shelf.close(1)
    before = shelf.all()
    (shelf.folder / history.FOLDER / left).write_bytes(b"half of it")
    shelf.reopen()
    assert shelf.files() == ["2026-01-01.1.parquet"]
    assert shelf.close(3) == 96
    assert shelf.all() == before


def test_a_move_that_fails_has_moved_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shelf.all()

    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(history, "enter", fail)
        with pytest.raises(StoreError, match="the disk is full"):
            shelf.close(1)
    assert shelf.all() == before
    assert shelf.close(3) == 144
    assert shelf.all() == before


def test_a_missing_file_stops_nothing_but_the_reading_of_its_day(shelf: Shelf) -> None:
    shelf.close(2)
    (shelf.folder / history.FOLDER / "2026-01-01.1.parquet").unlink()
    shelf.reopen()
    assert shelf.store.missing == ["2026-01-01.1.parquet"]
    assert len(shelf.store.range([0], NEW_YEAR + DAY, NEW_YEAR + 3 * DAY, 100)) == 48
    with pytest.raises(StoreError, match=r"2026-01-01\.1\.parquet is missing.*restore it from a backup"):
        shelf.store.range([0], NEW_YEAR, NEW_YEAR + 3 * DAY, 100)
    assert shelf.put([(0, NEW_YEAR + 3 * DAY, 70.0)]).ordinal.tolist() == [145]


def test_what_need_not_be_kept_is_gone_and_its_numbers_are_not_given_again(shelf: Shelf) -> None:
    shelf.close(2)
    shelf.put([(1, NEW_YEAR + 5, 50.0)])
    assert shelf.store.forget_days(NEW_YEAR + 2 * DAY + HOUR) == 96
    for _ in range(2):
        assert shelf.files() == []
        found = shelf.store.range([0, 1], *ALWAYS)
        assert sorted(found.ordinal.tolist()) == list(range(97, 145))
        assert shelf.store.after(0, 1).ordinal.tolist() == [97]
        assert shelf.store.after(90, 10).ordinal.tolist() == list(range(97, 101))
        assert shelf.store.head() == 145
        shelf.reopen()
    shelf.store.forget_days(NEW_YEAR + 9 * DAY)
    assert len(shelf.store.after(0, 10)) == 0
    assert shelf.store.latest().measured_at[:2].tolist() == [0, 0]


def test_a_copy_has_the_files_too(shelf: Shelf, tmp_path: Path) -> None:
    shelf.close(2)
    before = shelf.all()
    target = tmp_path / "copy"
    target.mkdir()
    shelf.store.copy(target / "readings.duckdb", nullcontext())
    shelf.store.forget_days(NEW_YEAR + 9 * DAY)
    shelf.store.close()
    copied = Shelf.__new__(Shelf)
    copied.folder = target
    copied.open()
    assert copied.all() == before
    copied.store.close()


def test_a_commit_that_fails_while_a_day_is_moved_costs_neither(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """After it the store reads itself anew, when the file is there and its line is not yet."""
    before, enter = shelf.all(), history.enter

    def between(con: duckdb.DuckDBPyConnection, part: history.Part) -> None:
        shelf.store._reload()
        enter(con, part)

    with monkeypatch.context() as patched:
        patched.setattr(history, "enter", between)
        assert shelf.close(1) == 48
    assert shelf.files() == ["2026-01-01.1.parquet"]
    assert shelf.all() == before

"""What is kept in memory of a stream says the same as the file, whatever comes late, and does not grow without end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.stores.given import NAN, T0, commit, readings, streams
from vigil.domain.errors import StoreError
from vigil.domain.quality import GATED
from vigil.domain.readings import COLUMN_TYPES, ReadingBatch
from vigil.runtime.clock import ManualClock
from vigil.store import EVERY_READING, Buckets
from vigil.store.duck import DuckReadingStore
from vigil.store.duck.closing import Days
from vigil.store.duck.connection import DuckFile
from vigil.store.duck.kept import Kept
from vigil.store.duck.readings import append, bucket_width, bucketed, buckets, in_range, numbered
from vigil.store.duck.schema import prepare

_VALUE = st.sampled_from([1.0, 2.5, -3.0, NAN])
_ROW = st.tuples(st.integers(0, 1), st.integers(0, 30).map(lambda at: T0 + at), _VALUE, st.sampled_from([0, 1, GATED]))


class Recorded:
    """A file of readings, one commit a call."""

    def __init__(self, folder: Path) -> None:
        self.file = DuckFile(folder / "kept.duckdb")
        self.days = Days(self.file, folder / "history")
        self.head = 0
        with self.file.write() as con:
            prepare(con, self.file.path, T0)

    def add(self, batch: ReadingBatch) -> None:
        with self.file.write() as con:
            append(con, numbered(batch, self.head))
        self.head += len(batch)

    def clear(self) -> None:
        with self.file.write() as con:
            con.execute("DELETE FROM readings")
        self.head = 0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    found = Recorded(tmp_path_factory.mktemp("kept"))
    yield found
    found.file.close()


def same(one: ReadingBatch, other: ReadingBatch) -> None:
    for name in COLUMN_TYPES:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


def alike(one: Buckets, other: Buckets) -> None:
    for name in Buckets.__slots__:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12, err_msg=name)
        assert getattr(one, name).dtype == getattr(other, name).dtype


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.lists(_ROW, max_size=8), st.integers(-5, 30), st.integers(1, 40)), min_size=1, max_size=6),
    st.integers(1, 12),
)
def test_it_says_what_the_file_says_after_any_commits(
    recorded: Recorded, turns: list[tuple[list[tuple[int, int, float, int]], int, int]], points: int
) -> None:
    recorded.clear()
    kept = Kept(recorded.days)
    for rows, first, length in turns:
        recorded.add(readings(rows))
        start, end = T0 + first, T0 + first + length
        for stream in (0, 1):
            found = kept.rows(stream, start, end, recorded.head)
            assert found is not None
            with recorded.file.read() as con:
                same(found, in_range(con, "readings", [stream], start, end, EVERY_READING))
                width = bucket_width(start, end, points)
                expected = buckets(con, "readings", [stream], start, width, (start, end))
                alike(bucketed(found, start, width), expected)


def test_rows_that_were_committed_after_the_head_are_left_out(recorded: Recorded) -> None:
    recorded.clear()
    kept = Kept(recorded.days)
    recorded.add(readings([(0, T0, 1.0, 0)]))
    before = recorded.head
    recorded.add(readings([(0, T0 + 1, 2.0, 0)]))
    for head, values in ((before, [1.0]), (recorded.head, [1.0, 2.0]), (before, [1.0])):
        found = kept.rows(0, T0, T0 + 9, head)
        assert found is not None
        assert found.value.tolist() == values


def test_a_stream_that_is_too_long_is_left_to_the_file_until_less_is_asked_for(recorded: Recorded) -> None:
    recorded.clear()
    kept = Kept(recorded.days, most_of_stream=3, most=10)
    recorded.add(readings([(0, T0 + at, 1.0, 0) for at in range(8)]))
    assert kept.rows(0, T0, T0 + 8, recorded.head) is None
    assert kept.rows(0, T0 + 1, T0 + 8, recorded.head) is None
    newest = kept.rows(0, T0 + 6, T0 + 8, recorded.head)
    assert newest is not None
    assert len(newest) == 2


def test_what_nobody_has_looked_at_for_longest_is_let_go_of(recorded: Recorded) -> None:
    recorded.clear()
    recorded.add(readings([(stream, T0, 1.0, 0) for stream in range(4) for _ in range(3)]))
    kept = Kept(recorded.days, most_of_stream=3, most=6)
    for stream in (0, 1, 0, 2, 0, 3):
        assert kept.rows(stream, T0, T0 + 1, recorded.head) is not None
    assert list(kept._parts) == [0, 3]
    assert kept._size == 6


def test_no_rows_are_no_buckets() -> None:
    found = bucketed(readings([]), T0, 2)
    assert found.start.size == found.bad.size == 0


def test_what_was_handed_out_is_the_readers_own_and_ends_with_the_store(tmp_path: Path) -> None:
    store = DuckReadingStore(tmp_path / "readings.duckdb", ManualClock())
    store.commit(commit(readings([(0, T0, 1.0, 0), (0, T0 + 1, 2.0, 0)]), new=streams(1)))
    store.range([0], T0, T0 + 9, EVERY_READING).value[:] = 99.0
    assert store.range([0], T0, T0 + 9, 1).value.tolist() == [2.0]
    assert store.range([0], T0, T0 + 9, 0).value.tolist() == []
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.range([0], T0, T0 + 9, 1)


def test_an_hour_long_past_is_not_kept(tmp_path: Path) -> None:
    """All that came after it would have to be."""
    store = DuckReadingStore(tmp_path / "readings.duckdb", ManualClock())
    store.commit(commit(readings([(0, T0 + at, float(at), 0) for at in range(100)]), new=streams(1)))
    assert store.range([0], T0, T0 + 10, EVERY_READING).value.tolist() == list(map(float, range(10)))
    assert store._kept._parts == {}
    assert store.buckets([0], T0 + 60, T0 + 100, 2).count.tolist() == [20, 20]
    assert list(store._kept._parts) == [0]
    store.close()

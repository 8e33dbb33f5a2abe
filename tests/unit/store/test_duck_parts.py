from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conformance.stores.given import T0, readings
from vigil.domain.errors import StoreError
from vigil.domain.readings import ReadingBatch, Stream
from vigil.runtime.clock import ManualClock
from vigil.store import STORED, Commit, PackRow
from vigil.store.duck import DuckReadingStore, packs
from vigil.store.duck.connection import DuckFile
from vigil.store.duck.latest import LatestValues
from vigil.store.duck.streams import MAX_STREAM, StreamBook


def test_latest_values_keep_what_they_hold_when_they_grow() -> None:
    values = LatestValues(2)
    values.put(readings([(1, T0, 1.0, 0)]))
    size = values.view().value.size
    values.put(readings([(size, T0, 2.0, 0)]))
    view = values.view()
    assert (view.value[1], view.value[size], view.value.size) == (1.0, 2.0, 2 * size)
    values.reserve(10 * size + 1)
    view = values.view()
    assert view.value.size == 10 * size + 1
    assert {
        array.size for array in (view.measured_at, view.received_at, view.quality, view.seen_at, view.seen_quality)
    } == {10 * size + 1}
    assert (view.value[1], view.seen_at[size]) == (1.0, T0)


def test_a_view_is_the_readers_own() -> None:
    values = LatestValues()
    values.put(readings([(0, T0, 1.0, 0)]))
    values.view().value[0] = 99.0
    assert values.view().value[0] == 1.0


@pytest.mark.parametrize("number", [-1, MAX_STREAM])
def test_stream_numbers_have_bounds(number: int) -> None:
    with pytest.raises(StoreError, match="contradicts"):
        StreamBook(()).fresh([Stream(number, "w-1", 0, "")])


def test_two_new_streams_of_one_batch_may_not_contradict() -> None:
    book = StreamBook(())
    with pytest.raises(StoreError, match="contradicts"):
        book.fresh([Stream(0, "w-1", 0, ""), Stream(1, "w-1", 0, "")])
    with pytest.raises(StoreError, match="contradicts"):
        book.fresh([Stream(0, "w-1", 0, ""), Stream(0, "w-1", 1, "")])
    assert (book.size, book.listed()) == (0, [])


@pytest.mark.parametrize("chunk", [1, 3, 4, 1000])
def test_packs_are_the_same_however_many_are_read_at_once(tmp_path: Path, chunk: int) -> None:
    store = DuckReadingStore(tmp_path / "readings.duckdb", ManualClock())
    rows = [PackRow(f"w-{device}", epoch, seq, STORED, 0) for device in range(5) for epoch in (2, 1) for seq in (1, 0)]
    store.commit(Commit(ReadingBatch.empty(), (), rows, ()))
    store.close()
    file = DuckFile(tmp_path / "readings.duckdb")
    found = [(device, epoch, seqs.tolist()) for device, epoch, seqs in packs.stored(file, chunk)]
    assert found == [(f"w-{device}", epoch, [0, 1]) for device in range(5) for epoch in (1, 2)]
    file.close()


def test_packs_can_be_read_while_the_store_is_used(tmp_path: Path) -> None:
    store = DuckReadingStore(tmp_path / "readings.duckdb", ManualClock())
    store.commit(
        Commit(ReadingBatch.empty(), (), [PackRow("w-1", 1, 0, STORED, 5), PackRow("w-2", 1, 0, STORED, 6)], ())
    )
    for device, epoch, seqs in store.packs():
        assert store.pack_digest(device, epoch, int(seqs[0])) in (5, 6)
        store.commit(Commit(ReadingBatch.empty(), (), [PackRow(device, epoch, 9, STORED, 7)], ()))
    assert [seqs.tolist() for _, _, seqs in store.packs()] == [[0, 9], [0, 9]]
    store.close()


def test_the_value_column_keeps_infinities_and_signed_zero(tmp_path: Path) -> None:
    store = DuckReadingStore(tmp_path / "readings.duckdb", ManualClock())
    values = [np.inf, -np.inf, -0.0, np.nan, 5e-324]
    store.commit(Commit(readings([(0, T0, value, 0) for value in values]), [Stream(0, "w-1", 0, "")], (), ()))
    kept = store.after(0, 9).value
    np.testing.assert_array_equal(kept, values)
    assert np.signbit(kept[2])
    store.close()

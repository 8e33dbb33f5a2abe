"""What is sorted by stream says the same as the database, whatever is committed, moved or forgotten meanwhile."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.stores.given import NAN, T0, commit, readings, streams
from tests.unit.store.test_duck_kept import Recorded, recorded, same
from vigil.domain.quality import GATED
from vigil.domain.readings import ReadingBatch
from vigil.domain.times import DAY, HOUR
from vigil.runtime.clock import ManualClock
from vigil.store import EVERY_READING
from vigil.store.duck import DuckReadingStore
from vigil.store.duck.by_stream import KEPT_US, ByStream
from vigil.store.duck.kept import Kept
from vigil.store.duck.readings import in_range

_ROW = st.tuples(
    st.integers(0, 2), st.integers(0, 40).map(lambda at: T0 + at), st.sampled_from([1.0, 2.5, NAN]), st.just(GATED)
)
_ALL = 1000
assert recorded


def several(count: int, stream: int = 0, first: int = T0) -> ReadingBatch:
    return readings([(stream, first + number, float(number), 0) for number in range(count)])


@settings(max_examples=12)
@given(st.lists(st.lists(_ROW, max_size=9), min_size=1, max_size=7), st.integers(1, 6), st.integers(-3, 40))
def test_a_first_look_finds_what_the_database_holds(
    recorded: Recorded, turns: list[list[tuple[int, int, float, int]]], chunk: int, first: int
) -> None:
    recorded.clear()
    made = ByStream(recorded.days, recorded.file.path, ManualClock(T0), chunk)
    for rows in turns:
        recorded.add(readings(rows))
        made.grow(recorded.head)
        made.wait()
        for stream in range(3):
            span = (T0 + first, T0 + 60)
            found = Kept(recorded.days, by_stream=made).rows(stream, *span, recorded.head)
            assert found is not None
            with recorded.file.read() as con:
                same(found, in_range(con, "readings", [stream], *span, EVERY_READING))
    part, upto = made.rows(0, T0, 0, recorded.head, _ALL)
    assert recorded.head - chunk < upto <= recorded.head
    assert sorted(part.ordinal.tolist()) == [one for one in sorted(part.ordinal.tolist()) if one <= upto]
    made.close()


def test_what_is_older_than_its_floor_it_leaves_to_the_database(recorded: Recorded) -> None:
    recorded.clear()
    clock = ManualClock(T0)
    made = ByStream(recorded.days, recorded.file.path, clock, chunk=2)
    recorded.add(readings([(0, T0 - KEPT_US - 1, 1.0, 0), (0, T0 - HOUR, 2.0, 0)]))
    made.grow(2)
    made.wait()
    assert made.rows(0, T0 - KEPT_US, 0, 2, _ALL)[0].value.tolist() == [2.0]
    assert made.rows(0, T0 - KEPT_US - 1, 0, 2, _ALL)[1] == 0
    clock.advance(2 * KEPT_US / 1e6)
    recorded.add(several(2, first=clock.now_us()))
    made.grow(4)
    made.wait()
    assert made.rows(0, T0 - HOUR, 0, 4, _ALL)[1] == 0
    assert made.rows(0, clock.now_us() - KEPT_US, 0, 4, _ALL)[0].value.tolist() == [0.0, 1.0]
    made.close()


def test_where_more_comes_than_may_be_kept_less_of_the_day_is(recorded: Recorded) -> None:
    recorded.clear()
    made = ByStream(recorded.days, recorded.file.path, ManualClock(T0), chunk=3, most=5)
    old, half = T0 - KEPT_US, T0 - KEPT_US // 2
    for head in (3, 6, 9):
        recorded.add(readings([(0, old, 1.0, 0), (0, half, 2.0, 0), (0, T0, 3.0, 0)]))
        made.grow(head)
        made.wait()
    assert made.rows(0, old, 0, 9, _ALL)[1] == 0
    assert sorted(made.rows(0, half, 0, 9, _ALL)[0].value.tolist()) == [2.0] * 3 + [3.0] * 3
    made.close()


def test_no_more_than_was_asked_for_up_to_what_the_asker_knows(recorded: Recorded) -> None:
    recorded.clear()
    made = ByStream(recorded.days, recorded.file.path, ManualClock(T0), chunk=4)
    recorded.add(several(4))
    made.grow(4)
    made.wait()
    assert [len(made.rows(0, T0, after, head, most)[0]) for after, head, most in ((0, 4, 3), (1, 3, 9))] == [3, 2]
    made.close()


def test_a_store_that_closed_and_forgot_days_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigil.store.duck.store.ByStream", partial(ByStream, chunk=4))
    clock = ManualClock(T0 + DAY)
    store = DuckReadingStore(tmp_path / "readings.duckdb", clock)
    made = store._by_stream
    store.commit(commit(several(6), streams(1)))
    made.wait()
    store.close_days(T0 + DAY)
    store.commit(commit(several(6, first=T0 + DAY)))
    made.wait()
    span = (T0, T0 + DAY + HOUR)
    assert made.rows(0, T0, 0, 12, _ALL)[1] == 12
    assert store.range([0], *span, EVERY_READING).value.tolist() == [*range(6), *range(6)]
    store.forget_days(T0 + DAY)
    store.commit(commit(several(1, first=T0 + DAY + 9)))
    made.wait()
    assert store.range([0], *span, EVERY_READING).value.tolist() == [*range(6), 0]
    assert set(made.rows(0, T0, 0, 13, _ALL)[0].measured_at.tolist()) <= set(range(T0 + DAY, T0 + DAY + 10))
    assert (tmp_path / "readings.by_stream").stat().st_mode & 0o777 == 0o600
    store.close()
    assert [one.name for one in tmp_path.iterdir() if "by_stream" in one.name] == []


def test_a_restart_begins_anew_whatever_lies_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigil.store.duck.store.ByStream", partial(ByStream, chunk=4))
    (tmp_path / "readings.by_stream").write_bytes(b"of a Vigil that was killed")
    (tmp_path / "readings.by_stream.wal").write_bytes(b"too")
    for turn in range(2):
        store = DuckReadingStore(tmp_path / "readings.duckdb", ManualClock(T0))
        store.commit(commit(several(5), streams(1)))
        store._by_stream.wait()
        assert store._by_stream.rows(0, T0, 0, _ALL, _ALL)[1] == 4 * (turn + 1)
        assert store.range([0], T0, T0 + 9, EVERY_READING).value.tolist() == sorted([*range(5)] * (turn + 1))
        store.close()


def test_without_it_the_database_answers(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recorded.clear()
    recorded.add(several(5))
    monkeypatch.setattr("vigil.store.duck.by_stream._DDL", "CREATE TABLE sorted.other (a INTEGER)")
    made = ByStream(recorded.days, recorded.file.path, ManualClock(T0), chunk=2)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            made.grow(recorded.head)
            made.wait()
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    found = Kept(recorded.days, by_stream=made).rows(0, T0, T0 + 9, recorded.head)
    assert found is not None
    assert np.array_equal(found.value, [0.0, 1.0, 2.0, 3.0, 4.0])
    assert not recorded.file.path.with_suffix(".by_stream").exists()
    made.close()

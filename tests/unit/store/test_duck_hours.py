"""Roll-ups against the readings themselves: for any readings, days closed in any order, late values, files of before, and when
the readings are forgotten."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.stores.given import NAN, T0, commit, readings, streams
from vigil.domain.errors import StoreError
from vigil.domain.quality import Quality
from vigil.domain.times import DAY, HOUR, MINUTE
from vigil.runtime.clock import ManualClock
from vigil.store import EVERY_READING, Buckets
from vigil.store.duck import DuckReadingStore, hours
from vigil.store.duck.connection import DuckFile
from vigil.store.duck.history import FOLDER
from vigil.store.duck.readings import bucket_width, bucketed

EACH = settings(max_examples=20, derandomize=True)
STREAMS = streams(3)
#: Some at the edges of hours and days, some of one microsecond.
AT = st.one_of(
    st.integers(T0, T0 + 4 * DAY - 1),
    st.builds(lambda hour, by: T0 + hour * HOUR + by, st.integers(1, 95), st.integers(-1, 1)),
)
VALUE = st.one_of(st.floats(-1e6, 1e6), st.just(NAN))
ROW = st.tuples(st.integers(0, 2), AT, VALUE, st.sampled_from([0, 0, int(Quality.MOTION)]))
#: Commits, and after each the day before which all is closed.
LIFE = st.lists(st.tuples(st.lists(ROW, max_size=25), st.integers(0, 4)), max_size=4)
START = st.one_of(st.integers(-30, 100).map(lambda hour: T0 + hour * HOUR), st.integers(T0 - DAY, T0 + 4 * DAY))
LENGTH = st.one_of(st.integers(1, 130).map(lambda hour: hour * HOUR), st.integers(1, 5 * DAY))
CHOSEN = st.sampled_from([[0], [1], [0, 2], [0, 1, 2], [2, 2], []])


def assert_same(found: Buckets, expected: Buckets) -> None:
    for name in ("start", "minimum", "maximum", "last", "count", "bad"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
        assert getattr(found, name).dtype == getattr(expected, name).dtype
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-12, atol=1e-9)


@EACH
@given(life=LIFE, chosen=CHOSEN, start=START, length=LENGTH, points=st.one_of(st.integers(1, 5), st.integers(1, 200)))
def test_what_is_rolled_up_answers_as_the_readings_do(
    life: list[tuple[list[tuple[int, int, float, int]], int]], chosen: list[int], start: int, length: int, points: int
) -> None:
    with TemporaryDirectory() as name, closing(Rig.opened_in(Path(name))) as store:
        for rows, days in life:
            store.commit(commit(readings(rows), STREAMS))
            store.close_days(T0 + days * DAY)
        # As asked, by whole hours where that can be, and as one.
        whole = max(1, math.ceil(length / HOUR))
        for end, cut in ((start + length, points), (start + whole * HOUR, whole), (start + length, 1)):
            single = store.range(chosen, start, end, EVERY_READING)
            assert_same(store.buckets(chosen, start, end, cut), bucketed(single, start, bucket_width(start, end, cut)))


class Rig:
    """Four days of two streams, a value every 20 minutes, three days of them closed. ``folder`` has the store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = self.opened_in(self.folder)
        times = range(T0, T0 + 4 * DAY, 20 * MINUTE)
        self.put([(stream, at, 60.0 + at % 7, 0) for at in times for stream in (0, 1)])
        self.store.close_days(T0 + 3 * DAY)

    @staticmethod
    def opened_in(folder: Path) -> DuckReadingStore:
        return DuckReadingStore(folder / "readings.duckdb", ManualClock())

    def reopen(self) -> None:
        self.store.close()
        self.store = self.opened_in(self.folder)

    def put(self, rows: list[tuple[int, int, float, int]]) -> None:
        self.store.commit(commit(readings(rows), STREAMS))

    def by_hour(self, days: int = 4, start: int = T0) -> Buckets:
        return self.store.buckets([0], start, start + days * DAY, days * 24)

    def lose_files(self) -> None:
        for file in (self.folder / FOLDER).glob("*.parquet"):
            file.unlink()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.store.close()


def test_buckets_of_whole_hours_open_no_file(rig: Rig) -> None:
    before = rig.by_hour()
    rig.lose_files()
    assert_same(rig.by_hour(), before)
    assert rig.store.buckets([0, 1], T0, T0 + 3 * DAY, 3).count.tolist() == [144, 144, 144]
    with pytest.raises(StoreError, match="is missing"):
        rig.store.buckets([0], T0, T0 + DAY, 25)


def test_readings_are_forgotten_and_their_hours_are_not(rig: Rig) -> None:
    before = rig.by_hour()
    assert rig.store.whole_since() == 0
    rig.store.forget_days(T0 + 2 * DAY + HOUR)
    for _ in range(2):
        assert rig.store.whole_since() == T0 + 2 * DAY
        assert rig.store.range([0], T0, T0 + 2 * DAY, 1).measured_at.size == 0
        assert_same(rig.by_hour(), before)
        rig.reopen()
    rig.store.forget_days(T0 + DAY)
    assert rig.store.whole_since() == T0 + 2 * DAY


def test_what_comes_late_for_a_forgotten_day_still_counts(rig: Rig) -> None:
    rig.store.forget_days(T0 + 2 * DAY)
    rig.put([(0, T0 + 5 * HOUR + 1, 999.0, 0)])
    for moved in (False, True, True):
        hour = rig.store.buckets([0], T0 + 5 * HOUR, T0 + 6 * HOUR, 1)
        assert (hour.count.tolist(), hour.maximum.tolist()) == ([4], [999.0])
        if moved:
            rig.store.close_days(T0 + 3 * DAY)
        rig.store.forget_days(T0 + 2 * DAY)
        rig.reopen()


def test_forgotten_hours_stand_in_the_bucket_in_which_they_begin_and_only_whole(rig: Rig) -> None:
    rig.store.forget_days(T0 + 2 * DAY)
    found = rig.store.buckets([0], T0 + 1, T0 + 4 * HOUR - 1, 12)
    assert found.count.tolist() == [3, 3]
    width = bucket_width(T0 + 1, T0 + 4 * HOUR - 1, 12)
    starts = [T0 + 1 + (T0 + hour * HOUR - T0 - 1) // width * width for hour in (1, 2)]
    assert found.start.tolist() == starts
    across = rig.store.buckets([0], T0 + 2 * DAY - 2 * HOUR, T0 + 2 * DAY + 2 * HOUR, 12)
    assert across.count.tolist() == [3, 3, 1, 1, 1, 1, 1, 1]


def test_hours_are_forgotten_too(rig: Rig) -> None:
    rig.store.forget_days(T0 + 2 * DAY)
    rig.store.forget_hours(T0 + DAY + HOUR)
    assert rig.by_hour().start[0] == T0 + DAY
    rig.reopen()
    assert rig.by_hour(2).count.sum() == 72


def test_whoever_looks_while_days_move_and_are_forgotten_counts_whole_commits(rig: Rig) -> None:
    before, size, done = rig.store.head(), 24, threading.Event()

    def write() -> None:
        try:
            for turn in range(20):
                rig.put([(1, T0 + hour * 4 * HOUR + turn, 60.0, 0) for hour in range(size)])
                rig.store.close_days(T0 + (1 + turn % 4) * DAY)
                rig.store.forget_days(T0 + turn // 10 * DAY)
        finally:
            done.set()

    writer = threading.Thread(target=write)
    writer.start()
    odd = []
    while not done.is_set():
        for points in (96, 4):
            found = int(rig.store.buckets([0, 1], T0, T0 + 4 * DAY, points).count.sum()) - before
            odd += [found] if found % size or not 0 <= found <= 20 * size else []
    writer.join()
    assert (odd, rig.store.buckets([0, 1], T0, T0 + 4 * DAY, 96).count.sum()) == ([], before + 20 * size)


def test_a_copy_has_them_too(rig: Rig, tmp_path: Path) -> None:
    before = rig.by_hour()
    (tmp_path / "copy").mkdir()
    sums = rig.store.copy(tmp_path / "copy" / "readings.duckdb", nullcontext())
    assert sums["hours"].rows == 2 * 3 * 24
    rig.store.close()
    rig.folder = tmp_path / "copy"
    rig.store = rig.opened_in(rig.folder)
    rig.lose_files()
    assert_same(rig.by_hour(), before)


@pytest.mark.parametrize("lost", [False, True])
def test_files_of_an_earlier_vigil_get_theirs_at_the_next_look(rig: Rig, lost: bool) -> None:
    before = rig.by_hour()
    rig.store.close()
    with duckdb.connect(str(rig.folder / "readings.duckdb")) as con:
        con.execute("DROP TABLE hours; DROP TABLE unrolled; DROP TABLE forgotten; UPDATE schema_info SET version = 3")
    rig.store = rig.opened_in(rig.folder)
    assert_same(rig.by_hour(), before)
    if lost:
        (rig.folder / FOLDER / "2026-01-01.1.parquet").unlink()
    rig.store.close_days(T0 + 3 * DAY)
    second, third = T0 + DAY, T0 + 2 * DAY
    for day in (second, third):
        (rig.folder / FOLDER / f"2026-01-0{1 + (day - T0) // DAY}.1.parquet").unlink()
    assert_same(rig.by_hour(3, second), Buckets(*(getattr(before, name)[24:] for name in Buckets.__slots__)))
    if lost:  # of that day nobody knows more than that it is missing
        with pytest.raises(StoreError, match=r"2026-01-01\.1\.parquet is missing"):
            rig.store.buckets([0, 1], T0, T0 + DAY, 24)
        rig.store.forget_days(second)
        rig.reopen()
        assert rig.by_hour().start[0] == second


def test_a_line_of_an_hour_is_what_its_readings_say(tmp_path: Path) -> None:
    file = DuckFile(tmp_path / "plain.duckdb")
    try:
        with file.write() as con:
            con.execute("CREATE TABLE parts (file VARCHAR)")
            con.execute(hours.TABLES)
            con.execute(
                "CREATE TABLE readings AS SELECT * FROM "
                "(VALUES (1, 7, 60.0, 0), (2, 7, 62.0, 0), (3, 8, 99.0, 1), (4, 9, NULL, 0)) "
                "v(ordinal, measured_at, value, quality), (SELECT 5 AS stream)"
            )
            made = hours.of(con, "readings", "true", ())
            hours.enter(con, made)
            rows = con.execute("SELECT * FROM hours").fetchall()
    finally:
        file.close()
    # stream, start, count, bad, minimum, maximum, total, last, last_at, last_ordinal
    assert rows == [(5, 0, 2, 2, 60.0, 62.0, 122.0, 62.0, 7, 2)]

"""The past from the journal and the copy together: as if nothing had been forgotten, and what is said when the copy is no help.

The copy is a second store that forgets nothing; what InfluxDB itself answers is in ``test_influx_history`` and, by its whole way,
in the last tests here, whose answers were recorded (``python -m tests.unit.store.test_influx_past`` asks a server anew).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.influx import past_of
from tests.conformance.stores.given import NAN, T0, commit, readings
from tests.deadline import until
from tests.servers.fake_influx import FakeInflux, Told
from tests.servers.influx import Influxd
from vigil.domain.errors import StoreError
from vigil.domain.people import MANUAL_PREFIX
from vigil.domain.quality import Quality
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.times import DAY, HOUR, MINUTE
from vigil.runtime.clock import ManualClock
from vigil.runtime.config import Settings
from vigil.store import EVERY_READING, Buckets
from vigil.store.duck import DuckReadingStore
from vigil.store.influx.lines import heads, lines
from vigil.store.influx.older import AWAY_S, PLACES, WAITING, History, Older
from vigil.store.influx.past import MOST_ROWS, CopiedPast
from vigil.store.past import Lack, Missing, Past

FOLDER = Path(__file__).parent / "influx_answers"
BUCKET = "recorded"
ENTERED = MANUAL_PREFIX + "p-1"
STREAMS = [Stream(0, "w-1", 0, ""), Stream(1, "w-1", 1, ""), Stream(2, ENTERED, 0, "")]
#: One value in the first hour of the second day, one in the third day.
ROWS = [(stream, T0 + day * DAY + 7 * MINUTE + stream, 60.0 + day, 0) for day in (1, 2) for stream in (0, 2)]
Row = tuple[int, int, float, int]


class Copy:
    """Has what the journal ever had. ``broken``: why it gives no answer. ``rows``: what it answers instead, when there is any."""

    def __init__(self, store: DuckReadingStore) -> None:
        self.store, self.broken, self.asked = store, "", 0
        self.start = -1
        self.rows: ReadingBatch | None = None
        self.held: threading.Event | None = None

    @contextmanager
    def question(self) -> Iterator[Copy]:
        self.asked += 1
        if self.held is not None:
            self.held.wait(20)
        if self.broken:
            raise StoreError(self.broken)
        yield self

    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch:
        self.start = start
        return self.store.range(streams, start, end, limit) if self.rows is None else self.rows

    def windows(self, streams: Sequence[int], start: int, end: int, width: int) -> Buckets:
        return self.store.windows(streams, start, end, width, start)


class Rig:
    def __init__(self, folder: Path, rows: Sequence[Row] = ROWS) -> None:
        self.clock = ManualClock()
        self.journal = DuckReadingStore(folder / "readings.duckdb", self.clock)
        self.whole = DuckReadingStore(folder / "whole.duckdb", self.clock)
        self.copy = Copy(self.whole)
        self.older = Older(self.copy.question, self.clock)
        self.put(rows)

    def put(self, rows: Sequence[Row]) -> None:
        for store in (self.journal, self.whole):
            store.commit(commit(readings(rows), [] if store.streams() else STREAMS))

    def forget(self, days: int) -> None:
        self.journal.close_days(T0 + days * DAY)
        self.journal.forget_days(T0 + days * DAY)

    def past(self, *, rollups_end: bool = False) -> CopiedPast:
        return CopiedPast(self.journal, self.older, self.clock, rollups_end=rollups_end)

    def close(self) -> None:
        self.journal.close()
        self.whole.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with closing(Rig(tmp_path)) as made:
        yield made


def assert_same(found: Any, expected: Any) -> None:
    for field in fields(expected):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        assert one.dtype == other.dtype
        if field.name == "mean":
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-9)
        else:
            np.testing.assert_array_equal(one, other, field.name)


AT = st.one_of(
    st.integers(T0, T0 + 4 * DAY - 1),
    st.builds(lambda hour, by: T0 + hour * HOUR + by, st.integers(1, 95), st.integers(-1, 1)),
)
ROW = st.tuples(
    st.integers(0, 2), AT, st.one_of(st.floats(-1e6, 1e6), st.just(NAN)), st.sampled_from([0, 0, int(Quality.MOTION)])
)
START = st.one_of(st.integers(-30, 100).map(lambda hour: T0 + hour * HOUR), st.integers(T0 - DAY, T0 + 4 * DAY))
LENGTH = st.one_of(st.integers(1, 130).map(lambda hour: hour * HOUR), st.integers(1, 5 * DAY))


@settings(max_examples=12, derandomize=True)
@given(
    rows=st.lists(ROW, max_size=30),
    days=st.integers(0, 4),
    late=st.lists(ROW, max_size=3),
    chosen=st.sampled_from([[0], [1], [0, 1], [2], [0, 2]]),
    start=START,
    length=LENGTH,
    points=st.one_of(st.integers(1, 5), st.integers(1, 200)),
)
def test_it_is_as_if_nothing_had_been_forgotten(
    rows: list[Row], days: int, late: list[Row], chosen: list[int], start: int, length: int, points: int
) -> None:
    with TemporaryDirectory() as name, closing(Rig(Path(name), rows)) as rig:
        rig.forget(days)
        rig.put([one for one in late if one[0] != 2])  # an entered one counts when it is in the roll-ups: below
        for limit in (1, points, EVERY_READING):
            past = rig.past()
            assert_same(
                past.range(chosen, start, start + length, limit), rig.whole.range(chosen, start, start + length, limit)
            )
            assert past.missing is None
        for ends in (False, True):
            found = rig.past(rollups_end=ends).buckets(chosen, start, start + length, points)
            assert_same(found, rig.whole.buckets(chosen, start, start + length, points))


def test_what_is_young_asks_nobody(rig: Rig) -> None:
    rig.forget(2)
    past = rig.past()
    assert len(past.range([0], T0 + 2 * DAY, T0 + 3 * DAY, 10)) == 1
    assert len(past.range([0], T0, T0 + 3 * DAY, 1)) == 1  # the newest is young
    assert past.buckets([0], T0 + 2 * DAY, T0 + 3 * DAY, 7).count.sum() == 1
    assert past.buckets([0], T0, T0 + 3 * DAY, 72).count.tolist() == [1, 1]  # the roll-ups say it
    assert past.latest().value[0] == 62
    assert (rig.copy.asked, past.missing, past.is_whole([0], T0)) == (0, None, True)


def test_what_is_known_to_be_more_need_not_be_looked_at(rig: Rig) -> None:
    rig.put([(1, T0 + second, 97.0, 0) for second in range(100)])
    rig.forget(2)
    past = rig.past()
    assert past.exceeds([1], T0, T0 + 3 * DAY, 99)
    assert not past.exceeds([1], T0, T0 + 3 * DAY, 100)
    assert not past.exceeds([1], T0 + 1, T0 + 3 * DAY, 99)  # part of an hour: nobody knows
    assert rig.copy.asked == 0


def test_influxdb_is_asked_for_no_more_than_the_hours_that_hold_the_newest(rig: Rig) -> None:
    rig.put([(1, T0 + hour * HOUR + second, 97.0, 0) for hour in range(24) for second in range(10)])
    rig.forget(1)
    for limit, start in ((10, T0 + 23 * HOUR), (11, T0 + 22 * HOUR), (240, T0), (241, T0 - DAY)):
        assert len(rig.past().range([1], T0 - DAY, T0 + DAY, limit)) == min(limit, 240)
        assert rig.copy.start == start


def test_a_copy_that_is_away_leaves_the_young_part_and_says_so(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.forget(2)
    rig.copy.broken = "InfluxDB cannot be reached"
    past = rig.past()
    assert past.range([0], T0, T0 + 3 * DAY, 10).value.tolist() == [62.0]
    assert past.missing == Missing(T0 + 2 * DAY, Lack.UNREACHABLE)
    assert (past.is_whole([0], T0), past.is_whole([0], T0 + 2 * DAY)) == (False, True)
    assert past.buckets([0], T0 + 1, T0 + 3 * DAY, 100).count.tolist() == [
        1,
        1,
    ]  # the forgotten one from its hour's roll-up
    rig.past().range([0], T0, T0 + 3 * DAY, 10)
    assert (rig.copy.asked, caplog.text.count("cannot be reached")) == (1, 1)
    rig.clock.advance(AWAY_S)
    rig.copy.broken = ""
    again = rig.past()
    assert again.range([0], T0, T0 + 3 * DAY, 10).value.tolist() == [61.0, 62.0]
    assert (again.missing, again.is_whole([0], T0)) == (None, True)


def first(history: History) -> ReadingBatch:
    return history.range([0], T0, T0 + 3 * DAY, 1)


def test_nobody_waits_for_a_copy_that_is_slow(rig: Rig) -> None:
    rig.copy.held = threading.Event()
    with pytest.raises(StoreError, match="did not answer a question about old readings within"):
        rig.older.ask(first, 0.01)
    with pytest.raises(StoreError, match="did not answer"):  # at once: who asks next need not wait as long again
        rig.older.ask(first, 600.0)
    rig.copy.held.set()


def test_few_ask_at_once_and_few_wait_for_their_turn(rig: Rig) -> None:
    rig.copy.held = threading.Event()
    asking = [threading.Thread(target=rig.older.ask, args=(first, 60.0)) for _ in range(PLACES + WAITING)]
    for thread in asking[:PLACES]:
        thread.start()
    try:
        assert until(lambda: rig.copy.asked == PLACES)
        with pytest.raises(StoreError, match="others ask"):
            rig.older.ask(first, 0.01)
        for thread in asking[PLACES:]:
            thread.start()
        assert until(lambda: _refused(rig.older))
    finally:
        rig.copy.held.set()
        for thread in asking:
            thread.join(20)
    assert rig.copy.asked == PLACES + WAITING


def _refused(older: Older) -> bool:
    """Is there no room to wait in any more?"""
    try:
        older.ask(first, 0.0)
    except StoreError as error:
        return "too many ask" in str(error)
    return False


def test_a_fault_in_the_answer_is_no_answer(rig: Rig) -> None:
    def fault(_history: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(StoreError, match="cannot be used: ZeroDivisionError"):
        rig.older.ask(fault, 20.0)


def test_a_copy_that_keeps_less_is_noticed_by_the_roll_ups(rig: Rig) -> None:
    rig.forget(3)
    rig.copy.rows = readings([])
    past = rig.past()
    assert len(past.range([0], T0, T0 + 3 * DAY, 10)) == 0
    assert (past.is_whole([0], T0), past.is_whole([1], T0)) == (False, True)
    rig.whole.forget_days(T0 + 2 * DAY)
    rig.whole.forget_hours(T0 + 2 * DAY)
    assert past.buckets([0], T0 + 1, T0 + 3 * DAY, 100).count.tolist() == [1, 1]
    assert past.missing is None


def test_an_entered_value_that_is_another_journals_is_nobodys(rig: Rig) -> None:
    """Stream 2 of the bucket may be another person's: the journal was restored from an older backup, or begun anew."""
    rig.forget(3)
    mine = rig.past().range([2], T0, T0 + 3 * DAY, 10)
    assert mine.value.tolist() == [61.0, 62.0]
    foreign = replace(readings([(2, T0 + 5 * HOUR, 90.0, 0)]), ordinal=np.array([77], np.uint64))
    rig.copy.rows = ReadingBatch.concat([foreign, mine])
    assert rig.past().range([2], T0, T0 + 3 * DAY, 10).value.tolist() == [61.0, 62.0]
    found = rig.past().buckets([2], T0 + 1, T0 + 3 * DAY, 50)
    assert (found.count.sum(), found.maximum.max()) == (2, 62.0)
    same_hour = replace(foreign, measured_at=mine.measured_at[:1] + 1)
    rig.copy.rows = ReadingBatch.concat([mine.take(slice(0, 1)), same_hour, mine.take(slice(1, 2))])
    assert rig.past().range([2], T0, T0 + 3 * DAY, 10).value.tolist() == [62.0]


def test_more_than_one_answer_may_bring_is_said(rig: Rig) -> None:
    rig.forget(3)
    times = T0 + np.arange(MOST_ROWS, dtype=np.int64)
    rig.copy.rows = readings([(0, at, 60.0, 0) for at in times.tolist()])
    past = rig.past()
    assert len(past.range([0], T0, T0 + 3 * DAY, EVERY_READING)) == MOST_ROWS
    assert (past.missing, past.is_whole([0], T0)) == (Missing(T0, Lack.TOO_MANY), False)


# --- the whole way, from recorded answers ----------------------------------------------------------------------------

ASKED: dict[str, Callable[[Past], Any]] = {
    "past-range": lambda past: past.range([0, 2], T0, T0 + 3 * DAY, 100),
    "past-windows": lambda past: past.buckets([0], T0 + 1, T0 + 3 * DAY, 50),
    "past-entered": lambda past: past.buckets([2], T0 + 1, T0 + 3 * DAY, 50),
}


def chosen(folder: Path, url: str) -> Settings:
    (folder / "token").write_text("t0ken")
    return Settings.model_validate(
        {"data_dir": folder, "influx": {"url": url, "bucket": BUCKET, "token_file": folder / "token"}}
    )


@pytest.mark.parametrize("name", ASKED)
def test_what_influxdb_answers_is_what_was_forgotten(rig: Rig, tmp_path: Path, name: str) -> None:
    rig.forget(2)
    answer = (FOLDER / f"{name}-1.csv").read_text("utf-8").replace("\n", "\r\n")
    with FakeInflux(Told(200, answer, {"Content-Type": "text/csv"})).running() as fake:
        make = past_of(chosen(tmp_path, fake.url), rig.journal, rig.clock)
        assert make is not None
        past = make()
        found = ASKED[name](past)
    assert_same(found, ASKED[name](CopiedPast(rig.whole, rig.older, rig.clock, rollups_end=False)))
    assert (len(fake.requests), past.missing) == (1, None)
    assert ENTERED not in fake.requests[0][2]


@pytest.mark.parametrize("status", [401, 404, 503])
def test_whatever_influxdb_says_instead_the_young_part_is_answered(rig: Rig, tmp_path: Path, status: int) -> None:
    rig.forget(2)
    with FakeInflux(Told(status)).running() as fake:
        make = past_of(chosen(tmp_path, fake.url), rig.journal, rig.clock)
        assert make is not None
        past = make()
        assert past.range([0], T0, T0 + 3 * DAY, 10).value.tolist() == [62.0]
    assert past.missing == Missing(T0 + 2 * DAY, Lack.UNREACHABLE)


def test_without_a_server_there_is_nobody_to_ask(rig: Rig, tmp_path: Path) -> None:
    assert past_of(Settings(data_dir=tmp_path), rig.journal, rig.clock) is None


def record() -> None:
    server = Influxd()
    try:
        with TemporaryDirectory() as name, closing(Rig(Path(name))) as rig:
            to = server.server(BUCKET)
            to.prepare()
            to.write(lines(rig.whole.range([0, 1, 2], T0, T0 + 3 * DAY, 100), heads(STREAMS)))
            rig.forget(2)
            for asked, ask in ASKED.items():
                with FakeInflux(Told(503)).running() as fake:
                    make = past_of(chosen(Path(name), fake.url), rig.journal, rig.clock)
                    assert make is not None
                    ask(make())
                answer = server.flux(_question(fake.requests[0][2]), annotated=True)
                (FOLDER / f"{asked}-1.csv").write_text(answer.replace("\r\n", "\n"), "utf-8")
    finally:
        server.close()


def _question(body: str) -> str:
    return str(json.loads(body)["query"])


if __name__ == "__main__":
    record()

"""What every ``ReadingStore`` does with readings, streams, latest values and scores."""

from __future__ import annotations

import threading
from dataclasses import fields

import numpy as np
import pytest

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import NAN, T0, commit, readings, streams, unsequenced
from vigil.domain.errors import InvalidInput, StoreError
from vigil.domain.quality import Quality
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.scores import Band, Score, ScorePart, ScoreStatus
from vigil.store import ReadingStore

Stores = Opener[ReadingStore]
S = 1_000_000


def same(left: ReadingBatch, right: ReadingBatch) -> bool:
    return all(
        np.array_equal(getattr(left, f.name), getattr(right, f.name), equal_nan=f.name == "value") for f in fields(left)
    )


def test_a_batch_comes_back_as_it_was_committed_with_ordinals_from_1(reading_stores: Stores) -> None:
    store = reading_stores.open()
    given = readings([(0, T0, 97.0, 0), (1, T0, NAN, int(Quality.NO_VALUE)), (0, T0 + S, 96.5, 2)])
    stored = store.commit(commit(given, streams(2)))
    assert stored.ordinal.tolist() == [1, 2, 3]
    assert given.ordinal.tolist() == [0, 0, 0]
    assert same(store.after(0, 10), stored)
    assert same(reading_stores.reopen().after(0, 10), stored)


def test_columns_that_are_views_are_stored_right(reading_stores: Stores) -> None:
    store = reading_stores.open()
    whole = readings([(0, T0 + place, float(place), 0) for place in range(10)])
    store.commit(commit(whole.take(slice(None, None, -3)), streams(1)))
    assert store.after(0, 10).value.tolist() == [9.0, 6.0, 3.0, 0.0]


def test_ordinals_are_consecutive_over_commits_and_restarts(reading_stores: Stores) -> None:
    store = reading_stores.open()
    assert store.head() == 0
    store.commit(commit(readings([(0, T0, 1.0, 0)] * 3), streams(1)))
    assert store.head() == 3
    store = reading_stores.reopen()
    assert store.head() == 3
    assert store.commit(commit(readings([(0, T0, 1.0, 0)] * 2))).ordinal.tolist() == [4, 5]
    assert store.commit(commit()).ordinal.tolist() == []
    assert store.commit(commit(readings([(0, T0, 1.0, 0)]))).ordinal.tolist() == [6]


def test_after_pages_through_history_without_gap_or_overlap(reading_stores: Stores) -> None:
    store = reading_stores.open()
    new = streams(1)
    for size in (1, 7, 2, 90):
        store.commit(commit(readings([(0, T0 - place, 1.0, 0) for place in range(size)]), new))
        new = []
    seen: list[int] = []
    while len(page := store.after(seen[-1] if seen else 0, 13)):
        assert len(page) <= 13
        seen += page.ordinal.tolist()
    assert seen == list(range(1, 101))
    assert len(store.after(0, 0)) == 0
    assert len(store.after(2**63, 10)) == 0


def test_streams_are_kept_and_committed_again_change_nothing(reading_stores: Stores) -> None:
    store = reading_stores.open()
    one, two = Stream(0, "w-1", 1, ""), Stream(1, "w-1", 1, "left")
    store.commit(commit(new=[one]))
    store.commit(commit(readings([(1, T0, 1.0, 0)]), new=[one, two, two]))
    assert store.streams() == [one, two]
    assert reading_stores.reopen().streams() == [one, two]


@pytest.mark.parametrize("wrong", [Stream(0, "w-2", 1, ""), Stream(7, "w-1", 1, ""), Stream(2**31, "w-9", 1, "")])
def test_a_stream_that_contradicts_an_earlier_one_is_refused(reading_stores: Stores, wrong: Stream) -> None:
    store = reading_stores.open()
    store.commit(commit(new=[Stream(0, "w-1", 1, "")]))
    with pytest.raises(StoreError, match="contradicts"):
        store.commit(commit(readings([(0, T0, 1.0, 0)]), new=[wrong]))
    assert (store.head(), len(store.streams())) == (0, 1)


def test_a_reading_of_an_unknown_stream_is_refused_and_nothing_of_its_batch_is_kept(reading_stores: Stores) -> None:
    store = reading_stores.open()
    for stream in (1, 5000):
        with pytest.raises(StoreError, match=f"unknown streams: \\[{stream}\\]"):
            store.commit(commit(readings([(0, T0, 1.0, 0), (stream, T0, 1.0, 0)]), streams(1)))
    assert (store.head(), store.streams(), len(store.after(0, 9))) == (0, [], 0)


def test_latest_is_the_newest_valid_value_by_measured_time_then_ordinal(reading_stores: Stores) -> None:
    store = reading_stores.open()
    store.commit(
        commit(
            readings(
                [
                    (0, T0 + 5 * S, 5.0, 0),
                    (0, T0 + 3 * S, 3.0, 0),  # late
                    (1, T0, 1.0, 0),
                    (1, T0, 2.0, int(Quality.LOW_PERFUSION)),  # same time, later ordinal
                    (2, T0, 50.0, int(Quality.CONTACT_LOST)),  # only gated
                ]
            ),
            streams(4),
        )
    )
    for view in (again.latest() for again in reading_stores.now_and_later(store)):
        assert view.value[:2].tolist() == [5.0, 2.0]
        assert view.measured_at[:4].tolist() == [T0 + 5 * S, T0, 0, 0]
        assert view.received_at[0] == T0 + 5 * S + 7
        assert view.quality[:2].tolist() == [0, int(Quality.LOW_PERFUSION)]
        assert view.seen_at[:4].tolist() == [T0 + 5 * S, T0, T0, 0]
        assert view.seen_quality[2] == int(Quality.CONTACT_LOST)
        assert np.isnan(view.value[2:4]).all()


def test_gated_values_and_nan_are_seen_but_never_the_latest(reading_stores: Stores) -> None:
    store = reading_stores.open()
    store.commit(commit(readings([(0, T0, 97.0, 0), (1, T0, 60.0, 0)]), streams(2)))
    store.commit(commit(readings([(0, T0 + S, 40.0, int(Quality.MOTION)), (1, T0 + S, NAN, 0)])))
    for view in (again.latest() for again in reading_stores.now_and_later(store)):
        assert view.value[:2].tolist() == [97.0, 60.0]
        assert view.measured_at[:2].tolist() == [T0, T0]
        assert view.seen_at[:2].tolist() == [T0 + S, T0 + S]


def test_a_value_of_a_clock_that_was_ahead_counts_at_its_stored_time(reading_stores: Stores) -> None:
    store = reading_stores.open()
    store.commit(commit(readings([(0, T0 + S, 97.0, int(Quality.CLOCK_AHEAD)), (0, T0, 96.0, 0)]), streams(1)))
    assert store.latest().value[0] == 97.0


def test_latest_is_a_snapshot_as_long_as_the_streams(reading_stores: Stores) -> None:
    store = reading_stores.open()
    store.commit(commit(readings([(0, T0, 1.0, 0)]), streams(300)))
    before = store.latest()
    assert before.value.size >= 300
    store.commit(commit(readings([(0, T0 + S, 2.0, 0), (299, T0, 3.0, 0)])))
    assert (before.value[0], store.latest().value[0], store.latest().value[299]) == (1.0, 2.0, 3.0)


def test_range_is_ordered_by_measured_time_and_keeps_the_newest(reading_stores: Stores) -> None:
    store = reading_stores.open()
    rows = [(0, T0 + 5, 1.0, 0), (1, T0 + 2, 2.0, 0), (0, T0 + 2, 3.0, 0), (2, T0 + 3, 4.0, 0), (0, T0 + 9, 5.0, 0)]
    store.commit(commit(readings(rows[:3]), streams(3)))
    store.commit(commit(readings(rows[3:])))
    assert store.range([0, 1], T0, T0 + 9, 10).value.tolist() == [2.0, 3.0, 1.0]
    assert store.range([0, 1], T0, T0 + 10, 2).value.tolist() == [1.0, 5.0]
    assert store.range([0], T0 + 2, T0 + 3, 10).ordinal.tolist() == [3]
    for nothing in (([], T0, T0 + 10, 10), ([0], T0 + 9, T0, 10), ([0], T0, T0 + 10, 0), ([7], T0, T0 + 10, 10)):
        assert len(store.range(*nothing)) == 0


def test_a_bucket_ends_with_its_newest_value_however_late_others_came(reading_stores: Stores) -> None:
    store = reading_stores.open()
    store.commit(commit(readings([(0, T0 + 4, 4.0, 0), (0, T0 + 4, 5.0, 0), (0, T0 + 1, 1.0, 0)]), streams(2)))
    store.commit(commit(readings([(0, T0 + 3, 3.0, 0), (1, T0 + 2, 9.0, 0), (0, T0 + 7, 7.0, int(Quality.MOTION))])))
    found = store.buckets([0, 1], T0, T0 + 10, 2)
    assert found.start.tolist() == [T0, T0 + 5]
    assert (found.count.tolist(), found.bad.tolist()) == ([5, 0], [0, 1])
    found = store.buckets([0, 1], T0, T0 + 5, 1)
    assert (found.last.tolist(), found.maximum.tolist(), found.count.tolist()) == ([5.0], [9.0], [5])


def test_buckets_want_at_least_one_point(reading_stores: Stores) -> None:
    store = reading_stores.open()
    with pytest.raises(InvalidInput, match="points"):
        store.buckets([0], T0, T0 + S, 0)
    assert store.buckets([], T0, T0 + S, 5).count.tolist() == []


def test_unsequenced_readings_are_found_by_stream_and_raw_device_time(reading_stores: Stores) -> None:
    store = reading_stores.open()
    store.commit(commit(unsequenced([(0, T0, 1.0, 0), (1, T0 + S, 1.0, 0)]), streams(3)))
    store.commit(commit(readings([(2, T0, 1.0, 0)])))
    store.commit(commit(unsequenced([(2, T0 + 5 * S, 1.0, 0)])))
    asked = [(0, T0), (0, T0 + S), (1, T0), (1, T0 + S), (2, T0), (2, T0 + 5 * S), (0, 0)]
    for again in reading_stores.now_and_later(store):
        assert again.has_unsequenced(asked) == {(0, T0), (1, T0 + S), (2, T0 + 5 * S)}
        assert again.has_unsequenced([]) == set()


def score(at: int, patient_id: str = "p-1", **changes: object) -> Score:
    parts = (ScorePart("resp_rate", 18.0, 0, T0, 2.5), ScorePart("consciousness", None, None, None, None, True))
    base: dict[str, object] = {
        "name": "news2",
        "patient_id": patient_id,
        "at": at,
        "status": ScoreStatus.PARTIAL,
        "total": None,
        "lower": 0,
        "upper": 3,
        "band": None,
        "single_3": False,
        "parts": parts,
        "missing": ("consciousness",),
        "why": "",
    }
    return Score(**{**base, **changes})  # type: ignore[arg-type]


def test_scores_come_back_whole_oldest_first_the_newest_of_them(reading_stores: Stores) -> None:
    store = reading_stores.open()
    full = score(
        T0 + 2, status=ScoreStatus.COMPLETE, total=7, lower=7, upper=7, band=Band.HIGH, single_3=True, missing=()
    )
    none = score(T0 + 1, status=ScoreStatus.NOT_APPLICABLE, lower=None, upper=None, parts=(), why="under 16")
    store.append_scores([score(T0), full])
    store.append_scores([none, score(T0, "p-2")])
    store.append_scores([])
    for again in reading_stores.now_and_later(store):
        assert again.scores("p-1", T0, T0 + 3, 10) == [score(T0), none, full]
        assert again.scores("p-1", T0, T0 + 2, 1) == [none]
        assert again.scores("p-3", T0, T0 + 3, 10) == []
    again.append_scores([score(T0 + 2, total=1)])
    assert [one.total for one in again.scores("p-1", T0 + 2, T0 + 3, 10)] == [7, 1]


def test_of_each_span_the_worst_score(reading_stores: Stores) -> None:
    store = reading_stores.open()
    bounds = [2, 5, 1, None, 0, 3, 3]  # None: out of scope, worth less than any
    store.append_scores([score(T0 + at, lower=lower) for at, lower in enumerate(bounds)])
    store.append_scores([score(T0 + 1, "p-2", lower=9), score(T0 + 5, status=ScoreStatus.COMPLETE, total=4, lower=4)])

    def found(of: ReadingStore, start: int, end: int, points: int) -> list[tuple[int, int | None]]:
        return [(one.at - T0, one.lower) for one in of.worst_scores("p-1", T0 + start, T0 + end, points)]

    for again in reading_stores.now_and_later(store):
        assert found(again, 0, 6, 2) == [(1, 5), (5, 4)]
        assert found(again, 0, 6, 6) == [(0, 2), (1, 5), (2, 1), (3, None), (4, 0), (5, 4)]
        assert found(again, 2, 7, 1) == [(5, 4)]
        assert found(again, 6, 7, 10) == [(6, 3)]
        assert found(again, 3, 3, 1) == []


def test_readers_in_other_threads_see_whole_commits_while_one_writes(reading_stores: Stores) -> None:
    store = reading_stores.open()
    store.commit(commit(new=streams(5)))
    done = threading.Event()
    faults: list[tuple[str, object]] = []

    def follow() -> None:
        seen = 0
        while not (done.is_set() and seen == store.head()):
            page = store.after(seen, 1000)
            if page.ordinal.tolist() != list(range(seen + 1, seen + 1 + len(page))):
                faults.append(("gap", seen))
            seen += len(page)

    def ask() -> None:
        while not done.is_set():
            counts = store.buckets([0, 1, 2, 3, 4], T0, T0 + 1000, 1).count.tolist()
            if counts and counts[0] % 5:
                faults.append(("half a commit", counts))
            # ``head`` may be one commit behind what is committed, never more
            if len(store.range([0], T0, T0 + 1000, 10**6)) > store.head() // 5 + 1:
                faults.append(("range", 0))
            newest = store.latest().value[:5]
            if newest[0] > newest[4]:
                faults.append(("half an update", newest))

    threads = [threading.Thread(target=target) for target in (follow, follow, ask, ask)]
    for thread in threads:
        thread.start()
    for place in range(100):
        store.commit(commit(readings([(stream, T0 + place, float(place), 0) for stream in range(5)])))
    done.set()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert store.head() == 500


def test_threads_that_commit_at_once_get_ordinals_of_their_own(reading_stores: Stores) -> None:
    store = reading_stores.open()
    store.commit(commit(new=streams(4)))
    got: list[list[int]] = [[] for _ in range(4)]

    def write(stream: int) -> None:
        for place in range(20):
            stored = store.commit(commit(readings([(stream, T0 + place, 0.0, 0)] * 3)))
            got[stream] += stored.ordinal.tolist()

    threads = [threading.Thread(target=write, args=(stream,)) for stream in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ordinal for mine in got for ordinal in mine) == list(range(1, 241))
    kept = store.after(0, 1000)
    assert {stream: kept.ordinal[kept.stream == stream].tolist() for stream in range(4)} == dict(enumerate(got))


def test_a_closed_store_says_so_and_closes_again(reading_stores: Stores) -> None:
    store = reading_stores.open()
    store.commit(commit(new=streams(1)))
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.commit(commit(readings([(0, T0, 1.0, 0)])))
    with pytest.raises(StoreError, match="closed"):
        store.range([0], T0, T0 + S, 1)


def test_deliveries_of_a_device_are_counted_by_receipt(reading_stores: Stores) -> None:
    store = reading_stores.open()
    new = [Stream(0, "w-1", 0, ""), Stream(1, "w-1", 1, ""), Stream(2, "w-2", 0, "")]
    stored = store.commit(commit(readings([(0, T0, 1.0, 0), (1, T0, 2.0, 0), (2, T0, 3.0, 0)]), new))
    received = int(stored.received_at[0])
    assert store.delivered("w-1", received) == 2
    assert store.delivered("w-2", received) == 1
    assert store.delivered("w-1", received + 1) == 0
    assert store.delivered("w-9", 0) == 0

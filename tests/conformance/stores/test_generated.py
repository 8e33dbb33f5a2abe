"""Range, buckets, latest and paging against a plain computation over all readings, for any readings and commits."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import NAN, T0, commit, readings, streams
from vigil.domain.quality import GATED, Quality
from vigil.store import Buckets, ReadingStore

Stores = Opener[ReadingStore]
EACH = settings(max_examples=40, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
VALUE = st.one_of(st.floats(-1e6, 1e6), st.just(NAN), st.sampled_from([0.0, -0.0, 97.0]))
QUALITY = st.sampled_from([0, int(Quality.LOW_PERFUSION), int(Quality.MOTION), int(Quality.CLOCK_AHEAD | Quality.TEST)])
ROW = st.tuples(st.integers(0, 3), st.integers(T0, T0 + 60), VALUE, QUALITY)
ROWS = st.lists(ROW, max_size=60)
Rows = list[tuple[int, int, float, int]]


def filled(stores: Stores, rows: Rows, cuts: int) -> tuple[ReadingStore, Rows]:
    """A fresh store with the rows in ``cuts`` commits, and the rows in order of ordinal."""
    store = stores.fresh()
    store.commit(commit(new=streams(4)))
    ordered: Rows = []
    for cut in range(cuts):
        ordered += rows[cut::cuts]
        store.commit(commit(readings(rows[cut::cuts])))
    return store, ordered


def valid(row: tuple[int, int, float, int]) -> bool:
    return not math.isnan(row[2]) and not row[3] & GATED


def expected_buckets(rows: Rows, chosen: set[int], start: int, end: int, points: int) -> list[tuple[float, ...]]:
    width = max(1, math.ceil((end - start) / points))
    held: dict[int, list[tuple[int, int, float]]] = {}
    bad: dict[int, int] = {}
    for ordinal, row in enumerate(rows):
        if row[0] in chosen and start <= row[1] < end:
            place = (row[1] - start) // width
            values_there = held.setdefault(place, [])
            if valid(row):
                values_there.append((row[1], ordinal, row[2]))
            else:
                bad[place] = bad.get(place, 0) + 1
    found: list[tuple[float, ...]] = []
    for place in sorted(held):
        if not held[place]:
            found.append((start + place * width, math.nan, math.nan, math.nan, math.nan, 0, bad[place]))
            continue
        values = np.array([value for _, _, value in held[place]])
        found.append(
            (
                start + place * width,
                values.min(),
                values.max(),
                math.fsum(values) / len(values),
                max(held[place])[2],
                len(values),
                bad.get(place, 0),
            )
        )
    return found


def assert_buckets(found: Buckets, expected: list[tuple[float, ...]]) -> None:
    start, low, high, mean, last, count, bad = zip(*expected, strict=True) if expected else ((),) * 7
    assert found.start.tolist() == list(start)
    np.testing.assert_array_equal(found.minimum, np.array(low, np.float64))
    np.testing.assert_array_equal(found.maximum, np.array(high, np.float64))
    np.testing.assert_array_equal(found.last, np.array(last, np.float64))
    assert found.bad.tolist() == list(bad)
    assert found.count.tolist() == list(count)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12, atol=1e-9)


@EACH
@given(
    rows=ROWS,
    cuts=st.integers(1, 4),
    chosen=st.sets(st.integers(0, 4)),
    start=st.integers(T0 - 5, T0 + 40),
    length=st.integers(-2, 90),
    points=st.one_of(st.integers(1, 5), st.integers(1, 70)),
)
def test_buckets_are_exact(
    reading_stores: Stores, rows: Rows, cuts: int, chosen: set[int], start: int, length: int, points: int
) -> None:
    store, ordered = filled(reading_stores, rows, cuts)
    found = store.buckets(sorted(chosen), start, start + length, points)
    assert_buckets(found, expected_buckets(ordered, chosen, start, start + length, points))
    assert len(found.start) <= points


@EACH
@given(
    rows=ROWS,
    cuts=st.integers(1, 4),
    chosen=st.sets(st.integers(0, 4)),
    start=st.integers(T0 - 5, T0 + 40),
    length=st.integers(-2, 90),
    limit=st.integers(0, 70),
)
def test_range_is_the_sorted_filtered_history(
    reading_stores: Stores, rows: Rows, cuts: int, chosen: set[int], start: int, length: int, limit: int
) -> None:
    store, ordered = filled(reading_stores, rows, cuts)
    found = store.range(sorted(chosen), start, start + length, limit)
    inside = [
        (row[1], ordinal + 1)
        for ordinal, row in enumerate(ordered)
        if row[0] in chosen and start <= row[1] < start + length
    ]
    newest = sorted(inside)[-limit:] if limit else []
    assert list(zip(found.measured_at.tolist(), found.ordinal.tolist(), strict=True)) == newest
    np.testing.assert_array_equal(found.value, [ordered[ordinal - 1][2] for _, ordinal in newest])


@EACH
@given(rows=ROWS, cuts=st.integers(1, 4))
def test_latest_and_history_are_the_same_before_and_after_a_restart(
    reading_stores: Stores, rows: Rows, cuts: int
) -> None:
    store, ordered = filled(reading_stores, rows, cuts)
    for again in reading_stores.now_and_later(store):
        view = again.latest()
        for stream in range(4):
            mine = [(row[1], ordinal, row) for ordinal, row in enumerate(ordered) if row[0] == stream]
            seen = max(mine, default=(0, 0, (0, 0, NAN, 0)))[2]
            best = max((one for one in mine if valid(one[2])), default=(0, 0, (0, 0, NAN, 0)))[2]
            assert (view.seen_at[stream], view.seen_quality[stream]) == (seen[1], seen[3])
            assert (view.measured_at[stream], view.quality[stream]) == (best[1], best[3])
            np.testing.assert_array_equal(view.value[stream], best[2])
        assert again.head() == len(ordered)
        np.testing.assert_array_equal(again.after(0, 1000).value, [row[2] for row in ordered])

"""The engine as a whole: bit-equal for any split, compiled or not, with conditions and events; no row of the pool is lost."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.detectors.contract import HIGH, LOW
from analytics.quality import COUNTS
from tests.unit.analytics.engine_bed import (
    SLOTS,
    Columns,
    columns,
    copied,
    engine,
    judged,
    memory,
    random_columns,
    together,
)
from vigil.domain.times import DAY, MINUTE, SECOND

cuts = st.lists(st.integers(0, 300), max_size=6)


def bounds(size: int, at: list[int]) -> list[tuple[int, int]]:
    edges = sorted({0, size, *(cut for cut in at if cut < size)})
    return list(itertools.pairwise(edges))


@settings(max_examples=60)
@given(rows=columns(), at=cuts)
def test_bit_equal_for_any_split(rows: Columns, at: list[int]) -> None:
    one, other, single = engine(), engine(), engine()
    whole = together([(judged(one, rows), 0)])
    split = [(judged(other, rows.take(slice(a, b))), a) for a, b in bounds(len(rows), at)]
    alone = [(judged(single, rows.take(slice(row, row + 1))), row) for row in range(len(rows))]
    # Columns (detectors, n) of parts come one after the other.
    assert together(split) == whole
    assert together(alone) == whole
    assert memory(one) == memory(other) == memory(single)


@settings(max_examples=40)
@given(rows=columns(), at=st.integers(0, 300))
def test_bit_equal_compiled_and_not_also_when_replaced_in_the_middle(rows: Columns, at: int) -> None:
    fast, slow, mixed = engine(), engine(plain=True), engine(plain=True)
    whole = together([(judged(fast, rows), 0)])
    assert together([(judged(slow, rows), 0)]) == whole
    assert memory(fast) == memory(slow)
    at = min(at, len(rows) - 1)
    parts = [(judged(mixed, rows.take(slice(0, at))), 0)] if at else []
    mixed.kernels = fast.kernels
    parts.append((judged(mixed, rows.take(slice(at, None))), at))
    assert together(parts) == whole
    assert memory(mixed) == memory(fast)


def test_a_long_drawn_history_finds_something_of_most_detectors() -> None:
    """So that the tests above compare events and not their absence."""
    one = engine()
    found = judged(one, random_columns(1, 20_000))
    names = {one.detectors[number].name for number, events in found.events if events.size}
    assert {"limit", "unverified", "rate"} <= names
    assert found.flags.any()
    assert {int(what) for _, events in found.events for what in events["what"]} == {0, 1, 2, 3, 4}


def test_events_come_detector_by_detector_each_in_order_of_row() -> None:
    found = judged(engine(), random_columns(11, 20_000))
    numbers = [number for number, _ in found.events]
    assert numbers == sorted(set(numbers))
    assert len(numbers) > 2
    for number, events in found.events:
        assert (events["detector"] == number).all()
        assert (np.diff(events["row"]) >= 0).all()
        began = events[events["what"] == 0]
        assert (found.codes[number, began["row"]] & (LOW | HIGH) != 0).all()


@settings(max_examples=30)
@given(rows=columns(), slot=st.integers(0, len(SLOTS) - 1), after=columns())
def test_a_slot_set_back_to_a_copy_goes_on_from_there(rows: Columns, slot: int, after: Columns) -> None:
    one, other = engine(), engine()
    judged(one, rows)
    judged(other, rows)
    copy, running = one.copy_slot(slot)
    mine = after.slot == slot
    more = Columns(after.slot[mine], after.at[mine] + 30 * DAY, after.value[mine], after.quality[mine])
    judged(one, more)
    one.put_slot(slot, copy, running)
    assert memory(one) == memory(other)
    if len(more):
        assert together([(judged(one, more), 0)]) == together([(judged(other, more), 0)])


def test_a_slot_set_back_to_nothing_is_fresh() -> None:
    one, fresh = engine(), engine()
    judged(one, random_columns(2, 3000))
    for slot in range(len(SLOTS)):
        one.put_slot(slot, None, {})
    assert memory(one) == memory(fresh)
    assert one.pool.in_use == 0


def test_a_copy_is_no_view() -> None:
    one = engine()
    rows = random_columns(3, 500)
    judged(one, rows)
    copies = [one.copy_slot(slot) for slot in range(len(SLOTS))]
    kept = [(row.tobytes(), {n: condition.tobytes() for n, condition in of.items()}) for row, of in copies]
    assert any(of for _, of in copies)
    more = random_columns(4, 500)
    judged(one, Columns(more.slot, more.at + 30 * DAY, more.value, more.quality))
    assert [(row.tobytes(), {n: each.tobytes() for n, each in of.items()}) for row, of in copies] == kept


def test_rows_of_the_pool_are_given_back() -> None:
    """Thousands of conditions come and go; afterwards as many rows are in use as conditions run, and the pool stays small."""
    one = engine()
    began = 0
    for seed in range(30):
        rows = random_columns(seed, 1500)
        part = Columns(rows.slot, rows.at + seed * 400 * DAY, rows.value, rows.quality)
        began += sum(int((events["what"] == 0).sum()) for _, events in judged(one, part).events)
        running = sum(len(one.running(slot)) for slot in range(len(SLOTS)))
        assert one.pool.in_use == running
        used = one.pool.rows.size - int(one.pool.count[1])
        assert len(set(one.pool.free[: int(one.pool.count[1])].tolist())) == one.pool.rows.size - used
    assert began > 1000
    assert one.pool.rows.size < 4 * 1500  # room for every odd value of one batch, twice over


def test_a_forgotten_condition_is_gone_and_its_row_free() -> None:
    one = engine()
    at = np.arange(30, dtype=np.int64) * SECOND + 1_767_225_600_000_000
    zeros = np.zeros(30, np.int64)
    one.update(zeros, at, np.full(30, 84.0), np.zeros(30, np.uint16))
    number = one.numbers["limit"]
    before = one.pool.in_use
    assert one.condition(number, 0) is not None
    one.forget_condition(number, 0, 1)
    assert one.condition(number, 0) is not None
    one.forget_condition(number, 0, 0)
    one.forget_condition(number, 0, 0)
    assert one.condition(number, 0) is None
    assert one.pool.in_use == before - 1


@pytest.mark.parametrize("seed", range(3))
def test_a_gated_value_feeds_no_detector_but_that_of_doubts(seed: int) -> None:
    """The same memory as if only the values that count had come."""
    one, other = engine(), engine()
    rows = random_columns(seed, 4000)
    found = judged(one, rows)
    counted = found.gate == COUNTS
    assert 0.5 < counted.mean() < 1
    assert not found.weight[~counted].any()
    # The gate has said its word: the other engine takes the rest as it comes.
    other.profiles.gate[:] = 0.0
    alone = judged(other, rows.take(np.flatnonzero(counted)))
    for number, detector in enumerate(one.detectors):
        if detector.of_gated:
            continue
        np.testing.assert_array_equal(one.state[number][: one.size], other.state[number][: one.size], detector.name)
        np.testing.assert_array_equal(found.scores[number][counted], alone.scores[number], detector.name)
        assert np.isnan(found.scores[number][~counted]).all(), detector.name
        assert not found.codes[number][~counted].any(), detector.name


def test_slots_may_be_many_and_new_ones_are_watched_by_nobody() -> None:
    one = engine()
    rows = random_columns(5, 300)
    judged(one, rows)
    before = memory(one)
    one.extend_to(3000)
    assert memory(one)[: len(before)] == before
    last = np.full(3, 2999, np.int64)
    found = one.update(last, rows.at[:3] + 30 * DAY, np.array([50.0, 40.0, 30.0]), np.zeros(3, np.uint16))
    assert not found.codes.any()
    assert found.events == []


@pytest.mark.parametrize("slot", [-1, len(SLOTS)])
def test_a_slot_that_does_not_exist_is_refused(slot: int) -> None:
    one, fresh = engine(), engine()
    rows = random_columns(8, 2)
    with pytest.raises(IndexError):
        one.update(np.array([0, slot]), rows.at, rows.value, rows.quality)
    assert memory(one) == memory(fresh)


def test_no_readings_no_events() -> None:
    one = engine()
    none = np.empty(0, np.int64)
    found = one.update(none, none, np.empty(0), np.empty(0, np.uint16))
    assert (found.gate.size, found.events) == (0, [])


def test_strided_columns_are_taken_as_they_are() -> None:
    rows = random_columns(6, 400)
    twice = Columns(
        np.repeat(rows.slot, 2), np.repeat(rows.at, 2), np.repeat(rows.value, 2), np.repeat(rows.quality, 2)
    )
    strided = twice.take(slice(None, None, 2))
    one, other = engine(), engine()
    assert together([(judged(one, strided), 0)]) == together([(judged(other, rows), 0)])


# --- snapshot -------------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(rows=columns(), at=st.integers(0, 300))
def test_saved_at_any_point_and_loaded_it_goes_on_the_same(rows: Columns, at: int) -> None:
    one, other = engine(), engine()
    at = min(at, len(rows))
    judged(one, rows.take(slice(0, at)))
    other.load(copied(one.saved("engine")), "engine")
    assert memory(other) == memory(one)
    assert other.pool.in_use == one.pool.in_use
    rest = rows.take(slice(at, None))
    assert together([(judged(other, rest), 0)]) == together([(judged(one, rest), 0)])
    assert memory(other) == memory(one)


def test_a_clear_delay_is_not_lost_with_the_process() -> None:
    one, other = engine(), engine()
    at = np.arange(60, dtype=np.int64) * SECOND + 1_767_225_600_000_000
    low = np.where(np.arange(60) < 20, 84.0, 97.0)
    one.update(np.zeros(60, np.int64), at, low, np.zeros(60, np.uint16))
    other.load(one.saved("engine"), "engine")
    end = np.array([at[20] + MINUTE])
    found = other.update(np.zeros(1, np.int64), end, np.array([97.0]), np.zeros(1, np.uint16))
    number = other.numbers["limit"]
    assert [int(events["what"][0]) for each, events in found.events if each == number] == [3]

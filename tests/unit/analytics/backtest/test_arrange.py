"""The one order of a table's readings, found in the quick ways and in the one that always serves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.backtest import arrange
from analytics.backtest.arrange import taken
from analytics.engine.compiled import Kernels
from tests.unit.analytics.backtest.given import START, Row, world
from tests.unit.analytics.ward import compiled
from vigil.domain.readings import COLUMN_TYPES, NO_SEQUENCE, ReadingBatch
from vigil.domain.times import MINUTE

#: Of which patient each of the streams is.
OWNERS = np.array([0, 0, 0, 1, 1], np.int32)


def batch(rows: int, seed: int, minutes: int, *, at_once: bool) -> ReadingBatch:
    """Readings of all streams at whole minutes in any order; ``at_once``: received when measured, as one column."""
    rng = np.random.default_rng(seed)
    measured = START + rng.integers(0, minutes, rows) * MINUTE
    never = np.full(rows, NO_SEQUENCE, np.uint32)
    return ReadingBatch(
        ordinal=np.arange(rows, dtype=np.uint64),
        stream=rng.integers(0, OWNERS.size, rows).astype(np.uint32),
        measured_at=measured,
        device_time=measured,
        received_at=measured if at_once else measured + rng.integers(0, 3, rows) * MINUTE,
        value=rng.choice([np.nan, 0.0, 1.0, 2.0], rows),
        quality=rng.integers(0, 2, rows).astype(np.uint16),
        epoch=never,
        seq=never,
    )


def columns(of: ReadingBatch) -> dict[str, list[object]]:
    """NaN as None; ordinals left out, by which equal rows differ."""
    found = {name: getattr(of, name).tolist() for name in COLUMN_TYPES if name != "ordinal"}
    return found | {"value": [None if value != value else value for value in found["value"]]}


@given(st.integers(0, 200), st.integers(0, 10_000), st.integers(1, 2000), st.booleans())
@settings(max_examples=60)
def test_one_key_orders_as_all_columns_do(rows: int, seed: int, minutes: int, at_once: bool) -> None:
    given_rows = batch(rows, seed, minutes, at_once=at_once)
    owner = OWNERS[given_rows.stream]
    quick = arrange._by_one_key(given_rows, owner)
    if quick is not None:
        whole = arrange._by_all_columns(given_rows, owner)
        assert columns(given_rows.take(quick)) == columns(given_rows.take(whole))
        assert sorted(quick.tolist()) == list(range(rows))


def _changing(of: ReadingBatch) -> tuple[NDArray[Any], ...]:
    return of.stream, of.value, of.quality


def _rows(of: ReadingBatch) -> list[str]:
    return sorted(repr(row) for row in zip(*(each.tolist() for each in _changing(of)), strict=True))


@pytest.mark.parametrize("kernels", [Kernels(), None], ids=["plain", "compiled"])
@given(st.integers(0, 200), st.integers(0, 10_000), st.integers(1, 2000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_rows_in_order_of_time_are_only_sorted_within_each_time(
    kernels: Kernels | None, rows: int, seed: int, minutes: int, shuffled: bool
) -> None:
    given_rows = batch(rows, seed, minutes, at_once=True)
    if not shuffled:
        given_rows = taken(given_rows, np.lexsort((given_rows.measured_at, OWNERS[given_rows.stream])))
    owner, at = OWNERS[given_rows.stream], given_rows.measured_at
    whole = given_rows.take(arrange._by_all_columns(given_rows, owner))
    before = _rows(given_rows)
    found = (kernels or compiled())(arrange.order_kernel)(given_rows.stream, at, OWNERS, *_changing(given_rows)[1:])
    keys = [*zip(owner.tolist(), at.tolist(), strict=True)]
    alone = len(set(zip(given_rows.stream.tolist(), at.tolist(), strict=True))) == rows
    assert found == (keys == sorted(keys) and alone)
    assert _rows(given_rows) == before
    if found:
        assert columns(given_rows) == columns(whole)


@pytest.mark.parametrize("at_once", [True, False])
def test_few_ties_are_sorted_by_all_columns_and_many_left_to_duckdb(at_once: bool) -> None:
    few, many = batch(300, 1, 1000 if at_once else 3000, at_once=at_once), batch(300, 1, 3, at_once=at_once)
    found = arrange._by_one_key(few, OWNERS[few.stream])
    assert found is not None
    keys = {
        *zip(OWNERS[few.stream].tolist(), few.received_at.tolist(), *([few.stream.tolist()] * at_once), strict=True)
    }
    assert len(keys) < len(few), "there are ties among them"
    assert arrange._by_one_key(many, OWNERS[many.stream]) is None


def test_a_key_that_would_be_too_large_is_not_made() -> None:
    rows = batch(50, 2, 5000, at_once=True)
    far = rows.measured_at.copy()
    far[0] = 2**61
    owner = OWNERS[rows.stream]
    assert arrange._by_one_key(replace(rows, measured_at=far, device_time=far, received_at=far), owner) is None
    assert arrange._by_one_key(rows, owner) is not None


@given(st.integers(0, 60), st.integers(0, 10_000), st.integers(1, 300), st.booleans(), st.sampled_from([1, 20_000]))
@settings(max_examples=80)
def test_where_each_time_stands_once_there_is_no_copy(
    rows: int, seed: int, minutes: int, at_once: bool, apart: int
) -> None:
    """``apart``: stream numbers of more than 16 bits too."""
    given_rows = batch(rows, seed, minutes, at_once=at_once)
    given_rows = given_rows.take(arrange._by_all_columns(given_rows, OWNERS[given_rows.stream]))
    at = given_rows.device_time
    given_rows = replace(
        given_rows, stream=given_rows.stream * np.uint32(apart), received_at=at if at_once else given_rows.received_at
    )
    times = [*zip(given_rows.stream.tolist(), at.tolist(), strict=True)]
    if arrange._each_time_once(given_rows):
        assert len(set(times)) == len(times)
    elif at_once:
        assert len(set(times)) < len(times)


def test_columns_that_are_one_array_stay_one() -> None:
    of = world([Row("p-1", "spo2", START + n * MINUTE, 90.0 + n, START + n * MINUTE) for n in range(5)]).history.batch
    of = replace(of, received_at=of.measured_at)
    part = taken(of, np.array([3, 1]))
    assert part.value.tolist() == [93.0, 91.0]
    assert part.received_at is part.measured_at
    assert part.epoch is part.seq


@pytest.mark.parametrize("kernels", [Kernels(), None], ids=["plain", "compiled"])
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), max_size=40), st.booleans())
@settings(max_examples=60, deadline=None)
def test_rows_are_grouped_by_slot_where_each_is_newer_than_the_one_before(
    kernels: Kernels | None, rows: list[tuple[int, int]], ascending: bool
) -> None:
    slot = np.array([each for each, _ in rows], np.int64)
    at = START + np.array(sorted({at for _, at in rows}) if ascending else [at for _, at in rows], np.int64)
    slot = slot[: at.size]
    room = np.zeros(5, np.int64), np.zeros(4, np.int64), np.full(at.size, -1)
    found = (kernels or compiled())(arrange.group_kernel)(slot, at, *room)
    order = np.argsort(slot, kind="stable")
    alike = slot[order][1:] == slot[order][:-1]
    assert found == bool((at[order][1:] > at[order][:-1])[alike].all())
    if found:
        assert room[-1].tolist() == order.tolist()

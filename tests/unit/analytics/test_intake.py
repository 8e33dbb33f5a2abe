"""What comes in order is judged at once, with checkpoints on the way; what is late is set aside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.checkpoints import STEP, Checkpoint, Checkpoints
from analytics.intake import Intake, Taken
from tests.unit.analytics.engine_bed import SLOTS, Columns, columns, engine, memory, random_columns
from tests.unit.analytics.ward import START
from vigil.domain.readings import NO_SEQUENCE, ReadingBatch
from vigil.domain.times import DAY, HOUR, SECOND

NOW = START + 400 * DAY


def intake() -> Intake:
    made = Intake(engine())
    made.extend_to(len(SLOTS))
    return made


def batch(given: Columns) -> ReadingBatch:
    never = np.full(len(given), NO_SEQUENCE, np.uint32)
    ordinal = np.arange(1, len(given) + 1, dtype=np.uint64)
    return ReadingBatch(
        ordinal, given.slot.astype(np.uint32), given.at, given.at, given.at, given.value, given.quality, never, never
    )


def take(of: Intake, given: Columns, now: int = NOW) -> Taken:
    return of.take(given.slot, batch(given), now)


def readings(*given: tuple[float, float], slot: int = 0) -> Columns:
    """(hour, value)."""
    at = np.array([START + round(hour * HOUR) for hour, _ in given], np.int64)
    value = np.array([each for _, each in given], np.float64)
    return Columns(np.full(len(given), slot, np.int64), at, value, np.zeros(len(given), np.uint16))


def kept(of: Intake, slot: int = 0) -> list[int]:
    """Boundaries in hours, found through the interface."""
    found, at = [], NOW
    while (each := of.checkpoints.before(slot, at)) is not None:
        found.append((each.boundary - START) // HOUR)
        at = each.boundary - 1
    return found


def test_late_ones_are_set_aside_and_repeated_ones_left_out() -> None:
    of = intake()
    found = take(of, readings((1, 97), (3, 96), (2, 70), (3, 96), (4, 95)))
    assert found.rows.tolist() == [0, 1, 4]
    assert found.late.tolist() == [2]
    assert found.judged.gate.size == 3
    assert not found.judged.codes.any()


def test_events_name_the_row_among_the_judged_in_order() -> None:
    of = intake()
    second = 1 / 3600
    rows = readings((0, 97), (second, 78), (second / 2, 77), (2 * second, 76))
    found = take(of, rows)
    assert found.rows.tolist() == [0, 1, 3]
    rows_of_events = found.events["event"]["row"].tolist()
    assert rows_of_events == sorted(rows_of_events)
    limit = of.engine.numbers["limit"]
    assert rows_of_events[found.events["detector"].tolist().index(limit)] == 1


def test_a_checkpoint_before_the_first_reading_of_each_step() -> None:
    of = intake()
    take(of, readings((0, 97), (1, 97), (5.9, 97)))
    assert kept(of) == []
    take(of, readings((6.5, 97), (7, 97), (30, 97)), now=START + 30 * HOUR)
    assert kept(of) == [30, 6]
    of.checkpoints.drop_after(0, START + 29 * HOUR)
    assert kept(of) == [6]
    assert kept(of, slot=1) == []


def test_a_checkpoint_is_the_memory_before_its_boundary() -> None:
    of, until = intake(), intake()
    rows = random_columns(1, 3000)
    take(of, rows)
    for slot in range(len(SLOTS)):
        found = of.checkpoints.before(slot, NOW)
        assert found is not None
        before = (rows.slot == slot) & (rows.at < found.boundary)
        take(until, rows.take(np.flatnonzero(before)))
        row, running = until.engine.copy_slot(slot)
        np.testing.assert_array_equal(row, found.row)
        assert sorted(running) == sorted(found.running)
        assert found.boundary % STEP == 0


@settings(max_examples=40)
@given(rows=columns(), sizes=st.lists(st.integers(1, 60), max_size=12))
def test_the_same_for_any_split(rows: Columns, sizes: Sequence[int]) -> None:
    one, other = intake(), intake()
    whole = take(one, rows)
    start, late, events = 0, 0, 0
    for size in [*sizes, len(rows)]:
        if start < len(rows):
            part = take(other, rows.take(slice(start, start + size)))
            late, events = late + part.late.size, events + part.events.size
        start += size
    assert memory(one.engine) == memory(other.engine)
    assert (late, events) == (whole.late.size, whole.events.size)
    assert [kept(one, slot) for slot in range(len(SLOTS))] == [kept(other, slot) for slot in range(len(SLOTS))]


# --- checkpoints ----------------------------------------------------------------------------------------------------------


def test_old_checkpoints_go_as_far_as_no_reading_of_a_day_needs_them() -> None:
    of = Checkpoints()
    now = START + 100 * HOUR
    for hour in (60, 66, 72, 78, 84, 90, 96):
        of.add(5, Checkpoint(START + hour * HOUR, np.zeros(3), {}), now)
    first = of.before(5, now - DAY)
    assert first is not None
    assert first.boundary == START + 72 * HOUR
    assert of.before(5, START + 71 * HOUR) is None
    assert of.before(4, now) is None


def test_checkpoints_survive_a_restart() -> None:
    of = intake()
    rows = random_columns(2, 3000)
    take(of, rows)
    loaded = Checkpoints()
    loaded.load(of.checkpoints.saved("c"), "c")
    for slot in range(len(SLOTS)):
        for at in (NOW, int(rows.at[1500]), START + SECOND):
            one, other = of.checkpoints.before(slot, at), loaded.before(slot, at)
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                np.testing.assert_array_equal(one.row, other.row)
                assert one.boundary == other.boundary
                assert {n: each.tobytes() for n, each in one.running.items()} == {
                    n: each.tobytes() for n, each in other.running.items()
                }

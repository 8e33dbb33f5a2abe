"""Interval sets against plain sets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.sequences import SeqSet, Sequences

NUMBERS = st.lists(st.integers(0, 40) | st.integers(0, 2**32 - 2), max_size=60)


def intervals(numbers: set[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


@given(loaded=NUMBERS, added=NUMBERS, asked=NUMBERS)
def test_an_interval_set_is_a_set(loaded: list[int], added: list[int], asked: list[int]) -> None:
    plain = set(loaded)
    seqs = SeqSet(np.array(sorted(plain), np.uint32))
    for number in added:
        assert seqs.add(number) == (number not in plain)
        plain.add(number)
    assert seqs.intervals() == intervals(plain)
    assert seqs.run() == (intervals(plain)[0] if plain else None)
    assert [number in seqs for number in asked] == [number in plain for number in asked]


@given(loaded=NUMBERS, ranges=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), max_size=20))
def test_ranges_join_what_they_touch(loaded: list[int], ranges: list[tuple[int, int]]) -> None:
    plain = set(loaded)
    seqs = SeqSet(np.array(sorted(plain), np.uint32))
    for first, more in ranges:
        seqs.add_range(first, first + more)
        plain |= set(range(first, first + more + 1))
    assert seqs.intervals() == intervals(plain)
    assert seqs.top() == max(plain, default=-1)


@given(numbers=st.sets(st.integers(0, 60), max_size=40), within=st.integers(1, 80))
def test_what_is_missing_reaches_from_the_first_hole_as_far_as_asked_for(numbers: set[int], within: int) -> None:
    found = SeqSet(np.array(sorted(numbers), np.uint32)).missing(within)
    lacking = [seq for seq in range(max(numbers, default=0)) if seq not in numbers]
    if not lacking:
        assert found is None
        return
    first = lacking[0]
    hole = next(seq for seq in range(first, 61) if seq in numbers) - 1
    inside = [seq for seq in lacking if seq < first + within]
    assert found == (first, max(hole, inside[-1]))


def test_an_epoch_without_its_first_packs_is_acknowledged_once_they_are_passed_over() -> None:
    sequences = Sequences([("w-1", 7, np.array([5, 6, 9], np.uint32))])
    assert sequences.acknowledged("w-1", 7) is None
    sequences.pass_over("w-1", 7, 0, 4)
    assert sequences.acknowledged("w-1", 7) == 6
    assert not sequences.has("w-1", 7, 4), "passed over is not stored"
    sequences.add("w-1", 7, 7)
    sequences.add("w-1", 7, 8)
    assert sequences.acknowledged("w-1", 7) == 9
    assert sequences.acknowledged("w-2", 7) is None
    assert sequences.lacking("w-1", 7, 3, 12) == 3


def test_only_a_number_below_the_greatest_has_filled_a_hole() -> None:
    sequences = Sequences()
    for seq in (0, 1, 5, 6):
        sequences.add("w-1", 7, seq)
    assert sequences.take_filled() == {}
    sequences.add("w-1", 7, 4)
    sequences.add("w-1", 7, 3)
    assert sequences.take_filled() == {("w-1", 7): 3}
    assert sequences.take_filled() == {}

"""Interval sets against plain sets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.sequences import SETTLE_S, SeqSet, Sequences

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


def test_history_that_does_not_start_at_0_is_settled() -> None:
    sequences = Sequences([("w-1", 7, np.array([5, 6, 9], np.uint32))])
    assert sequences.acknowledged("w-1", 7, now=0.0) is None
    assert sequences.acknowledged("w-1", 7, now=SETTLE_S) == 6
    sequences.add("w-1", 7, 3, now=100.0)
    assert sequences.acknowledged("w-1", 7, now=100.0 + SETTLE_S - 1) is None
    assert sequences.acknowledged("w-1", 7, now=100.0 + SETTLE_S) == 3
    assert sequences.acknowledged("w-2", 7, now=0.0) is None

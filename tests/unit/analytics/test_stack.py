"""The pass over a batch that is written for all detectors at once, beside the detectors one by one."""

from __future__ import annotations

import numpy as np

from analytics.detectors import detectors
from analytics.engine.stack import rows_of, stack_of
from tests.unit.analytics.engine_bed import engine, judged, memory, random_columns, together
from tests.unit.analytics.ward import compiled


def test_a_long_drawn_history_is_judged_alike_to_the_last_bit() -> None:
    fast, slow = engine(), engine(plain=True)
    assert compiled()(stack_of(fast.detectors)) is not stack_of(fast.detectors), "or both are the same"
    rows = random_columns(21, 4000)
    assert together([(judged(fast, rows), 0)]) == together([(judged(slow, rows), 0)])
    assert memory(fast) == memory(slow)


def test_a_detector_that_failed_uncompiled_says_nothing_compiled() -> None:
    one, other = engine(), engine()
    number = one.numbers["baseline"]
    one.failed.add(number)
    rows = random_columns(22, 4000)
    found, whole = judged(one, rows), judged(other, rows)
    assert np.isnan(found.scores[number]).all()
    assert not found.codes[number].any()
    assert (one.state[number] == engine().state[number]).all(), "nor does it learn"
    for each in set(one.numbers.values()) - {number}:
        np.testing.assert_array_equal(found.scores[each], whole.scores[each])


def test_what_is_kept_on_disk_for_other_detectors_is_not_taken_for_these() -> None:
    """numba finds it by the name of the function."""
    names = [stack_of(each).__name__ for each in (detectors(), detectors()[::-1], detectors()[1:])]
    names += [rows_of(each).__name__ for each in detectors()]
    assert len(names) == len(set(names))


def test_the_memory_of_a_slot_begins_where_a_cache_line_does() -> None:
    one = engine()
    for size in (1, 300, 5000):
        one.extend_to(size)
        assert one.record.ctypes.data % 64 == 0

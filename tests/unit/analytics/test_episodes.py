"""Events become episodes, and those of several sensors one."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.engine.conditions import BEGAN, DROPPED, EASED, ENDED, EVENT, ROW, TRUE, WORSE
from analytics.episodes import Episode, brought_up, covered, episodes, merged
from analytics.intake import STEPPED

AT = np.arange(0, 1000, 10, dtype=np.int64)


def events(*given: tuple[int, int, int, float, int, int]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """(row, what, level, peak, onset, end) of detector 3, low side."""
    found = np.zeros(len(given), STEPPED)
    for place, (row, what, level, peak, onset, end) in enumerate(given):
        event = np.zeros(1, EVENT)
        event["row"], event["what"], event["level"], event["peak"] = row, what, level, peak
        event["onset"], event["end"], event["peak_at"] = onset, end, row * 10
        found[place] = (3, event[0])
    return found


def running(onset: int, peak: float, level: int = 1) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    row = np.zeros(1, ROW)
    row["status"][0, 0], row["onset"][0, 0], row["peak"][0, 0], row["level"][0, 0] = TRUE, onset, peak, level
    row["peak_at"][0, 0], row["last_at"] = onset + 5, onset + 7
    result: np.ndarray[tuple[int], np.dtype[np.void]] = row[0]
    return result


def span(onset: int, end: int | None, peak: float = 80.0, decided: int | None = None) -> Episode:
    closed = 0 if end is None else end + 60
    return Episode(onset, end, peak, onset, 1, onset if decided is None else decided, closed)


def test_from_the_first_event_to_the_last() -> None:
    found = episodes(
        events((2, BEGAN, 1, 85, 5, 0), (3, WORSE, 2, 78, 5, 0), (8, EASED, 1, 77, 5, 0), (20, ENDED, 1, 76, 5, 140)),
        AT,
    )
    assert found == {(3, 0): [Episode(5, 140, 76, 200, 2, 20, 200)]}


def test_what_was_dropped_before_its_delay_was_over_is_none() -> None:
    assert episodes(events((2, DROPPED, 0, 85, 5, 20)), AT) == {}


def test_one_that_ran_before_the_first_reading_ends_or_goes_on() -> None:
    before = {3: running(-50, 80)}
    assert episodes(events(), AT, before) == {(3, 0): [Episode(-50, None, 80, -45, 1, -43)]}
    ended = episodes(events((4, ENDED, 1, 79, -50, 30), (9, BEGAN, 1, 85, 85, 0)), AT, before)
    assert ended == {(3, 0): [Episode(-50, 30, 79, 40, 1, -43, 40), Episode(85, None, 85, 90, 1, 90)]}


def test_an_open_one_is_brought_up_to_the_peak_of_now() -> None:
    found = episodes(events((2, BEGAN, 1, 85, 5, 0)), AT)
    assert brought_up(found, {3: running(5, 71)})[3, 0][0].peak == 71
    closed = episodes(events((2, BEGAN, 1, 85, 5, 0), (4, ENDED, 1, 85, 5, 30)), AT)
    assert brought_up(closed, {3: running(60, 71)})[3, 0][0].peak == 85


MERGED = [
    ([(0, 10), (20, 30)], [(0, 10), (20, 30)]),
    ([(0, 10), (10, 30)], [(0, 30)]),
    ([(0, 40), (10, 20)], [(0, 40)]),
    ([(20, 30), (0, 25)], [(0, 30)]),
    ([(0, None), (10, 20)], [(0, None)]),
    ([(0, 10), (5, None), (90, 99)], [(0, None)]),
    ([], []),
]


@pytest.mark.parametrize(("given", "expected"), MERGED)
def test_times_of_several_sensors(given: list[tuple[int, int | None]], expected: list[tuple[int, int | None]]) -> None:
    found = merged([span(*each) for each in given], low=True)
    assert [(each.onset, each.end) for each in found] == expected
    assert all((each.closed == 0) == (each.end is None) for each in found)


def test_of_several_sensors_the_worst_value_and_the_earliest_decision_count() -> None:
    one, two = span(0, 50, 84.0, decided=15), span(5, 30, 79.0, decided=12)
    assert merged([one, two], low=True)[0].peak == 79
    assert merged([one, two], low=False)[0].peak == 84
    both = merged([two, one], low=True)[0]
    assert (both.peak_at, both.decided, both.closed) == (5, 12, 110)


def test_overlap_and_cover() -> None:
    each = span(10, 20)
    assert [each.overlaps(*other) for other in ((0, 9), (0, 10), (15, 16), (20, 30), (21, 30), (5, None), (21, None))] == [
        False, True, True, True, False, True, False,
    ]  # fmt: skip
    assert span(10, None).overlaps(500, 600)
    assert covered(each, [(0, 5), (18, 19)])
    assert not covered(each, [(0, 5), (25, None)])
    assert not covered(each, [])

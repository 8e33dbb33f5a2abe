"""Rows side by side: each exactly once, few of them without a thread, and no error is lost."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from analytics.risk.sides import LEAST_ROWS, side_by_side


@pytest.mark.parametrize("count", [0, 1, LEAST_ROWS, 2 * LEAST_ROWS, 2 * LEAST_ROWS + 1, 10 * LEAST_ROWS + 7])
def test_every_row_is_worked_on_once(count: int) -> None:
    seen = np.zeros(count, np.int64)

    def work(rows: slice) -> None:
        seen[rows] += 1

    side_by_side(count, work)
    assert (seen == 1).all()


def test_few_rows_stay_in_the_thread_that_asks() -> None:
    threads = []
    side_by_side(LEAST_ROWS, lambda rows: threads.append((threading.get_ident(), rows)))
    assert threads == [(threading.get_ident(), slice(0, LEAST_ROWS))]


def test_what_fails_on_any_side_is_told() -> None:
    def work(rows: slice) -> None:
        if rows.stop == 4 * LEAST_ROWS:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        side_by_side(4 * LEAST_ROWS, work)

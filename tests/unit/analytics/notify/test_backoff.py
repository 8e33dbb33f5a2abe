"""When a notice is tried again: waits grow, are the same in a replay, and end after the time that each priority has."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.notify.backoff import JITTER, PLANS, next_try
from vigil.domain.alerts import Priority
from vigil.domain.times import HOUR, MINUTE, SECOND

LEAST = {Priority.HIGH: 10 * MINUTE, Priority.MEDIUM: 10 * MINUTE, Priority.LOW: HOUR}


def tries(delivery_id: str, priority: Priority) -> list[int]:
    """The moments of all tries when each fails at once, the first at 0."""
    moments = [0]
    while (again := next_try(delivery_id, priority, len(moments), moments[-1])) is not None:
        moments.append(again)
    return moments


@given(delivery_id=st.text(max_size=30), priority=st.sampled_from(Priority))
def test_it_is_tried_for_long_enough_and_not_for_ever(delivery_id: str, priority: Priority) -> None:
    moments = tries(delivery_id, priority)
    assert len(moments) == PLANS[priority].tries
    assert LEAST[priority] <= moments[-1] <= LEAST[priority] * 1.3
    waits = [after - before for before, after in pairwise(moments)]
    plan = PLANS[priority]
    for number, wait in enumerate(waits, 1):
        assert plan.wait_s(number) * SECOND <= wait <= plan.wait_s(number) * (1 + JITTER) * SECOND + 1
    assert tries(delivery_id, priority) == moments


def test_what_failed_together_is_not_tried_together_again() -> None:
    again = {next_try(f"d-{number}", Priority.HIGH, 5, 0) for number in range(200)}
    assert len(again) == 200


@pytest.mark.parametrize("priority", Priority)
def test_no_try_after_the_last_one(priority: Priority) -> None:
    last = PLANS[priority].tries
    assert next_try("d-1", priority, last - 1, 0) is not None
    assert next_try("d-1", priority, last, 0) is None
    assert next_try("d-1", priority, last + 5, 0) is None

"""The rules of senders: due times, the window, what an acknowledgement covers, new epochs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.readings import NO_SEQUENCE
from vigil.wire.packs import Ack
from vigil.wire.resend import ResendRule, covers, new_epoch

RULE = ResendRule()


def test_delays_follow_the_contract() -> None:
    assert [RULE.delay_s(attempts) for attempts in range(1, 8)] == [30, 60, 120, 240, 480, 600, 600]


@given(st.integers(0, 10**9))
def test_a_delay_is_never_shorter_than_the_first_nor_longer_than_the_longest(attempts: int) -> None:
    assert 30.0 <= RULE.delay_s(attempts) <= 600.0
    assert RULE.delay_s(attempts) <= RULE.delay_s(attempts + 1)


@pytest.mark.parametrize(
    ("due_at_s", "now_s", "due"),
    [(0.0, 0.0, True), (100.0, 99.9, False), (100.0, 100.0, True), (700.0, 100.0, False), (700.1, 100.0, True)],
)
def test_due(due_at_s: float, now_s: float, due: bool) -> None:
    assert RULE.is_due(due_at_s, now_s) is due


@given(st.lists(st.integers(0, 2000), min_size=1, unique=True))
def test_the_oldest_is_always_allowed_and_never_more_than_the_window(unacknowledged: list[int]) -> None:
    oldest = min(unacknowledged)
    allowed = [seq for seq in unacknowledged if RULE.in_window(seq, oldest)]
    assert oldest in allowed
    assert len(allowed) <= RULE.window


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_an_acknowledgement_covers_its_own_epoch_up_to_its_number(epoch: int, seq: int, acked: int, upto: int) -> None:
    assert covers(Ack(acked, upto), epoch, seq) is (epoch == acked and seq <= upto)


def test_the_same_seed_at_another_time_gives_another_epoch() -> None:
    starts = range(1_767_225_600_000_000, 1_767_225_600_000_000 + 1_000_000, 1000)
    epochs = {new_epoch(np.random.default_rng(7), now_us) for now_us in starts}
    assert len(epochs) == len(starts)
    assert all(0 <= epoch < NO_SEQUENCE for epoch in epochs)

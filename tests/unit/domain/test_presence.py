"""Presence: a reconnection is no event, an absence is one, and a gateway speaks for devices that say nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.presence import (
    NOTHING_SAID,
    OFFLINE_AFTER_US,
    By,
    Connection,
    Seen,
    State,
    connection,
    heard,
    settled,
)
from vigil.domain.times import SECOND
from vigil.runtime.clock import ManualClock


def told(*words: tuple[float, str]) -> tuple[Seen | None, int]:
    """What is known after these words, each said so many seconds after the one before; and the time then."""
    clock, seen = ManualClock(), None
    for wait_s, word in words:
        clock.advance(wait_s)
        if word:
            seen = heard(seen, word == "online", clock.now_us())
    return seen, clock.now_us()


def now(*words: tuple[float, str]) -> tuple[str, float]:
    """State, and for how many seconds."""
    seen, at = told(*words)
    found = connection(seen, (), at)
    assert found.since is not None
    return found.state.value, (at - found.since) / SECOND


def test_online_since_the_first_word() -> None:
    assert now((0, "online"), (10, "")) == ("online", 10)
    assert now((0, "online"), (10, "online"), (5, "")) == ("online", 15)


def test_a_reconnection_within_the_delay_is_no_event() -> None:
    assert now((0, "online"), (100, "offline"), (44, "")) == ("online", 144)
    assert now((0, "online"), (100, "offline"), (44, "online"), (1000, "")) == ("online", 1144)


def test_offline_counts_after_the_delay_from_when_it_was_heard() -> None:
    assert now((0, "online"), (100, "offline"), (45, "")) == ("offline", 45)
    assert now((0, "online"), (100, "offline"), (20, "offline"), (25, "")) == ("offline", 45)


def test_back_after_an_absence_is_a_new_online() -> None:
    assert now((0, "online"), (100, "offline"), (46, "online"), (2, "")) == ("online", 2)


def test_the_retained_word_after_a_start_of_the_platform() -> None:
    assert now((0, "offline"), (44, "")) == ("unknown", 44)
    assert now((0, "offline"), (45, "")) == ("offline", 45)
    assert now((0, "offline"), (10, "online"), (1, "")) == ("online", 1)


def test_a_device_without_a_word_is_as_present_as_its_best_gateway() -> None:
    away, here, later = Seen(State.OFFLINE, 1), Seen(State.ONLINE, 5), Seen(State.ONLINE, 7)
    assert connection(None, (), 9) == NOTHING_SAID
    assert connection(None, (away,), 9) == Connection(State.OFFLINE, 1, By.GATEWAY)
    assert connection(None, (away, later, here), 9) == Connection(State.ONLINE, 5, By.GATEWAY)
    assert connection(Seen(State.OFFLINE, 2), (here,), 9) == Connection(State.OFFLINE, 2, By.DEVICE)


@given(st.lists(st.tuples(st.integers(0, 100), st.booleans()), min_size=1, max_size=40), st.integers(0, 100))
def test_whenever_it_is_looked_at_the_answer_is_the_same(words: list[tuple[int, bool]], wait_s: int) -> None:
    """Settling in between, as the counting of changes does, changes nothing; the last "online" always wins."""
    seen: Seen | None = None
    watched: Seen | None = None
    at = 0
    for gap_s, online in words:
        at += gap_s * SECOND
        seen = heard(seen, online, at)
        watched = settled(heard(settled(watched, at) if watched else None, online, at), at)
    end = at + wait_s * SECOND
    assert seen is not None
    assert watched is not None
    assert settled(seen, end) == settled(watched, end)
    if words[-1][1]:
        assert settled(seen, end).state is State.ONLINE
    elif end - at >= OFFLINE_AFTER_US:
        assert settled(seen, end).state is State.OFFLINE

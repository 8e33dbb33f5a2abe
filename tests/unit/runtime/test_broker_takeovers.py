"""Which take-overs of connections are told as two clients with one account."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.runtime.broker.takeovers import (
    MOST_ACCOUNTS,
    TIMES,
    WITHIN_S,
    Recogniser,
    account_of,
    takeover_line,
)
from vigil.runtime.clock import ManualClock


def told(pauses_s: list[float]) -> list[bool]:
    """What is said at each take-over of one account, the pauses lying before them."""
    clock = ManualClock()
    recogniser = Recogniser(clock)
    said = []
    for pause in pauses_s:
        clock.advance(pause)
        said.append(recogniser.shared("w-1"))
    return said


@pytest.mark.parametrize(
    ("pauses_s", "expected"),
    [
        ([0.0] * (TIMES - 1), [False] * (TIMES - 1)),
        ([1.0] * TIMES, [False] * (TIMES - 1) + [True]),
        # a client that tries again every two minutes
        ([120.0] * TIMES, [False] * (TIMES - 1) + [True]),
        # a device behind a bad line, an hour between its half-open connections
        ([3600.0] * 20, [False] * 20),
        ([WITHIN_S / (TIMES - 1) + 1] * 20, [False] * 20),
    ],
)
def test_how_many_in_what_time_are_two_clients(pauses_s: list[float], expected: list[bool]) -> None:
    assert told(pauses_s) == expected


def test_two_clients_that_go_on_are_told_once_in_ten_minutes() -> None:
    said = told([1.0] * 3600)
    assert [at + 1 for at, one in enumerate(said) if one] == [5, 605, 1205, 1805, 2405, 3005]


def test_accounts_are_counted_apart() -> None:
    recogniser = Recogniser(ManualClock())
    assert not any(recogniser.shared(f"w-{number}") for number in range(20))


def test_it_does_not_remember_accounts_for_ever() -> None:
    recogniser = Recogniser(ManualClock())
    for _ in range(TIMES - 1):
        assert not recogniser.shared("w-1")
    for number in range(MOST_ACCOUNTS):
        recogniser.shared(f"other-{number}")
    assert not recogniser.shared("w-1")


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True))
def test_the_line_names_the_account(account: str) -> None:
    assert account_of(takeover_line(account)) == account


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Client w-1 disconnected.",
        "Client w-1 already connected, closing old connection. ",
        "x Client w-1 already connected, closing old connection.",
        "Client w 1 already connected, closing old connection.",
        "Client w-1 already connected, closing old connection.\n",
    ],
)
def test_other_lines_name_nobody(line: str) -> None:
    assert account_of(line) is None

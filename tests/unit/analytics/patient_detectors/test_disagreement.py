from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.patient_detectors.disagreement import FRESH, MARGINS, Memory, Span, disagreement
from simulators.replay.bidmc import load
from vigil.domain.errors import InvalidInput
from vigil.domain.times import MINUTE
from vigil.domain.vitals import BY_NAME

START = 1_767_225_600_000_000


def spans(drawn: str, memory: Memory = FRESH) -> tuple[list[Span], Memory]:
    """One letter a minute: ``=`` agrees, ``x`` differs by 12, ``.`` has one source only, a blank is not there."""
    at = np.array([START + (place + 1) * MINUTE for place, letter in enumerate(drawn) if letter != " "], np.int64)
    b = np.array([{"=": 85.0, "x": 92.0, ".": np.nan}[letter] for letter in drawn if letter != " "])
    return disagreement(at, np.full(b.size, 80.0), b, MARGINS["heart_rate"], memory)


def minutes(span: Span) -> tuple[int, int, int | None]:
    """Began, told, ended: minutes after the start."""
    ended = None if span.ended is None else (span.ended - START) // MINUTE
    return (span.began - START) // MINUTE, (span.told - START) // MINUTE, ended


@pytest.mark.parametrize(
    ("drawn", "ended", "goes_on"),
    [
        ("=====", [], None),
        ("xxxx==xxxx==", [], None),  # four of six is not enough
        ("xxxxx", [], (0, 5, None)),
        ("xx=xxx", [], (0, 6, None)),  # five of six
        ("xx.xxx", [], (0, 6, None)),
        ("xx=x.xx", [], None),  # four of the last six
        ("xx  xxx", [], None),  # missing minutes pass too
        ("==xxxxx==x==", [], (2, 7, None)),  # two agreeing minutes do not end it
        ("==xxxxx===", [(2, 7, 7)], None),
        ("xxxxx=.=.=", [(0, 5, 5)], None),  # minutes with one source neither end it nor go against the end
        ("xxxxx......", [], (0, 5, None)),  # silence does not end it
        ("xxxxx===x", [(0, 5, 5)], None),  # a new one needs five minutes of its own
        ("xxxxx===xxxxx", [(0, 5, 5)], (8, 13, None)),
    ],
)
def test_drawn_minutes(drawn: str, ended: list[tuple[int, int, int]], goes_on: tuple[int, int, None] | None) -> None:
    found, memory = spans(drawn)
    assert [minutes(span) for span in found] == ended
    assert (None if memory.open is None else minutes(memory.open)) == goes_on


def test_the_margin_itself_agrees() -> None:
    at = START + np.arange(1, 11) * MINUTE
    assert disagreement(at, np.full(10, 80.0), np.full(10, 90.0), 10.0)[1].open is None
    assert disagreement(at, np.full(10, 80.0), np.full(10, 69.9), 10.0)[1].open is not None


def test_the_largest_difference_is_kept() -> None:
    at = START + np.arange(1, 10) * MINUTE
    _, memory = disagreement(at, np.full(9, 80.0), np.array([95.0] * 6 + [120.0, 95.0, 95.0]), 10.0)
    assert memory.open is not None
    assert memory.open.largest == 40.0


@given(st.text("==xxx. ", max_size=60), st.data())
def test_any_split_gives_the_same(drawn: str, data: st.DataObject) -> None:
    whole, whole_memory = spans(drawn)
    found: list[Span] = []
    memory = FRESH
    at = 0
    while at < len(drawn):
        until = data.draw(st.integers(at + 1, len(drawn)))
        part, memory = spans(" " * at + drawn[at:until], memory)
        found += part
        at = until
    assert (found, memory) == (whole, whole_memory)


def test_minutes_that_do_not_ascend_are_refused() -> None:
    _, memory = spans("===")
    with pytest.raises(InvalidInput, match="ascend"):
        spans("===", memory)


def test_every_margin_is_of_a_vital() -> None:
    assert set(MARGINS) <= set(BY_NAME)


@pytest.mark.recordings
def test_bursts_of_seconds_on_bidmc_are_not_a_disagreement(recordings: Path) -> None:
    """Heart rate from the ECG against the pulse at the finger, 8 minutes each, 27 people."""
    seconds = minutes_apart = 0
    for person in load(recordings / "bidmc"):
        both = np.stack([person.columns["hr", None], person.columns["hr", "finger"]])
        seconds += int((np.abs(both[0] - both[1]) >= 10.0).sum())
        whole = both[:, : both.shape[1] // 60 * 60].reshape(2, -1, 60)
        a, b = np.nanmedian(whole, axis=2)
        minutes_apart += int((np.abs(a - b) > 10.0).sum())
        ended, memory = disagreement(START + np.arange(1, a.size + 1) * MINUTE, a, b, MARGINS["heart_rate"])
        assert not ended
        assert memory.open is None
    assert seconds > 400
    assert minutes_apart == 2

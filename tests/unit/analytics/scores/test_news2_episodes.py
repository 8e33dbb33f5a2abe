"""Episodes of NEWS2 on the minute grid, against drawn lines and against the live rule itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.engine.compiled import Kernels
from analytics.news2_rule import News2Rule
from analytics.scores.grades import graded
from analytics.scores.news2 import news2_columns
from analytics.scores.news2_episodes import GridEpisode, fold, fresh_state, news2_episodes, open_episode
from analytics.scores.persistence import Persistence
from vigil.domain.alerts import Alert, Step
from vigil.domain.lifecycle import Event, Stamp, apply
from vigil.domain.news2 import INPUTS, News2, News2Inputs, news2
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.readings import I64
from vigil.domain.scores import Score, ScorePart
from vigil.domain.times import MINUTE

NAN = math.nan
NORMAL = (16.0, 98.0, 0.0, 120.0, 70.0, 0.0, 37.0)
#: Letters of the drawn lines: what of the normal inputs is different.
LETTERS: dict[str, dict[str, float]] = {
    "0": {},
    "1": {"resp_rate": 25.0},  # a single 3
    "4": {"heart_rate": 120.0, "bp_sys": 95.0},
    "5": {"heart_rate": 120.0, "bp_sys": 95.0, "body_temp": 38.5},
    "7": {"resp_rate": 25.0, "heart_rate": 120.0, "bp_sys": 95.0},
    "9": {"resp_rate": 25.0, "heart_rate": 131.0, "bp_sys": 85.0},
    "?": dict.fromkeys(INPUTS, NAN) | {"spo2": 98.0},
    "b": {"resp_rate": 25.0, "heart_rate": 120.0, "bp_sys": NAN},  # 5, and pressure not known
    "r": {"resp_rate": NAN},
}
Inputs = tuple[float, ...]


def inputs_of(letter: str) -> Inputs:
    return tuple(LETTERS[letter].get(name, value) for name, value in zip(INPUTS, NORMAL, strict=True))


def columns(line: list[tuple[int, Inputs]]) -> tuple[I64, Any]:
    """``line``: number of the minute's end and its inputs."""
    inputs = np.array([each for _, each in line]).reshape(-1, len(INPUTS))
    ends = np.array([number * MINUTE for number, _ in line], np.int64)
    return ends, news2_columns(inputs, np.zeros(len(line), np.uint8))


def drawn(text: str) -> list[tuple[int, Inputs]]:
    """One letter a minute from minute 10 on; a dot is a minute that is missing from the grid."""
    return [(10 + place, inputs_of(letter)) for place, letter in enumerate(text) if letter != "."]


# line -> (onset, end, peak, peak_at, level, began_at, decided_at) in minutes from the first
CASES: list[tuple[str, list[tuple[int | None, ...]]]] = [
    ("004400", []),
    ("0500", [(1, 2, 5, 1, 2, 1, 3)]),
    ("05", [(1, None, 5, 1, 2, 1, None)]),
    ("0505050", [(1, None, 5, 1, 2, 1, None)]),  # never lower for a minute
    ("05050500", [(1, 6, 5, 1, 2, 1, 7)]),
    ("15795500", [(0, 6, 9, 3, 3, 2, 7)]),  # rises at once, eases after a minute
    ("7550500", [(0, 5, 7, 0, 3, 0, 6)]),  # eased to medium, so the 0 between is no end
    ("7504", [(0, 1, 7, 0, 3, 0, 2)]),  # lower for a minute, and nothing wanted then: ends in one step
    ("7??????", [(0, None, 7, 0, 3, 0, None)]),
    ("7??00", [(0, 3, 7, 0, 3, 0, 4)]),
    ("70r00", [(0, 3, 7, 0, 3, 0, 4)]),  # breathing scored: not known, so the count starts anew
    ("50rr0", [(0, 1, 5, 0, 2, 0, 2)]),  # breathing did not score in the alert
    ("7bbb", [(0, None, 7, 0, 3, 0, None)]),  # 5 only because pressure is not known
    ("70...00", [(0, 5, 7, 0, 3, 0, 6)]),  # the gap says nothing
    ("7.....7", [(0, None, 7, 0, 3, 0, None)]),
    ("500500", [(0, 1, 5, 0, 2, 0, 2), (3, 4, 5, 3, 2, 3, 5)]),
]


def in_minutes(episode: GridEpisode) -> tuple[int | None, ...]:
    def minutes(at: int | None) -> int | None:
        return None if at is None else at // MINUTE - 10

    return (
        minutes(episode.onset), minutes(episode.end), episode.peak, minutes(episode.peak_at), episode.level,
        minutes(episode.began_at), minutes(episode.decided_at),
    )  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_drawn_line(text: str, expected: list[tuple[int | None, ...]], compiled: Kernels) -> None:
    found = news2_episodes(*columns(drawn(text)))
    assert [in_minutes(episode) for episode in found] == expected
    assert news2_episodes(*columns(drawn(text)), kernels=compiled) == found


def test_a_longer_clear_delay() -> None:
    ends, scores = columns(drawn("5000500000"))
    assert [in_minutes(each)[1:] for each in news2_episodes(ends, scores, 5 * MINUTE)] == [(None, 5, 0, 2, 0, None)]
    assert [in_minutes(each)[1] for each in news2_episodes(ends, scores, 4 * MINUTE)] == [5]


minutes = st.lists(st.tuples(st.sampled_from((1, 1, 1, 1, 1, 4)), st.sampled_from("00001455779?br")), max_size=40).map(
    lambda steps: [(10 + sum(s for s, _ in steps[: n + 1]), inputs_of(letter)) for n, (_, letter) in enumerate(steps)]
)
clear_delays = st.sampled_from((0, 1, MINUTE, MINUTE + 1, 3 * MINUTE))


@given(minutes, st.lists(st.integers(0, 40), max_size=4), clear_delays)
def test_any_split_gives_the_same_episodes(
    compiled: Kernels, line: list[tuple[int, Inputs]], cuts: list[int], clear_us: int
) -> None:
    ends, scores = columns(line)
    state, found = fresh_state(), []
    for part in np.split(np.arange(len(line)), sorted(min(cut, len(line)) for cut in cuts)):
        found += fold(state, ends[part], scores[part], clear_us, compiled)
    last = open_episode(state)
    assert found + ([] if last is None else [last]) == news2_episodes(ends, scores, clear_us)


def test_minutes_that_do_not_ascend_are_refused() -> None:
    ends, scores = columns(drawn("05"))
    state = fresh_state()
    fold(state, ends, scores)
    for wrong in (ends, ends[::-1]):
        with pytest.raises(ValueError, match="ascend"):
            fold(state, wrong, scores)


# --- the live rule --------------------------------------------------------------------------------------------------


class Ward:
    """One patient whose alert is kept by the real life cycle; the rule sees it as in the product."""

    def __init__(self, clear_us: int, delays_us: tuple[int, int, int]) -> None:
        self.alert: Alert | None = None
        self.now = 0
        self.lines: list[tuple[Step, int, int | None]] = []
        self.book = self
        self._policy = SimpleNamespace(news2=True, news2_clear_delay_s=clear_us / 1e6, news2_delays_us=delays_us)

    def active(self, *_: str) -> Alert | None:
        return self.alert if self.alert is not None and self.alert.active else None

    def policy(self, _: str) -> Any:
        return self._policy

    def policy_version(self, _: str) -> int:
        return 1

    def stamp(self, cause: str, measured_at: int | None = None) -> Stamp:
        return Stamp(cause, self.now, measured_at=measured_at)

    def submit(self, _: str, __: str, event: Event) -> None:
        made = apply(self.active(), event, BEDSIDE_POLICY)
        if made is not None:
            self.alert = made.after
            self.lines.append((made.step, made.after.priority.rank, made.after.ended_at))

    def lost(self, *_: Any) -> None:
        """Data loss is told by another rule."""

    back = lost


def score_of(result: News2, at: int, doubtful: str = "") -> Score:
    parts = tuple(
        ScorePart(name, 0.0, result.points[name], at, 0.0, doubt="weak" if name == doubtful else "") for name in INPUTS
    )
    return Score(
        "news2", "p", at, result.status, result.total, result.lower, result.upper, result.band, result.single_3, parts,
        result.missing,
    )  # fmt: skip


def judged(
    line: list[tuple[int, Inputs]], clear_us: int, delays_us: tuple[int, int, int], doubtful: Sequence[str] = ()
) -> list[tuple[int, int | None, int, int | None]]:
    """Onset, end, greatest level and when the end was decided, from the log of the live rule judged once a minute. In a minute
    that is missing from the grid it judges a score with nothing known. ``doubtful``: an input by minute of the
    line, empty = none."""
    ward = Ward(clear_us, delays_us)
    rule = News2Rule(cast(Any, ward), cast(Any, ward), cast(Any, ward), Persistence())
    known = dict(line)
    doubt = {number: name for (number, _), name in zip(line, doubtful, strict=False)}
    found: list[tuple[int, int | None, int, int | None]] = []
    for number in range(min(known, default=0), max(known, default=-1) + 1):
        now = ward.now = number * MINUTE
        rr, spo2, oxygen, bp, hr, consciousness, temp = known.get(number, (NAN,) * 7)
        inputs = News2Inputs(
            rr, spo2, None if math.isnan(oxygen) else oxygen == 1, bp, hr,
            None if math.isnan(consciousness) else consciousness == 0, temp,
        )  # fmt: skip
        rule.judge(score_of(news2(inputs), now, doubt.get(number, "")), now, f"c{number}", -10 * MINUTE)
        for step, rank, ended_at in ward.lines:
            if step is Step.OPENED:
                found.append((now, None, rank, None))
            onset, _, level, _ = found[-1]
            found[-1] = (onset, ended_at, max(level, rank), None if ended_at is None else now)
        ward.lines.clear()
    return found


delays = st.tuples(*[st.sampled_from([0, MINUTE, 2 * MINUTE, 5 * MINUTE])] * 3)


@settings(max_examples=300)
@given(minutes, clear_delays, delays)
def test_the_same_episodes_as_the_live_rule(
    line: list[tuple[int, Inputs]], clear_us: int, delays_us: tuple[int, int, int]
) -> None:
    found = news2_episodes(*columns(line), clear_us=clear_us, delays_us=delays_us)
    told = [(each.end, each.level, each.decided_at) for each in found]
    assert told == [each[1:] for each in judged(line, clear_us, delays_us)]


@settings(max_examples=300)
@given(
    minutes,
    clear_delays,
    delays,
    st.lists(st.sampled_from(["", "", "resp_rate", "heart_rate"]), min_size=40, max_size=40),
)
def test_the_same_with_doubtful_signals(
    line: list[tuple[int, Inputs]], clear_us: int, delays_us: tuple[int, int, int], doubtful: list[str]
) -> None:
    unsure = np.array([[name == each for name in INPUTS] for each in doubtful[: len(line)]]).reshape(-1, len(INPUTS))
    ends, scores = columns(line)
    found = news2_episodes(ends, scores, clear_us, delays_us=delays_us, by_grade=graded(scores, unsure))
    told = [(each.end, each.level, each.decided_at) for each in found]
    assert told == [each[1:] for each in judged(line, clear_us, delays_us, doubtful)]


# A letter a minute as in the lines above, and below it d where breathing is doubtful -> steps with the rank of their priority.
DOUBTS = [
    ("0077777777", "dddddddddd", [("opened", 2)]),  # called after the delay of a 7, at medium
    ("0077777777", "ddddd     ", [("opened", 2), ("worsened", 3)]),  # then the signal is good for as long
    ("0777777777", "     ddddd", [("opened", 3)]),  # doubt alone eases nothing
    ("0999999999", "dddddddddd", [("opened", 2)]),  # 9, and 6 without breathing
    ("0555577777", "dddddddddd", [("opened", 2), ("worsened", 2)]),  # from 5 to a doubtful 7: called again
]


@pytest.mark.parametrize(("text", "doubt", "expected"), DOUBTS)
def test_a_doubtful_seven_calls_at_medium(text: str, doubt: str, expected: list[tuple[str, int]]) -> None:
    ward = Ward(20 * MINUTE, (60 * MINUTE, 4 * MINUTE, 3 * MINUTE))
    rule = News2Rule(cast(Any, ward), cast(Any, ward), cast(Any, ward), Persistence())
    for number, (letter, sign) in enumerate(zip(text, doubt, strict=True)):
        now = ward.now = number * MINUTE
        rr, spo2, oxygen, bp, hr, consciousness, temp = inputs_of(letter)
        found = news2(News2Inputs(rr, spo2, oxygen == 1, bp, hr, consciousness == 0, temp))
        rule.judge(score_of(found, now, "resp_rate" if sign == "d" else ""), now, f"c{number}", -10 * MINUTE)
    assert [(step.value, rank) for step, rank, _ in ward.lines] == expected


@pytest.mark.parametrize(
    ("text", "onset", "began"),
    [
        ("0555550", 1, 4),
        ("05055055550", 1, 8),  # a dip costs as much as it lasts
        ("05500", None, None),  # stairs
        ("0550005555", 6, 9),  # forgotten after as long a time again
        ("05..5555", 1, 7),  # a gap gathers nothing
    ],
)
def test_a_score_must_last(text: str, onset: int | None, began: int | None) -> None:
    found = news2_episodes(*columns(drawn(text)), delays_us=(0, 3 * MINUTE, 0))
    of_five = [each for each in found if each.level == 2]
    assert [(in_minutes(each)[0], in_minutes(each)[5]) for each in of_five] == (
        [] if began is None else [(onset, began)]
    )

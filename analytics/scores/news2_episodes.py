"""Episodes of NEWS2 on the minute grid, by the rule of ``analytics.news2_rule``, for back-tests and the episode log.

Wanted is grade 4 (lower bound 7 or more), 3 (7 or more, but less without inputs whose signal is doubtful), 2 (5 or more), 1 (a
single 3) or 0 (``analytics.scores.grades``). An episode begins or rises when its grade has lasted for its delay
(``analytics.scores.persistence``); it eases or ends only when the score stayed below what its priority stands for, for the clear
delay, while every input that scored when the grade was reached is still known: doubt alone eases nothing. A minute that is
missing from the grid says nothing: it neither eases nor ends anything, the clear delay starts anew, and no time is gathered.
A fold: whoever keeps the state can go on with the next minutes, and any split of the minutes gives the same episodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.scores.bands import I16, LOWER, U8, Versions, as_written
from analytics.scores.grades import Graded, delays_by_grade, graded
from vigil.domain.readings import I64
from vigil.domain.times import MINUTE

#: Columns of the state: grade now (0 = no episode), the inputs that scored when it was reached (bits), first minute of the
#: lower run (0 = none), the last minute seen (0 = none), and what is known of the open episode.
_GRADE, _SCORED, _LOWER_SINCE, _LAST = range(4)
_ONSET, _END, _PEAK, _PEAK_AT, _PEAK_LEVEL, _BEGAN_AT, _DECIDED_AT = range(4, 11)
_FIRST, _OUT = _ONSET, 7
#: What each grade (1 to 4) has gathered, microseconds; since when it gathers (0 = it does not); the grade wanted in the last
#: minute, and the one that had lasted.
_CREDIT, _SINCE, _WANTED, _REACHED, _STATE = 10, 14, 19, 20, 21


@dataclass(frozen=True, slots=True)
class GridEpisode:
    """Times are ends of minutes, microseconds UTC.

    ``onset``: the first minute; ``end``: the first minute of the lower run that ended it, None while open; ``peak``: the greatest
    lower bound from onset until the end was decided, first reached at ``peak_at``; ``level``: the greatest priority by its rank
    (1 low to 3 high), first reached at ``began_at``; ``decided_at``: when the end was decided, a clear delay after ``end``, None
    while open.
    """

    onset: int
    end: int | None
    peak: int
    peak_at: int
    level: int
    began_at: int
    decided_at: int | None


def fresh_state() -> I64:
    """The state before the first minute; ``fold`` changes it in place. It can be kept as the array it is."""
    return np.zeros(_STATE, np.int64)


def episode_kernel(
    minute_end: I64,
    wanted: I64,
    lower: I64,
    scored: I64,
    known: I64,
    clear_us: int,
    delay_us: I64,
    state: I64,
    out: I64,
    turns: U8,
) -> int:
    """``wanted``: grades; ``scored``, ``known``: bits of the inputs; ``delay_us``: by grade, from 1 on. ``turns`` u8 (n,): 1
    where another grade has lasted than in the minute before, or an episode eases or ends. Returns how many rows of ``out`` i64
    (n, 7) it filled: episodes that ended."""
    filled = 0
    for row in range(minute_end.size):
        now = minute_end[row]
        if now - state[_LAST] != MINUTE:
            state[_LOWER_SINCE] = 0
        lasted = 0
        for each in range(1, 5):
            credit = state[_CREDIT + each]
            if now - state[_LAST] == MINUTE:
                gathers = state[_WANTED] >= each
                credit = min(credit + MINUTE, delay_us[each - 1]) if gathers else max(credit - MINUTE, 0)
                state[_CREDIT + each] = credit
            if wanted[row] >= each:
                if state[_SINCE + each] == 0:
                    state[_SINCE + each] = now
                if credit >= delay_us[each - 1]:
                    lasted = each
            elif credit == 0:
                state[_SINCE + each] = 0
        turns[row] = lasted != state[_REACHED]
        state[_REACHED] = lasted
        state[_WANTED] = wanted[row]
        state[_LAST] = now
        grade = state[_GRADE]  # of rank 1, 2, 2, 3
        if grade == 0 and lasted == 0:
            continue
        if grade == 0:
            state[_ONSET] = state[_SINCE + lasted]
            state[_PEAK] = -1
            state[_PEAK_LEVEL] = 0
        if lower[row] > state[_PEAK]:
            state[_PEAK] = lower[row]
            state[_PEAK_AT] = now
        if min(wanted[row], 3) >= (grade if grade < 3 else grade - 1):
            state[_LOWER_SINCE] = 0
            if lasted > grade:
                state[_GRADE] = lasted
                state[_SCORED] = scored[row]
            rank = lasted if lasted < 3 else lasted - 1
            if rank > state[_PEAK_LEVEL]:
                state[_PEAK_LEVEL] = rank
                state[_BEGAN_AT] = now
            continue
        if state[_SCORED] & ~known[row]:
            state[_LOWER_SINCE] = 0
            continue
        if state[_LOWER_SINCE] == 0:
            state[_LOWER_SINCE] = now
        if now - state[_LOWER_SINCE] < clear_us:
            continue
        state[_GRADE] = wanted[row]
        state[_SCORED] = scored[row]
        turns[row] = 1
        if wanted[row] == 0:
            state[_END] = state[_LOWER_SINCE]
            state[_DECIDED_AT] = now
            for column in range(out.shape[1]):
                out[filled, column] = state[_FIRST + column]
            filled += 1
        state[_LOWER_SINCE] = 0
    return filled


def episode_signature(numba_types: Any) -> Any:
    """The compiled signature of ``episode_kernel``; ``numba_types`` is ``numba.types``."""
    t = numba_types
    column, ends = t.Array(t.int64, 1, "C"), t.Array(t.int64, 1, "C", readonly=True)
    rows, turns = t.Array(t.int64, 2, "C"), t.Array(t.uint8, 1, "C")
    return t.int64(ends, column, column, column, column, t.int64, column, column, rows, turns)


#: The policy's delays, microseconds; with these an episode begins at once.
AT_ONCE = (0, 0, 0)


def fold(
    state: I64,
    minute_end: I64,
    scores: I16,
    clear_us: int = MINUTE,
    kernels: Versions = as_written,
    delays_us: Sequence[int] = AT_ONCE,
    turns: U8 | None = None,
    by_grade: Graded | None = None,
) -> list[GridEpisode]:
    """The episodes that ended in these minutes; ``state`` goes on in place.

    ``minute_end`` i64 (m,) ascending, after those already seen; ``scores`` i16 (m, 11) of ``news2_columns``; ``clear_us``: the
    clear delay, ``delays_us``: those of a single 3, of 5 and of 7, microseconds. ``turns`` u8 (m,), when given, becomes 1 where
    another grade has lasted than in the minute before, or an episode eases or ends. ``by_grade``: of the ``scores``, None = no
    input is doubtful. Raises ``ValueError`` when the minutes do not ascend.
    """
    if minute_end.size and (minute_end[0] <= state[_LAST] or np.any(np.diff(minute_end) <= 0)):
        raise ValueError("minutes of an episode fold must ascend")
    lower, found = scores[:, LOWER].astype(np.int64), by_grade or graded(scores, kernels=kernels)
    out = np.empty((minute_end.size, _OUT), np.int64)
    turns = np.empty(minute_end.size, np.uint8) if turns is None else turns
    filled = kernels(episode_kernel)(
        minute_end, found.wanted, lower, found.scored, found.known, clear_us,
        np.array(delays_by_grade(delays_us), np.int64), state, out, turns,
    )  # fmt: skip
    return [GridEpisode(*row) for row in out[:filled].tolist()]


def open_episode(state: I64) -> GridEpisode | None:
    """The episode that has not ended."""
    if not state[_GRADE]:
        return None
    onset, _, peak, peak_at, level, began_at, _ = state[_FIRST : _FIRST + _OUT].tolist()
    return GridEpisode(onset, None, peak, peak_at, level, began_at, None)


def news2_episodes(
    minute_end: I64,
    scores: I16,
    clear_us: int = MINUTE,
    kernels: Versions = as_written,
    delays_us: Sequence[int] = AT_ONCE,
    turns: U8 | None = None,
    by_grade: Graded | None = None,
) -> list[GridEpisode]:
    """All episodes of one patient's minutes, the open one last. Arguments as for ``fold``."""
    state = fresh_state()
    ended = fold(state, minute_end, scores, clear_us, kernels, delays_us, turns, by_grade)
    last = open_episode(state)
    return ended if last is None else [*ended, last]

"""Episodes of NEWS2 on the minute grid, by the rule of ``analytics.news2_rule``, for back-tests and the episode log.

Wanted is level 3 (lower bound 7 or more), 2 (5 or more), 1 (a single 3) or 0. An episode begins or rises when its level has
lasted for its delay (``analytics.scores.persistence``); it eases or ends only when the wanted level stayed lower for the clear
delay while every input that scored when the level was reached is still known. A minute that is missing from the grid says
nothing: it neither eases nor ends anything, the clear delay starts anew, and no time is gathered.
A fold: whoever keeps the state can go on with the next minutes, and any split of the minutes gives the same episodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.scores.bands import I16, LOWER, POINTS, SINGLE_3, U8, Versions, as_written
from vigil.domain.readings import I64
from vigil.domain.times import MINUTE

#: Columns of the state: level now (0 = no episode), the inputs that scored when it was reached (bits), first minute of the
#: lower run (0 = none), the last minute seen (0 = none), and what is known of the open episode.
_LEVEL, _SCORED, _LOWER_SINCE, _LAST = range(4)
_ONSET, _END, _PEAK, _PEAK_AT, _PEAK_LEVEL, _BEGAN_AT, _DECIDED_AT = range(4, 11)
_FIRST, _OUT = _ONSET, 7
#: What each level (1 to 3) has gathered, microseconds; since when it gathers (0 = it does not); the level wanted in the last
#: minute, and the one that had lasted.
_CREDIT, _SINCE, _WANTED, _REACHED, _STATE = 10, 13, 17, 18, 19


@dataclass(frozen=True, slots=True)
class GridEpisode:
    """Times are ends of minutes, microseconds UTC.

    ``onset``: the first minute; ``end``: the first minute of the lower run that ended it, None while open; ``peak``: the greatest
    lower bound from onset until the end was decided, first reached at ``peak_at``; ``level``: the greatest level, first reached
    at ``began_at``; ``decided_at``: when the end was decided, a clear delay after ``end``, None while open.
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
    """``scored``, ``known``: bits of the inputs; ``delay_us``: by level, from 1 on. ``turns`` u8 (n,): 1 where another level
    has lasted than in the minute before, or an episode eases or ends. Returns how many rows of ``out`` i64 (n, 7) it filled:
    episodes that ended."""
    filled = 0
    for row in range(minute_end.size):
        now = minute_end[row]
        if now - state[_LAST] != MINUTE:
            state[_LOWER_SINCE] = 0
        lasted = 0
        for each in range(1, 4):
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
        level = state[_LEVEL]
        if level == 0 and lasted == 0:
            continue
        if level == 0:
            state[_ONSET] = state[_SINCE + lasted]
            state[_PEAK] = -1
            state[_PEAK_LEVEL] = 0
        if lower[row] > state[_PEAK]:
            state[_PEAK] = lower[row]
            state[_PEAK_AT] = now
        if wanted[row] >= level:
            state[_LOWER_SINCE] = 0
            if lasted > level:
                state[_LEVEL] = lasted
                state[_SCORED] = scored[row]
            if lasted > state[_PEAK_LEVEL]:
                state[_PEAK_LEVEL] = lasted
                state[_BEGAN_AT] = now
            continue
        if state[_SCORED] & ~known[row]:
            state[_LOWER_SINCE] = 0
            continue
        if state[_LOWER_SINCE] == 0:
            state[_LOWER_SINCE] = now
        if now - state[_LOWER_SINCE] < clear_us:
            continue
        state[_LEVEL] = wanted[row]
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


#: One delay a level, microseconds; with these an episode begins at once.
AT_ONCE = (0, 0, 0)


def fold(
    state: I64,
    minute_end: I64,
    scores: I16,
    clear_us: int = MINUTE,
    kernels: Versions = as_written,
    delays_us: Sequence[int] = AT_ONCE,
    turns: U8 | None = None,
) -> list[GridEpisode]:
    """The episodes that ended in these minutes; ``state`` goes on in place.

    ``minute_end`` i64 (m,) ascending, after those already seen; ``scores`` i16 (m, 11) of ``news2_columns``; ``clear_us``: the
    clear delay, ``delays_us``: those of levels 1 to 3, microseconds. ``turns`` u8 (m,), when given, becomes 1 where another level
    has lasted than in the minute before, or an episode eases or ends. Raises ``ValueError`` when the minutes do not ascend.
    """
    if minute_end.size and (minute_end[0] <= state[_LAST] or np.any(np.diff(minute_end) <= 0)):
        raise ValueError("minutes of an episode fold must ascend")
    lower, points = scores[:, LOWER].astype(np.int64), scores[:, POINTS:]
    wanted = np.where(lower >= 7, 3, np.where(lower >= 5, 2, scores[:, SINGLE_3].astype(np.int64)))
    bit = 1 << np.arange(points.shape[1])
    out = np.empty((minute_end.size, _OUT), np.int64)
    turns = np.empty(minute_end.size, np.uint8) if turns is None else turns
    filled = kernels(episode_kernel)(
        minute_end, wanted, lower, (points > 0) @ bit, (points >= 0) @ bit, clear_us, np.array(delays_us, np.int64),
        state, out, turns,
    )  # fmt: skip
    return [GridEpisode(*row) for row in out[:filled].tolist()]


def open_episode(state: I64) -> GridEpisode | None:
    """The episode that has not ended."""
    if not state[_LEVEL]:
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
) -> list[GridEpisode]:
    """All episodes of one patient's minutes, the open one last. Arguments as for ``fold``."""
    state = fresh_state()
    ended = fold(state, minute_end, scores, clear_us, kernels, delays_us, turns)
    last = open_episode(state)
    return ended if last is None else [*ended, last]

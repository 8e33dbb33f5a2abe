"""The state of a replay that already knows how each reading is judged: the fold has judged the same readings in the same order.

The engine judges alike for any split into batches, so that only conditions need to be followed again, and only while one runs:
rules ask for them as they stand at a moment. Of all other readings nothing is remembered but the newest of each sensor, so that
they are left out (``Foreseen.mattering``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.backtest.fold import Folded
from analytics.backtest.world import World
from analytics.detectors.contract import HIGH, LOW, NOT_NORMAL_HIGH, NOT_NORMAL_LOW, SEVERE_HIGH, SEVERE_LOW
from analytics.directory import Directory
from analytics.engine.compiled import Kernels
from analytics.engine.conditions import DROPPED, ENDED, IDLE
from analytics.engine.engine import Engine, Judged
from analytics.intake import Intake, Taken, stepped
from analytics.late import Late
from analytics.slots import Slots
from analytics.state import State
from analytics.stuck import FLAT
from analytics.windows import RING, WINDOW, Windows
from vigil.domain.readings import F64, I64, ReadingBatch

_NONE = np.empty(0, np.intp)
#: The bits of a code that tell of each side.
_BITS = np.array([LOW | SEVERE_LOW | NOT_NORMAL_LOW, HIGH | SEVERE_HIGH | NOT_NORMAL_HIGH])


def foreseeable(world: World, folded: Folded) -> bool:
    """Is every reading of the history in the fold, each sensor's in order of receipt, and has no detector failed?"""
    whole = len(folded.batch) == len(world.history.batch) and not folded.state.engine.failed
    return whole and folded.in_order


def _any_old(folded: Folded) -> bool:
    batch = folded.batch
    if batch.received_at is batch.measured_at:
        return False
    return bool((batch.received_at - batch.measured_at > folded.state.slots.stale[folded.slot]).any())


class Foreseen(State):
    """For one run of a history that is ``foreseeable``, its readings given once, in order of ordinal: all of them, or those that
    are ``mattering``."""

    intake: _Intake

    def __init__(self, directory: Directory, world: World, kernels: Kernels | None, folded: Folded) -> None:
        super().__init__(directory, world, kernels, checkpoints=False)
        self.engine = _Engine(kernels)
        self.engine.profiles = folded.state.engine.profiles  # of the same policy
        place = folded.batch.ordinal.astype(np.int64) - 1
        self.intake = _Intake(self.engine, folded, place)
        self.late = Late(self.slots, self.intake, world)
        bounds = np.searchsorted(folded.slot, np.arange(folded.state.slots.size + 1)).tolist()
        counting = [np.flatnonzero(folded.counts[a:b]) + a for a, b in pairwise(bounds)]
        placed = [place[rows] for rows in counting]
        self.windows = _Windows(self.slots, folded, counting, placed)
        self._newest = [each for each in (*(place[a:b] for a, b in pairwise(bounds)), *placed) if each.size]
        runs = _runs(folded, bounds, self.intake.followed)
        runs[[a for a, b in pairwise(bounds) if a < b]] = True
        self._kept = np.sort(place[runs])

    def mattering(self, first: int, end: int) -> NDArray[np.intp]:
        """Of the history's readings from ``first`` to before ``end``: the first of each sensor, those while a condition runs that
        rules ask for, and the newest of each sensor, also of those that count."""
        kept = self._kept[slice(*self._kept.searchsorted((first, end)))].tolist()
        newest = [int(each[each.searchsorted(end) - 1]) for each in self._newest if each[0] < end]
        return np.array(sorted({*kept, *(each for each in newest if each >= first)}))


def _runs(folded: Folded, bounds: list[int], followed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The rows of the fold during which a condition that is ``followed`` (detectors, vitals, 2) is pending or true."""
    turns = np.zeros(len(folded.batch) + 1, np.int32)
    engine = folded.state.engine
    for slot, (first, last) in enumerate(pairwise(bounds)):
        at = folded.batch.measured_at[first:last]
        own = followed[:, folded.state.slots.vital[slot]]
        for number, events in folded.judged.events:
            if own[number].any():
                of = events[slice(*events["row"].searchsorted((first, last)))]
                over = of[((of["what"] == ENDED) | (of["what"] == DROPPED)) & own[number, of["side"]]]
                np.add.at(turns, first + at.searchsorted(over["onset"]), 1)
                np.add.at(turns, over["row"] + 1, -1)
        for number, row in engine.running(slot).items():
            for side in np.flatnonzero((row["status"] != IDLE) & own[number]).tolist():
                turns[first + at.searchsorted(row["onset"][side])] += 1
                turns[last] -= 1
    result: NDArray[np.bool_] = np.cumsum(turns[:-1]) > 0
    return result


class _Engine(Engine):
    def follow(self, slot: I64, batch: ReadingBatch, judged: Judged) -> list[tuple[int, NDArray[Any]]]:
        """What these readings, which are judged, do to the conditions."""
        return self._events(slot, batch.measured_at, batch.value, judged.gate, judged.scores, judged.codes)


class _Intake(Intake):
    def __init__(self, engine: _Engine, folded: Folded, place: I64) -> None:
        """``place``: of each row of the fold in the history."""
        super().__init__(engine, keeps_checkpoints=False)
        self._engine = engine
        self._judged = folded.judged
        #: Where every reading speaks for now, what the others find is neither told nor held back.
        heard = np.ones_like(folded.calling) if _any_old(folded) else folded.calling
        self._heard = set(np.flatnonzero(heard.any(axis=(1, 2))).tolist())
        #: Conditions that are followed (detectors, vitals, 2): scores ask for those of "flat".
        self.followed = heard.copy()
        self.followed[engine.numbers[FLAT]] = True
        slots = folded.state.slots
        self._bits = (self.followed[:, slots.vital[: slots.size]] * _BITS).sum(axis=2).astype(np.uint8)
        self._row = np.empty(len(folded.batch), np.intp)
        self._row[place] = np.arange(len(folded.batch))

    def take(self, slot: I64, batch: ReadingBatch, now: int) -> Taken:  # noqa: ARG002 no checkpoints
        of_fold, known = self._row[batch.ordinal - 1], self._judged
        # ``take`` would copy all of them first.
        scores, codes = known.scores[:, of_fold], known.codes[:, of_fold] & self._bits[:, slot]
        judged = Judged(known.gate[of_fold], known.weight[of_fold], scores, codes, [])
        followed = self._engine.follow(slot, batch, judged)
        judged.events.extend(each for each in followed if each[0] in self._heard)
        rows = np.arange(slot.size)
        events = stepped(judged, rows)
        if events.size > 1:
            events = events[np.lexsort((events["detector"], events["event"]["row"]))]
        return Taken(rows, judged, events, _NONE)


class _Windows(Windows):
    """Rings are cut out of the fold's readings when somebody asks."""

    def __init__(
        self, slots: Slots, folded: Folded, counting: Sequence[NDArray[np.intp]], placed: Sequence[I64]
    ) -> None:
        """``counting``: by slot, the rows of the fold that count; ``placed``: their places in the history."""
        super().__init__(slots)
        self._batch, self._counting, self._placed = folded.batch, counting, placed
        self._end = 0

    def add(self, slot: I64, batch: ReadingBatch, gated: NDArray[np.bool_]) -> None:  # noqa: ARG002 the fold has told
        self._follow_slots()
        self._end = int(batch.ordinal[-1])
        self.stale[: self.size] = True

    def refresh(self) -> None:
        for row in np.flatnonzero(self.stale[: self.size]).tolist():
            at, value = self._ring(int(self.slot[row]))
            if at.size == 1 or (at.size and at[-2] <= at[-1] - WINDOW):
                self.median[row] = value[-1]
            elif at.size:
                inside = np.sort(value[at > at[-1] - WINDOW])
                self.median[row] = (inside[(inside.size - 1) // 2] + inside[inside.size // 2]) / 2
        self.stale[: self.size] = False

    def median_between(self, slot: int, start: int, end: int) -> float:
        if self._row[slot] < 0:
            return super().median_between(slot, start, end)
        at, value = self._ring(slot)
        inside = (at >= start) & (at < end)
        return float(np.median(value[inside])) if inside.any() else float("nan")

    def _ring(self, slot: int) -> tuple[I64, F64]:
        """Times and values of the last that count, ascending."""
        end = int(self._placed[slot].searchsorted(self._end))
        rows = self._counting[slot][max(0, end - RING) : end]
        return self._batch.measured_at[rows], self._batch.value[rows]

"""The state of a replay that already knows how each reading is judged: the fold has judged the same readings in the same order.

The engine judges alike for any split into batches, so that only conditions need to be followed again: rules ask for them as they
stand at a moment.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.backtest.fold import Folded
from analytics.backtest.world import World
from analytics.directory import Directory
from analytics.engine.compiled import Kernels
from analytics.engine.engine import Engine, Judged
from analytics.intake import Intake, Taken, stepped
from analytics.late import Late
from analytics.slots import Slots
from analytics.state import State
from analytics.windows import RING, WINDOW, Windows
from vigil.domain.readings import F64, I64, ReadingBatch

_NONE = np.empty(0, np.intp)


def foreseeable(world: World, folded: Folded) -> bool:
    """Is every reading of the history in the fold, each sensor's in order of receipt, and has no detector failed?"""
    whole = len(folded.batch) == len(world.history.batch) and not folded.state.engine.failed
    return whole and folded.in_order


def _any_old(folded: Folded) -> bool:
    age = folded.batch.received_at - folded.batch.measured_at
    return bool((age > folded.state.slots.stale[folded.slot]).any())


class Foreseen(State):
    """For one run of a history that is ``foreseeable``, its readings given once, in order of ordinal."""

    def __init__(self, directory: Directory, world: World, kernels: Kernels | None, folded: Folded) -> None:
        super().__init__(directory, world, kernels, checkpoints=False)
        self.engine = _Engine(kernels)
        self.intake = _Intake(self.engine, folded)
        self.late = Late(self.slots, self.intake, world)
        self.windows = _Windows(self.slots, folded)


class _Engine(Engine):
    def follow(self, slot: I64, batch: ReadingBatch, judged: Judged) -> list[tuple[int, NDArray[Any]]]:
        """What these readings, which are judged, do to the conditions."""
        return self._events(slot, batch.measured_at, batch.value, judged.gate, judged.scores, judged.codes)


class _Intake(Intake):
    def __init__(self, engine: _Engine, folded: Folded) -> None:
        super().__init__(engine, keeps_checkpoints=False)
        self._engine = engine
        self._judged = folded.judged
        #: Where every reading speaks for now, what the others find is neither told nor held back.
        self._heard = None if _any_old(folded) else folded.calling
        self._row = np.empty(len(folded.batch), np.intp)
        self._row[folded.batch.ordinal - 1] = np.arange(len(folded.batch))

    def take(self, slot: I64, batch: ReadingBatch, now: int) -> Taken:  # noqa: ARG002 no checkpoints
        first = int(batch.ordinal[0]) - 1
        of_fold, known = self._row[first : first + slot.size], self._judged
        scores, codes = known.scores.take(of_fold, axis=1), known.codes.take(of_fold, axis=1)
        judged = Judged(known.gate[of_fold], known.weight[of_fold], scores, codes, [])
        heard = self._heard
        followed = self._engine.follow(slot, batch, judged)
        judged.events.extend(each for each in followed if heard is None or each[0] in heard)
        rows = np.arange(slot.size)
        events = stepped(judged, rows)
        if events.size > 1:
            events = events[np.lexsort((events["detector"], events["event"]["row"]))]
        return Taken(rows, judged, events, _NONE)


class _Windows(Windows):
    """Rings are cut out of the fold's readings when somebody asks."""

    def __init__(self, slots: Slots, folded: Folded) -> None:
        super().__init__(slots)
        ends = np.searchsorted(folded.slot, np.arange(folded.state.slots.size + 1))
        rows = [np.flatnonzero(folded.counts[a:b]) + a for a, b in pairwise(ends.tolist())]
        batch = folded.batch
        self._columns = [(batch.ordinal[each], batch.measured_at[each], batch.value[each]) for each in rows]
        self._ordinal = np.uint64(0)

    def add(self, slot: I64, batch: ReadingBatch, gated: NDArray[np.bool_]) -> None:  # noqa: ARG002 the fold has told
        self._follow_slots()
        self._ordinal = batch.ordinal[-1]
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
        ordinal, at, value = self._columns[slot]
        end = int(ordinal.searchsorted(self._ordinal, "right"))
        cut = slice(max(0, end - RING), end)
        return at[cut], value[cut]

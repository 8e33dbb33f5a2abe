"""Readings in, changes of conditions out: in order at once, late ones again from their checkpoint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.amend import Amend
from analytics.changes import Change
from analytics.quality import COUNTS, first_gate, gated
from analytics.slots import LATENESS_WINDOW
from analytics.state import State
from vigil.domain.readings import I64, ReadingBatch


class Judge:
    def __init__(self, state: State, amend: Amend) -> None:
        self._state = state
        self._amend = amend

    def batch(self, slot: I64, batch: ReadingBatch, now: int) -> list[Change]:
        """Readings in order of ordinal; those of slot -1 and those that are too old are left out."""
        state = self._state
        keep = (slot >= 0) & (batch.received_at - batch.measured_at <= LATENESS_WINDOW)
        if not keep.all():
            slot, batch = slot[keep], batch.take(keep)
        if not slot.size:
            return []
        taken = state.intake.take(slot, batch, now)
        counts = taken.judged.gate == COUNTS
        of_judged, judged = slot, batch
        if taken.rows.size < slot.size:
            of_judged, judged = slot[taken.rows], batch.take(taken.rows)
            every = ~gated(batch)
            every[taken.rows] = counts
            counts = every
        state.slots.note(slot, batch, counts)
        state.windows.add(slot, batch, ~counts)
        changes = state.telling.take(of_judged, judged, taken)
        state.position = max(state.position, int(batch.ordinal[-1]))
        if taken.late.size:
            urgent = self._urgent(slot, batch, taken.late)
            state.late.mark(slot[taken.late], batch.take(taken.late), urgent, now)
            for each in sorted(set(slot[taken.late[urgent]].tolist())):
                changes += self._again(each, now)[0]
        return changes

    def late(self, now: int, share: int, *, all_of_it: bool = False) -> list[Change]:
        """Judge slots again whose backfill is over, about ``share`` readings of them."""
        changes: list[Change] = []
        for slot in self._state.late.due(now, all_of_it=all_of_it):
            found, readings = self._again(slot, now)
            changes += found
            share -= readings
            if share <= 0 and not all_of_it:
                break
        return changes

    def _again(self, slot: int, now: int) -> tuple[list[Change], int]:
        again = self._state.late.judge_again(slot, self._state.position, now)
        return self._amend.reconcile(again), again.judged

    def _urgent(self, slot: I64, batch: ReadingBatch, late: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which late readings are severe and speak for the present."""
        slots = self._state.slots
        of, value = slot[late], batch.value[late]
        low, high = slots.severe[of].T
        severe = (value < low) | (value > high)
        fresh = batch.received_at[late] - batch.measured_at[late] <= slots.stale[of]
        result: NDArray[np.bool_] = severe & fresh & (first_gate(value, batch.quality[late]) == COUNTS)
        return result

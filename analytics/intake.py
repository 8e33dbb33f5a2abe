"""The engine fed with what comes: what is in order is judged at once, with checkpoints on the way; what is late is set aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.checkpoints import STEP, Checkpoint, Checkpoints
from analytics.engine.conditions import EVENT
from analytics.engine.engine import Engine, Judged
from analytics.order import IN_ORDER, LATE, Order
from vigil.domain.readings import I64, ReadingBatch

#: An event of the engine with the number of its detector.
STEPPED = np.dtype([("detector", np.int64), ("event", EVENT)])


@dataclass(frozen=True, slots=True)
class Taken:
    """``rows``: which readings were judged, ascending; ``judged`` has a column for each of them. ``events`` (``STEPPED``) are in
    order of row; their ``row`` counts in the judged ones. ``late``: rows set aside."""

    rows: NDArray[np.intp]
    judged: Judged
    events: NDArray[Any]
    late: NDArray[np.intp]


class Intake:
    def __init__(self, engine: Engine, keeps_checkpoints: bool = True) -> None:
        self.engine = engine
        self._keeps_checkpoints = keeps_checkpoints
        self.order = Order()
        self.checkpoints = Checkpoints()

    def extend_to(self, size: int) -> None:
        self.engine.extend_to(size)
        self.order.extend_to(size)

    def take(self, slot: I64, batch: ReadingBatch, now: int) -> Taken:
        """``slot`` of each reading, none negative; ``now``: server time, to know which checkpoints are still of use."""
        last_at = self.order.last_at[slot]
        kind = self.order.split(slot, batch)
        rows = np.flatnonzero(kind == IN_ORDER)
        judged, events = self.judge(slot[rows], batch.take(rows), last_at[rows], now)
        return Taken(rows, judged, events, np.flatnonzero(kind == LATE))

    def judge(self, slot: I64, batch: ReadingBatch, last_at: I64, now: int) -> tuple[Judged, NDArray[Any]]:
        """Readings in order; ``last_at`` (n,): the newest time that the slot of each had before, 0 = none."""
        keep = self._keeps_checkpoints
        turn = _turns(slot, batch.measured_at, last_at) if keep else np.zeros(slot.size, np.int64)
        turns = int(turn.max()) + 1 if turn.size else 1
        parts = [np.flatnonzero(turn == number) for number in range(turns)] if turns > 1 else [np.arange(slot.size)]
        judged: list[Judged] = []
        for number, rows in enumerate(parts):
            if number:
                self._checkpoint(slot[rows], batch.measured_at[rows], now)
            judged.append(
                self.engine.update(slot[rows], batch.measured_at[rows], batch.value[rows], batch.quality[rows])
            )
        return _together(judged, parts)

    def _checkpoint(self, slot: I64, at: I64, now: int) -> None:
        """Before the first of these readings of each slot, which begin a new step."""
        slots, first = np.unique(slot, return_index=True)
        for each, row in zip(slots.tolist(), first.tolist(), strict=True):
            memory, running = self.engine.copy_slot(each)
            self.checkpoints.add(each, Checkpoint(int(at[row]) // STEP * STEP, memory, running), now)


def _turns(slot: I64, at: I64, last_at: I64) -> I64:
    """How many steps of ``checkpoints`` each reading's slot has begun in this batch, the reading's own included. The first
    reading that a slot ever has begins none."""
    step, last = at // STEP, last_at // STEP
    if not at.size or bool((step == step[0]).all() and ((last == step[0]) | (last_at == 0)).all()):
        return np.zeros(slot.size, np.int64)
    order = np.argsort(slot, kind="stable")
    sorted_slot, step = slot[order], step[order]
    first = np.ones(slot.size, np.bool_)
    first[1:] = sorted_slot[1:] != sorted_slot[:-1]
    before = np.empty_like(step)
    before[1:] = step[:-1]
    before[first] = np.where(last_at[order][first] == 0, step[first], last[order][first])
    begun: I64 = np.cumsum(step > before, dtype=np.int64)
    starts = np.flatnonzero(first)
    offset = np.repeat(begun[starts] - (step > before)[starts], np.diff(np.r_[starts, slot.size]))
    turn = np.empty_like(begun)
    turn[order] = begun - offset
    return turn


def _together(judged: list[Judged], parts: list[NDArray[np.intp]]) -> tuple[Judged, NDArray[Any]]:
    """One answer from several, in order of row."""
    events = [stepped(each, rows) for each, rows in zip(judged, parts, strict=True)]
    found = np.concatenate(events)
    found = found[np.lexsort((found["detector"], found["event"]["row"]))]
    if len(judged) == 1:
        return judged[0], found
    back = np.argsort(np.concatenate(parts), kind="stable")
    whole = Judged(
        np.concatenate([each.gate for each in judged])[back],
        np.concatenate([each.weight for each in judged])[back],
        np.ascontiguousarray(np.concatenate([each.scores for each in judged], axis=1)[:, back]),
        np.ascontiguousarray(np.concatenate([each.codes for each in judged], axis=1)[:, back]),
        [],
    )
    return whole, found


def stepped(judged: Judged, rows: NDArray[np.intp]) -> NDArray[Any]:
    """The events of one update, by detector; ``rows``: the place of each judged reading in the batch."""
    found = np.zeros(sum(events.size for _, events in judged.events), STEPPED)
    start = 0
    for number, events in judged.events:
        part = found[start : start + events.size]
        part["detector"], part["event"] = number, events
        part["event"]["row"] = rows[events["row"]]
        start += events.size
    return found

"""Copies of each slot's memory at fixed measured times: late readings are judged from there, not from the beginning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Saved
from analytics.engine.conditions import ROW
from vigil.domain.readings import F64, I64
from vigil.domain.times import DAY, HOUR

#: A copy is made when a slot's first reading at or after a multiple of this comes (ours): five copies cover the window of 24 h.
STEP = 6 * HOUR


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The memory of a slot before its first reading at or after ``boundary`` (microseconds UTC)."""

    boundary: int
    row: F64
    running: dict[int, NDArray[Any]]


class Checkpoints:
    def __init__(self) -> None:
        self._of: dict[int, list[Checkpoint]] = {}

    def add(self, slot: int, checkpoint: Checkpoint, now: int) -> None:
        """Older ones stay as far as a reading of the last 24 h before ``now`` may need them."""
        kept = self._of.setdefault(slot, [])
        kept.append(checkpoint)
        while len(kept) > 1 and kept[1].boundary <= now - DAY:
            kept.pop(0)

    def before(self, slot: int, at: int) -> Checkpoint | None:
        """The newest one that a reading of this time does not change; None = the slot was fresh then."""
        return next((each for each in reversed(self._of.get(slot, [])) if each.boundary <= at), None)

    def drop_after(self, slot: int, at: int) -> None:
        """Those that a reading of this time changes."""
        if slot in self._of:
            self._of[slot] = [each for each in self._of[slot] if each.boundary <= at]

    def saved(self, prefix: str) -> Saved:
        all_of = [(slot, each) for slot in sorted(self._of) for each in self._of[slot]]
        running = [
            (place, number, row) for place, (_, each) in enumerate(all_of) for number, row in each.running.items()
        ]
        return {
            f"{prefix}.slot": np.array([slot for slot, _ in all_of], np.int64),
            f"{prefix}.boundary": np.array([each.boundary for _, each in all_of], np.int64),
            f"{prefix}.row": np.array([each.row for _, each in all_of], np.float64),
            f"{prefix}.running_of": np.array([place for place, _, _ in running], np.int64),
            f"{prefix}.running_number": np.array([number for _, number, _ in running], np.int64),
            f"{prefix}.running": np.array([row for _, _, row in running], ROW),
        }

    def load(self, saved: Mapping[str, NDArray[Any]], prefix: str) -> None:
        """Raises ``KeyError`` or ``ValueError`` when an array is missing or does not fit."""
        slot: I64 = saved[f"{prefix}.slot"]
        running: list[dict[int, NDArray[Any]]] = [{} for _ in range(slot.size)]
        rows = saved[f"{prefix}.running"]
        if rows.dtype != ROW:
            raise ValueError(f"{prefix}.running: {rows.dtype}")
        for place, number, row in zip(
            saved[f"{prefix}.running_of"], saved[f"{prefix}.running_number"], rows, strict=True
        ):
            running[int(place)][int(number)] = row.copy()
        self._of = {}
        for place in range(slot.size):
            boundary, row = int(saved[f"{prefix}.boundary"][place]), saved[f"{prefix}.row"][place].copy()
            self._of.setdefault(int(slot[place]), []).append(Checkpoint(boundary, row, running[place]))

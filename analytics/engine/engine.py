"""All streams at once: quality, detectors and conditions over preallocated columns.

``update`` takes readings that are in order of measured time inside each slot (``analytics.order`` sees to that). Its results and
the state that it leaves are bit-equal for any split into batches, compiled or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Saved
from analytics.detectors import detectors as all_detectors
from analytics.detectors.contract import F32, I32, U8, Detector
from analytics.engine.compiled import Kernels
from analytics.engine.conditions import EVENT, IDLE, ROW, Pool, condition_kernel, event_room
from analytics.engine.profiles import Profiles
from analytics.quality import GATE_FRESH, first_gate, gate_kernel, index
from vigil.domain.readings import F64, I64, U16
from vigil.runtime.supervise import attempt

_FIRST_CAPACITY = 256

#: Without these nobody is watched: when one raises, the process must end and start anew.
ESSENTIAL = ("limit", "unverified")


@dataclass(frozen=True, slots=True)
class Judged:
    """What ``update`` says about n readings. ``gate`` u8 (n,) and ``weight`` f64 (n,): ``analytics.quality``. ``scores`` f32 and
    ``codes`` u8, (detectors, n) in the engine's order of detectors. ``events``: (detector, its changes in order of row)."""

    gate: U8
    weight: F64
    scores: F32
    codes: U8
    events: list[tuple[int, NDArray[Any]]]

    @property
    def flags(self) -> NDArray[np.uint32]:
        """(n,): bit d is set where detector d finds the value odd."""
        flags = np.zeros(self.gate.size, np.uint32)
        for number, code in enumerate(self.codes):
            flags |= ((code & 3) != 0).astype(np.uint32) << np.uint32(number)
        return flags


class Engine:
    """``state``: by detector f64 (capacity, columns). ``profile``, ``clear``, ``gap`` are set by ``configure``."""

    def __init__(self, kernels: Kernels | None = None, detectors: Sequence[Detector] | None = None) -> None:
        self.detectors = tuple(all_detectors() if detectors is None else detectors)
        self.numbers = {detector.name: number for number, detector in enumerate(self.detectors)}
        self.profiles = Profiles(self.detectors)
        self.kernels = kernels or Kernels()
        self.pool = Pool.empty()
        #: Numbers of the detectors that raised; they say nothing until the next start.
        self.failed: set[int] = set()
        self.size = 0
        self.capacity = 0
        self._fresh = [np.array([value for _, value in each.state] or [0.0]) for each in self.detectors]
        self.state: list[F64] = [np.empty((0, fresh.size)) for fresh in self._fresh]
        self.gate_state: F64 = np.empty((0, len(GATE_FRESH)))
        self.index: list[I32] = [np.empty(0, np.int32) for _ in self.detectors]
        self.profile: I32 = np.empty(0, np.int32)
        self.clear: I64 = np.empty(0, np.int64)
        self.gap: I64 = np.empty(0, np.int64)
        self._grow(_FIRST_CAPACITY)

    def extend_to(self, size: int) -> None:
        """Make slots up to ``size`` exist; new ones are fresh and watched by nobody."""
        if size > self.capacity:
            self._grow(max(size, 2 * self.capacity))
        self.size = max(self.size, size)

    def configure(self, slot: int, profile: int, clear: int, gap: int) -> None:
        """``clear``: normal values must go on so long to end a condition; ``gap``: a longer silence breaks that; microseconds."""
        self.profile[slot], self.clear[slot], self.gap[slot] = profile, clear, gap

    def update(self, slot: I64, at: I64, value: F64, quality: U16) -> Judged:
        """Judge n readings, in order of measured time inside each slot."""
        run = self.kernels
        slot, at, value = (
            np.ascontiguousarray(column) for column in (slot, at, value)
        )  # compiled kernels take no views
        gate = first_gate(value, quality)
        run(gate_kernel)(slot, at, value, gate, self.gate_state, self.profiles.gate, self.profile)
        weight = index(quality, gate)
        scores = np.empty((len(self.detectors), slot.size), np.float32)
        codes = np.empty((len(self.detectors), slot.size), np.uint8)
        events = []
        for number, detector in enumerate(self.detectors):
            judge = partial(
                run(detector.kernel),
                slot, at, value, weight, gate, self.state[number], self.profiles.param[number], self.profile,
                scores[number], codes[number],
            )  # fmt: skip
            if detector.name in ESSENTIAL:
                judge()
            elif number in self.failed or attempt(f"detector {detector.name}", judge) is not None:
                self._switch_off(number, scores[number], codes[number])
            found = self._conditions(number, slot, at, value, gate, scores[number], codes[number])
            if found.size:
                events.append((number, found))
        return Judged(gate, weight, scores, codes, events)

    def _switch_off(self, number: int, score: F32, code: U8) -> None:
        """A detector that raised says nothing until the next start, and learns anew then: its memory is worth nothing."""
        score[:], code[:] = np.nan, 0
        if number not in self.failed:
            self.failed.add(number)
            self.state[number][:] = self._fresh[number]

    def _conditions(self, number: int, slot: I64, at: I64, value: F64, gate: U8, score: F32, code: U8) -> NDArray[Any]:
        detector, column = self.detectors[number], self.index[number]
        odd = int(np.count_nonzero(code))
        busy = self.pool.in_use
        if not odd and not busy:
            return _NO_EVENTS
        self.pool.reserve(odd)
        self.pool.count[0] = 0
        events = np.empty(event_room(odd, busy), EVENT)
        measure = value if detector.sided else score.astype(np.float64)
        self.kernels(condition_kernel)(
            slot, at, measure, gate, code, column, self.profiles.delay[number], self.profile, self.clear, self.gap,
            detector.of_gated, self.pool.rows, self.pool.free, self.pool.count, events,
        )  # fmt: skip
        return events[: int(self.pool.count[0])].copy()

    # --- one slot ----------------------------------------------------------------------------------------------------

    def condition(self, number: int, slot: int) -> NDArray[Any] | None:
        """The running condition of a detector on a slot (a row of the pool), None when both sides are idle."""
        place = int(self.index[number][slot])
        return None if place < 0 else self.pool.rows[place]

    def forget_condition(self, number: int, slot: int, side: int) -> None:
        """Drop what runs: its ground is gone by decision."""
        row = self.condition(number, slot)
        if row is None:
            return
        row["status"][side], row["level"][side] = IDLE, 0
        if row["status"][1 - side] == IDLE:
            self.pool.give_back(int(self.index[number][slot]))
            self.index[number][slot] = -1

    def copy_slot(self, slot: int) -> tuple[F64, dict[int, NDArray[Any]]]:
        """The whole memory of a slot: every state column in one row, and the running conditions by detector."""
        return np.concatenate([self.gate_state[slot], *(state[slot] for state in self.state)]), self.running(slot)

    def running(self, slot: int) -> dict[int, NDArray[Any]]:
        """Copies of the slot's running conditions, by detector."""
        found = {number: self.condition(number, slot) for number in range(len(self.detectors))}
        return {number: row.copy() for number, row in found.items() if row is not None}

    def put_slot(self, slot: int, row: F64 | None, running: dict[int, NDArray[Any]]) -> None:
        """Set a slot back to a copy; None = fresh."""
        self.extend_to(slot + 1)
        row = self.fresh_row() if row is None else row
        start = len(GATE_FRESH)
        self.gate_state[slot] = row[:start]
        for number, state in enumerate(self.state):
            state[slot] = row[start : start + state.shape[1]]
            start += state.shape[1]
            place = int(self.index[number][slot])
            if place >= 0:
                self.pool.give_back(place)
            self.index[number][slot] = self.pool.take(running[number]) if number in running else -1

    # --- snapshot ----------------------------------------------------------------------------------------------------

    def saved(self, prefix: str) -> Saved:
        """Names and widths of the detectors are in it, so that another set of detectors does not take it for its own."""
        rows = [
            (number, slot)
            for number, column in enumerate(self.index)
            for slot in np.flatnonzero(column[: self.size] >= 0)
        ]
        running = [self.pool.rows[self.index[number][slot]] for number, slot in rows]
        return {
            f"{prefix}.detectors": np.array([f"{each.name}/{len(each.state)}" for each in self.detectors]),
            f"{prefix}.gate": self.gate_state[: self.size],
            f"{prefix}.state": np.concatenate([state[: self.size] for state in self.state], axis=1),
            f"{prefix}.running_of": np.array(rows, np.int64).reshape(len(rows), 2),
            f"{prefix}.running": np.array(running, ROW),
        }

    def load(self, saved: Mapping[str, NDArray[Any]], prefix: str) -> None:
        """Raises ``KeyError`` or ``ValueError`` when an array is missing or other detectors wrote it."""
        names = [f"{each.name}/{len(each.state)}" for each in self.detectors]
        if saved[f"{prefix}.detectors"].tolist() != names or saved[f"{prefix}.running"].dtype != ROW:
            raise ValueError(f"{prefix}: written by other detectors")
        gate, state = saved[f"{prefix}.gate"], saved[f"{prefix}.state"]
        self.extend_to(len(gate))
        self.gate_state[: len(gate)] = gate
        start = 0
        for own in self.state:
            own[: len(state)] = state[:, start : start + own.shape[1]]
            start += own.shape[1]
        for (number, slot), row in zip(saved[f"{prefix}.running_of"].tolist(), saved[f"{prefix}.running"], strict=True):
            self.index[number][slot] = self.pool.take(row)

    def fresh_row(self) -> F64:
        return np.concatenate([np.array(GATE_FRESH), *self._fresh])

    @property
    def bytes_per_slot(self) -> int:
        """Memory of one slot, running conditions apart."""
        columns: list[NDArray[Any]] = [self.gate_state, *self.state, *self.index, self.profile, self.clear, self.gap]
        return sum(int(column.nbytes) for column in columns) // self.capacity

    def _grow(self, capacity: int) -> None:
        self.state = [_grown(old, capacity, fresh) for old, fresh in zip(self.state, self._fresh, strict=True)]
        self.gate_state = _grown(self.gate_state, capacity, np.array(GATE_FRESH))
        self.index = [_grown(old, capacity, -1) for old in self.index]
        self.profile = _grown(self.profile, capacity, 0)
        self.clear = _grown(self.clear, capacity, 0)
        self.gap = _grown(self.gap, capacity, 0)
        self.capacity = capacity


_NO_EVENTS = np.empty(0, EVENT)


def _grown(old: NDArray[Any], capacity: int, fresh: Any) -> NDArray[Any]:
    new = np.empty((capacity, *old.shape[1:]), old.dtype)
    new[: len(old)] = old
    new[len(old) :] = fresh
    return new

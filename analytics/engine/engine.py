"""All streams at once: quality, detectors and conditions over preallocated columns.

``update`` takes readings that are in order of measured time inside each slot (``analytics.order`` sees to that). Its results and
the state that it leaves are bit-equal for any split into batches, compiled or not.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Saved
from analytics.detectors import detectors as all_detectors
from analytics.detectors.contract import F32, I32, U8, Detector
from analytics.engine.compiled import Kernels
from analytics.engine.conditions import EVENT, IDLE, ROW, Pool, candidate_kernel, condition_kernel, event_room
from analytics.engine.profiles import Profiles
from analytics.engine.stack import Loop, rows_of, stack_of
from analytics.quality import GATE_FRESH, gate_of
from vigil.domain.readings import F64, I64, U16, U32, U64
from vigil.runtime.supervise import attempt

_FIRST_CAPACITY = 256
#: A row of memory begins where a cache line does, so that three of them hold its 24 columns.
_LINE = 64

Item = TypeVar("Item", bound=np.generic)

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
    """``record`` f64 (capacity, columns): all memory of a slot in one row; ``gate_state`` and, by detector, ``state`` are parts
    of it. ``head`` and ``pool``: running conditions; ``busy``: may have one."""

    def __init__(self, kernels: Kernels | None = None, detectors: Sequence[Detector] | None = None) -> None:
        self.detectors = tuple(all_detectors() if detectors is None else detectors)
        self._stack_of = self.detectors, stack_of(self.detectors)
        self.numbers = {detector.name: number for number, detector in enumerate(self.detectors)}
        self.profiles = Profiles(self.detectors)
        self.kernels = kernels or Kernels()
        self.pool = Pool.empty()
        self.size = 0
        self.capacity = 0
        fresh = [value for each in self.detectors for _, value in each.state]
        self._fresh: F64 = np.array([*GATE_FRESH, *fresh])
        self.record: F64 = np.empty((0, self._fresh.size))
        self.head: I32 = np.empty(0, np.int32)
        self._sided = np.array([each.sided for each in self.detectors])
        self._of_gated = np.array([each.of_gated for each in self.detectors])
        self.busy = np.empty(0, np.bool_)
        self.profile: I32 = np.empty(0, np.int32)
        self._grow(_FIRST_CAPACITY)

    def extend_to(self, size: int) -> None:
        """Make slots up to ``size`` exist; new ones are fresh and watched by nobody."""
        if size > self.capacity:
            self._grow(max(size, 2 * self.capacity))
        self.size = max(self.size, size)

    def configure(self, slot: int, profile: int) -> None:
        """``profile``: a row of ``profiles``, 0 = nobody watches the slot."""
        self.profile[slot] = profile

    def update(self, slot: I64, at: I64, value: F64, quality: U16) -> Judged:
        """Judge n readings, in order of measured time inside each slot. Raises ``IndexError`` for a slot that does not exist:
        compiled kernels would write beside their arrays."""
        slot, at, value, quality = _packed(slot), _packed(at), _packed(value), _packed(quality)
        slots = slot.view(np.uint64)  # -1, "no slot", is beyond all of them
        if slots.size and np.maximum.reduce(slots) >= self.size:
            raise IndexError(f"a reading of a slot that is none of the {self.size}")
        size, profile, stack = slot.size, self.profile.view(np.uint32), self._stack()
        # A reading's scores lie side by side, where the pass over the readings writes them at once.
        scores, codes = (
            np.empty((size, len(self.detectors)), np.float32),
            np.empty((size, len(self.detectors)), np.uint8),
        )
        said = Judged(np.empty(size, np.uint8), np.empty(size), scores.T, codes.T, [])
        judge = self.kernels(stack)
        if judge is stack:
            self._one_by_one(slots, at, value, quality, profile, said)
            rows, beyond = self._candidates(slots, said.codes)
        else:
            rows, count = np.empty(size, np.int64), np.empty(2, np.int64)
            memory = self.record, profile, *self.profiles.table
            results = said.gate, said.weight, scores, codes, self.busy, rows, count
            judge(slots, at, value, quality, *memory, *results)
            found, beyond = count.tolist()
            rows = rows[:found]
        said.events.extend(self._follow(rows, beyond, slot, at, value, said))
        return said

    @property
    def failed(self) -> set[int]:
        """Numbers of the detectors that raised; they say nothing until the next start."""
        return self.profiles.failed

    def _stack(self) -> Loop:
        if self._stack_of[0] is not self.detectors:
            self._stack_of = self.detectors, stack_of(self.detectors)
        return self._stack_of[1]

    def _one_by_one(self, slot: U64, at: I64, value: F64, quality: U16, profile: U32, said: Judged) -> None:
        """What the compiled stack does: fills the columns of ``said``. A detector that raises is switched off."""
        since, param = np.empty(slot.size), self.profiles.gate
        for row, (s, bits) in enumerate(zip(slot, quality, strict=True)):
            found = gate_of(value[row], float(at[row]), int(bits), tuple(self.gate_state[s]), tuple(param[profile[s]]))
            said.gate[row], said.weight[row], since[row], self.gate_state[s] = found
        given = slot, at, since, value, said.weight, said.gate
        for number, detector in enumerate(self.detectors):
            results = profile, said.scores[number], said.codes[number]
            judge = partial(rows_of(detector), *given, self.state[number], self.profiles.param[number], *results)
            if detector.name in ESSENTIAL:
                judge()
            elif number not in self.failed and attempt(f"detector {detector.name}", judge) is not None:
                # It says nothing until the next start, and learns anew then: its memory is worth nothing.
                self.failed.add(number)
                self.state[number][:] = self._fresh[self._part(number)]
        for number in self.failed:
            said.scores[number], said.codes[number] = np.nan, 0

    def _events(
        self, slot: I64, at: I64, value: F64, gate: U8, scores: F32, codes: U8
    ) -> list[tuple[int, NDArray[Any]]]:
        """What readings that are judged do to the conditions."""
        rows, beyond = self._candidates(slot.view(np.uint64), codes)
        return self._follow(rows, beyond, slot, at, value, Judged(gate, np.empty(0), scores, codes, []))

    def _candidates(self, slot: U64, codes: U8) -> tuple[I64, int]:
        rows, count, odd = np.empty(slot.size, np.int64), np.empty(2, np.int64), np.empty(slot.size, np.uint8)
        self.kernels(candidate_kernel)(slot, np.ascontiguousarray(codes), self.busy, odd, rows, count)
        found, beyond = count.tolist()
        return rows[:found], beyond

    def _follow(
        self, rows: I64, beyond: int, slot: I64, at: I64, value: F64, said: Judged
    ) -> list[tuple[int, NDArray[Any]]]:
        """Step the conditions through these rows; ``beyond``: how many codes in them may begin one."""
        if not rows.size:
            return []
        pool, profiles = self.pool, self.profiles
        pool.reserve(beyond)
        pool.count[0] = 0
        room = event_room(beyond, pool.in_use)
        events, order, ends = np.empty(room, EVENT), np.empty(room, np.int64), np.empty(len(self.detectors), np.int64)
        self.kernels(condition_kernel)(
            rows, slot, at, value, said.scores, said.gate, said.codes, self.head, profiles.delays, self.profile, profiles.clear,
            profiles.gap, self._sided, self._of_gated, pool.rows, pool.free, pool.count, events, order, ends, self.busy,
        )  # fmt: skip
        bounds = [0, *ends.tolist()]
        by_detector = events.take(order[: bounds[-1]])
        return [
            (number, by_detector[start:end])
            for number, (start, end) in enumerate(itertools.pairwise(bounds))
            if end > start
        ]

    # --- one slot ----------------------------------------------------------------------------------------------------

    def condition(self, number: int, slot: int) -> NDArray[Any] | None:
        """The running condition of a detector on a slot (a row of the pool), None when both sides are idle."""
        return self.pool.find(self.head, slot, number)

    def forget_condition(self, number: int, slot: int, side: int) -> None:
        """Drop what runs: its ground is gone by decision."""
        row = self.condition(number, slot)
        if row is None:
            return
        row["status"][side], row["level"][side] = IDLE, 0
        if row["status"][1 - side] == IDLE:
            self.pool.drop(self.head, slot, number)
            self.busy[slot] = self.head[slot] >= 0

    def copy_slot(self, slot: int) -> tuple[F64, dict[int, NDArray[Any]]]:
        """The whole memory of a slot: every state column in one row, and the running conditions by detector."""
        return self.record[slot].copy(), self.running(slot)

    def running(self, slot: int) -> dict[int, NDArray[Any]]:
        """Copies of the slot's running conditions, by detector."""
        return self.pool.of(self.head, slot)

    def put_slot(self, slot: int, row: F64 | None, running: dict[int, NDArray[Any]]) -> None:
        """Set a slot back to a copy; None = fresh."""
        self.extend_to(slot + 1)
        self.record[slot] = self._fresh if row is None else row
        for number in self.running(slot):
            self.pool.drop(self.head, slot, number)
        for condition in running.values():
            self.pool.put(self.head, slot, condition)
        self.busy[slot] = bool(running)

    # --- snapshot ----------------------------------------------------------------------------------------------------

    def saved(self, prefix: str) -> Saved:
        """Names and widths of the detectors are in it, so that another set of detectors does not take it for its own."""
        slots = np.flatnonzero(self.head[: self.size] >= 0).tolist()
        rows = [row for slot in slots for row in self.running(slot).values()]
        return {
            f"{prefix}.detectors": np.array([f"{each.name}/{len(each.state)}" for each in self.detectors]),
            f"{prefix}.state": self.record[: self.size],
            f"{prefix}.running": np.array(rows, ROW),
        }

    def load(self, saved: Mapping[str, NDArray[Any]], prefix: str) -> None:
        """Raises ``KeyError`` or ``ValueError`` when an array is missing or other detectors wrote it."""
        names = [f"{each.name}/{len(each.state)}" for each in self.detectors]
        if saved[f"{prefix}.detectors"].tolist() != names or saved[f"{prefix}.running"].dtype != ROW:
            raise ValueError(f"{prefix}: written by other detectors")
        state = saved[f"{prefix}.state"]
        if state.ndim != 2 or state.shape[1] != self._fresh.size:
            raise ValueError(f"{prefix}: of another layout")
        self.extend_to(len(state))
        self.record[: len(state)] = state
        for row in saved[f"{prefix}.running"]:
            slot = int(row["slot"])
            self.pool.put(self.head, slot, row)
            self.busy[slot] = True

    def _part(self, number: int) -> slice:
        """Where in a row of memory a detector's is."""
        start = len(GATE_FRESH) + sum(len(each.state) for each in self.detectors[:number])
        return slice(start, start + len(self.detectors[number].state))

    @property
    def bytes_per_slot(self) -> int:
        """Memory of one slot, running conditions apart."""
        columns: list[NDArray[Any]] = [self.record, self.head, self.busy, self.profile]
        return sum(int(column.nbytes) for column in columns) // self.capacity

    def _grow(self, capacity: int) -> None:
        self.record = _grown(self.record, capacity, self._fresh)
        self.gate_state = self.record[:, : len(GATE_FRESH)]
        self.state = [self.record[:, self._part(number)] for number in range(len(self.detectors))]
        self.head = _grown(self.head, capacity, -1)
        self.busy = _grown(self.busy, capacity, False)
        self.profile = _grown(self.profile, capacity, 0)
        self.capacity = capacity


def _packed(column: NDArray[Item]) -> NDArray[Item]:
    """Compiled kernels take no views."""
    return column if column.flags.c_contiguous else column.copy()


def _grown(old: NDArray[Any], capacity: int, fresh: Any) -> NDArray[Any]:
    new = _on_a_line((capacity, *old.shape[1:]), old.dtype)
    new[: len(old)] = old
    new[len(old) :] = fresh
    return new


def _on_a_line(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + size].view(dtype).reshape(shape)

"""All streams at once: quality, detectors and conditions over preallocated columns.

``update`` takes readings that are in order of measured time inside each slot (``analytics.order`` sees to that). Its results and
the state that it leaves are bit-equal for any split into batches, compiled or not.
"""

from __future__ import annotations

import itertools
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
from analytics.engine.touch import touch_kernel
from analytics.quality import GATE_FRESH, gate_kernel
from vigil.domain.readings import F64, I64, U16, U64
from vigil.runtime.supervise import attempt

_FIRST_CAPACITY = 256
#: The state of so many slots fits into the caches of a core; of more, each row of a block is first asked for by a loop that waits
#: for none of them.
_CACHED = 32_768
#: Readings whose state fits into the second-level cache.
_BLOCK = 2_048

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
    """``state``: by detector f64 (capacity, columns); ``head`` and ``pool``: running conditions; ``busy``: may have one."""

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
        self._fresh = [np.array([value for _, value in each.state]) for each in self.detectors]
        self.state: list[F64] = [np.empty((0, fresh.size)) for fresh in self._fresh]
        self.gate_state: F64 = np.empty((0, len(GATE_FRESH)))
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
        gate, weight = np.empty(slot.size, np.uint8), np.empty(slot.size)
        scores = np.empty((len(self.detectors), slot.size), np.float32)
        codes = np.empty((len(self.detectors), slot.size), np.uint8)
        far = self.capacity > _CACHED and self.kernels.ready.is_set()
        if not far:
            self._score(far, slots, at, value, quality, gate, weight, scores, codes)
        for start in range(0, slot.size if far else 0, _BLOCK):
            cut = slice(start, start + _BLOCK)
            columns = slots[cut], at[cut], value[cut], quality[cut], gate[cut], weight[cut]
            self._score(far, *columns, scores[:, cut], codes[:, cut])
        return Judged(gate, weight, scores, codes, self._events(slot, at, value, gate, scores, codes))

    def _score(
        self, far: bool, slot: U64, at: I64, value: F64, quality: U16, gate: U8, weight: F64, scores: F32, codes: U8
    ) -> None:
        """Gate, weight, scores and codes of some readings. ``far``: the slots' memory is in no cache, so ask for it first."""
        run, profile, since = self.kernels, self.profile.view(np.uint32), np.empty(slot.size)
        if far:
            run(touch_kernel)(slot, self.gate_state)
        run(gate_kernel)(slot, at, value, quality, gate, weight, since, self.gate_state, self.profiles.gate, profile)
        given = slot, at, since, value, weight, gate
        for number, detector in enumerate(self.detectors):
            score, code, state = scores[number], codes[number], self.state[number]
            if far and detector.state:
                run(touch_kernel)(slot, state)
            judge = partial(run(detector.kernel), *given, state, self.profiles.param[number], profile, score, code)
            if detector.name in ESSENTIAL:
                judge()
            elif number not in self.failed and attempt(f"detector {detector.name}", judge) is not None:
                # It says nothing until the next start, and learns anew then: its memory is worth nothing.
                self.failed.add(number)
                state[:] = self._fresh[number]
        for number in self.failed:
            scores[number], codes[number] = np.nan, 0

    def _events(
        self, slot: I64, at: I64, value: F64, gate: U8, scores: F32, codes: U8
    ) -> list[tuple[int, NDArray[Any]]]:
        rows, found = np.empty(slot.size, np.int64), np.empty(2, np.int64)
        self.kernels(candidate_kernel)(
            slot.view(np.uint64), codes, self.busy, np.empty(slot.size, np.uint8), rows, found
        )
        candidates, beyond = found.tolist()
        if not candidates:
            return []
        self.pool.reserve(beyond)
        self.pool.count[0] = 0
        room = event_room(beyond, self.pool.in_use)
        events, order, ends = np.empty(room, EVENT), np.empty(room, np.int64), np.empty(len(self.detectors), np.int64)
        pool, profiles = self.pool, self.profiles
        self.kernels(condition_kernel)(
            rows[:candidates], slot, at, value, scores, gate, codes, self.head, profiles.delays, self.profile, profiles.clear,
            profiles.gap, self._sided, self._of_gated, pool.rows, pool.free, pool.count, events, order, ends, self.busy,
        )  # fmt: skip
        bounds = [0, *ends.tolist()]
        return [
            (number, events[order[start:end]])
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
        return np.concatenate([self.gate_state[slot], *(state[slot] for state in self.state)]), self.running(slot)

    def running(self, slot: int) -> dict[int, NDArray[Any]]:
        """Copies of the slot's running conditions, by detector."""
        return self.pool.of(self.head, slot)

    def put_slot(self, slot: int, row: F64 | None, running: dict[int, NDArray[Any]]) -> None:
        """Set a slot back to a copy; None = fresh."""
        self.extend_to(slot + 1)
        row = self.fresh_row() if row is None else row
        start = len(GATE_FRESH)
        self.gate_state[slot] = row[:start]
        for state in self.state:
            state[slot] = row[start : start + state.shape[1]]
            start += state.shape[1]
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
            f"{prefix}.gate": self.gate_state[: self.size],
            f"{prefix}.state": np.concatenate([state[: self.size] for state in self.state], axis=1),
            f"{prefix}.running": np.array(rows, ROW),
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
        for row in saved[f"{prefix}.running"]:
            slot = int(row["slot"])
            self.pool.put(self.head, slot, row)
            self.busy[slot] = True

    def fresh_row(self) -> F64:
        return np.concatenate([np.array(GATE_FRESH), *self._fresh])

    @property
    def bytes_per_slot(self) -> int:
        """Memory of one slot, running conditions apart."""
        columns: list[NDArray[Any]] = [self.gate_state, *self.state, self.head, self.busy, self.profile]
        return sum(int(column.nbytes) for column in columns) // self.capacity

    def _grow(self, capacity: int) -> None:
        self.state = [_grown(old, capacity, fresh) for old, fresh in zip(self.state, self._fresh, strict=True)]
        self.gate_state = _grown(self.gate_state, capacity, np.array(GATE_FRESH))
        self.head = _grown(self.head, capacity, -1)
        self.busy = _grown(self.busy, capacity, False)
        self.profile = _grown(self.profile, capacity, 0)
        self.capacity = capacity


def _packed(column: NDArray[Item]) -> NDArray[Item]:
    """Compiled kernels take no views."""
    return column if column.flags.c_contiguous else column.copy()


def _grown(old: NDArray[Any], capacity: int, fresh: Any) -> NDArray[Any]:
    new = np.empty((capacity, *old.shape[1:]), old.dtype)
    new[: len(old)] = old
    new[len(old) :] = fresh
    return new

"""Slots: one per (binding, stream), so that a device that changes hands starts anew; and the newest values of each.

A reading belongs to the patient whose binding covers its measured time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from analytics.columns import Columns, Spec
from analytics.directory import Directory
from analytics.quality import CONFIRMED_WITHIN
from vigil.domain.people import MANUAL_PREFIX
from vigil.domain.policy import Policy
from vigil.domain.readings import F64, I64, U16, U32, ReadingBatch, Stream
from vigil.domain.times import DAY, HOUR, SECOND
from vigil.domain.vitals import VITALS, Sampling

#: Sides of a limit by number.
SIDES = ("low", "high")

FOREVER = np.iinfo(np.int64).max
#: Readings that were older than this when they came never alarm.
LATENESS_WINDOW = DAY
#: A spot check is stale after this (ours, needs clinical sign-off): breathing, SpO2 and pulse change faster than the rest.
SPOT_STALE = 12 * HOUR
SPOT_STALE_FAST = HOUR
_FAST = ("resp_rate", "spo2", "heart_rate")
#: After so many look-ups most streams of a batch are known; so many readings are worth a look at all bindings first.
_FEW = 1000
#: A continuous vital that a device sends more seldom than this is treated as a spot check there, seconds (ours).
_SPOT_INTERVAL_S = 150.0


class Slots(Columns):
    """``stale``: age after which a value no longer speaks for the present; ``gap``: a longer silence breaks "for so many
    seconds"; ``interval``: expected time between values, 0 = never expected; all microseconds. ``quick``: values come so often
    that the next one can confirm a jump. ``limit`` and ``severe`` (low,
    high): as they were last taken from the policy, NaN = none.

    ``valid_*`` describe the newest value that is not gated, by measured time; ``seen_*`` the newest of any quality.
    """

    SPEC: ClassVar[Spec] = {
        "binding": (np.int64, (), 0),
        "stream": (np.uint32, (), 0),
        "vital": (np.int16, (), 0),
        "seen_at": (np.int64, (), 0),
        "seen_received": (np.int64, (), 0),
        "first_received": (np.int64, (), 0),
        "valid_at": (np.int64, (), 0),
        "valid_received": (np.int64, (), 0),
        "valid_value": (np.float64, (), np.nan),
        "valid_quality": (np.uint16, (), 0),
        "valid_ordinal": (np.uint64, (), 0),
        "start": (np.int64, (), 0),
        "end": (np.int64, (), 0),
        "stale": (np.int64, (), 0),
        "gap": (np.int64, (), 0),
        "interval": (np.int64, (), 0),
        "clear": (np.int64, (), 0),
        "spot": (np.bool_, (), False),
        "quick": (np.bool_, (), False),
        "limit": (np.float64, (2,), np.nan),
        "severe": (np.float64, (2,), np.nan),
    }
    binding: I64
    stream: U32
    vital: NDArray[np.int16]
    seen_at: I64
    seen_received: I64
    first_received: I64
    valid_at: I64
    valid_received: I64
    valid_value: F64
    valid_quality: U16
    valid_ordinal: NDArray[np.uint64]
    start: I64
    end: I64
    stale: I64
    gap: I64
    interval: I64
    clear: I64
    spot: NDArray[np.bool_]
    quick: NDArray[np.bool_]
    limit: F64
    severe: F64

    def __init__(self, directory: Directory, streams: Callable[[], list[Stream]]) -> None:
        super().__init__()
        self._directory = directory
        self._read_streams = streams
        self._streams: dict[int, Stream] = {}
        self._current = np.full(1024, -1, np.int64)
        self._by_key: dict[tuple[int, int], int] = {}
        self._by_patient: dict[str, list[int]] = {}
        #: Patient of each slot; empty when discharged.
        self.patient: list[str] = []
        self.device: list[str] = []

    def resolve(self, batch: ReadingBatch) -> I64:
        """The slot of each reading; -1 where the patient is not (or no longer) under watch."""
        if not len(batch):
            return np.empty(0, np.int64)
        top = int(batch.stream.max())
        if top >= self._current.size:
            grown = np.full(max(top + 1, 2 * self._current.size), -1, np.int64)
            grown[: self._current.size] = self._current
            self._current = grown
        slot, inside = self._known(batch)
        outside = np.flatnonzero(~inside)
        if outside.size > _FEW:  # in order of reading, so that slots have the same numbers for any split into batches
            for row in outside[:_FEW].tolist():
                self._look_up(int(batch.stream[row]), int(batch.measured_at[row]))
            slot, inside = self._known(batch)
            outside = np.flatnonzero(~inside)
        for row in outside.tolist():
            slot[row] = self._look_up(int(batch.stream[row]), int(batch.measured_at[row]))
        return slot

    def _known(self, batch: ReadingBatch) -> tuple[I64, NDArray[np.bool_]]:
        """The newest slot of each reading's stream, and where its binding covers the measured time."""
        slot = self._current[batch.stream]
        if len(batch) > _FEW:
            first, last = batch.measured_at.min(), batch.measured_at.max()
            if (self.start[: self.size] <= first).all() and (self.end[: self.size] > last).all():
                return slot, slot >= 0
        return slot, (slot >= 0) & (batch.measured_at >= self.start[slot]) & (batch.measured_at < self.end[slot])

    def _look_up(self, stream: int, at: int) -> int:
        known = self._current[stream]
        if known >= 0 and self.start[known] <= at < self.end[known]:
            return int(known)
        if stream not in self._streams:
            self._streams = {each.stream: each for each in self._read_streams()}
        device = self._streams[stream].device_id
        binding = self._directory.binding_at(device, at)
        if binding is None:
            return -1
        slot = self._by_key.get((binding.binding_id, stream))
        if slot is None:
            slot = self._add(binding.binding_id, stream)
        if known < 0 or self.start[slot] >= self.start[known]:
            self._current[stream] = slot
        return slot

    def _add(self, binding_id: int, stream: int) -> int:
        slot = self.size
        self.extend_to(slot + 1)
        self.binding[slot], self.stream[slot] = binding_id, stream
        self.vital[slot] = self._streams[stream].vital
        self._index(slot)
        self.configure(slot)
        return slot

    def _index(self, slot: int) -> None:
        binding = self._directory.by_id[int(self.binding[slot])]
        here = binding.patient_id if binding.patient_id in self._directory.patients else ""
        self._by_key[(binding.binding_id, int(self.stream[slot]))] = slot
        self.patient.append(here)
        self.device.append(binding.device_id)
        if here:
            self._by_patient.setdefault(here, []).append(slot)

    def reindex(self) -> bool:
        """After loading a snapshot or a change of the records. False when a slot's binding is not on record any more."""
        if any(int(binding) not in self._directory.by_id for binding in self.binding[: self.size]):
            return False
        self._by_key, self._by_patient, self.patient, self.device = {}, {}, [], []
        self._current.fill(-1)
        for slot in range(self.size):
            self._index(slot)
            self.configure(slot)
        return True

    def configure(self, slot: int) -> None:
        """Times that follow from the binding, the device and the patient's policy."""
        binding = self._directory.by_id[int(self.binding[slot])]
        kind = VITALS[int(self.vital[slot])]
        gone = not self.patient[slot]
        policy = Policy(()) if gone else self._directory.policy(binding.patient_id)
        interval_s = self._directory.interval_s(binding.device_id, kind.name, kind.expected_interval_s)
        manual = binding.device_id.startswith(MANUAL_PREFIX)
        spot = manual or kind.sampling is Sampling.SPOT or (interval_s or 0.0) > _SPOT_INTERVAL_S
        stale = round(policy.continuous_staleness_s * SECOND)
        if spot:
            stale = SPOT_STALE_FAST if kind.name in _FAST else SPOT_STALE
        self.start[slot] = binding.start
        self.end[slot] = binding.start if gone else (FOREVER if binding.end is None else binding.end)
        self.stale[slot] = stale
        spacing = 0 if manual or interval_s is None else round(interval_s * SECOND)
        expected = spacing if manual else round(policy.interval_s.get(kind.name, 0.0) * SECOND)
        self.interval[slot] = expected or spacing
        self.gap[slot] = max(stale, 2 * spacing)
        self.quick[slot] = not spot and 0 < spacing <= CONFIRMED_WITHIN
        self.spot[slot] = spot
        self.clear[slot] = 0 if spot else round(policy.clear_delay_s * SECOND)

    def speaks_for_now(self, slot: I64, measured_at: I64, received_at: I64) -> NDArray[np.bool_]:
        """Was a reading young enough when it came, and does the binding go on?"""
        young = received_at - measured_at <= self.stale[slot]
        result: NDArray[np.bool_] = young & (self.end[slot] > received_at)
        return result

    def note(self, slot: I64, batch: ReadingBatch, counts: NDArray[np.bool_]) -> None:
        """Remember the newest values of each slot, by measured time. ``counts``: which are measurements of the patient."""
        fresh = self.first_received[slot] == 0
        if fresh.any():  # the first row of a slot wins, so assign backwards
            self.first_received[slot[fresh][::-1]] = batch.received_at[fresh][::-1]
        np.maximum.at(self.seen_received, slot, batch.received_at)
        np.maximum.at(self.seen_at, slot, batch.measured_at)
        rows = np.flatnonzero(counts & (batch.measured_at >= self.valid_at[slot]))
        rows = rows[np.lexsort((batch.measured_at[rows], slot[rows]))]
        last = np.ones(rows.size, np.bool_)
        last[:-1] = slot[rows][1:] != slot[rows][:-1]
        rows = rows[last]
        at = slot[rows]
        self.valid_at[at] = batch.measured_at[rows]
        self.valid_received[at] = batch.received_at[rows]
        self.valid_value[at] = batch.value[rows]
        self.valid_quality[at] = batch.quality[rows]
        self.valid_ordinal[at] = batch.ordinal[rows]

    def of(self, patient_id: str) -> list[int]:
        """All of a patient's slots, those of ended bindings too."""
        return self._by_patient.get(patient_id, [])

    def patients(self) -> list[str]:
        return list(self._by_patient)

"""Which devices send no pack numbers, so that a lost message cannot be noticed ("delivery unproven")."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np

from vigil.domain.readings import NO_SEQUENCE, ReadingBatch
from vigil.store import ReadingStore

#: Newest readings looked at in one call; a device that is silent for longer is looked up by itself, once.
WINDOW = 20_000


class Unproven:
    """Remembers each device's newest word. Safe to use from several threads."""

    def __init__(self, readings: ReadingStore) -> None:
        self._readings = readings
        self._lock = threading.Lock()
        self._position = -1
        self._known: dict[str, bool] = {}

    def of(self, streams: Mapping[str, Sequence[int]]) -> dict[str, bool]:
        """``streams``: stream numbers by device. A device that never sent anything is not unproven."""
        with self._lock:
            self._look(streams)
            for device_id, numbers in streams.items():
                if device_id not in self._known and numbers:
                    self._note(device_id, self._readings.range(numbers, 0, np.iinfo(np.int64).max, 1))
            return {device_id: self._known.get(device_id, False) for device_id in streams}

    def _look(self, streams: Mapping[str, Sequence[int]]) -> None:
        start = max(self._position, self._readings.head() - WINDOW)
        batch = self._readings.after(start, WINDOW)
        if not len(batch):
            return
        self._position = int(batch.ordinal[-1])
        device_of = {number: device_id for device_id, numbers in streams.items() for number in numbers}
        numbers, first = np.unique(batch.stream[::-1], return_index=True)
        without = batch.seq[::-1][first] == NO_SEQUENCE
        for number, unsequenced in zip(numbers.tolist(), without.tolist(), strict=True):
            if number in device_of:
                self._known[device_of[number]] = unsequenced

    def _note(self, device_id: str, newest: ReadingBatch) -> None:
        if len(newest):
            self._known[device_id] = bool(newest.seq[-1] == NO_SEQUENCE)

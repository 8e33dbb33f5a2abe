"""The clocks of all devices, written by the pipeline and read by the api. Rebuilt at start from the newest stored readings."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np

from vigil.domain.clock_line import Line
from vigil.domain.device_clock import ClockTracker, DeviceClock
from vigil.domain.quality import Quality
from vigil.domain.readings import ReadingBatch
from vigil.domain.times import MINUTE
from vigil.store import ReadingHistory

#: Newest readings looked at when the core starts, and how many at once. Ours: a second of work at most.
WINDOW, _PAGE = 500_000, 50_000
#: What was older when it came says nothing of a clock: history, or a queue. Ours.
_LATE = MINUTE


class Clocks:
    """One ``ClockTracker`` a device. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trackers: dict[str, ClockTracker] = {}

    def observe(self, device_id: str, epoch: int, seq: int, device: int, received: int) -> Line | None:
        """A live pack; ``device``: its newest device time. The line that corrects it, if it must be."""
        with self._lock:
            tracker = self._trackers.get(device_id)
            if tracker is None:
                tracker = self._trackers[device_id] = ClockTracker()
            return tracker.observe(epoch, seq, device, received)

    def line_of(self, device_id: str, epoch: int, seq: int, device: int, _received: int) -> Line | None:
        """The line that corrects history, if it must be and can be. When that came says nothing."""
        with self._lock:
            tracker = self._trackers.get(device_id)
            return None if tracker is None else tracker.line_of(epoch, seq, device)

    def clock(self, device_id: str, now: int) -> DeviceClock | None:
        """None while nothing live was heard of the device."""
        with self._lock:
            tracker = self._trackers.get(device_id)
            return None if tracker is None else tracker.clock(now)

    def rebuild(self, history: ReadingHistory) -> None:
        """Sees the newest stored packs again; a correction that was in use goes on until more is known."""
        owners = {stream.stream: stream.device_id for stream in history.streams()}
        corrected: dict[str, tuple[int, int, int]] = {}
        position, head = max(history.head() - WINDOW, 0), history.head()
        while position < head:
            batch = history.after(position, _PAGE)
            if not len(batch):
                break
            position = int(batch.ordinal[-1])
            self._see(batch, owners, corrected)
        for device_id, (epoch, received, shift) in corrected.items():
            self._trackers[device_id].inherit(epoch, received, shift)

    def _see(self, batch: ReadingBatch, owners: Mapping[int, str], corrected: dict[str, tuple[int, int, int]]) -> None:
        batch = batch.take(batch.received_at - batch.measured_at <= _LATE)
        numbers, owner = np.unique(batch.stream, return_inverse=True)
        names = [owners[number] for number in numbers.tolist()]
        devices = {name: place for place, name in enumerate(dict.fromkeys(names))}
        device = np.array([devices[name] for name in names], np.int64)[owner]
        # Rows of one pack stand together: they were committed together. The newest time of each pack is what was observed.
        key = np.stack((device, batch.epoch.astype(np.int64), batch.seq.astype(np.int64), batch.received_at))
        first = np.flatnonzero(np.any(key[:, 1:] != key[:, :-1], axis=0)) + 1 if len(batch) else np.empty(0, np.intp)
        starts = np.concatenate(([0], first)) if len(batch) else first
        newest = np.maximum.reduceat(batch.device_time, starts) if len(batch) else batch.device_time
        order = list(devices)
        wrong = (batch.quality & np.uint16(Quality.CLOCK_CORRECTED | Quality.CLOCK_AHEAD)) == Quality.CLOCK_CORRECTED
        shift = (batch.measured_at - batch.device_time)[starts]
        rows = zip(*key[:, starts].tolist(), newest.tolist(), wrong[starts].tolist(), shift.tolist(), strict=True)
        for place, epoch, seq, received, time, was_corrected, by in rows:
            device_id = order[place]
            self.observe(device_id, epoch, seq, time, received)
            if was_corrected:
                corrected[device_id] = (epoch, received, by)
            else:
                corrected.pop(device_id, None)

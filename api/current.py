"""Which stored value is a patient's current one, for every patient and vital at once, as columns.

A device's values count for a patient only if measured inside its binding. Where two devices give one vital, the usable one
wins, then the fresher state, then good quality, then the newest, then the lowest stream number (design section 3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from vigil.domain.people import MANUAL_PREFIX, Binding, Device
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.quality import GATED, Quality
from vigil.domain.readings import F64, I64, Stream
from vigil.domain.times import HOUR, SECOND
from vigil.domain.vitals import VITALS, Sampling
from vigil.store import Latest

#: A spot value without expected interval is fresh for 12 h; a hand-counted pulse, breath rate or SpO2 for 1 h
#: (the limits after which NEWS2 here calls them stale; both are ours).
SPOT_FRESH_US = 12 * HOUR
HAND_COUNTED_FRESH_US = HOUR

#: A sensor must have given nothing usable for this long before a value is marked "bad signal" (ours: one bad second at
#: 1 Hz is not worth a mark).
BAD_SIGNAL_US = 10 * SECOND

#: Beyond so many times its staleness limit a value is "old" and no longer shown as a value.
OLD_FACTOR = 3

_FOR_EVER = np.iinfo(np.int64).max

Columns = np.ndarray[tuple[int], np.dtype[np.int64]]


def fresh_for(vital: int, device: Device | None) -> int:
    """Microseconds for which a value of this vital from this device is fresh: 300 s when continuous; spot: twice the expected
    interval, else 12 h."""
    kind = VITALS[vital]
    if device is not None and device.device_id.startswith(MANUAL_PREFIX):
        return HAND_COUNTED_FRESH_US if kind.sampling is Sampling.CONTINUOUS else SPOT_FRESH_US
    own = device.interval_s.get(kind.name) if device is not None else None
    if kind.sampling is Sampling.CONTINUOUS:
        least = round(DEFAULT_POLICY.continuous_staleness_s * SECOND)
        return max(least, round(2 * own * SECOND)) if own else least
    interval = own or kind.expected_interval_s
    return round(2 * interval * SECOND) if interval else SPOT_FRESH_US


@dataclass(frozen=True, slots=True)
class Current:
    """One row a (patient, vital) of the layout. ``candidate`` -1 = nothing was ever measured; then the other columns mean
    nothing. ``state``: 0 fresh, 1 stale, 2 old. ``value`` NaN and ``received_at`` 0: only unusable signal so far."""

    candidate: I64
    value: F64
    measured_at: I64
    received_at: I64
    quality: I64
    state: I64
    bad_at: I64

    def changed(self, before: Current) -> Columns:
        """Indices of the rows that differ; both must come from one layout."""
        same = np.ones(self.candidate.size, bool)
        for name in ("candidate", "measured_at", "received_at", "quality", "state", "bad_at"):
            same &= getattr(self, name) == getattr(before, name)
        same &= (self.value == before.value) | (np.isnan(self.value) & np.isnan(before.value))
        return np.flatnonzero(~same)

    def take(self, rows: Columns) -> Current:
        return Current(*(getattr(self, name)[rows] for name in self.__slots__))

    def put(self, rows: Columns, newer: Current) -> None:
        """Changes these rows, one a row of ``newer``."""
        for name in self.__slots__:
            getattr(self, name)[rows] = getattr(newer, name)


class Layout:
    """Candidates (binding × stream) sorted by (patient, vital). Built anew when bindings, devices or streams change."""

    def __init__(
        self,
        patients: Sequence[str],
        bindings: Sequence[Binding],
        devices: Mapping[str, Device],
        streams: Sequence[Stream],
    ) -> None:
        place = {patient_id: index for index, patient_id in enumerate(patients)}
        by_device: dict[str, list[Stream]] = {}
        for stream in streams:
            by_device.setdefault(stream.device_id, []).append(stream)
        rows = []
        for binding in bindings:
            patient = place.get(binding.patient_id)
            if patient is None:
                continue
            device = devices.get(binding.device_id) or Device(binding.device_id, "")
            end = _FOR_EVER if binding.end is None else binding.end
            for stream in by_device.get(binding.device_id, ()):
                fresh = fresh_for(stream.vital, device)
                rows.append((patient, stream.vital, stream.stream, binding.start, end, fresh))
        rows.sort()
        table = np.array(rows, np.int64).reshape(-1, 6)
        patient_column, vital_column, self._stream, self._start, self._end, self._fresh = table.T.copy()
        names = {stream.stream: stream.device_id for stream in streams}
        self.device_ids = [names[int(number)] for number in self._stream]
        group = patient_column * len(VITALS) + vital_column
        keys, self._group = np.unique(group, return_inverse=True)
        self.vital = keys % len(VITALS)
        self.rows = [(patients[int(key) // len(VITALS)], int(key) % len(VITALS)) for key in keys]

    def part(self, rows: Columns) -> Part:
        """Of these rows, ascending, alone."""
        places = np.flatnonzero(np.isin(self._group, rows))
        layout = copy(self)
        layout._stream, layout._start = self._stream[places], self._start[places]
        layout._end, layout._fresh = self._end[places], self._fresh[places]
        layout._group = np.searchsorted(rows, self._group[places])
        layout.rows = [self.rows[row] for row in rows.tolist()]
        return Part(rows, places, layout)

    def stream_of(self, candidate: I64) -> tuple[I64, I64]:
        """Stream number and binding start of each candidate."""
        return self._stream[candidate], self._start[candidate]

    def pick(self, latest: Latest, now: int) -> Current:
        """The current value of each row, at server time ``now``."""
        size = len(self.rows)
        measured, received = latest.measured_at[self._stream], latest.received_at[self._stream]
        value, quality = latest.value[self._stream], latest.quality[self._stream].astype(np.int64)
        seen, seen_quality = latest.seen_at[self._stream], latest.seen_quality[self._stream].astype(np.int64)
        valid = (measured > 0) & (measured >= self._start) & (measured < self._end)
        unusable = (seen > 0) & (seen >= self._start) & (seen < self._end) & ((seen_quality & GATED) != 0)
        at = np.where(valid, measured, np.where(unusable, seen, 0))
        age = now - at
        state = (age > self._fresh).astype(np.int64) + (age > OLD_FACTOR * self._fresh)
        quality = np.where(valid, quality, seen_quality)
        bad = unusable & (~valid | (seen - measured > BAD_SIGNAL_US))
        doubt = (quality & ~np.int64(int(Quality.MANUAL))) != 0
        order = np.lexsort((self._stream, -at, doubt, state, ~valid, at == 0, self._group))
        first = np.full(size, -1, np.int64)
        if order.size:
            groups = self._group[order]
            starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
            first = order[starts].astype(np.int64)
        return Current(
            candidate=np.where(at[first] > 0, first, -1) if size else first,
            value=np.where(valid, value, np.nan)[first],
            measured_at=at[first],
            received_at=np.where(valid, received, 0)[first],
            quality=quality[first],
            state=state[first],
            bad_at=np.where(bad, seen, 0)[first],
        )


@dataclass(frozen=True, slots=True)
class Part:
    """Some ``rows`` of a layout, whose candidates stand at ``places`` in it."""

    rows: Columns
    places: I64
    layout: Layout

    def pick(self, latest: Latest, now: int) -> Current:
        """As ``Layout.pick`` of the whole, these rows of it."""
        found = self.layout.pick(latest, now)
        if not self.places.size:
            return found
        return replace(found, candidate=np.where(found.candidate < 0, -1, self.places[found.candidate]))

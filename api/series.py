"""A patient's vital sign over time: raw where it fits, else buckets; of each device only what it measured inside its binding."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from api import shape
from api.shape import Json
from vigil.domain.people import Binding
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.times import HOUR
from vigil.domain.vitals import VITALS, VitalKind
from vigil.store import Buckets, ReadingStore, RecordStore
from vigil.store.past import Missing, Past

#: Start and end (exclusive) in microseconds.
Window = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Worn:
    """A patient's bindings, and the streams of the devices in them, in order of their numbers."""

    bindings: Sequence[Binding] = ()
    streams: Sequence[Stream] = ()


class Wearing:
    """Who has worn what, kept until bindings or streams change. Safe to use from several threads."""

    def __init__(self, readings: ReadingStore, records: RecordStore) -> None:
        self._readings, self._records = readings, records
        self._lock = threading.Lock()
        self._version = (-1, -1)
        self._bindings: dict[str, list[Binding]] = {}
        self._streams: dict[str, list[Stream]] = {}

    def of(self, patient_id: str) -> Worn:
        with self._lock:
            self._refresh()
            bindings = self._bindings.get(patient_id, [])
            devices = {one.device_id for one in bindings}
            streams = [stream for device in devices for stream in self._streams.get(device, ())]
            return Worn(bindings, sorted(streams, key=lambda one: one.stream))

    def _refresh(self) -> None:
        streams = self._readings.streams()
        version = (self._records.revision(), len(streams))
        if version == self._version:
            return
        self._bindings, self._streams = {}, {}
        for binding in self._records.bindings():
            self._bindings.setdefault(binding.patient_id, []).append(binding)
        for stream in streams:
            self._streams.setdefault(stream.device_id, []).append(stream)
        self._version = version


def windows(stream: Stream, bindings: Sequence[Binding], start: int, end: int) -> list[Window]:
    """The parts of [start, end) in which the stream's device was bound to the patient of ``bindings``."""
    clipped = [
        (max(start, one.start), end if one.end is None else min(end, one.end))
        for one in bindings
        if one.device_id == stream.device_id
    ]
    return sorted((since, until) for since, until in clipped if since < until)


def older(missing: Missing | None) -> Json | None:
    """What an answer says of readings that it could not have."""
    return None if missing is None else {"before": shape.iso(missing.before), "reason": missing.why.value}


def vitals_of(streams: Sequence[Stream]) -> list[VitalKind]:
    """Which vitals there are, in the order of the table."""
    return [VITALS[vital] for vital in sorted({one.vital for one in streams})]


def stream_series(readings: Past, stream: Stream, parts: Sequence[Window], points: int, raw: bool) -> Json | None:
    """One stream's part of the answer, or None when it holds nothing there."""
    kind = VITALS[stream.vital]
    head: Json = {"device_id": stream.device_id, "site": stream.site}
    many = not raw and any(readings.exceeds([stream.stream], *part, points) for part in parts)
    found = [] if many else [readings.range([stream.stream], since, until, points + 1) for since, until in parts]
    batch = ReadingBatch.concat(found)
    fits = not many and len(batch) <= points
    if raw or (fits and readings.is_whole([stream.stream], parts[0][0])):
        if not len(batch):
            return None
        newest = batch if fits else batch.take(slice(len(batch) - points, None))
        return {**head, "points": None, "raw": raw_points(kind, newest), "truncated": not fits}
    total = sum(until - since for since, until in parts)
    buckets = [
        readings.buckets([stream.stream], *span)
        for since, until in parts
        for span in whole_hours(since, until, max(1, points * (until - since) // total))
    ]
    shown = [point for one in buckets for point in bucket_points(kind, one)]
    return {**head, "points": shown, "raw": None, "truncated": False} if shown else None


def whole_hours(since: int, until: int, points: int) -> list[tuple[int, int, int]]:
    """Start, end and number of buckets, ``points`` at most in all. Where one is an hour or longer they are whole hours UTC, of
    which the store has roll-ups, but for one at either end."""
    if until - since < points * HOUR or points < 3:
        return [(since, until, points)]
    width = -(-(until - since) // ((points - 2) * HOUR)) * HOUR
    first = -(-since // HOUR) * HOUR
    count = (until - first) // width
    last = first + count * width
    cuts = [(since, first, 1), (first, last, count), (last, until, 1)]
    return [cut for cut in cuts if cut[0] < cut[1]]


def raw_points(kind: VitalKind, batch: ReadingBatch) -> list[Json]:
    return [
        {
            "at": shape.iso(measured),
            "value": shape.reading_value(kind, value),
            "quality": quality,
            "received_at": shape.iso(received),
            "ordinal": ordinal,
        }
        for measured, value, quality, received, ordinal in zip(
            batch.measured_at.tolist(),
            batch.value.tolist(),
            batch.quality.tolist(),
            batch.received_at.tolist(),
            batch.ordinal.tolist(),
            strict=True,
        )
    ]


def bucket_points(kind: VitalKind, buckets: Buckets) -> list[Json]:
    """A mean keeps one digit more than the vital; the mean of a letter means nothing and is null."""
    means = buckets.mean.tolist()
    return [
        {"at": at, "min": low, "max": high, "mean": mean, "last": last, "count": count, "bad": bad}
        for at, low, high, mean, last, count, bad in zip(
            map(shape.iso, buckets.start.tolist()),
            _values(kind, buckets.minimum.tolist()),
            _values(kind, buckets.maximum.tolist()),
            [None] * len(means) if kind.codes else _rounded(means, kind.digits + 1),
            _values(kind, buckets.last.tolist()),
            buckets.count.tolist(),
            buckets.bad.tolist(),
            strict=True,
        )
    ]


def _values(kind: VitalKind, column: Sequence[float]) -> Sequence[float | str | None]:
    """Each as ``shape.reading_value`` has it, a column at once."""
    if kind.codes:
        return [shape.reading_value(kind, value) for value in column]
    return _rounded(column, kind.digits)


def _rounded(column: Sequence[float], digits: int) -> list[float | None]:
    return [round(value, digits) if math.isfinite(value) else None for value in column]

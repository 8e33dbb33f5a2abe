"""A patient's vital sign over time: raw where it fits, else buckets; of each device only what it measured inside its binding."""

from __future__ import annotations

from collections.abc import Sequence

from api import shape
from api.shape import Json
from vigil.domain.people import Binding
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.vitals import VITALS, VitalKind
from vigil.store import Buckets, ReadingStore

#: Start and end (exclusive) in microseconds.
Window = tuple[int, int]


def windows(stream: Stream, bindings: Sequence[Binding], start: int, end: int) -> list[Window]:
    """The parts of [start, end) in which the stream's device was bound to the patient of ``bindings``."""
    clipped = [
        (max(start, one.start), end if one.end is None else min(end, one.end))
        for one in bindings
        if one.device_id == stream.device_id
    ]
    return sorted((since, until) for since, until in clipped if since < until)


def vitals_of(streams: Sequence[Stream], bindings: Sequence[Binding]) -> list[VitalKind]:
    """Which vitals the patient's devices have ever sent, in the order of the table."""
    devices = {one.device_id for one in bindings}
    return [VITALS[vital] for vital in sorted({one.vital for one in streams if one.device_id in devices})]


def stream_series(
    readings: ReadingStore, stream: Stream, parts: Sequence[Window], points: int, raw: bool
) -> Json | None:
    """One stream's part of the answer, or None when it holds nothing there."""
    kind = VITALS[stream.vital]
    head: Json = {"device_id": stream.device_id, "site": stream.site}
    found = [readings.range([stream.stream], since, until, points + 1) for since, until in parts]
    batch = ReadingBatch.concat(found)
    if not len(batch):
        return None
    fits = len(batch) <= points
    if raw or fits:
        newest = batch if fits else batch.take(slice(len(batch) - points, None))
        return {**head, "points": None, "raw": raw_points(kind, newest), "truncated": not fits}
    total = sum(until - since for since, until in parts)
    buckets = [
        readings.buckets([stream.stream], since, until, max(1, points * (until - since) // total))
        for since, until in parts
    ]
    return {
        **head,
        "points": [point for one in buckets for point in bucket_points(kind, one)],
        "raw": None,
        "truncated": False,
    }


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
    return [
        {
            "at": shape.iso(start),
            "min": shape.reading_value(kind, low),
            "max": shape.reading_value(kind, high),
            "mean": None if kind.codes else shape.number(round(mean, kind.digits + 1)),
            "last": shape.reading_value(kind, last),
            "count": count,
            "bad": bad,
        }
        for start, low, high, mean, last, count, bad in zip(
            buckets.start.tolist(),
            buckets.minimum.tolist(),
            buckets.maximum.tolist(),
            buckets.mean.tolist(),
            buckets.last.tolist(),
            buckets.count.tolist(),
            buckets.bad.tolist(),
            strict=True,
        )
    ]

"""Samples of vital signs: usable values only, each counted for the patient who wore the device when it was measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from api.prometheus.catalogue import VitalSeries, with_quality
from api.prometheus.samples import Budget, Flags, Series, Span
from vigil.domain.quality import GATED
from vigil.domain.readings import I64, ReadingBatch
from vigil.store.past import Past


def vital_series(
    readings: Past, chosen: Sequence[VitalSeries], span: Span, budget: Budget, every_quality: bool
) -> list[Series]:
    """``every_quality``: unusable values too, NaN where there is none."""
    if not span.newest_only or every_quality:
        return _stored(readings, chosen, span, budget, every_quality)
    found, others = _newest(readings, chosen, span.last)
    return found + _stored(readings, others, span, budget, every_quality)


def _newest(readings: Past, chosen: Sequence[VitalSeries], now: int) -> tuple[list[Series], list[VitalSeries]]:
    """From memory; and those series whose newest value is after ``now`` or was measured while somebody else wore the device."""
    latest = readings.latest()
    found, others = [], []
    for one in chosen:
        at = int(latest.measured_at[one.stream]) if one.stream < latest.measured_at.size else 0
        if at > now or (at and not one.covers(at)):
            others.append(one)
        elif at and now - at < one.fresh_us:
            place = slice(one.stream, one.stream + 1)
            found.append(Series(one.labels, latest.measured_at[place], latest.value[place], one.fresh_us))
    return found, others


def _stored(
    readings: Past, chosen: Sequence[VitalSeries], span: Span, budget: Budget, every_quality: bool
) -> list[Series]:
    wanted = [one for one in chosen if one.touches(span.since(one.fresh_us), span.last)]
    if not wanted:
        return []
    streams = sorted({one.stream for one in wanted})
    since = min(span.since(one.fresh_us) for one in wanted) + 1
    batch = readings.range(streams, since, span.last + 1, budget.left + 1)
    budget.take(len(batch))
    if not every_quality:
        batch = batch.take(((batch.quality & np.uint16(GATED)) == 0) & ~np.isnan(batch.value))
    batch = batch.take(np.argsort(batch.stream, kind="stable"))
    made = []
    for one in wanted:
        low, high = np.searchsorted(batch.stream, np.array([one.stream, one.stream + 1], np.uint32))
        own = _worn(batch.take(slice(int(low), int(high))), one)
        if len(own):
            made.append(Series(with_quality(one.labels, every_quality), own.measured_at, own.value, one.fresh_us))
    return made


def _worn(batch: ReadingBatch, series: VitalSeries) -> ReadingBatch:
    """Measured inside the binding; of several for one moment the last that was stored."""
    at: I64 = batch.measured_at
    inside: Flags = np.zeros(at.size, np.bool_)
    for start, end in series.spans:
        inside |= (at >= start) & ((at < end) if end is not None else True)
    own = batch.take(inside)
    last = np.ones(len(own), np.bool_)
    last[:-1] = own.measured_at[1:] != own.measured_at[:-1]
    return own.take(last)

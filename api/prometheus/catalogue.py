"""Which series of vital signs there are: one a patient, device, vital and site, kept until people, bindings or streams change."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from api.current import fresh_for
from api.prometheus.names import VITAL_METRICS
from api.prometheus.parse import Selector
from vigil.domain.people import Binding, Device, Patient
from vigil.domain.readings import Stream
from vigil.store import ReadingStore, RecordStore

#: Sorted by name; a label without a value is left out.
Labels = tuple[tuple[str, str], ...]

#: ``{quality="all"}`` asks for unusable values too; no series has the label unless asked for so.
QUALITY, EVERY_QUALITY = "quality", "all"
#: By these the series are looked up, the more exact first.
INDEXED = ("patient", "ward")


def labels(**named: str) -> Labels:
    return tuple(sorted((name, value) for name, value in named.items() if value))


@dataclass(frozen=True, slots=True)
class VitalSeries:
    """``spans``: [start, end) in microseconds in which the device was the patient's; end None = still. ``fresh_us``: a value
    that is older is no sample."""

    labels: Labels
    stream: int
    spans: tuple[tuple[int, int | None], ...]
    fresh_us: int

    def covers(self, at: int) -> bool:
        return any(start <= at and (end is None or at < end) for start, end in self.spans)

    def touches(self, since: int, until: int) -> bool:
        return any(start <= until and (end is None or since < end) for start, end in self.spans)


@dataclass(frozen=True)
class Known:
    """``wards``: of every patient, discharged or not, by id."""

    wards: dict[str, str] = field(default_factory=dict)
    by_metric: dict[str, list[VitalSeries]] = field(default_factory=dict)

    def vitals(self, selector: Selector) -> list[VitalSeries]:
        names = selector.of("__name__")
        found = []
        every = selector.equals(QUALITY) == EVERY_QUALITY
        for name, series in self._near(selector).items():
            if all(one(name) for one in names):
                found += [one for one in series if selector.takes(_shown(one.labels, every))]
        return found

    def _near(self, selector: Selector) -> dict[str, list[VitalSeries]]:
        """Of the patient or ward that the selector names, or all: among them are those that it takes."""
        for label in INDEXED:
            value = selector.equals(label)
            if value:
                return self._by_label.get((label, value), {})
        return self.by_metric

    @cached_property
    def _by_label(self) -> dict[tuple[str, str], dict[str, list[VitalSeries]]]:
        found: dict[tuple[str, str], dict[str, list[VitalSeries]]] = {}
        for name, series in self.by_metric.items():
            for one in series:
                for pair in one.labels:
                    if pair[0] in INDEXED:
                        found.setdefault(pair, {}).setdefault(name, []).append(one)
        return found


def with_quality(labels: Labels, every: bool) -> Labels:
    return tuple(sorted((*labels, (QUALITY, EVERY_QUALITY)))) if every else labels


def _shown(labels: Labels, every: bool) -> dict[str, str]:
    return {**dict(labels), QUALITY: EVERY_QUALITY} if every else dict(labels)


class Catalogue:
    """Safe to use from several threads."""

    def __init__(self, readings: ReadingStore, records: RecordStore) -> None:
        self._readings, self._records = readings, records
        self._lock = threading.Lock()
        self._version = (-1, -1)
        self._known = Known()

    def now(self) -> Known:
        with self._lock:
            streams = self._readings.streams()
            version = (self._records.revision(), len(streams))
            if version != self._version:
                patients = self._records.patients(include_discharged=True)
                bindings, devices = self._records.bindings(), self._records.devices()
                self._known = Known(
                    {one.patient_id: one.ward for one in patients}, _series(patients, bindings, devices, streams)
                )
                self._version = version
            return self._known


def _series(
    patients: Iterable[Patient], bindings: Sequence[Binding], devices: Iterable[Device], streams: Iterable[Stream]
) -> dict[str, list[VitalSeries]]:
    wards = {one.patient_id: one.ward for one in patients}
    known = {one.device_id: one for one in devices}
    worn: dict[str, dict[str, list[tuple[int, int | None]]]] = {}
    for one in bindings:
        if one.patient_id in wards:
            worn.setdefault(one.device_id, {}).setdefault(one.patient_id, []).append((one.start, one.end))
    found: dict[str, list[VitalSeries]] = {}
    for stream in streams:
        metric = VITAL_METRICS[stream.vital]
        fresh = fresh_for(stream.vital, known.get(stream.device_id))
        for patient_id, spans in worn.get(stream.device_id, {}).items():
            named = dict(metric.extra)
            all_labels = labels(
                __name__=metric.name,
                patient=patient_id,
                device=stream.device_id,
                ward=wards[patient_id],
                site=stream.site,
                **named,
            )
            found.setdefault(metric.name, []).append(VitalSeries(all_labels, stream.stream, tuple(spans), fresh))
    return found

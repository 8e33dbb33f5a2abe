"""The raw baseline of a whole source, group by group of patients, and how long each was watched; kept beside the results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from analytics.backtest.accept import sound_kernel, sound_signature
from analytics.backtest.arrange import order_kernel, order_signature
from analytics.backtest.run import GROUP, Source
from analytics.backtest.table import Table
from analytics.engine.compiled import Kernel, Kernels
from analytics.lab.alarms import Alarm, Lane
from analytics.lab.raw import Values, judged, parameter_alerts, raw_alerts
from analytics.quality import gated
from analytics.scores.bands import bands_kernel, bands_signature
from vigil.domain.alerts import Priority
from vigil.domain.news2 import not_applicable
from vigil.domain.people import Patient
from vigil.domain.times import DAY, HOUR, utc_date

#: Names of the two baselines among policies.
RAW, RAW_CLEAN = "raw-news2", "raw-news2-no-artefacts"
FILE = "baseline.json"
#: Raise it with any change to what the file holds.
_FORMAT = 2


@dataclass(frozen=True, slots=True)
class PatientBaseline:
    """``days``, ``hours``: with at least one valid value. ``raw`` and ``clean``: when each baseline calls, microseconds UTC.
    ``parameters``: alerts if each parameter alarmed on its own, artefacts among them and not."""

    patient: str
    days: int
    hours: int
    raw: list[int]
    clean: list[int]
    parameters: int
    parameters_clean: int


def baselines(source: Source, out: Path, progress: Callable[[int, int], None]) -> list[PatientBaseline]:
    """By patient, in order; from ``out`` where it was done before. Raises ``TableError`` or ``StoreError``."""
    name, path = _fingerprint(source), out / FILE
    try:
        kept = json.loads(path.read_text("utf-8"))
        if kept["fingerprint"] == name:
            return [PatientBaseline(**each) for each in kept["patients"]]
    except (OSError, ValueError):
        pass  # not there, or not whole: it is made anew
    found = list(_made(source, progress))
    path.write_text(json.dumps({"fingerprint": name, "patients": [asdict(each) for each in found]}), "utf-8")
    return found


def _fingerprint(source: Source) -> str:
    stat = source.path.stat()
    what = [
        _FORMAT, stat.st_size, stat.st_mtime_ns, source.first, source.last, source.strict, source.patients,
        repr(source.people), repr(source.bindings),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def _made(source: Source, progress: Callable[[int, int], None]) -> Iterator[PatientBaseline]:
    kernels = Kernels()
    kernels.compile(
        [
            Kernel(bands_kernel, bands_signature),
            Kernel(sound_kernel, sound_signature),
            Kernel(order_kernel, order_signature),
        ]
    )
    people = {patient.patient_id: patient for patient in source.people}
    everybody = source.all_patients()
    for start in range(0, len(everybody), GROUP):
        group = everybody[start : start + GROUP]
        table = source.read(group, kernels)
        for place, patient_id in enumerate(table.patients):
            yield _of_patient(table, place, people.get(patient_id), kernels)
        progress(start + len(group), len(everybody))


def _of_patient(table: Table, place: int, known: Patient | None, kernels: Kernels) -> PatientBaseline:
    vitals = np.array([stream.vital for stream in table.streams], np.int16)
    batch = table.readings.take(table.patient_of_stream[table.readings.stream] == place)
    valid = batch.measured_at[~gated(batch)]
    scale2 = known is not None and bool(known.spo2_scale2_by)
    values = Values(vitals[batch.stream], batch.measured_at, batch.received_at, batch.value, batch.quality, scale2)
    if known is not None and not_applicable(known.age(utc_date(int(batch.measured_at.max()))), known.pregnant):
        values = values.take(np.zeros(len(batch), np.bool_))
    raw, clean = judged(values, artefacts=True), judged(values, artefacts=False)
    return PatientBaseline(
        table.patients[place],
        int(np.unique(valid // DAY).size),
        int(np.unique(valid // HOUR).size),
        raw_alerts(raw, kernels).tolist(),
        raw_alerts(clean, kernels).tolist(),
        parameter_alerts(raw, kernels),
        parameter_alerts(clean, kernels),
    )


def as_alarms(name: str, of: list[PatientBaseline]) -> list[Alarm]:
    """Each run is an alert that calls once."""
    return [
        Alarm(
            f"{name}-{patient.patient}-{at}", patient.patient, name, Lane.PHYSIOLOGICAL, Priority.MEDIUM, at, [at], [],
            Priority.MEDIUM, shown=True,
        )
        for patient in of
        for at in (patient.raw if name == RAW else patient.clean)
    ]  # fmt: skip

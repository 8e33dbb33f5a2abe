"""A patient's own copy: what the person gave, what people kept with the person and what sensors observed, as lines that any
program reads.

GDPR Art. 15 and 20 (reference page "Security, privacy and safety", section 2): not what was inferred, so no scores, alerts and
predictions; ``$everything`` under ``/fhir/R4`` has these.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from vigil.domain.errors import StoreError
from vigil.domain.people import MANUAL_PREFIX, Binding, Patient
from vigil.domain.quality import Quality
from vigil.domain.times import to_iso
from vigil.domain.vitals import VITALS
from vigil.store import RecordStore
from vigil.store.export_bedside import kept_rows

_OPEN_END = 2**62
_ROWS = 10_000
_COLUMNS = ("measured_at", "received_at", "vital", "value", "unit", "quality", "device", "site")
# What may be of another person who used the device is not this person's to get.
_READINGS = f"""
SELECT r.measured_at, r.received_at, s.vital, r.value, r.quality, s.device_id, s.site
FROM readings r JOIN streams s USING (stream) JOIN bound b ON b.device_id = s.device_id
WHERE r.measured_at >= b.start_at AND r.measured_at < b.end_at AND r.quality & {int(Quality.WHOSE_UNKNOWN)} = 0
ORDER BY r.measured_at, r.ordinal
"""


def write_ndjson(readings: Path, records: RecordStore, patient_id: str, to: Path) -> int:
    """A line for the person, one for each thing that people kept with the person, one for each time a device was worn, one for
    each value; how many values.

    ``readings``: a DuckDB file that nobody writes to. Raises ``NotFound``, ``StoreError``.
    """
    patient, worn = records.patient(patient_id), _worn(records, patient_id)
    models = {one.device_id: one.model for one in records.devices()}
    count = 0
    with to.open("w", encoding="utf-8") as file:
        file.write(_line(_person(patient)))
        file.writelines(map(_line, kept_rows(records, patient_id)))
        for one in worn:
            file.write(_line(_device(one, models[one.device_id])))
        for row in _values(readings, worn):
            file.write(_line({"what": "value", **dict(zip(_COLUMNS, row, strict=True))}))
            count += 1
    return count


def write_csv(readings: Path, records: RecordStore, patient_id: str, to: Path) -> int:
    """The values alone, under a line of names; how many. Raises as ``write_ndjson``."""
    records.patient(patient_id)
    count = 0
    with to.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for *row, quality, device, site in _values(readings, _worn(records, patient_id)):
            writer.writerow([*row, " ".join(quality), device, site])
            count += 1
    return count


def _line(found: dict[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n"


def _person(patient: Patient) -> dict[str, Any]:
    return {
        "what": "person",
        "patient_id": patient.patient_id,
        "family": patient.family,
        "given": patient.given,
        "born": patient.born.isoformat(),
        "sex": patient.sex,
        "pregnant": patient.pregnant,
        "ward": patient.ward,
        "discharged_at": None if patient.discharged_at is None else to_iso(patient.discharged_at),
    }


def _device(one: Binding, model: str) -> dict[str, Any]:
    """What the person typed in or told has a device of its own, from the beginning of time."""
    return {
        "what": "device",
        "device": one.device_id,
        "model": model,
        "worn_from": None if one.device_id.startswith(MANUAL_PREFIX) else to_iso(one.start),
        "worn_until": None if one.end is None else to_iso(one.end),
    }


def _worn(records: RecordStore, patient_id: str) -> list[Binding]:
    return [one for one in records.bindings() if one.patient_id == patient_id]


def _values(readings: Path, worn: list[Binding]) -> Iterator[tuple[Any, ...]]:
    """In the order of ``_COLUMNS``, oldest first."""
    try:
        with duckdb.connect(str(readings), read_only=True, config={"autoinstall_known_extensions": "false"}) as con:
            con.execute("CREATE TEMP TABLE bound (device_id VARCHAR, start_at BIGINT, end_at BIGINT)")
            for one in worn:
                end = _OPEN_END if one.end is None else one.end
                con.execute("INSERT INTO bound VALUES (?, ?, ?)", [one.device_id, one.start, end])
            rows = con.execute(_READINGS)
            while page := rows.fetchmany(_ROWS):
                yield from map(_value, page)
    except duckdb.Error as error:
        raise StoreError(f"the readings cannot be read: {type(error).__name__}") from error


def _value(row: tuple[Any, ...]) -> tuple[Any, ...]:
    measured_at, received_at, vital, value, quality, device, site = row
    kind = VITALS[vital]
    told = kind.codes[int(value)] if kind.codes and value is not None else value
    marks = [one.name.lower() for one in Quality(quality) if one.name]
    unit = kind.display_unit or kind.ucum
    return to_iso(measured_at), to_iso(received_at), kind.name, told, unit, marks, device, site

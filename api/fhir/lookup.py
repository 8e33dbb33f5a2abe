"""One Observation by its id or by its identifier."""

from __future__ import annotations

import re

from api.fhir.chart import Chart
from api.fhir.codes import PRESSURES, READING_ID
from api.fhir.exposed import Reading, hidden, rows
from api.fhir.findings import Finding, Item, grouped, of_pressure, of_reading
from vigil.domain.readings import NO_SEQUENCE
from vigil.domain.vitals import BY_WIRE, VITALS
from vigil.store import EVERY_READING

_ID = re.compile(r"(?P<kind>[rp])(?P<ordinal>[1-9]\d{0,17})", re.ASCII)
_SCORE = re.compile(r"n(?P<at>\d{1,18})\.(?P<patient>[0-9a-f]{20})", re.ASCII)
_IDENTIFIER = re.compile(
    r"(?P<device>[^:|]{1,128}):(?P<wire>[a-z0-9-]+):(?P<epoch>\d+|-):(?P<seq>\d+|-):(?P<at>-?\d{1,18})", re.ASCII
)


def identifier(reading: Reading) -> str:
    """``device:name:epoch:seq:measured time``, the last in microseconds UTC; ``-`` for a sender that counts no packs."""
    pack = "-:-" if reading.seq == NO_SEQUENCE else f"{reading.epoch}:{reading.seq}"
    return f"{reading.stream.device_id}:{reading.kind.wire}:{pack}:{reading.measured_at}"


def by_id(chart: Chart, asked: str) -> Finding | None:
    if (found := _ID.fullmatch(asked)) is not None:
        finding = by_ordinal(chart, int(found["ordinal"]))
        return finding if finding is not None and finding.finding_id == asked else None
    if (score := _SCORE.fullmatch(asked)) is not None:
        return _score(chart, int(score["at"]), score["patient"])
    return None


def by_ordinal(chart: Chart, ordinal: int) -> Finding | None:
    """The Observation that tells of this reading."""
    batch = chart.readings.after(ordinal - 1, 1)
    found = (one for one in rows(batch, chart.streams) if one.ordinal == ordinal)  # it may not be kept any more
    return next((finding_of(chart, one) for one in found), None)


def finding_of(chart: Chart, reading: Reading) -> Finding | None:
    """The Observation that tells of the reading; None when it is in none."""
    wearer = chart.wearer(reading.stream.device_id, reading.measured_at)
    patient = chart.person(wearer) if wearer is not None else None
    if patient is None:
        return None
    if reading.kind.name in PRESSURES:
        return of_pressure(patient, _pressure(chart, reading))
    return of_reading(patient, reading) if hidden(reading, patient.patient_id) is None else None


def _pressure(chart: Chart, reading: Reading) -> list[Reading]:
    """All parts of the same measurement."""
    same = [
        one.stream
        for one in chart.streams_of(reading.stream.device_id)
        if VITALS[one.vital].name in PRESSURES and one.site == reading.stream.site
    ]
    at = reading.measured_at
    return list(rows(chart.readings.range(same, at, at + 1, EVERY_READING), chart.streams))


def _score(chart: Chart, at: int, person: str) -> Finding | None:
    patient = chart.by_digest(person)
    if patient is None:
        return None
    scores = chart.readings.scores(patient.patient_id, at, at + 1, EVERY_READING)
    found = grouped(Item(one.at, patient, one) for one in scores)
    return found[0] if found else None


def by_identifier(chart: Chart, text: str) -> list[Finding]:
    """``system|value`` or the value alone; of another system than ours nothing is kept."""
    system, bar, value = text.rpartition("|")
    found = _IDENTIFIER.fullmatch(value)
    if found is None or (bar and system != READING_ID) or found["wire"] not in BY_WIRE:
        return []
    vital, at = BY_WIRE[found["wire"]].index, int(found["at"])
    streams = [one.stream for one in chart.streams_of(found["device"]) if one.vital == vital]
    batch = chart.readings.range(streams, at, at + 1, EVERY_READING)
    same = [one for one in rows(batch, chart.streams) if identifier(one) == value]
    findings = {one.finding_id: one for reading in same if (one := finding_of(chart, reading)) is not None}
    return list(findings.values())

"""What becomes one Observation each: a reading, the readings of one blood pressure, or a NEWS2 score; newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from api.fhir.chart import Chart
from api.fhir.codes import BP, FAMILY_OF, NEWS2, PRESSURES, Family
from api.fhir.exposed import Reading, hidden, rows
from api.fhir.ids import short
from vigil.domain.people import Patient
from vigil.domain.readings import Stream
from vigil.domain.scores import Score
from vigil.domain.vitals import VITALS
from vigil.store import ReadingStore

#: Rows that one look takes at first, from each source, and at most: each look takes twice as many as the one before (ours).
LOOK, MOST_LOOK = 256, 8192


@dataclass(frozen=True, slots=True)
class Finding:
    """``key`` orders all of them: measured time, ordinal (a score has 0), id. ``updated``: server time, microseconds UTC."""

    finding_id: str
    patient: Patient
    family: Family
    at: int
    tie: int
    updated: int
    readings: tuple[Reading, ...] = ()
    score: Score | None = None

    @property
    def key(self) -> tuple[int, int, str]:
        return self.at, self.tie, self.finding_id


@dataclass(frozen=True, slots=True)
class Item:
    at: int
    patient: Patient
    what: Reading | Score


class Source(Protocol):
    def newest(self, start: int, end: int, limit: int) -> tuple[list[Item], bool]:
        """Those measured in [start, end), oldest first, the newest ``limit``; and whether some may have been left out."""
        ...


@dataclass(frozen=True, slots=True)
class Worn:
    """Streams of one device while one patient wore it, [start, end). Readings beyond the ordinal ``head`` are not seen."""

    store: ReadingStore
    patient: Patient
    streams: dict[int, Stream]
    start: int
    end: int
    head: int

    def newest(self, start: int, end: int, limit: int) -> tuple[list[Item], bool]:
        batch = self.store.range(list(self.streams), max(start, self.start), min(end, self.end), limit)
        found = [Item(one.measured_at, self.patient, one) for one in rows(batch, self.streams)]
        # Rows beyond the head still mark the edge, so that a full look is known to be one.
        cut = len(batch) >= limit
        kept = [one for one in found if isinstance(one.what, Reading) and one.what.ordinal <= self.head]
        return (kept if not cut else [*found[:1], *kept]), cut


@dataclass(frozen=True, slots=True)
class Scored:
    store: ReadingStore
    patient: Patient

    def newest(self, start: int, end: int, limit: int) -> tuple[list[Item], bool]:
        found = self.store.scores(self.patient.patient_id, start, end, limit)
        return [Item(one.at, self.patient, one) for one in found], len(found) >= limit


def sources(chart: Chart, patients: Sequence[Patient], families: Iterable[Family], head: int) -> list[Source]:
    """Where findings of these families about these patients may lie."""
    wanted = list(families)
    names = {name for name, family in FAMILY_OF.items() if family in wanted}
    found: list[Source] = []
    by_id = {one.patient_id: one for one in patients}
    for binding in chart.bindings:
        patient = by_id.get(binding.patient_id)
        if patient is None:
            continue
        streams = {one.stream: one for one in chart.streams_of(binding.device_id) if VITALS[one.vital].name in names}
        if streams:
            end = binding.end if binding.end is not None else 2**62
            found.append(Worn(chart.readings, patient, streams, binding.start, end, head))
    if NEWS2 in wanted:
        found += [Scored(chart.readings, one) for one in patients]
    return found


def looks(sources: Sequence[Source], start: int, end: int) -> Iterator[tuple[list[Finding], int, int]]:
    """(findings newest first, time from which on all have been seen, rows looked at) until [start, end) is exhausted.

    A look never splits an instant, so that a blood pressure is whole.
    """
    limit = LOOK
    while sources and start < end:
        found, edge = [], start
        for source in sources:
            items, cut = source.newest(start, end, limit)
            found += items
            if cut:
                edge = max(edge, items[0].at + 1)
        whole = [one for one in found if one.at >= edge]
        yield grouped(whole), edge, len(found)
        if edge == start:
            return
        # No nearer: one instant holds more rows than the look took, and the next must take more whatever the limit.
        limit = 2 * limit if edge == end else max(limit, min(2 * limit, MOST_LOOK))
        end = edge


def grouped(items: Iterable[Item]) -> list[Finding]:
    found: dict[str, Finding] = {}
    pressures: dict[tuple[int, str, str, str], list[tuple[Patient, Reading]]] = {}
    for item in items:
        if isinstance(item.what, Score):
            score = _of_score(item.patient, item.what)
            found[score.finding_id] = score  # of two for one moment the later word counts
        elif item.what.kind.name in PRESSURES:
            stream = item.what.stream
            place = (item.at, item.patient.patient_id, stream.device_id, stream.site)
            pressures.setdefault(place, []).append((item.patient, item.what))
        elif hidden(item.what, item.patient.patient_id) is None:
            single = of_reading(item.patient, item.what)
            found[single.finding_id] = single
    panels = [of_pressure(group[0][0], [one for _, one in group]) for group in pressures.values()]
    return sorted([*found.values(), *(one for one in panels if one is not None)], key=_key, reverse=True)


def _key(finding: Finding) -> tuple[int, int, str]:
    return finding.key


def reading_id(ordinal: int) -> str:
    return f"r{ordinal}"


def of_reading(patient: Patient, reading: Reading) -> Finding:
    family = FAMILY_OF[reading.kind.name]
    at, tie = reading.measured_at, reading.ordinal
    return Finding(reading_id(tie), patient, family, at, tie, reading.received_at, (reading,))


def of_pressure(patient: Patient, parts: Sequence[Reading]) -> Finding | None:
    """Named after the part that was stored first, which stays so whatever comes later. None when no part can be used."""
    if not any(one.usable for one in parts):
        return None
    ordered = tuple(sorted(parts, key=lambda one: one.ordinal))
    updated = max(one.received_at for one in ordered)
    first = ordered[0]
    return Finding(f"p{first.ordinal}", patient, BP, first.measured_at, first.ordinal, updated, ordered)


def _of_score(patient: Patient, score: Score) -> Finding:
    return Finding(f"n{score.at}.{short(score.patient_id)}", patient, NEWS2, score.at, 0, score.at, (), score)

"""``$lastn``, ``$everything`` and ``$why``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus

from api import shape
from api.auth import Right
from api.errors import Problem
from api.fhir import observations, people
from api.fhir.asked import Asked
from api.fhir.chart import Chart
from api.fhir.codes import EXPOSURE, concept, vital_concept
from api.fhir.entries import Entry, Key, Page, paged
from api.fhir.exposed import HIDDEN_TEXT, Hidden, Reading, hidden, rows
from api.fhir.findings import Finding
from api.fhir.ids import fhir_id
from api.fhir.lookup import finding_of, identifier
from api.fhir.observation import observation
from api.fhir.outcome import Issue, OperationOutcome
from api.fhir.parameters import OPERATIONS
from api.fhir.query import MOST, Pairs, Query, outer_bounds, parse, refused, token_test
from api.fhir.resources import Resource
from api.fhir.searches import SEARCH
from api.fhir.service import Json, bundle, place_of
from api.fhir.wanted import Wanted, wanted
from vigil.domain.errors import NotFound
from vigil.domain.people import Patient
from vigil.domain.vitals import VITALS

#: Newest times of one code that ``$lastn`` gives, and readings that ``$why`` explains (ours).
MOST_LASTN, MOST_WHY = 100, 100


def lastn(asked: Asked, pairs: Pairs) -> Json:
    """The newest of each code. Where several lie on the last time, all are given. Raises ``Problem``."""
    query = parse(pairs, OPERATIONS["$lastn"], asked.now, strict=asked.strict)
    if not query.given("patient", "subject") or not query.given("category", "code"):
        said = "patient or subject is needed, and category or code"
        raise Problem(HTTPStatus.BAD_REQUEST, said, {"code": "required"})
    most = _most(query)
    chart = Chart(asked.here, asked.seen)
    want = wanted(query)
    whose = observations.people(chart, query)
    found = []
    for family in want.families:
        only = Wanted((family,), want.start, want.end, want.holds)
        for person in whose:
            found += _of_newest_times(observations.newest(chart, only, [person], chart.readings.head()), most)
            if len(found) > MOST:
                detail = f"more than {MOST} Observations: ask for fewer people, codes or times"
                raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, {"code": "too-costly"})
    return bundle(asked, "Observation/$lastn", query, Page([observation(one) for one in found], None, len(found)), 0)


def _most(query: Query) -> int:
    given = query.given("max")
    text = given[-1][0] if given else "1"
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_LASTN):
        raise refused("max", f"must be a whole number from 1 to {MOST_LASTN}")
    return int(text)


def _of_newest_times(findings: Iterator[Finding], most: int) -> list[Finding]:
    times: set[int] = set()
    found = []
    for one in findings:
        times.add(one.at)
        if len(times) > most:
            break
        found.append(one)
    return found


def everything(asked: Asked, name: str, pairs: Pairs) -> Json:
    """The patient, then all about him, type after type. Raises ``NotFound``, ``Problem``."""
    query = parse(pairs, OPERATIONS["$everything"], asked.now, strict=asked.strict)
    if query.count == 0:
        raise refused("_count", "must be at least 1 here")
    chart = Chart(asked.here, asked.seen)
    patient = chart.patient(name)
    if patient is None:
        raise NotFound("no such Patient")
    path = f"Patient/{name}/$everything"
    place = place_of(asked, path, query)
    sections = _sections(asked, chart, patient, query, place.head)
    at, after = (place.after[0], tuple(place.after[1]) or None) if place.after else (0, None)
    resources: list[Resource] = []
    while at < len(sections):
        page = sections[at](after, query.count - len(resources))
        resources += page.resources
        if page.after is not None:
            return bundle(asked, path, query, Page(resources, (at, page.after)), place.head)
        at, after = at + 1, None
        if len(resources) >= query.count and at < len(sections):
            return bundle(asked, path, query, Page(resources, (at, ())), place.head)
    return bundle(asked, path, query, Page(resources, None), place.head)


#: A page of one type: the key that it goes on after, and how many.
Section = Callable[[Key | None, int], Page]


def _sections(asked: Asked, chart: Chart, patient: Patient, query: Query, head: int) -> list[Section]:
    types = {name for values in query.given("_type") for name in values}
    made: dict[str, Section] = {"Patient": partial(_listed, _self(asked, patient))}
    if asked.who.may(Right.DEVICES):
        worn = _worn(chart, patient)
        made["Device"] = partial(_listed, worn)
    for kind, date in (
        ("Flag", "date"),
        ("DetectedIssue", "identified"),
        ("RiskAssessment", "date"),
        ("Communication", ""),
    ):
        about = _about(patient, query, date)
        made[kind] = partial(_listed, SEARCH[kind](chart, asked.who, about))
    about = _about(patient, query, "date")
    made["Observation"] = lambda after, count: observations.page(chart, about.sized(count), after, head)
    return [section for kind, section in made.items() if not types or kind in types]


def _listed(entries: list[Entry], after: Key | None, count: int) -> Page:
    return paged(entries, after, count, total=False)


def _self(asked: Asked, patient: Patient) -> list[Entry]:
    return [Entry((0,), partial(people.patient_resource, patient, asked.who.may(Right.NAMES)))]


def _worn(chart: Chart, patient: Patient) -> list[Entry]:
    """Every device that the patient ever wore."""
    worn = {one.device_id for one in chart.bindings if one.patient_id == patient.patient_id}
    return [
        Entry((fid,), partial(people.device_resource, chart, one))
        for fid, one in chart.devices.items()
        if one.device_id in worn
    ]


def _about(patient: Patient, query: Query, date: str) -> Query:
    """The search that gives what is asked for of one type."""
    used = [("patient", fhir_id(patient.patient_id))]
    if date:
        used += [(date, f"ge{one}") for values in query.given("start") for one in values]
        used += [(date, f"le{one}") for values in query.given("end") for one in values]
    used += [("_lastUpdated", f"ge{one}") for values in query.given("_since") for one in values]
    return Query(tuple(used), query.count, False, None, (), query.now)


def why(asked: Asked, pairs: Pairs) -> Json:
    """What became of the newest stored readings of a device, one issue each: the Observation, or why there is none.

    Raises ``Problem``, ``NotFound``.
    """
    query = parse(pairs, OPERATIONS["$why"], asked.now, strict=asked.strict)
    chart = Chart(asked.here, asked.seen)
    named = query.references("Device", "device")
    if named is None or len(named) != 1:
        raise Problem(HTTPStatus.BAD_REQUEST, "device: one is needed", {"code": "required"})
    device = chart.devices.get(next(iter(named)))
    if device is None:
        raise NotFound("no such Device")
    codes = token_test(query.given("code"))
    numbers = [
        one.stream
        for one in chart.streams_of(device.device_id)
        if codes(
            [("", VITALS[one.vital].name), *((c.system, c.code) for c in vital_concept(VITALS[one.vital]).coding or ())]
        )
    ]
    start, end = outer_bounds(query.dates("date"))
    batch = chart.readings.range(numbers, start, end, MOST_WHY)
    own = (one for one in rows(batch, chart.streams) if not chart.of_others(device.device_id, one.measured_at))
    issues = [_explained(chart, one) for one in own][::-1]
    none = Issue(severity="information", code="not-found", diagnostics="no reading of this is stored")
    return OperationOutcome(issue=issues or [none]).document()


def _explained(chart: Chart, reading: Reading) -> Issue:
    """Its time, name and reason; never the value."""
    wearer = chart.wearer(reading.stream.device_id, reading.measured_at)
    reason = hidden(reading, wearer)
    finding = finding_of(chart, reading)
    what = f"{reading.kind.name} of {shape.iso(reading.measured_at)} ({identifier(reading)})"
    if finding is not None:
        absent = " with dataAbsentReason" if reason is Hidden.GATED else ""
        said = f"{what}: in Observation/{finding.finding_id}{absent}"
        return Issue(severity="information", code="informational", details=concept(EXPOSURE, "shown"), diagnostics=said)
    assert reason is not None
    words = f" ({', '.join(shape.quality_words(reading.quality))})" if reason is Hidden.GATED else ""
    said = f"{what}: in no Observation: {HIDDEN_TEXT[reason]}{words}"
    return Issue(severity="information", code="suppressed", details=concept(EXPOSURE, reason.value), diagnostics=said)

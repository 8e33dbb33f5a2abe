"""The audit log as AuditEvents, made from its lines: page by page from the store, because nothing is ever deleted from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from api import shape
from api.auth import Principal, Right
from api.errors import Problem
from api.fhir.chart import Chart
from api.fhir.codes import concept
from api.fhir.elements import CodeableConcept, Coding, Reference
from api.fhir.entries import Entry, Key, Page
from api.fhir.ids import fhir_id
from api.fhir.query import Query, dates_hold, outer_bounds, token_test
from api.fhir.resources import AuditAgent, AuditDetail, AuditEntity, AuditEvent, AuditNetwork, AuditSource
from vigil import __version__
from vigil.domain import audit
from vigil.domain.audit import MANY, Line, Question

#: Lines that are read from the store at once, and that one page or one count looks at (ours).
LOOK, MOST_LINES = 1000, 50_000

_TYPE = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_ACTION = "http://hl7.org/fhir/audit-event-action"
_OUTCOME = "http://hl7.org/fhir/audit-event-outcome"
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
ROUTE = "urn:vigil:route"
_REST = Coding(system=_TYPE, code="rest", display="RESTful Operation")
_LOG_IN = Coding(system=_DICOM, code="110114", display="User Authentication")
_PERSON, _PATIENT = Coding(system=_ENTITY, code="1"), Coding(system=_ROLE, code="1")
_LOG_INS = "/api/v1/auth/"
_ACTIONS = {"GET": "R", "HEAD": "R", "PUT": "U", "PATCH": "U", "DELETE": "D"}
_IP_ADDRESS = "2"


def named(chart: Chart, who: Principal, query: Query) -> list[Entry]:
    """By ``_id``, which is the number of the line."""
    ids = query.references("AuditEvent", "_id") or set()
    numbers = [int(one) for one in ids if one.isascii() and one.isdigit() and len(one) < 18]
    holds, found = fits(chart, who, query), []
    for number in numbers:
        lines = chart.records.audit(Question(before=number + 1, limit=1))
        found += [_entry(one, who) for one in lines if one.number == number and holds(one)]
    return found


def page(chart: Chart, who: Principal, query: Query, after: Key | None) -> Page:
    """Newest first. Raises ``Problem`` for a count of more lines than are looked at."""
    if query.references("AuditEvent", "_id") is not None:
        found = sorted(named(chart, who, query), key=lambda one: one.key, reverse=True)
        left = [one for one in found if after is None or one.key < after][: query.count]
        return Page([one.make() for one in left], None, len(found) if query.total else None)
    holds = fits(chart, who, query)
    total = sum(1 for _ in _counted(chart, query, holds)) if query.total else None
    taken: list[Line] = []
    looked, last = 0, None
    for line in _lines(chart, query, None if after is None else after[0]) if query.count else ():
        if len(taken) == query.count or looked == MOST_LINES:
            return Page([_entry(one, who).make() for one in taken], (last,), total)
        looked, last = looked + 1, line.number
        taken += [line] if holds(line) else []
    return Page([_entry(one, who).make() for one in taken], None, total)


def _counted(chart: Chart, query: Query, holds: Callable[[Line], bool]) -> Iterator[Line]:
    for looked, line in enumerate(_lines(chart, query, None)):
        if looked == MOST_LINES:
            detail = f"more than {MOST_LINES:,} entries to count: give a date"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, {"code": "too-costly"})
        if holds(line):
            yield line


def _lines(chart: Chart, query: Query, before: int | None) -> Iterator[Line]:
    """What may fit, newest first."""
    start, end = outer_bounds(query.dates("date"))
    asked = Question(patient_id=_only_patient(chart, query), since=start, until=end, before=before, limit=LOOK)
    while True:
        found = chart.records.audit(asked)
        yield from found
        if len(found) < LOOK:
            return
        asked = replace(asked, before=found[-1].number)


def _only_patient(chart: Chart, query: Query) -> str | None:
    """Our id, where the store can look for it. Somebody who is erased has no other id than the one that is asked for."""
    subjects = query.references("Patient", "patient")
    if subjects is None or len(subjects) != 1:
        return None
    (asked,) = subjects
    person = chart.patient(asked)
    return asked if person is None else person.patient_id


def fits(chart: Chart, who: Principal, query: Query) -> Callable[[Line], bool]:
    """Who has wards is shown what names a patient of theirs, and nothing else. Raises ``Problem``."""
    dates, subjects = query.dates("date"), query.references("Patient", "patient")
    names = [[one.casefold() for one in either] for either in query.given("agent-name")]
    actions, outcomes = token_test(query.given("action")), token_test(query.given("outcome"))

    def holds(line: Line) -> bool:
        entry = line.entry
        return (
            (who.wards is None or chart.person(entry.patient_id) is not None)
            and dates_hold(dates, entry.at - entry.at % 1000)
            and (subjects is None or fhir_id(entry.patient_id) in subjects)
            and all(any(entry.who.casefold().startswith(one) for one in either) for either in names)
            and actions([(_ACTION, action(entry))])
            and outcomes([(_OUTCOME, outcome(entry) or "")])
        )

    return holds


def _entry(line: Line, who: Principal) -> Entry:
    return Entry((line.number,), partial(event, line, who.may(Right.NAMES)))


def action(entry: audit.Entry) -> str:
    """R4's letter: E stands for what is neither a read nor a change of one resource as a whole."""
    reads = entry.route.startswith("/prom/") or entry.route.endswith("/_search")
    return "R" if reads else _ACTIONS.get(entry.method, "E")


def outcome(entry: audit.Entry) -> str | None:
    """None: begun, and not answered yet."""
    if not entry.status:
        return None
    return "0" if entry.succeeded else "4" if entry.status < 500 else "8"


def event(line: Line, names: bool) -> AuditEvent:
    """``names`` False leaves out a reason that may hold one."""
    entry = line.entry
    about = entry.patient_id not in ("", MANY)
    hidden = bool(entry.patient_id) and not names
    what = f"{entry.method} {entry.route}".strip()
    return AuditEvent(
        id=str(line.number),
        type=_LOG_IN if entry.route.startswith(_LOG_INS) else _REST,
        subtype=[Coding(system=ROUTE, code=what)] if what else None,
        action=action(entry),
        recorded=shape.iso(entry.at),
        outcome=outcome(entry),
        outcome_desc=f"{entry.step.value} {entry.status or ''}".strip(),
        purpose_of_event=None if hidden or not entry.reason else [CodeableConcept(text=entry.reason)],
        agent=[_agent(entry)],
        source=AuditSource(observer=Reference(display=f"Vigil {__version__}")),
        entity=[*([_patient(entry)] if about else []), _line_itself(line)],
    )


def _agent(entry: audit.Entry) -> AuditAgent:
    return AuditAgent(
        role=[concept("urn:vigil:role", entry.role)] if entry.role else None,
        name=entry.who or None,
        requestor=True,
        network=AuditNetwork(address=entry.address, type=_IP_ADDRESS) if entry.address else None,
    )


def _patient(entry: audit.Entry) -> AuditEntity:
    subject = Reference(reference=f"Patient/{fhir_id(entry.patient_id)}")
    return AuditEntity(what=subject, type=_PERSON, role=_PATIENT)


def _line_itself(line: Line) -> AuditEntity:
    """What AuditEvent has no element for, and by what ``vigil audit verify`` knows the line."""
    entry = line.entry
    told = {
        **entry.objects,
        "request": entry.request,
        "times": str(entry.times),
        "shown": "may have shown everybody" if entry.patient_id == MANY else "",
        "hash": line.hash.hex(),
    }
    details = [AuditDetail(type=name, value_string=value) for name, value in told.items() if value]
    return AuditEntity(name=f"line {line.number} of the audit log", detail=details)

"""Searches of everything but Observations: each gives the entries that fit, which ``entries.paged`` cuts into pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus

from api.auth import Principal, Right
from api.errors import Problem
from api.fhir import alerts, audit_events, people, risk
from api.fhir.chart import Chart
from api.fhir.codes import (
    ALERT_ID,
    BOOLEAN,
    CHANNEL,
    DELIVERY_ID,
    DEVICE_ID,
    DEVICE_STATUS,
    EVENT_STATUS,
    GENDER,
    METRIC_CATEGORY,
    MODEL,
    PATIENT_ID,
    PREDICTION_ID,
    RULE,
    vital_concept,
)
from api.fhir.entries import Entry
from api.fhir.ids import fhir_id
from api.fhir.lookup import by_id
from api.fhir.provenance import of_observation, of_risk
from api.fhir.query import Query, dates_hold, refused, token_test
from vigil.domain.alerts import Alert
from vigil.domain.deliveries import Delivery
from vigil.domain.people import Device, Patient
from vigil.domain.risk import ModelState, Prediction
from vigil.domain.times import DAY, from_iso
from vigil.domain.vitals import VITALS

#: Alerts or predictions that one search goes through, newest first (ours).
MOST = 10_000

_COMMUNICATION = re.compile(r"(?P<delivery>[A-Za-z0-9-]{1,40})\.(?P<alert>[A-Za-z0-9-]{1,40})")
_PREDICTION = re.compile(r"k(?P<at>\d{1,18})\.(?P<patient>[0-9a-f]{20})\.[0-9a-f]{16}", re.ASCII)
_BY_NAME = ("name", "family", "given", "birthdate")


def patients(chart: Chart, who: Principal, query: Query) -> list[Entry]:
    names = who.may(Right.NAMES)
    if query.given(*_BY_NAME) and not names:
        raise Problem(HTTPStatus.FORBIDDEN, f"the role {who.role.value} may not search by name or birth date")
    active, identified = token_test(query.given("active")), token_test(query.given("identifier"))
    genders = token_test(query.given("gender"))
    return [
        Entry((fhir_id(one.patient_id),), partial(people.patient_resource, one, names))
        for one in _asked_patients(chart, query)
        if active([(BOOLEAN, str(one.discharged_at is None).lower())])
        and identified([(PATIENT_ID, one.patient_id)])
        and genders([(GENDER, people.gender(one))])
        and (not names or _called(one, query))
    ]


def _asked_patients(chart: Chart, query: Query) -> list[Patient]:
    ids = query.references("Patient", "_id")
    if ids is None:
        return chart.patients()
    return [one for one in map(chart.patient, sorted(ids)) if one is not None]


def _called(patient: Patient, query: Query) -> bool:
    """Strings match from their start, whatever the case."""
    family, given = patient.family.casefold(), patient.given.casefold()
    asked = {"name": (family, given), "family": (family,), "given": (given,)}
    named = all(
        any(one.startswith(value.casefold()) for value in values for one in own)
        for name, own in asked.items()
        for values in query.given(name)
    )
    born = from_iso(f"{patient.born.isoformat()}T00:00:00Z")
    return named and dates_hold(query.dates("birthdate"), born)


def devices(chart: Chart, _who: Principal, query: Query) -> list[Entry]:
    ids, worn_by = query.references("Device", "_id"), query.references("Patient", "patient")
    identified, states = token_test(query.given("identifier")), token_test(query.given("status"))
    models = query.given("model")
    return [
        Entry((fid,), partial(people.device_resource, chart, device))
        for fid, device in chart.devices.items()
        if (ids is None or fid in ids)
        and (worn_by is None or _worn_by(chart, device, worn_by))
        and identified([(DEVICE_ID, device.device_id)])
        and states([(DEVICE_STATUS, "active")])
        and all(any(device.model.casefold().startswith(one.casefold()) for one in either) for either in models)
    ]


def _worn_by(chart: Chart, device: Device, patients: set[str]) -> bool:
    wearer = chart.wearer_now(device.device_id)
    return wearer is not None and fhir_id(wearer.patient_id) in patients


def metrics(chart: Chart, _who: Principal, query: Query) -> list[Entry]:
    ids, source = query.references("DeviceMetric", "_id"), query.references("Device", "source")
    types, categories = token_test(query.given("type")), token_test(query.given("category"))
    shown = {device.device_id: fid for fid, device in chart.devices.items()}
    return [
        Entry((one.stream,), partial(people.metric_resource, one))
        for one in chart.streams.values()
        if one.device_id in shown
        and (ids is None or people.metric_id(one) in ids)
        and (source is None or shown[one.device_id] in source)
        and types((code.system, code.code) for code in vital_concept(VITALS[one.vital]).coding or ())
        and categories([(METRIC_CATEGORY, "measurement")])
    ]


def _alerts(chart: Chart, query: Query) -> Iterator[tuple[Alert, Patient]]:
    """Those of the asked people and ids that fit ``_lastUpdated``, ``identifier``."""
    ids, subjects = query.references("DetectedIssue", "_id"), query.references("Patient", "patient", "subject")
    identified, updated = token_test(query.given("identifier")), query.dates("_lastUpdated")
    of = [chart.patient(one) for one in sorted(subjects)] if subjects is not None else [None]
    for patient in of:
        if patient is None and subjects is not None:
            continue
        own = patient.patient_id if patient is not None else None
        for alert in chart.records.alerts(patient_id=own, limit=MOST):
            person = chart.person(alert.patient_id)
            if (
                person is not None
                and (ids is None or alert.alert_id in ids)
                and identified([(ALERT_ID, alert.alert_id)])
                and dates_hold(updated, alert.updated_at)
            ):
                yield alert, person


def issues(chart: Chart, who: Principal, query: Query) -> list[Entry]:
    rules, began = token_test(query.given("code")), query.dates("identified")
    names = who.may(Right.NAMES)
    return [
        Entry((alert.opened_at, alert.alert_id), partial(alerts.issue_resource, chart, alert, person, names))
        for alert, person in _alerts(chart, query)
        if rules([(RULE, alert.rule)]) and dates_hold(began, alert.onset_at)
    ]


def flags(chart: Chart, _who: Principal, query: Query) -> list[Entry]:
    opened = query.dates("date")
    return [
        Entry((alert.opened_at, alert.alert_id), partial(alerts.flag_resource, alert, person))
        for alert, person in _alerts(chart, query)
        if dates_hold(opened, alert.opened_at)
    ]


def communications(chart: Chart, who: Principal, query: Query) -> list[Entry]:
    states, channels = token_test(query.given("status")), token_test(query.given("medium"))
    identified, updated = token_test(query.given("identifier")), query.dates("_lastUpdated")
    sent, received = query.dates("sent"), query.dates("received")
    names = who.may(Right.NAMES)
    return [
        Entry(
            (one.queued_at, alerts.communication_id(one)),
            partial(alerts.communication_resource, one, alert, person, names),
        )
        for one, alert, person in _deliveries(chart, query)
        if states([(EVENT_STATUS, alerts.communication_status(one))])
        and channels([(CHANNEL, one.channel)])
        and identified([(DELIVERY_ID, one.delivery_id)])
        and dates_hold(updated, alerts.updated_at(one))
        and dates_hold(sent, one.sent_at)
        and dates_hold(received, alerts.received_at(one))
    ]


def _deliveries(chart: Chart, query: Query) -> Iterator[tuple[Delivery, Alert, Patient]]:
    ids, subjects = query.references("Communication", "_id"), query.references("Patient", "patient", "subject")
    if ids is None and subjects is None:
        raise _whose()
    named = [_COMMUNICATION.fullmatch(one) for one in ids or ()]
    of = {found["alert"] for found in named if found is not None}
    pairs = [("patient", ",".join(sorted(subjects)))] if subjects is not None else []
    only = Query(tuple(pairs), 0, False, None, (), query.now)
    if subjects is not None and not subjects:
        return
    for alert, person in _alerts(chart, only):
        if ids is not None and alert.alert_id not in of:
            continue
        for one in chart.records.deliveries(alert.alert_id):
            if ids is None or alerts.communication_id(one) in ids:
                yield one, alert, person


def _whose() -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "say whose: patient, subject or _id is needed", {"code": "required"})


def risks(chart: Chart, _who: Principal, query: Query) -> list[Entry]:
    methods, identified = token_test(query.given("method")), token_test(query.given("identifier"))
    dates, updated = query.dates("date"), query.dates("_lastUpdated")
    return [
        Entry((one.at, risk.assessment_id(one)), partial(risk.risk_resource, one, person))
        for one, person in _predictions(chart, query)
        if methods([(MODEL, one.model), (MODEL, f"{one.model}|{one.version}")])
        and identified([(PREDICTION_ID, risk.assessment_id(one))])
        and dates_hold(dates, one.at)
        and dates_hold(updated, one.decided_at)
    ]


def _predictions(chart: Chart, query: Query) -> Iterator[tuple[Prediction, Patient]]:
    ids, subjects = query.references("RiskAssessment", "_id"), query.references("Patient", "patient", "subject")
    if ids is None and subjects is None:
        raise _whose()
    for one in sorted(ids or ()):
        found = _PREDICTION.fullmatch(one)
        person = chart.by_digest(found["patient"]) if found is not None else None
        if found is None or person is None or (subjects is not None and fhir_id(person.patient_id) not in subjects):
            continue
        at = int(found["at"])
        for each in _active(chart, person, at, at + 1):
            if risk.assessment_id(each) == one:
                yield each, person
    if ids is None:
        for name in sorted(subjects or ()):
            person = chart.patient(name)
            if person is not None:
                yield from ((each, person) for each in _active(chart, person, 0, query.now + DAY))


def _active(chart: Chart, person: Patient, start: int, end: int) -> list[Prediction]:
    return chart.readings.predictions(person.patient_id, start, end, MOST, state=ModelState.ACTIVE)


def provenances(chart: Chart, _who: Principal, query: Query) -> list[Entry]:
    """Of each target that is there; made from it, and stored nowhere."""
    targets = query.given("target")
    if not targets:
        raise Problem(HTTPStatus.BAD_REQUEST, "target: is needed", {"code": "required"})
    if len(targets) > 1:
        raise refused("target", "once; several by commas")
    found = []
    for target in targets[0]:
        kind, _, name = target.rpartition("/")
        entry = _provenance(chart, kind.rpartition("/")[2], name, query.now)
        found += [entry] if entry is not None else []
    return found


def _provenance(chart: Chart, kind: str, name: str, now: int) -> Entry | None:
    if kind == "Observation":
        finding = by_id(chart, name)
        return Entry((name,), partial(of_observation, finding)) if finding is not None else None
    if kind == "RiskAssessment" and _PREDICTION.fullmatch(name):
        only = Query((("_id", name),), 0, False, None, (), now)
        for one, _ in _predictions(chart, only):
            return Entry((name,), partial(of_risk, one))
    return None


SEARCH: dict[str, Callable[[Chart, Principal, Query], list[Entry]]] = {
    "Patient": patients,
    "Device": devices,
    "DeviceMetric": metrics,
    "RiskAssessment": risks,
    "DetectedIssue": issues,
    "Flag": flags,
    "Communication": communications,
    "Provenance": provenances,
    "AuditEvent": audit_events.named,
}

"""Alerts as DetectedIssue (what a rule found) and Flag (that it is open); notices of them as Communication."""

from __future__ import annotations

from api import shape
from api.fhir.chart import Chart
from api.fhir.codes import ALERT_ID, CHANNEL, DELIVERY_ID, FAMILY_OF, KIND, PRESSURES, RULE, concept
from api.fhir.elements import CodeableConcept, Identifier, Meta, Period, Reference
from api.fhir.findings import reading_id
from api.fhir.lookup import by_ordinal
from api.fhir.people import security, subject
from api.fhir.resources import Communication, DetectedIssue, Flag, Mitigation, Payload
from vigil.domain.alerts import Alert, Handling, Priority
from vigil.domain.deliveries import Delivery, State
from vigil.domain.people import Patient
from vigil.domain.quality import GATED

_SEVERITY = {Priority.HIGH: "high", Priority.MEDIUM: "moderate", Priority.LOW: "low"}
_STATUS = {
    State.QUEUED: "preparation",
    State.SENT: "in-progress",
    State.DELIVERED: "completed",
    State.SEEN: "completed",
    State.ACCEPTED: "completed",
    State.FAILED: "stopped",
}


def _meta(alert: Alert, patient: Patient) -> Meta:
    return Meta(version_id=str(alert.version), last_updated=shape.iso(alert.updated_at), security=security(patient))


def _code(alert: Alert) -> CodeableConcept:
    return concept(RULE, alert.rule, alert.title)


def issue_resource(chart: Chart, alert: Alert, patient: Patient, names: bool) -> DetectedIssue:
    return DetectedIssue(
        id=alert.alert_id,
        meta=_meta(alert, patient),
        identifier=[Identifier(system=ALERT_ID, value=alert.alert_id)],
        status="preliminary" if alert.open else "final",
        code=_code(alert),
        severity=_SEVERITY[alert.priority],
        patient=subject(patient),
        identified_date_time=shape.iso(alert.onset_at),
        implicated=_implicated(chart, alert),
        detail=alert.evidence.text,
        mitigation=_mitigation(alert, names),
    )


def _implicated(chart: Chart, alert: Alert) -> list[Reference] | None:
    """The Observations that the alert was decided on, each once."""
    found: dict[str, None] = {}
    for value in alert.evidence.values:
        ordinal, vital, quality = value.get("ordinal"), value.get("vital"), value.get("quality", 0)
        if not (isinstance(ordinal, int) and ordinal > 0 and vital in FAMILY_OF):
            continue
        if vital in PRESSURES:  # the panel is named after the part that was stored first
            finding = by_ordinal(chart, ordinal)
            name = finding.finding_id if finding is not None else None
        else:
            name = reading_id(ordinal) if isinstance(quality, int) and not quality & GATED else None
        if name is not None:
            found[f"Observation/{name}"] = None
    return [Reference(reference=name) for name in found] or None


def _mitigation(alert: Alert, names: bool) -> list[Mitigation] | None:
    """The acknowledgement. Who and in what words is told to those who may see names: a note can hold one."""
    if alert.handling is not Handling.ACKNOWLEDGED:
        return None
    words = f"acknowledged: {alert.note}" if names and alert.note else "acknowledged"
    author = Reference(display=alert.acknowledged_by) if names and alert.acknowledged_by else None
    at = shape.iso_or_none(alert.acknowledged_at)
    return [Mitigation(action=CodeableConcept(text=words), date=at, author=author)]


def flag_resource(alert: Alert, patient: Patient) -> Flag:
    return Flag(
        id=alert.alert_id,
        meta=_meta(alert, patient),
        identifier=[Identifier(system=ALERT_ID, value=alert.alert_id)],
        status="active" if alert.open else "inactive",
        category=[concept(KIND, alert.kind.value)],
        code=_code(alert),
        subject=subject(patient),
        period=Period(start=shape.iso(alert.opened_at), end=shape.iso_or_none(alert.resolved_at)),
    )


def communication_id(delivery: Delivery) -> str:
    """Both ids, so that one notice is found without looking through all alerts."""
    return f"{delivery.delivery_id}.{delivery.alert_id}"


def updated_at(delivery: Delivery) -> int:
    times = (delivery.queued_at, delivery.sent_at, delivery.delivered_at, delivery.seen_at, delivery.accepted_at)
    return max(at for at in times if at is not None)


def communication_status(delivery: Delivery) -> str:
    return _STATUS[delivery.state]


def received_at(delivery: Delivery) -> int | None:
    """First proof that it arrived: the receiving system's or the person's own word."""
    times = [at for at in (delivery.delivered_at, delivery.seen_at, delivery.accepted_at) if at is not None]
    return min(times, default=None)


def communication_resource(delivery: Delivery, alert: Alert, patient: Patient, names: bool) -> Communication:
    return Communication(
        id=communication_id(delivery),
        meta=Meta(last_updated=shape.iso(updated_at(delivery)), security=security(patient)),
        identifier=[Identifier(system=DELIVERY_ID, value=delivery.delivery_id)],
        status=communication_status(delivery),
        status_reason=CodeableConcept(text=delivery.why) if delivery.why else None,
        subject=subject(patient),
        about=[Reference(reference=f"DetectedIssue/{alert.alert_id}")],
        medium=[concept(CHANNEL, delivery.channel)],
        recipient=[Reference(display=delivery.person)] if names and delivery.person else None,
        sent=shape.iso_or_none(delivery.sent_at),
        received=shape.iso_or_none(received_at(delivery)),
        payload=[Payload(content_string=alert.title)],
    )

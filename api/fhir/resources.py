"""The resources that we send: the elements we fill, the required ones without a default. One class a resource."""

from __future__ import annotations

from typing import Literal

from api.fhir.elements import (
    Annotation,
    CodeableConcept,
    Coding,
    Element,
    HumanName,
    Identifier,
    Meta,
    Period,
    Quantity,
    Reference,
)


class Resource(Element):
    """``id`` is opaque: nobody may read a meaning out of it."""

    resource_type: str
    id: str
    meta: Meta | None = None


class Patient(Resource):
    resource_type: Literal["Patient"] = "Patient"
    identifier: list[Identifier]
    active: bool
    name: list[HumanName] | None = None
    gender: str
    birth_date: str | None = None


class DeviceName(Element):
    name: str
    type: Literal["model-name"] = "model-name"


class Device(Resource):
    resource_type: Literal["Device"] = "Device"
    identifier: list[Identifier]
    status: Literal["active", "inactive"]
    device_name: list[DeviceName] | None = None
    patient: Reference | None = None


class DeviceMetric(Resource):
    resource_type: Literal["DeviceMetric"] = "DeviceMetric"
    type: CodeableConcept
    unit: CodeableConcept | None = None
    source: Reference
    category: Literal["measurement"] = "measurement"


class Component(Element):
    code: CodeableConcept
    value_quantity: Quantity | None = None
    value_integer: int | None = None
    data_absent_reason: CodeableConcept | None = None


class Observation(Resource):
    resource_type: Literal["Observation"] = "Observation"
    identifier: list[Identifier]
    status: Literal["final", "preliminary"]
    category: list[CodeableConcept]
    code: CodeableConcept
    subject: Reference
    effective_date_time: str
    issued: str | None = None
    device: Reference | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_integer: int | None = None
    data_absent_reason: CodeableConcept | None = None
    interpretation: list[CodeableConcept] | None = None
    note: list[Annotation] | None = None
    body_site: CodeableConcept | None = None
    component: list[Component] | None = None


class RiskPrediction(Element):
    outcome: CodeableConcept
    probability_decimal: float
    qualitative_risk: CodeableConcept
    rationale: str


class RiskAssessment(Resource):
    resource_type: Literal["RiskAssessment"] = "RiskAssessment"
    identifier: list[Identifier]
    status: Literal["final"] = "final"
    method: CodeableConcept
    subject: Reference
    occurrence_date_time: str
    prediction: list[RiskPrediction]
    note: list[Annotation]


class Mitigation(Element):
    action: CodeableConcept
    date: str | None = None
    author: Reference | None = None


class DetectedIssue(Resource):
    resource_type: Literal["DetectedIssue"] = "DetectedIssue"
    identifier: list[Identifier]
    status: Literal["preliminary", "final"]
    code: CodeableConcept
    severity: Literal["high", "moderate", "low"]
    patient: Reference
    identified_date_time: str
    implicated: list[Reference] | None = None
    detail: str
    mitigation: list[Mitigation] | None = None


class Flag(Resource):
    resource_type: Literal["Flag"] = "Flag"
    identifier: list[Identifier]
    status: Literal["active", "inactive"]
    category: list[CodeableConcept]
    code: CodeableConcept
    subject: Reference
    period: Period


class Payload(Element):
    content_string: str


class Communication(Resource):
    resource_type: Literal["Communication"] = "Communication"
    identifier: list[Identifier]
    status: Literal["preparation", "in-progress", "completed", "stopped"]
    status_reason: CodeableConcept | None = None
    subject: Reference
    about: list[Reference]
    medium: list[CodeableConcept]
    recipient: list[Reference] | None = None
    sent: str | None = None
    received: str | None = None
    payload: list[Payload]


class Agent(Element):
    type: CodeableConcept
    who: Reference


class Provenance(Resource):
    resource_type: Literal["Provenance"] = "Provenance"
    target: list[Reference]
    occurred_date_time: str
    recorded: str
    activity: CodeableConcept
    agent: list[Agent]


class AuditNetwork(Element):
    address: str
    type: str


class AuditAgent(Element):
    role: list[CodeableConcept] | None = None
    name: str | None = None
    requestor: bool
    network: AuditNetwork | None = None


class AuditSource(Element):
    observer: Reference


class AuditDetail(Element):
    type: str
    value_string: str


class AuditEntity(Element):
    what: Reference | None = None
    type: Coding | None = None
    role: Coding | None = None
    name: str | None = None
    detail: list[AuditDetail] | None = None


class AuditEvent(Resource):
    resource_type: Literal["AuditEvent"] = "AuditEvent"
    type: Coding
    subtype: list[Coding] | None = None
    action: str
    recorded: str
    outcome: str | None = None
    outcome_desc: str
    purpose_of_event: list[CodeableConcept] | None = None
    agent: list[AuditAgent]
    source: AuditSource
    entity: list[AuditEntity]

"""Patients and devices as resources. Names and birth dates only where they may be seen."""

from __future__ import annotations

from api.fhir.chart import Chart
from api.fhir.codes import ACT_REASON, DEVICE_ID, PATIENT_ID, UCUM, vital_concept
from api.fhir.elements import CodeableConcept, Coding, HumanName, Identifier, Meta, Reference
from api.fhir.ids import fhir_id
from api.fhir.resources import Device, DeviceMetric, DeviceName, Patient
from vigil.domain import people
from vigil.domain.readings import Stream
from vigil.domain.vitals import VITALS

_GENDERS = frozenset({"male", "female", "other"})


def subject(patient: people.Patient) -> Reference:
    return Reference(reference=f"Patient/{fhir_id(patient.patient_id)}")


def security(patient: people.Patient) -> list[Coding] | None:
    """``HTEST``: a demo patient is no person, and must never be mixed with care data."""
    return [Coding(system=ACT_REASON, code="HTEST", display="test health data")] if patient.demo else None


def gender(patient: people.Patient) -> str:
    return patient.sex if patient.sex in _GENDERS else "unknown"


def patient_resource(patient: people.Patient, names: bool) -> Patient:
    marks = security(patient)
    return Patient(
        id=fhir_id(patient.patient_id),
        meta=Meta(security=marks) if marks else None,
        identifier=[Identifier(system=PATIENT_ID, value=patient.patient_id)],
        active=patient.discharged_at is None,
        name=[HumanName(family=patient.family, given=[patient.given])] if names else None,
        gender=gender(patient),
        birth_date=patient.born.isoformat() if names else None,
    )


def device_resource(chart: Chart, device: people.Device) -> Device:
    worn_by = chart.wearer_now(device.device_id)
    return Device(
        id=fhir_id(device.device_id),
        identifier=[Identifier(system=DEVICE_ID, value=device.device_id)],
        status="active",
        device_name=[DeviceName(name=device.model)] if device.model else None,
        patient=subject(worn_by) if worn_by is not None else None,
    )


def metric_id(stream: Stream) -> str:
    return f"m{stream.stream}"


def metric_resource(stream: Stream) -> DeviceMetric:
    kind = VITALS[stream.vital]
    title = f"{kind.title} ({stream.site})" if stream.site else kind.title
    code = vital_concept(kind)
    unit = CodeableConcept(coding=[Coding(system=UCUM, code=kind.ucum)]) if kind.ucum else None
    return DeviceMetric(
        id=metric_id(stream),
        type=code.model_copy(update={"text": title}),
        unit=unit,
        source=Reference(reference=f"Device/{fhir_id(stream.device_id)}"),
    )

"""Code systems, and which code, category and profile each vital sign has (reference page "FHIR R4", section 1)."""

from __future__ import annotations

from dataclasses import dataclass

from api.fhir.elements import CodeableConcept, Coding, Quantity
from vigil.domain.vitals import BY_NAME, VITALS, VitalKind

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
MDC = "urn:iso:std:iso:11073:10101"
SNOMED = "http://snomed.info/sct"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
#: Of elements whose codes are fixed by FHIR itself.
GENDER, DEVICE_STATUS = "http://hl7.org/fhir/administrative-gender", "http://hl7.org/fhir/device-status"
EVENT_STATUS, METRIC_CATEGORY = "http://hl7.org/fhir/event-status", "http://hl7.org/fhir/metric-category"
OBSERVATION_STATUS = "http://hl7.org/fhir/observation-status"
BOOLEAN = "http://terminology.hl7.org/CodeSystem/special-values"
#: Ours, where no standard has a code.
READING_ID = "urn:vigil:reading"
PATIENT_ID, DEVICE_ID, ALERT_ID = "urn:vigil:patient", "urn:vigil:device", "urn:vigil:alert"
SCORE_ID, PREDICTION_ID, DELIVERY_ID = "urn:vigil:score", "urn:vigil:prediction", "urn:vigil:delivery"
QUALITY, RULE, PART, LETTER = "urn:vigil:quality", "urn:vigil:rule", "urn:vigil:news2-part", "urn:vigil:acvpu"
MODEL, CHANNEL, KIND, EXPOSURE = "urn:vigil:model", "urn:vigil:channel", "urn:vigil:alert-kind", "urn:vigil:exposure"

_PROFILE = "http://hl7.org/fhir/StructureDefinition/"
_PROFILES = {
    "heart_rate": "heartrate",
    "spo2": "oxygensat",
    "resp_rate": "resprate",
    "body_temp": "bodytemp",
    "body_weight": "bodyweight",
}
#: Other than ``vital-signs``.
_CATEGORIES = {
    "glucose_mgdl": "laboratory",
    "glucose_mmol": "laboratory",
    "fio2": "therapy",
    "o2_flow": "therapy",
    "consciousness": "exam",
    "gcs": "exam",
    "steps": "activity",
}
#: Findings in published AVPU value sets; new confusion has no code there (reference page "Vital-sign vocabulary", section 4).
ACVPU_SNOMED = {"A": "248234008", "V": "300202002", "P": "450847001", "U": "422768004"}
ACVPU_WORDS = {
    "A": "alert",
    "C": "new confusion",
    "V": "responds to voice",
    "P": "responds to pain",
    "U": "unresponsive",
}

PRESSURES = ("bp_sys", "bp_dia", "bp_mean")
NEWS2_CODE = "1104051000000101"
#: Parameter scores with a published code; the others have ours only.
NEWS2_PARTS = {
    "resp_rate": "1104301000000104",
    "heart_rate": "1104351000000103",
    "spo2": "1104311000000102",
    "oxygen": "1104331000000105",
    "body_temp": "1104371000000107",
}

#: Of the device, not of its wearer.
OF_DEVICE = frozenset({"battery_level", "rssi"})
#: Nothing to call it by in a standard: these are not shown, and ``$why`` says so.
NO_CODE = frozenset(kind.name for kind in VITALS if not kind.loinc and kind.name not in OF_DEVICE)


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """What becomes one kind of Observation. ``codes``, ``parts``: (system, code) of it and of its components."""

    name: str
    concept: CodeableConcept
    category: str
    profiles: tuple[str, ...]
    codes: frozenset[tuple[str, str]]
    parts: frozenset[tuple[str, str]] = frozenset()


def concept(system: str, code: str, display: str | None = None) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=system, code=code, display=display)], text=display)


def absent(code: str) -> CodeableConcept:
    return concept(ABSENT, code)


def category(code: str) -> list[CodeableConcept]:
    return [CodeableConcept(coding=[Coding(system=CATEGORY, code=code)])]


def vital_concept(kind: VitalKind) -> CodeableConcept:
    """LOINC first (SpO2: both codes, as R4 and US Core each ask for one), then MDC."""
    codings = [Coding(system=LOINC, code=code) for code in kind.loinc]
    codings += [Coding(system=MDC, code=str(kind.mdc))] if kind.mdc is not None else []
    return CodeableConcept(coding=codings or None, text=kind.title)


def quantity(kind: VitalKind, value: float) -> Quantity:
    """In the digits that the vital sign has: 72, not 72.0."""
    shown = kind.rounded(value) if kind.digits else round(value)
    return Quantity(value=shown, unit=kind.display_unit or kind.ucum, system=UCUM, code=kind.ucum)


def _codes(found: CodeableConcept) -> frozenset[tuple[str, str]]:
    return frozenset((one.system, one.code) for one in found.coding or ())


def _vital_family(kind: VitalKind) -> Family:
    found = vital_concept(kind)
    of = _CATEGORIES.get(kind.name, "vital-signs")
    profiles = [_PROFILE + "vitalsigns"] if of == "vital-signs" else []
    profiles += [_PROFILE + _PROFILES[kind.name]] if kind.name in _PROFILES else []
    return Family(kind.name, found, of, tuple(profiles), _codes(found))


def _pressure_family() -> Family:
    found = CodeableConcept(
        coding=[Coding(system=LOINC, code="85354-9"), Coding(system=MDC, code="150020")], text="Blood pressure"
    )
    parts = frozenset().union(*(_codes(vital_concept(BY_NAME[name])) for name in PRESSURES))
    return Family("bp", found, "vital-signs", (_PROFILE + "vitalsigns", _PROFILE + "bp"), _codes(found), parts)


def _news2_family() -> Family:
    found = concept(SNOMED, NEWS2_CODE, "NEWS2 total")
    parts = frozenset((SNOMED, code) for code in NEWS2_PARTS.values())
    return Family("news2", found, "survey", (), _codes(found), parts)


BP, NEWS2 = _pressure_family(), _news2_family()
#: By vital name; a pressure belongs to the panel.
FAMILY_OF: dict[str, Family] = {
    kind.name: BP if kind.name in PRESSURES else _vital_family(kind)
    for kind in VITALS
    if kind.name not in OF_DEVICE | NO_CODE
}
FAMILIES: tuple[Family, ...] = (*dict.fromkeys(FAMILY_OF.values()), NEWS2)


def news2_part(name: str, title: str) -> CodeableConcept:
    codings = [Coding(system=SNOMED, code=NEWS2_PARTS[name])] if name in NEWS2_PARTS else []
    return CodeableConcept(coding=[*codings, Coding(system=PART, code=name)], text=title)

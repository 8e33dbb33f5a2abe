"""An Observation from another system: what of it can become a reading, in our units, or why it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.entry import ENTERABLE, checked
from api.fhir.codes import ACVPU_SNOMED, LETTER, LOINC, PRESSURES, SNOMED, UCUM
from api.fhir.dates import full_time
from vigil.domain.vitals import BY_NAME, VITALS, VitalKind

Json = Mapping[str, Any]

_PANEL = "85354-9"
#: By LOINC code; of two vitals with one code there is none.
_BY_LOINC: dict[str, VitalKind] = {code: kind for kind in VITALS for code in kind.loinc}
#: Other UCUM units that are taken, by the vital's own: factor and offset.
_UNITS: dict[tuple[str, str], tuple[float, float]] = {
    ("Cel", "[degF]"): (5 / 9, -160 / 9),
    ("kg", "g"): (0.001, 0.0),
    ("kg", "[lb_av]"): (0.45359237, 0.0),
    ("/min", "{beats}/min"): (1.0, 0.0),
    ("/min", "{breaths}/min"): (1.0, 0.0),
}


#: Beyond every table of limits, and small enough for arithmetic.
_MOST = 1e9


class Unfit(ValueError):
    """What is wrong, as (FHIRPath, FHIR's issue code, words); never with the value."""

    def __init__(self, path: str, code: str, words: str) -> None:
        super().__init__(words)
        self.path, self.code, self.words = path, code, words


@dataclass(frozen=True, slots=True)
class Incoming:
    """``values``: (vital, value or letter) of one moment, microseconds UTC."""

    patient: str
    measured_at: int
    values: tuple[tuple[str, float | str], ...]


def incoming(resource: Json) -> Incoming:
    """Raises ``Unfit`` with the first thing that is wrong."""
    if resource.get("resourceType") != "Observation":
        raise Unfit("resourceType", "not-supported", "only an Observation can be created")
    if resource.get("status") != "final":
        raise Unfit("Observation.status", "value", "must be final: what may still change is not taken over")
    if "modifierExtension" in resource:
        raise Unfit("Observation.modifierExtension", "extension", "changes the meaning in a way that is not understood")
    return Incoming(_subject(resource), _time(resource), _values(resource))


def _subject(resource: Json) -> str:
    subject = resource.get("subject")
    if subject is None:
        raise Unfit("Observation.subject", "required", "is needed")
    reference = subject.get("reference") if isinstance(subject, Mapping) else None
    if not isinstance(reference, str):
        raise Unfit("Observation.subject", "structure", "must be one reference to a Patient")
    before, _, name = reference.rpartition("/")
    if before != "Patient" or not name:
        raise Unfit("Observation.subject", "value", "must be of the form Patient/id")
    return name


def _time(resource: Json) -> int:
    given = [name for name in resource if name.startswith("effective")]
    if given not in (["effectiveDateTime"], ["effectiveInstant"]):
        code = "required" if not given else "not-supported"
        raise Unfit("Observation.effective", code, "one effectiveDateTime is needed")
    text = resource[given[0]]
    if not isinstance(text, str):
        raise Unfit("Observation.effective", "structure", "must be text")
    try:
        return full_time(text)
    except ValueError as error:
        raise Unfit("Observation.effective", "value", str(error)) from error


def _values(resource: Json) -> tuple[tuple[str, float | str], ...]:
    codes = _codes(resource.get("code"), "Observation.code")
    if _PANEL in codes:
        return _pressures(resource)
    kind = _kind(codes, "Observation.code")
    if kind.name in PRESSURES and kind.name != "bp_mean":
        raise Unfit("Observation.code", "invariant", f"a blood pressure is a panel {_PANEL} with both components")
    return ((kind.name, _value(resource, kind, "Observation")),)


def _pressures(resource: Json) -> tuple[tuple[str, float | str], ...]:
    parts = resource.get("component")
    if not isinstance(parts, list):
        raise Unfit("Observation.component", "required", "systolic and diastolic are needed")
    found: dict[str, float | str] = {}
    for place, part in enumerate(parts):
        path = f"Observation.component[{place}]"
        if not isinstance(part, Mapping):
            raise Unfit(path, "structure", "must be an object")
        kind = _kind(_codes(part.get("code"), f"{path}.code"), f"{path}.code")
        if kind.name not in PRESSURES or kind.name in found:
            raise Unfit(path, "invariant", "must be one systolic, one diastolic and at most one mean pressure")
        found[kind.name] = _value(part, kind, path)
    if not {"bp_sys", "bp_dia"} <= set(found):
        raise Unfit("Observation.component", "invariant", "systolic and diastolic are both needed")
    return tuple(found.items())


def _codes(concept: object, path: str) -> set[str]:
    """Its LOINC codes."""
    codings = concept.get("coding") if isinstance(concept, Mapping) else None
    if not isinstance(codings, list) or not all(isinstance(one, Mapping) for one in codings):
        raise Unfit(path, "required", "a coding is needed")
    found = {str(one.get("code")) for one in codings if one.get("system") == LOINC}
    if not found:
        raise Unfit(path, "code-invalid", f"no coding of the system {LOINC}")
    return found


def _kind(codes: set[str], path: str) -> VitalKind:
    kinds = {_BY_LOINC[code].name for code in codes if code in _BY_LOINC}
    if len(kinds) != 1:
        words = "the codes mean different things" if kinds else "no vital sign that is kept here has this code"
        raise Unfit(path, "code-invalid", words)
    kind = BY_NAME[kinds.pop()]
    if kind.name not in ENTERABLE:
        raise Unfit(path, "business-rule", "only a device of ours can report this")
    return kind


def _value(holder: Json, kind: VitalKind, path: str) -> float | str:
    given = [name for name in holder if name.startswith("value")]
    wanted = "valueCodeableConcept" if kind.codes else "valueQuantity"
    if given != [wanted]:
        code = "required" if not given else "structure"
        raise Unfit(f"{path}.value", code, f"{wanted} is needed")
    value = holder[wanted]
    if not isinstance(value, Mapping):
        raise Unfit(f"{path}.value", "structure", "must be an object")
    return _letter(value, path) if kind.codes else _number(value, kind, path)


def _letter(value: Json, path: str) -> str:
    codings = value.get("coding")
    letters = {
        LETTER: {letter: letter for letter in "ACVPU"},
        SNOMED: {code: one for one, code in ACVPU_SNOMED.items()},
    }
    for one in codings if isinstance(codings, list) else ():
        if isinstance(one, Mapping):
            found = letters.get(str(one.get("system")), {}).get(str(one.get("code")))
            if found is not None:
                return found
    raise Unfit(f"{path}.value", "code-invalid", "no ACVPU letter and no SNOMED CT finding for one")


def _number(value: Json, kind: VitalKind, path: str) -> float:
    number, unit = value.get("value"), value.get("code")
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise Unfit(f"{path}.value", "required", "a number is needed")
    if abs(number) > _MOST:
        raise Unfit(f"{path}.value", "value", "no vital sign is so great")
    if value.get("comparator") is not None:
        raise Unfit(f"{path}.value.comparator", "not-supported", "a bound is no measurement")
    if value.get("system") != UCUM or not isinstance(unit, str):
        raise Unfit(f"{path}.value", "code-invalid", f"a unit code of {UCUM} is needed")
    if unit == kind.ucum:
        return float(number)
    if (kind.ucum, unit) not in _UNITS:
        raise Unfit(f"{path}.value.code", "code-invalid", f"must be {kind.ucum or 'no unit'}")
    factor, offset = _UNITS[kind.ucum, unit]
    return kind.rounded(number * factor + offset)


def storable(found: Incoming, now: int) -> tuple[tuple[str, float, int], ...]:
    """Through the checks of a person's entry. Raises ``Rejected``."""
    return checked(found.values, found.measured_at, now)

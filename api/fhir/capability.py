"""``/metadata``: the CapabilityStatement, made from the same tables as the search itself."""

from __future__ import annotations

from typing import Any

from api.fhir.parameters import SEARCHES
from vigil import __version__

Json = dict[str, Any]

#: When this statement last changed its meaning.
CHANGED = "2026-11-26"

_DEFINITIONS = {
    "lastn": "http://hl7.org/fhir/OperationDefinition/Observation-lastn",
    "everything": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
}
_PROFILES = ("vitalsigns", "heartrate", "oxygensat", "resprate", "bodytemp", "bodyweight", "bp")
_VERSIONED = frozenset({"Observation", "RiskAssessment", "DetectedIssue", "Flag"})
_CANONICAL = "http://hl7.org/fhir/StructureDefinition/"


def statement(base: str) -> Json:
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": CHANGED,
        "kind": "instance",
        "software": {"name": "Vigil", "version": __version__},
        "implementation": {"description": "Remote patient monitoring; research, not a medical device", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "documentation": "docs/fhir.md. Prefer: handling=strict refuses parameters that are not understood.",
                "security": {"cors": False, "description": "A bearer token of Vigil, see docs/fhir.md"},
                "resource": [_resource(kind) for kind in SEARCHES],
            }
        ],
    }


def _resource(kind: str) -> Json:
    interactions = ["read", "search-type"] + (["create"] if kind == "Observation" else [])
    made: Json = {
        "type": kind,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned" if kind in _VERSIONED else "no-version",
        "searchParam": [{"name": one.name, "type": one.kind, "documentation": one.text} for one in SEARCHES[kind]],
    }
    if kind == "Observation":
        made["supportedProfile"] = [_CANONICAL + name for name in _PROFILES]
        made["conditionalCreate"] = True
        made["operation"] = [
            {"name": "lastn", "definition": _DEFINITIONS["lastn"]},
        ]
    if kind == "Patient":
        made["operation"] = [{"name": "everything", "definition": _DEFINITIONS["everything"]}]
    return made

"""The search parameters of each resource: one table for the search, the CapabilityStatement and OpenAPI."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """``kind``: as FHIR names it. ``modifiers``: those that are understood besides none."""

    name: str
    kind: str
    text: str
    modifiers: tuple[str, ...] = ()


def _date(name: str, text: str) -> Parameter:
    return Parameter(name, "date", text)


_ID = Parameter("_id", "token", "the id of the resource")
_UPDATED = _date(
    "_lastUpdated", "when the server last changed it; of Observations of everybody: in the order of arrival"
)
_PATIENT = Parameter("patient", "reference", "whose it is; comma = or")
_SUBJECT = Parameter("subject", "reference", "as patient", ("Patient",))
_IDENTIFIER = Parameter("identifier", "token", "system|value")
_STATUS = Parameter("status", "token", "the status")

SEARCHES: dict[str, tuple[Parameter, ...]] = {
    "Patient": (
        _ID,
        _IDENTIFIER,
        Parameter("active", "token", "false = discharged"),
        Parameter("gender", "token", "administrative gender"),
        Parameter("name", "string", "start of family or given name; only with the right to names"),
        Parameter("family", "string", "start of the family name; only with the right to names"),
        Parameter("given", "string", "start of the given name; only with the right to names"),
        _date("birthdate", "date of birth; only with the right to names"),
    ),
    "Device": (
        _ID,
        _IDENTIFIER,
        Parameter("patient", "reference", "who wears it now"),
        _STATUS,
        Parameter("model", "string", "start of the model"),
    ),
    "DeviceMetric": (
        _ID,
        Parameter("source", "reference", "the device", ("Device",)),
        Parameter("type", "token", "code of what it measures"),
        Parameter("category", "token", "measurement"),
    ),
    "Observation": (
        _ID,
        _UPDATED,
        _IDENTIFIER,
        _PATIENT,
        _SUBJECT,
        Parameter("category", "token", "vital-signs, laboratory, therapy, exam, activity, survey"),
        Parameter("code", "token", "LOINC, MDC or SNOMED code"),
        Parameter("component-code", "token", "code of a component"),
        Parameter("combo-code", "token", "code of the observation or of a component"),
        _date("date", "when it was measured"),
        Parameter("device", "reference", "what measured it", ("Device",)),
        _STATUS,
        Parameter("value-quantity", "quantity", "prefix, number|system|code"),
    ),
    "RiskAssessment": (
        _ID,
        _UPDATED,
        _IDENTIFIER,
        _PATIENT,
        _SUBJECT,
        _date("date", "up to when readings counted"),
        Parameter("method", "token", "the model"),
    ),
    "DetectedIssue": (
        _ID,
        _UPDATED,
        _IDENTIFIER,
        _PATIENT,
        Parameter("code", "token", "the rule"),
        _date("identified", "when it began"),
    ),
    "Flag": (
        _ID,
        _UPDATED,
        _IDENTIFIER,
        _PATIENT,
        _SUBJECT,
        _date("date", "when it was opened"),
    ),
    "Communication": (
        _ID,
        _UPDATED,
        _IDENTIFIER,
        _PATIENT,
        _SUBJECT,
        _STATUS,
        Parameter("medium", "token", "the channel"),
        _date("sent", "when it was handed to its carrier"),
        _date("received", "when its receipt was proved"),
    ),
    "Provenance": (Parameter("target", "reference", "an Observation or a RiskAssessment; needed"),),
    "AuditEvent": (
        _ID,
        _date("date", "when it was recorded"),
        Parameter("patient", "reference", "whom it names; what may have shown everybody names nobody"),
        Parameter("agent-name", "string", "start of the name of who did it"),
        Parameter("action", "token", "R, U, D, E"),
        Parameter("outcome", "token", "0 = success, 4 = refused, 8 = failed"),
    ),
}

#: The order of each search, which is the only one there is; the others are in the order of their ids.
SORTS = {
    "Observation": "-date",
    "RiskAssessment": "-date",
    "Flag": "-date",
    "DetectedIssue": "-identified",
    "AuditEvent": "-date",
}

#: Of every search; they shape the answer and filter nothing.
RESULT: tuple[Parameter, ...] = (
    Parameter("_count", "number", "resources a page, 0 to 1000; 0 = the total only"),
    Parameter(
        "_sort",
        "string",
        "-date of Observation, RiskAssessment, Flag and AuditEvent, -identified of DetectedIssue: as without it",
    ),
    Parameter("_summary", "token", "count = the total only; false"),
    Parameter("_total", "token", "none, accurate"),
    Parameter("_format", "token", "json"),
)

OPERATIONS: dict[str, tuple[Parameter, ...]] = {
    "$lastn": (
        _PATIENT,
        _SUBJECT,
        Parameter("category", "token", "this or a code is needed"),
        Parameter("code", "token", "this or a category is needed"),
        Parameter("max", "number", "newest times of each code, 1 to 100"),
        _date("date", "when it was measured"),
    ),
    "$everything": (
        _date("start", "care from"),
        _date("end", "care until"),
        _date("_since", "changed since"),
        Parameter("_type", "token", "only these types; comma = or"),
    ),
    "$why": (
        Parameter("device", "reference", "the device; needed", ("Device",)),
        Parameter("code", "token", "a vital sign by our name or by a code"),
        _date("date", "when it was measured"),
    ),
}

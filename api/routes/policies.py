"""Monitoring policies: documents of everybody, a programme, a ward and a patient; what holds for whom, and changing it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from api.auth import PolicyMaker, Principal, Reader, Right, may
from api.care import View
from api.context import Context, Here, Seen, span_given
from api.policies import document_row, held_by, holding, limits_of_then, newest, refusals, with_changes
from api.schema.base import Time
from api.schema.policies import History, LimitSpans, PatientPolicy, PolicyChange, PolicyList, ScopePolicy
from api.schema.session import problem
from api.shape import Json
from vigil.domain.effective import PolicyDocument, Scope
from vigil.domain.errors import PolicyError
from vigil.domain.policy_file import Written, decode, read
from vigil.domain.times import DAY

router = APIRouter(prefix="/api/v1/policies", tags=["policies"])

#: Of a ward or a programme.
Name = Annotated[str, Path(min_length=1, max_length=100)]
#: The version that the person saw; when another one holds by now the answer is 409.
After = Annotated[int | None, Query(ge=0)]
_LEAST_REASON = 3
_CONFLICT: dict[int | str, dict[str, Any]] = {409: problem("another version holds than the one that was read")}


@router.get("", response_model=PolicyList, summary="The starting policy, every document, and who has one of his own")
def policies(who: Reader, here: Here, seen: Seen) -> Json:
    documents, now = newest(here.deps.records), here.deps.clock.now_us()
    own = {}
    for patient in filter(lambda one: seen.patient(one.patient_id), here.deps.records.patients()):
        document = documents.get((Scope.PATIENT, patient.patient_id))
        if document is not None and document.content:
            held = held_by(documents, *document.key, patient.ward)
            own[patient.patient_id] = holding(held, now)["version"]
    rows = [document_row(one, who.may(Right.NAMES)) for one in documents.values() if _is_shown(one, seen)]
    return {"default": holding((), now), "patients": own, "documents": rows}


@router.get("/programme", response_model=ScopePolicy, summary="What holds for everybody")
def of_everybody(who: Reader, here: Here) -> Json:
    return _shown(here, who, Scope.PROGRAMME, "")


@router.put(
    "/programme",
    response_model=ScopePolicy,
    responses=_CONFLICT,
    summary="Change what holds for everybody, with the reason",
)
def change_everybodys(body: PolicyChange, who: PolicyMaker, here: Here, seen: Seen, after: After = None) -> Json:
    seen.require_everybody()
    return _changed(here, who, Scope.PROGRAMME, "", body, after)


@router.get("/programme/history", response_model=History, summary="Every version of what holds for everybody")
def history_of_everybodys(who: Reader, here: Here) -> Json:
    return _history(here, who, Scope.PROGRAMME, "")


@router.get("/programmes/{name}", response_model=ScopePolicy, summary="What holds in a programme")
def of_programme(name: Name, who: Reader, here: Here) -> Json:
    return _shown(here, who, Scope.PROGRAMME, name)


@router.put(
    "/programmes/{name}", response_model=ScopePolicy, responses=_CONFLICT, summary="Change a programme, with the reason"
)
def change_programme(
    name: Name, body: PolicyChange, who: PolicyMaker, here: Here, seen: Seen, after: After = None
) -> Json:
    """A ward or a patient takes part by ``programme`` in his document."""
    seen.require_everybody()
    return _changed(here, who, Scope.PROGRAMME, name, body, after)


@router.get("/programmes/{name}/history", response_model=History, summary="Every version of a programme")
def history_of_programme(name: Name, who: Reader, here: Here) -> Json:
    return _history(here, who, Scope.PROGRAMME, name)


@router.get("/wards/{ward}", response_model=ScopePolicy, summary="What holds in a ward")
def of_ward(ward: Name, who: Reader, here: Here) -> Json:
    return _shown(here, who, Scope.WARD, ward)


@router.put(
    "/wards/{ward}", response_model=ScopePolicy, responses=_CONFLICT, summary="Change a ward's policy, with the reason"
)
def change_ward(ward: Name, body: PolicyChange, who: PolicyMaker, here: Here, after: After = None) -> Json:
    return _changed(here, who, Scope.WARD, ward, body, after)


@router.get("/wards/{ward}/history", response_model=History, summary="Every version of a ward's policy")
def history_of_ward(ward: Name, who: Reader, here: Here) -> Json:
    return _history(here, who, Scope.WARD, ward)


@router.get("/patients/{patient_id}", response_model=PatientPolicy, summary="The policy that holds for this patient")
def of_patient(patient_id: str, who: Reader, here: Here) -> Json:
    patient = here.deps.records.patient(patient_id)
    shown = _shown(here, who, Scope.PATIENT, patient_id, patient.ward)
    document = shown["document"]
    return {**shown, "patient_id": patient_id, "own": document is not None and bool(document["document"])}


@router.put(
    "/patients/{patient_id}",
    response_model=PatientPolicy,
    responses=_CONFLICT,
    summary="Change a patient's policy, with the reason",
)
def change(patient_id: str, body: PolicyChange, who: PolicyMaker, here: Here, after: After = None) -> Json:
    patient = here.deps.records.patient(patient_id)
    _changed(here, who, Scope.PATIENT, patient_id, body, after, patient.ward)
    return of_patient(patient_id, who, here)


@router.get(
    "/patients/{patient_id}/limits",
    response_model=LimitSpans,
    summary="The limits of this patient as they were in force; default: the last 24 h",
    dependencies=[may(Right.READ)],
)
def limits_of_patient(
    patient_id: str,
    here: Here,
    start: Annotated[Time | None, Query(alias="from")] = None,
    end: Annotated[Time | None, Query(alias="to")] = None,
) -> Json:
    since, until = span_given(start, end, here.deps.clock.now_us(), DAY)
    return {"items": limits_of_then(here.deps.records, here.deps.records.patient(patient_id), since, until)}


@router.get("/patients/{patient_id}/history", response_model=History, summary="Every version of a patient's policy")
def history_of_patient(patient_id: str, who: Reader, here: Here) -> Json:
    here.deps.records.patient(patient_id)
    return _history(here, who, Scope.PATIENT, patient_id)


def _is_shown(document: PolicyDocument, seen: View) -> bool:
    if document.scope is Scope.PATIENT:
        return seen.patient(document.name)
    return document.scope is not Scope.WARD or seen.ward(document.name)


def _shown(here: Context, who: Principal, scope: Scope, name: str, ward: str = "") -> Json:
    documents = newest(here.deps.records)
    own = documents.get((scope, name))
    held = held_by(documents, scope, name, ward)
    row = None if own is None else document_row(own, who.may(Right.NAMES))
    return {**holding(held, here.deps.clock.now_us()), "document": row}


def _history(here: Context, who: Principal, scope: Scope, name: str) -> Json:
    names = who.may(Right.NAMES)
    return {"items": [document_row(one, names) for one in here.deps.records.policy_history(scope, name)]}


def _changed(
    here: Context, who: Principal, scope: Scope, name: str, body: PolicyChange, after: int | None, ward: str = ""
) -> Json:
    document, number, found = edited(here, who, scope, name, body, ward)
    problems = (
        [] if len(document.reason) >= _LEAST_REASON else [f"reason: give one, in at least {_LEAST_REASON} letters"]
    )
    problems += found
    if problems:
        raise PolicyError(problems)
    if body.limits is not None and after is None:
        after = number  # what changed meanwhile must not be written over
    here.deps.records.put_policy(document, after)
    return _shown(here, who, scope, name, ward)


def edited(
    here: Context, who: Principal, scope: Scope, name: str, body: PolicyChange, ward: str = ""
) -> tuple[PolicyDocument, int, list[str]]:
    """What the document would be, the number of the one that it would follow (0 = none), and every reason to refuse it but a
    missing one of the author's."""
    current = newest(here.deps.records).get((scope, name))
    written = _written(body, here.deps.detectors)
    content = written.content
    if body.limits is not None:
        content = with_changes(current, content.get("limit", []), who.name)
    document = PolicyDocument(
        scope,
        name,
        content,
        author=who.name,
        reason=(body.reason or written.reason).strip(),
        signed_off_by=(body.signed_off_by or written.signed_off_by).strip(),
        at=here.deps.clock.now_us(),
    )
    number = 0 if current is None else current.number
    return document, number, written.problems + refusals(here.deps.records, document, ward)


def _written(body: PolicyChange, detectors: frozenset[str]) -> Written:
    """What was sent, with each value checked by itself."""
    if body.limits is None:
        return read(decode(body.toml) if body.toml is not None else body.document or {}, detectors)
    changes = [
        {
            key: value
            for key, value in one.model_dump(exclude_unset=True).items()
            if value is not None or key == "severe"
        }
        for one in body.limits
    ]
    return read({"limit": changes}, detectors)

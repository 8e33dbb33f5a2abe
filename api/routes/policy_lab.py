"""The policy lab: what a changed policy would have called for in the last days, before it is kept (decision 0041)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter

from api.auth import PolicyMaker, Principal
from api.context import Context, Here
from api.errors import Problem
from api.policies import newest
from api.routes.policies import Name, edited
from api.schema.policy_lab import TrialAsked, TrialList, TrialOut
from api.schema.session import problem
from api.shape import Json
from api.trial_shape import trial_row
from api.trials import TrialPlan, Tried
from vigil.domain.effective import PolicyDocument, Scope, chain, merged
from vigil.domain.errors import InvalidInput, PolicyError
from vigil.domain.people import Patient
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.times import DAY

router = APIRouter(prefix="/api/v1/policies", tags=["policies"])

_BUSY: dict[int | str, dict[str, Any]] = {409: problem("another trial is running")}


@router.post(
    "/patients/{patient_id}/trials",
    status_code=HTTPStatus.ACCEPTED,
    response_model=TrialOut,
    responses=_BUSY,
    summary="Try a changed policy on this patient's last days",
)
def try_patient(patient_id: str, body: TrialAsked, who: PolicyMaker, here: Here) -> Json:
    return _started(here, who, Scope.PATIENT, patient_id, body, [here.deps.records.patient(patient_id)])


@router.get("/patients/{patient_id}/trials", response_model=TrialList, summary="Trials for this patient, newest first")
def trials_of_patient(patient_id: str, _who: PolicyMaker, here: Here) -> Json:
    here.deps.records.patient(patient_id)
    return _listed(here, Scope.PATIENT, patient_id)


@router.delete(
    "/patients/{patient_id}/trials", response_model=TrialList, summary="End the trial that runs for this patient"
)
def end_of_patient(patient_id: str, _who: PolicyMaker, here: Here) -> Json:
    here.deps.records.patient(patient_id)
    return _ended(here, Scope.PATIENT, patient_id)


@router.post(
    "/wards/{ward}/trials",
    status_code=HTTPStatus.ACCEPTED,
    response_model=TrialOut,
    responses=_BUSY,
    summary="Try a changed policy on the last days of a ward's patients",
)
def try_ward(ward: Name, body: TrialAsked, who: PolicyMaker, here: Here) -> Json:
    people = [one for one in here.deps.records.patients() if one.ward == ward]
    if not people:
        raise InvalidInput("nobody is in this ward: there is nothing to try it on")
    return _started(here, who, Scope.WARD, ward, body, people)


@router.get("/wards/{ward}/trials", response_model=TrialList, summary="Trials for this ward, newest first")
def trials_of_ward(ward: Name, _who: PolicyMaker, here: Here) -> Json:
    return _listed(here, Scope.WARD, ward)


@router.delete("/wards/{ward}/trials", response_model=TrialList, summary="End the trial that runs for this ward")
def end_of_ward(ward: Name, _who: PolicyMaker, here: Here) -> Json:
    return _ended(here, Scope.WARD, ward)


def _started(
    here: Context, who: Principal, scope: Scope, name: str, body: TrialAsked, people: Sequence[Patient]
) -> Json:
    """Raises ``PolicyError`` for a change that could not be kept either, or that a trial cannot judge."""
    if here.deps.trials is None:
        raise InvalidInput("this installation cannot try policies")
    ward = people[0].ward if scope is Scope.PATIENT else ""
    document, number, problems = edited(here, who, scope, name, body, ward)
    if problems:
        raise PolicyError(problems)
    tried = _tried(here, document, people)
    scheduled = sum(bool(one.before.schedules or one.after.schedules) for one in tried)
    if scheduled:
        words = f"the policies of {scheduled} patients change with the time of day: that cannot be tried"
        raise PolicyError([words])
    end = here.deps.clock.now_us()
    trial = here.deps.trials.start(TrialPlan(scope, name, tried, end - body.days * DAY, end, number, who.name))
    if trial is None:
        raise Problem(HTTPStatus.CONFLICT, "another trial is running: wait until it is over")
    return trial_row(trial)


def _tried(here: Context, document: PolicyDocument, people: Sequence[Patient]) -> list[Tried]:
    """Each patient, without the name, with the policy that holds and the one that would."""
    now = newest(here.deps.records)
    then = now | {document.key: document}
    found = []
    for one in people:
        before, after = (merged(DEFAULT_POLICY, chain(each, one.ward, one.patient_id)).policy for each in (now, then))
        found.append(Tried(replace(one, family="", given=""), before, after))
    return found


def _listed(here: Context, scope: Scope, name: str) -> Json:
    lab = here.deps.trials
    return {"items": [] if lab is None else [trial_row(one) for one in lab.of(scope, name)]}


def _ended(here: Context, scope: Scope, name: str) -> Json:
    if here.deps.trials is not None:
        here.deps.trials.end(scope, name)
    return _listed(here, scope, name)

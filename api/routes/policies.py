"""Monitoring policies: what holds for whom, and changing a patient's limits."""

from __future__ import annotations

from fastapi import APIRouter

from api import shape
from api.auth import PolicyMaker, Right, may
from api.context import Context, Here
from api.schema.policies import PatientPolicy, PolicyChange, PolicyList
from api.shape import Json
from vigil.domain.policy import DEFAULT_POLICY, with_limits

router = APIRouter(prefix="/api/v1/policies", tags=["policies"])


@router.get(
    "", response_model=PolicyList, summary="The default, and who has limits of his own", dependencies=[may(Right.READ)]
)
def policies(here: Here) -> Json:
    own = {one.patient_id: here.deps.records.policy(one.patient_id) for one in here.deps.records.patients()}
    versions = {patient_id: policy.version for patient_id, policy in own.items() if policy is not None}
    return {"default": shape.policy(DEFAULT_POLICY), "patients": versions}


def _of_patient(here: Context, patient_id: str) -> Json:
    own = here.deps.records.policy(patient_id)
    return {"patient_id": patient_id, "own": own is not None, **shape.policy(own or DEFAULT_POLICY)}


@router.get(
    "/patients/{patient_id}",
    response_model=PatientPolicy,
    summary="The policy that holds for this patient",
    dependencies=[may(Right.READ)],
)
def of_patient(patient_id: str, here: Here) -> Json:
    here.deps.records.patient(patient_id)
    return _of_patient(here, patient_id)


@router.put("/patients/{patient_id}", response_model=PatientPolicy, summary="Change some limits, with the reason")
def change(patient_id: str, body: PolicyChange, who: PolicyMaker, here: Here) -> Json:
    here.deps.records.patient(patient_id)
    changes = [
        {
            key: value
            for key, value in one.model_dump(exclude_unset=True).items()
            if value is not None or key == "severe"
        }
        for one in body.limits
    ]
    before = here.deps.records.policy(patient_id) or DEFAULT_POLICY
    after = with_limits(before, changes, who.name)
    here.deps.records.put_policy(patient_id, after, who.name, body.reason, here.deps.clock.now_us())
    return _of_patient(here, patient_id)

"""What the risk models said of a patient over time, and what should be known of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from api import shape
from api.auth import Reader, Right
from api.context import Here, span_given
from api.errors import Problem
from api.schema.base import Time
from api.schema.risk import ModelList, RiskList
from api.shape import Json
from vigil.domain.risk import ModelState
from vigil.domain.risk_words import NOTICE
from vigil.domain.times import DAY

router = APIRouter(prefix="/api/v1", tags=["risk"])

_Shadow = Annotated[
    bool,
    Query(description="true = of the models in shadow mode, for those who make policies; they are no basis for care"),
]


@router.get(
    "/patients/{patient_id}/risk",
    response_model=RiskList,
    summary="Predictions of the active risk models, oldest first; default: the last 24 h",
)
def risk(
    patient_id: str,
    who: Reader,
    here: Here,
    start: Annotated[Time | None, Query(alias="from")] = None,
    end: Annotated[Time | None, Query(alias="to")] = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
    shadow: _Shadow = False,
) -> Json:
    if shadow and not who.may(Right.POLICIES):
        raise Problem(HTTPStatus.FORBIDDEN, f"the role {who.role.value} may not see models in shadow mode")
    since, until = span_given(start, end, here.deps.clock.now_us(), DAY)
    here.deps.records.patient(patient_id)
    state = ModelState.SHADOW if shadow else ModelState.ACTIVE
    found = here.deps.readings.predictions(patient_id, since, until, limit, state=state)
    return {"items": [shape.prediction(one) for one in found], "notice": NOTICE}


@router.get(
    "/models",
    response_model=ModelList,
    summary="Facts of the risk models in use; those in shadow mode only for those who make policies",
)
def models(who: Reader, here: Here) -> Json:
    shadow = who.may(Right.POLICIES)
    used = [one for one in here.deps.models() if one.state is ModelState.ACTIVE or shadow]
    return {"items": [shape.model_facts(one) for one in used]}

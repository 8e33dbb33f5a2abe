"""Self-tests: a watchdog sets up its synthetic patient, and anybody responsible sees whether it is still heard."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus

from fastapi import APIRouter

from api import shape
from api.auth import Right, may
from api.context import Context, Here
from api.schema.self_tests import NewSelfTest, SelfTestAccess, SelfTestList
from api.shape import Json
from vigil.domain.errors import InvalidInput, NotFound
from vigil.domain.people import SELF_TEST_PREFIX, Device, Patient
from vigil.domain.self_test import MISSING_RULE, PLATFORM, VITAL
from vigil.domain.times import MINUTE
from vigil.wire import topics

router = APIRouter(prefix="/api/v1/self-tests", tags=["health"])

_MODEL = "self-test"


@router.get(
    "",
    response_model=SelfTestList,
    summary="The self-tests, and when they were last heard",
    dependencies=[may(Right.HEALTH)],
)
def self_tests(here: Here) -> Json:
    records, readings = here.deps.records, here.deps.readings
    tests = [one.patient_id for one in records.patients(include_test=True) if one.test]
    numbers: dict[str, list[int]] = {one: [] for one in tests}
    for stream in readings.streams():
        if stream.device_id in numbers:
            numbers[stream.device_id].append(stream.stream)
    latest = readings.latest()
    items = [
        {
            "patient_id": one,
            "last_reading_at": shape.newest(latest.received_at, numbers[one]),
            "last_alert_at": shape.iso_or_none(_last_alert(here, one)),
        }
        for one in tests
    ]
    missing = any(
        one.rule == MISSING_RULE and one.active for one in records.alerts(patient_id=PLATFORM, open_only=True)
    )
    return {"items": items, "missing": missing}


def _last_alert(here: Context, patient_id: str) -> int | None:
    """When its alert last opened or came again."""
    alerts = here.deps.records.alerts(patient_id=patient_id, limit=1)
    lines = here.deps.records.transitions(alert_id=alerts[0].alert_id) if alerts else []
    return max((line.at for line in lines if line.step.value in ("opened", "recurred")), default=None)


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=SelfTestAccess,
    summary="Set up the synthetic patient and device of a watchdog; again = new password",
    dependencies=[may(Right.PROVISION)],
)
def set_up(body: NewSelfTest, here: Here) -> Json:
    test_id = f"{SELF_TEST_PREFIX}{body.name}"
    records, now = here.deps.records, here.deps.clock.now_us()
    try:
        if records.patient(test_id).discharged_at is not None:
            raise InvalidInput("name: this self-test was ended; choose another name")
    except NotFound:
        records.add_patient(Patient(test_id, "Self-test", body.name, date(2000, 1, 1), "unknown", _MODEL))
    records.put_device(Device(test_id, _MODEL, {VITAL: body.interval_s}))
    records.bind(test_id, test_id, now - MINUTE)  # the watchdog's clock may be a little behind
    access = here.deps.provision_device(test_id)
    return {
        "id": test_id,
        "mqtt": {
            "host": access.host,
            "port": access.port,
            "username": access.username,
            "password": access.password,
            "topic_prefix": topics.telemetry(here.deps.tenant, test_id).removesuffix("/tel/vitals"),
        },
    }

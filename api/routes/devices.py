"""Devices and gateways: registration, broker accounts, binding to a patient."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Response

from api import shape
from api.auth import Actor, Binder, DeviceReader, Principal, Provisioner, Right, may
from api.care import View
from api.connections import connections
from api.context import Context, Here, Seen, time_given
from api.current import fresh_for
from api.schema.devices import (
    AskedOut,
    BindingState,
    DeviceList,
    NewBinding,
    NewDevice,
    NewGateway,
    NewWord,
    Provisioned,
    ProvisionedGateway,
    WornOut,
)
from api.schema.session import problem
from api.shape import Json
from vigil.domain.enrolment import Enrolment, Outcome
from vigil.domain.errors import InvalidInput, NotFound, VersionConflict
from vigil.domain.measuring import Asked
from vigil.domain.people import MANUAL_PREFIX, SELF_TEST_PREFIX, Binding, Device, is_test
from vigil.domain.vitals import BY_NAME
from vigil.domain.wearing import Word, standing
from vigil.runtime.broker.accounts import device_name, gateway_name
from vigil.store import Latest
from vigil.wire import topics

router = APIRouter(prefix="/api/v1", tags=["devices"])

#: Ids of devices that nobody can register, wear or take off by hand.
RESERVED = (MANUAL_PREFIX, SELF_TEST_PREFIX)
#: Said of those, and in the same words of a name that another ward uses: that it does is not told.
NOT_GIVEN = "id: this one cannot be given here: take another"

_BATTERY = BY_NAME["battery_level"].index


def _battery(device: Device, number: int | None, latest: Latest, now: int) -> Json | None:
    if number is None or not latest.measured_at[number]:
        return None
    measured = int(latest.measured_at[number])
    limit = fresh_for(_BATTERY, device)
    state = int(now - measured > limit) + int(now - measured > 3 * limit)
    received, quality = int(latest.received_at[number]), int(latest.quality[number])
    value = float(latest.value[number])
    return shape.current_value(_BATTERY, device.device_id, value, measured, received, quality, state, 0)


@router.get(
    "/devices",
    response_model=DeviceList,
    summary="All devices, who wears them, when they were last heard",
)
def devices(here: Here, seen: Seen, who: DeviceReader) -> Json:
    registered = (one for one in here.deps.records.devices() if not one.device_id.startswith(RESERVED))
    known = [one for one in registered if seen.device(one.device_id)]
    bound = {binding.device_id: (binding, word) for binding, word in here.deps.records.worn()}
    numbers: dict[str, list[int]] = {device.device_id: [] for device in known}
    batteries: dict[str, int] = {}
    for stream in here.deps.readings.streams():
        if stream.device_id in numbers:
            numbers[stream.device_id].append(stream.stream)
            if stream.vital == _BATTERY:
                batteries[stream.device_id] = stream.stream
    latest = here.deps.readings.latest()
    unproven = here.unproven.of(numbers)
    shared = here.deps.records.taken_over()
    now = here.deps.clock.now_us()
    connected = connections(here.deps, numbers, now)
    questions = here.deps.bus.asking.shown(now)
    items = []
    for device in known:
        binding, word = bound.get(device.device_id, (None, None))
        taken_over = shared.get(device.device_id)
        items.append(
            {
                "id": device.device_id,
                "model": device.model,
                "interval_s": device.interval_s,
                "patient_id": binding.patient_id if binding else None,
                "bound_since_at": shape.iso(binding.start) if binding else None,
                "worn": worn(word, who.may(Right.NAMES)) if binding else None,
                "last_received_at": shape.newest(latest.received_at, numbers[device.device_id]),
                "unproven": unproven[device.device_id],
                "connection": connected[device.device_id],
                "taken_over_at": shape.iso(taken_over.last_at) if taken_over else None,
                "taken_over_times": taken_over.times if taken_over else 0,
                "battery": _battery(device, batteries.get(device.device_id), latest, now),
                "asked": _asked(found, who) if (found := questions.get(device.device_id)) else None,
            }
        )
    return {"items": items}


def _asked(asked: Asked, who: Principal) -> Json:
    return {
        "by": asked.by if who.may(Right.NAMES) else None,
        "at": shape.iso(asked.at),
        "told_at": shape.iso_or_none(asked.told_at),
        "accepted": asked.accepted,
        "text": asked.text,
    }


def _known(here: Context, device_id: str) -> Device | None:
    return next((one for one in here.deps.records.devices() if one.device_id == device_id), None)


def require_device(here: Context, device_id: str) -> None:
    """Raises ``NotFound``, also for those that nobody can register."""
    if _known(here, device_id) is None or device_id.startswith(RESERVED):
        raise NotFound("no such device")


def registered(here: Context, seen: View, devices: list[str]) -> list[str]:
    """Each device once. Raises ``InvalidInput`` when one is not registered, or another ward's patient wears it."""
    missing = sorted(
        set(devices) - {one.device_id for one in here.deps.records.devices() if seen.device(one.device_id)}
    )
    if missing:
        raise InvalidInput(f"devices: not registered: {', '.join(missing[:10])}")
    return list(dict.fromkeys(devices))


def note(here: Context, account: str, outcome: Outcome, who: Principal) -> None:
    """Into the log of this account."""
    here.deps.records.log_enrolment(Enrolment(account, outcome, who.name, here.deps.clock.now_us()))


def topic_prefix(tenant: str, device_id: str) -> str:
    return topics.telemetry(tenant, device_id).removesuffix("/tel/vitals")


@router.post(
    "/devices",
    status_code=HTTPStatus.CREATED,
    response_model=Provisioned,
    responses={200: {"model": Provisioned, "description": "was registered before: the earlier password ends"}},
    summary="Register a device and get its broker account; again = new password (200)",
)
def register(body: NewDevice, here: Here, seen: Seen, who: Provisioner, response: Response) -> Json:
    known = _known(here, body.id)
    if body.id.startswith(RESERVED) or (known is not None and not seen.device(body.id)):
        raise InvalidInput(NOT_GIVEN)
    unknown = sorted(set(body.interval_s) - set(BY_NAME))
    if unknown:
        raise InvalidInput("interval_s: names a vital sign that does not exist")
    device_name(body.id)  # before anything is stored
    if known is not None:
        response.status_code = HTTPStatus.OK
    # A new password is no word about intervals.
    intervals = body.interval_s if known is None or "interval_s" in body.model_fields_set else known.interval_s
    here.deps.records.put_device(Device(body.id, body.model, dict(intervals)))
    access = here.deps.provision_device(body.id)
    note(here, body.id, Outcome.ISSUED, who)
    return {
        "id": body.id,
        "mqtt": {
            "host": access.host,
            "port": access.port,
            "username": access.username,
            "password": access.password,
            "topic_prefix": topic_prefix(here.deps.tenant, body.id),
        },
    }


@router.post(
    "/devices/{device_id}/measure",
    status_code=HTTPStatus.ACCEPTED,
    response_model=AskedOut,
    summary="Ask the device for its values now; again within half a minute = the same question",
)
def measure(device_id: str, here: Here, who: Actor) -> Json:
    require_device(here, device_id)
    return _asked(here.deps.bus.asking.ask(device_id, who.name, here.deps.clock.now_us()), who)


def worn(word: Word | None, names: bool) -> Json:
    """``names`` False: who looked is a person too."""
    by = word.by if word is not None and names else ""
    return {
        "standing": standing(word),
        "by": by or None,
        "at": shape.iso(word.at) if word is not None else None,
        "text": word.text if word is not None else "",
    }


def binding_state(device_id: str, binding: Binding | None) -> Json:
    return {
        "device_id": device_id,
        "patient_id": binding.patient_id if binding else None,
        "start_at": shape.iso(binding.start) if binding else None,
        "end_at": shape.iso_or_none(binding.end) if binding else None,
    }


@router.post(
    "/devices/{device_id}/binding",
    status_code=HTTPStatus.CREATED,
    response_model=BindingState,
    summary="The patient wears this device from now on",
    dependencies=[may(Right.BIND)],
)
def bind(device_id: str, body: NewBinding, here: Here, seen: Seen) -> Json:
    seen.require_patient(body.patient_id)
    now = here.deps.clock.now_us()
    start = now if body.start_at is None else time_given(body.start_at, "start_at")
    if start > now:
        raise InvalidInput("start_at: lies in the future")
    if device_id.startswith(RESERVED):
        raise NotFound("no such device")
    if is_test(body.patient_id):
        raise NotFound("no such patient")
    if here.deps.records.patient(body.patient_id).discharged_at is not None:
        raise InvalidInput("the patient is discharged")
    return binding_state(device_id, here.deps.records.bind(device_id, body.patient_id, start))


@router.post(
    "/devices/{device_id}/binding/confirm",
    response_model=WornOut,
    summary="I have looked: the device is on this patient, or it is not",
    responses={409: problem("the device is not on this patient by now")},
)
def confirm(device_id: str, body: NewWord, here: Here, who: Binder) -> Json:
    require_device(here, device_id)
    found = next((one for one, _ in here.deps.records.worn() if one.device_id == device_id), None)
    word = Word(body.confirmed, who.name, "", here.deps.clock.now_us())
    ours = found is not None and found.patient_id == body.patient_id
    if found is None or not ours or not here.deps.records.say_worn(found.binding_id, word):
        raise VersionConflict("the device is bound to somebody else, or to nobody: look again")
    return worn(word, who.may(Right.NAMES))


@router.delete(
    "/devices/{device_id}/binding",
    response_model=BindingState,
    summary="Nobody wears this device any more",
    dependencies=[may(Right.BIND)],
)
def unbind(device_id: str, here: Here) -> Json:
    require_device(here, device_id)
    return binding_state(device_id, here.deps.records.unbind(device_id, here.deps.clock.now_us()))


@router.post(
    "/gateways",
    status_code=HTTPStatus.CREATED,
    response_model=ProvisionedGateway,
    summary="A broker account that may publish for exactly these devices",
)
def gateway(body: NewGateway, here: Here, seen: Seen, who: Provisioner) -> Json:
    if not seen.carried(here.deps.gateways().get(gateway_name(body.id), ())):
        raise InvalidInput(NOT_GIVEN)
    chosen = registered(here, seen, body.devices)
    access = here.deps.provision_gateway(body.id, chosen)
    note(here, body.id, Outcome.ISSUED, who)
    prefixes = [topic_prefix(here.deps.tenant, one) for one in chosen]
    return {
        "id": body.id,
        "mqtt": {
            "host": access.host,
            "port": access.port,
            "username": access.username,
            "password": access.password,
            "topic_prefixes": prefixes,
        },
    }

"""Broker accounts of devices and gateways: claim codes, new passwords, revocation, and what happened (decision 0015)."""

from __future__ import annotations

import secrets
from http import HTTPStatus

from fastapi import APIRouter, Request

from api import shape
from api.auth import Anybody, Principal, Provisioner, Right, may
from api.context import Context, Here, Seen
from api.deps import MqttAccess
from api.errors import Problem
from api.qr import qr_svg
from api.routes.devices import note, registered, require_device, topic_prefix
from api.schema.enrolment import ClaimCode, CodeUsed, Credentials, CredentialsGone, EnrolmentList, GatewayClaim
from api.schema.session import SLOWED
from api.shape import Json
from vigil.domain.enrolment import CODE_BITS, CODE_LIFE_US, Claim, Outcome, code_hash, code_of
from vigil.domain.errors import NotFound
from vigil.runtime.broker.accounts import GATEWAY_PREFIX, gateway_name
from vigil.wire import topics

router = APIRouter(prefix="/api/v1", tags=["devices"])

#: How a count tells an attempt that was not even looked at from the outcomes.
TOO_OFTEN = "too_often"


def _gateway_devices(here: Context, gateway_id: str) -> list[str]:
    """Raises ``NotFound`` when it has no account."""
    found = here.deps.gateways().get(gateway_id)
    if found is None:
        raise NotFound("no such gateway")
    return list(found)


def _code_for(here: Context, account: str, devices: list[str], who: Principal) -> Json:
    now = here.deps.clock.now_us()
    code = code_of(secrets.randbits(CODE_BITS))
    hashed = code_hash(code)
    assert hashed is not None
    here.deps.records.put_claim(Claim(account, hashed, who.name, now, now + CODE_LIFE_US, tuple(devices)))
    return {"id": account, "code": code, "qr": qr_svg(code), "expires_at": shape.iso(now + CODE_LIFE_US)}


def _credentials(here: Context, account: str, access: MqttAccess, devices: list[str]) -> Json:
    tenant = here.deps.tenant
    gateway = account.startswith(GATEWAY_PREFIX)
    prefix = topics.gateway_state(tenant, account).removesuffix("/state") if gateway else topic_prefix(tenant, account)
    mqtt = {
        "host": access.host,
        "port": access.port,
        "username": access.username,
        "password": access.password,
        "tenant": tenant,
        "topic_prefix": prefix,
        "devices": devices,
    }
    return {"id": account, "mqtt": mqtt}


@router.post(
    "/devices/{device_id}/claim",
    status_code=HTTPStatus.CREATED,
    response_model=ClaimCode,
    summary="A code for the device to fetch its broker account with, once, within 10 minutes; an earlier code ends",
)
def claim_device(device_id: str, here: Here, who: Provisioner) -> Json:
    require_device(here, device_id)
    return _code_for(here, device_id, [], who)


@router.post(
    "/gateways/{gateway_id}/claim",
    status_code=HTTPStatus.CREATED,
    response_model=ClaimCode,
    summary="A code for a gateway that will speak for exactly these devices",
)
def claim_gateway(gateway_id: str, body: GatewayClaim, here: Here, seen: Seen, who: Provisioner) -> Json:
    return _code_for(here, gateway_name(gateway_id), registered(here, seen, body.devices), who)


@router.post(
    "/enrol",
    response_model=Credentials,
    responses=SLOWED,
    dependencies=[Anybody],
    summary="Exchange a claim code for the broker account; an earlier password of the account ends",
)
def enrol(body: CodeUsed, request: Request, here: Here) -> Json:
    """Every refusal reads the same, so that a guesser learns nothing; the account's log has the reason. A code whose account
    could then not be written (503) is used all the same: make a new one."""
    address = request.client.host if request.client else ""
    wait = here.wrong_codes.wait_s(address)
    if wait:
        here.deps.count_enrolment(TOO_OFTEN)
        retry = {"Retry-After": str(wait)}
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, f"too many wrong codes; try again in {wait} s", headers=retry)
    outcome, claim = here.deps.records.redeem(code_hash(body.code), body.device_id, here.deps.clock.now_us())
    here.deps.count_enrolment(outcome.value)
    if claim is None:
        here.wrong_codes.failed(address)
        raise Problem(HTTPStatus.NOT_FOUND, "this code cannot be used: ask for a new one")
    return _renewed(here, claim.account, list(claim.devices))


def _renewed(here: Context, account: str, devices: list[str]) -> Json:
    gateway = account.startswith(GATEWAY_PREFIX)
    access = here.deps.provision_gateway(account, devices) if gateway else here.deps.provision_device(account)
    return _credentials(here, account, access, devices)


def _renewed_by(here: Context, account: str, devices: list[str], who: Principal) -> Json:
    made = _renewed(here, account, devices)
    note(here, account, Outcome.ISSUED, who)
    return made


def _revoked(here: Context, account: str, who: Principal) -> Json:
    """The account goes first: what follows may fail without leaving it open. Again = no harm, and one line more."""
    here.deps.revoke(account)
    now = here.deps.clock.now_us()
    note(here, account, Outcome.REVOKED, who)
    return {"id": account, "revoked_at": shape.iso(now)}


@router.post(
    "/devices/{device_id}/credentials",
    response_model=Credentials,
    summary="A new password at once: the old one ends now, and with it the device's connection",
)
def renew_device(device_id: str, here: Here, who: Provisioner) -> Json:
    require_device(here, device_id)
    return _renewed_by(here, device_id, [], who)


@router.post(
    "/gateways/{gateway_id}/credentials",
    response_model=Credentials,
    summary="A new password at once for a gateway; its list of devices stays",
)
def renew_gateway(gateway_id: str, here: Here, who: Provisioner) -> Json:
    return _renewed_by(here, gateway_id, _gateway_devices(here, gateway_id), who)


@router.delete(
    "/devices/{device_id}/credentials",
    response_model=CredentialsGone,
    summary="The device's account, its connection and a waiting code end now; gateways that speak for it are not touched",
)
def revoke_device(device_id: str, here: Here, who: Provisioner) -> Json:
    require_device(here, device_id)
    return _revoked(here, device_id, who)


@router.delete(
    "/gateways/{gateway_id}/credentials",
    response_model=CredentialsGone,
    summary="The gateway's account, its list, its connection and a waiting code end now",
)
def revoke_gateway(gateway_id: str, here: Here, who: Provisioner) -> Json:
    return _revoked(here, gateway_name(gateway_id), who)


def _log_of(here: Context, account: str) -> Json:
    lines = here.deps.records.enrolments(account)
    items = [{"at": shape.iso(one.at), "outcome": one.outcome, "actor": one.actor} for one in lines]
    return {"id": account, "items": items}


@router.get(
    "/devices/{device_id}/enrolments",
    response_model=EnrolmentList,
    summary="What happened to the device's broker account, newest first: codes made, used and refused, passwords, take-overs",
    dependencies=[may(Right.ENROLMENTS)],
)
def device_log(device_id: str, here: Here) -> Json:
    require_device(here, device_id)
    return _log_of(here, device_id)


@router.get(
    "/gateways/{gateway_id}/enrolments",
    response_model=EnrolmentList,
    summary="What happened to the gateway's broker account, newest first",
    dependencies=[may(Right.ENROLMENTS)],
)
def gateway_log(gateway_id: str, here: Here) -> Json:
    return _log_of(here, gateway_name(gateway_id))

"""Claim codes, new passwords, revocation, and the log of broker accounts."""

from __future__ import annotations

import logging

import pytest

from api.deps import MqttAccess
from api.throttle import PER_ADDRESS, WINDOW_S
from tests.unit.api.site import START, Site
from vigil.domain.enrolment import CODE_LIFE_US, Enrolment, Outcome
from vigil.domain.errors import BrokerError
from vigil.domain.people import Device
from vigil.domain.times import MINUTE, SECOND, to_iso

REFUSAL = "this code cannot be used: ask for a new one"


@pytest.fixture
def site(site: Site) -> Site:
    for device_id in ("w-1", "w-2"):
        site.records.put_device(Device(device_id, "patch-2"))
    return site


def claim(site: Site, account: str = "w-1") -> str:
    answer = site.post(f"/api/v1/devices/{account}/claim", None, "technician")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


def outcomes(site: Site, account: str = "w-1") -> list[str]:
    kind = "gateways" if account.startswith("g-") else "devices"
    return [one["outcome"] for one in site.get(f"/api/v1/{kind}/{account}/enrolments", "auditor").json()["items"]]


def test_a_code_gives_the_broker_account_once(site: Site) -> None:
    made = site.post("/api/v1/devices/w-1/claim", None, "technician", name="Tom").json()
    assert made["expires_at"] == to_iso(START + CODE_LIFE_US)
    answer = site.post("/api/v1/enrol", {"code": made["code"], "device_id": "w-1"}, None)
    assert answer.status_code == 200
    assert answer.json() == {
        "id": "w-1",
        "mqtt": {
            "host": "127.0.0.1",
            "port": 1883,
            "username": "w-1",
            "password": "pass-1",
            "tenant": "home",
            "topic_prefix": "rpm/v1/home/d/w-1",
            "devices": [],
        },
    }
    again = site.post("/api/v1/enrol", {"code": made["code"]}, None)
    assert (again.status_code, again.json()["detail"]) == (404, REFUSAL)
    assert site.accounts == [("w-1", ["w-1"])]
    log = site.get("/api/v1/devices/w-1/enrolments", "technician").json()
    assert [(one["outcome"], one["actor"]) for one in log["items"]] == [
        ("used", ""),
        ("enrolled", ""),
        ("code_made", "Tom"),
    ]
    assert site.counted == ["enrolled", "used"]


def test_a_code_is_typed_as_people_type(site: Site) -> None:
    code = claim(site)
    assert site.post("/api/v1/enrol", {"code": f" {code.lower().replace('-', ' ')} "}, None).status_code == 200


def test_every_refusal_reads_the_same_and_the_log_says_why(site: Site) -> None:
    voided = claim(site)
    expired = claim(site)
    site.clock.advance(CODE_LIFE_US / SECOND)
    other = claim(site, "w-2")
    sent: list[dict[str, str]] = [
        {"code": voided},
        {"code": expired},
        {"code": other, "device_id": "w-1"},
        {"code": other, "device_id": "nobody"},
        {"code": "2222-2222-2222", "device_id": "w-1"},
        {"code": "2222-2222-2222", "device_id": "nobody"},
        {"code": "0"},
    ]
    answers = [site.post("/api/v1/enrol", body, None) for body in sent]
    assert {(one.status_code, one.text) for one in answers} == {(404, answers[0].text)}
    assert site.counted == ["voided", "expired", "other_account", "other_account", "unknown", "unknown", "unknown"]
    assert outcomes(site, "w-1") == ["unknown", "expired", "voided", "code_made", "code_made"]
    assert outcomes(site, "w-2") == ["other_account", "other_account", "code_made"]
    assert [one.outcome for one in site.records.enrolments("")] == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert site.records.enrolments("nobody") == []
    assert site.accounts == []
    assert site.post("/api/v1/enrol", {"code": other}, None).status_code == 200, "a slip with the id costs no code"


def test_a_code_lives_until_its_last_microsecond(site: Site) -> None:
    code = claim(site)
    site.clock.advance((CODE_LIFE_US - 1) / SECOND)
    assert site.post("/api/v1/enrol", {"code": code}, None).status_code == 200


def test_guessing_is_slowed_down_and_log_in_is_not(site: Site) -> None:
    for _ in range(PER_ADDRESS):
        assert site.post("/api/v1/enrol", {"code": "2222-2222-2222"}, None).status_code == 404
    code = claim(site)
    slowed = site.post("/api/v1/enrol", {"code": code}, None)
    assert (slowed.status_code, slowed.headers["retry-after"]) == (429, str(int(WINDOW_S)))
    assert site.counted[-1] == "too_often"
    assert site.post("/api/v1/auth/token", {"secret": "wrong", "role": "nurse", "name": "x"}, None).status_code == 401
    site.clock.advance(WINDOW_S)
    assert site.post("/api/v1/enrol", {"code": code}, None).status_code == 200


def test_the_code_is_in_no_log_and_is_not_kept(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    code = claim(site)
    wrong: list[dict[str, object]] = [{"code": code, "more": 1}, {"code": code, "device_id": "w/2"}]
    for body in wrong:
        refused = site.post("/api/v1/enrol", body, None)
        assert refused.status_code == 422
        assert code not in refused.text
    site.post("/api/v1/enrol", {"code": code, "device_id": "w-2"}, None)
    site.post("/api/v1/enrol", {"code": code}, None)
    letters = code.replace("-", "")
    for where in (caplog.text, site.get("/api/v1/devices/w-1/enrolments", "admin").text):
        assert code not in where
        assert letters not in where


def test_a_gateway_enrols_with_its_list_of_devices(site: Site) -> None:
    path = "/api/v1/gateways/g-1/claim"
    code = site.post(path, {"devices": ["w-2", "w-1", "w-2"]}, "technician").json()["code"]
    mqtt = site.post("/api/v1/enrol", {"code": code, "device_id": "g-1"}, None).json()["mqtt"]
    assert (mqtt["username"], mqtt["topic_prefix"], mqtt["devices"]) == ("g-1", "rpm/v1/home/g/g-1", ["w-2", "w-1"])
    assert site.accounts == [("g-1", ["w-2", "w-1"])]
    assert outcomes(site, "g-1") == ["enrolled", "code_made"]
    bodies: list[dict[str, list[str]]] = [{"devices": ["w-9"]}, {"devices": []}]
    for body in bodies:
        assert site.post(path, body, "technician").status_code == 422
    assert site.post("/api/v1/gateways/w-1/claim", {"devices": ["w-1"]}, "technician").status_code == 422


def test_a_new_password_is_shown_once_and_ends_a_waiting_code(site: Site) -> None:
    code = claim(site)
    made = site.post("/api/v1/devices/w-1/credentials", None, "technician", name="Tom").json()
    assert made["mqtt"]["password"] == "pass-1"
    assert site.post("/api/v1/enrol", {"code": code}, None).status_code == 404
    assert outcomes(site) == ["voided", "issued", "code_made"]
    assert site.get("/api/v1/gateways/g-1/enrolments", "admin").json()["items"] == []
    assert site.post("/api/v1/gateways/g-1/credentials", None, "technician").status_code == 404
    site.post("/api/v1/gateways", {"id": "g-1", "devices": ["w-2"]}, "technician")
    renewed = site.post("/api/v1/gateways/g-1/credentials", None, "technician").json()["mqtt"]
    assert (renewed["password"], renewed["devices"]) == ("pass-3", ["w-2"])
    assert outcomes(site, "g-1") == ["issued", "issued"]


def test_revoking_ends_the_account_and_a_waiting_code(site: Site) -> None:
    revoked: list[str] = []
    changed = site.given(revoke=revoked.append)
    code = claim(changed)
    gone = changed.call("DELETE", "/api/v1/devices/w-1/credentials", "technician")
    assert (gone.status_code, gone.json()) == (200, {"id": "w-1", "revoked_at": to_iso(START)})
    assert changed.call("DELETE", "/api/v1/gateways/g-1/credentials", "admin").status_code == 200
    assert revoked == ["w-1", "g-1"]
    assert changed.post("/api/v1/enrol", {"code": code}, None).status_code == 404
    assert outcomes(changed) == ["voided", "revoked", "code_made"]
    assert outcomes(changed, "g-1") == ["revoked"]


def test_a_service_account_is_no_gateway(site: Site) -> None:
    for account in ("ingest", "broker-log", "w-1"):
        assert site.call("DELETE", f"/api/v1/gateways/{account}/credentials", "admin").status_code == 422


def test_an_account_that_cannot_be_removed_is_not_noted_as_revoked(site: Site) -> None:
    def broken(_account: str) -> None:
        raise BrokerError("cannot write /secret/place")

    answer = site.given(revoke=broken).call("DELETE", "/api/v1/devices/w-1/credentials", "admin")
    assert answer.status_code == 503
    assert "secret" not in answer.text
    assert outcomes(site) == []


def test_a_broker_that_fails_while_a_code_is_used_costs_the_code(site: Site) -> None:
    def broken(_device_id: str) -> MqttAccess:
        raise BrokerError("cannot write")

    code = claim(site)
    assert site.given(provision_device=broken).post("/api/v1/enrol", {"code": code}, None).status_code == 503
    assert site.post("/api/v1/enrol", {"code": code}, None).status_code == 404
    assert site.post("/api/v1/enrol", {"code": claim(site)}, None).status_code == 200


@pytest.mark.parametrize("account", ["w-9", "manual.p-1", "self-test.up"])
def test_devices_that_have_no_account(site: Site, account: str) -> None:
    site.records.put_device(Device("manual.p-1", "m"))
    site.records.put_device(Device("self-test.up", "m"))
    root = f"/api/v1/devices/{account}"
    for method, path in (
        ("POST", "claim"),
        ("POST", "credentials"),
        ("DELETE", "credentials"),
        ("GET", "enrolments"),
    ):
        assert site.call(method, f"{root}/{path}", "admin").status_code == 404, path
    assert site.accounts == []


@pytest.mark.parametrize("role", ["nurse", "clinician", "auditor", "research"])
def test_who_is_no_technician_gets_no_code_and_no_password(site: Site, role: str) -> None:
    for method, path in (
        ("POST", "devices/w-1/claim"),
        ("POST", "gateways/g-1/claim"),
        ("POST", "devices/w-1/credentials"),
        ("POST", "gateways/g-1/credentials"),
        ("DELETE", "devices/w-1/credentials"),
        ("DELETE", "gateways/g-1/credentials"),
        ("POST", "devices"),
        ("POST", "gateways"),
    ):
        assert site.call(method, f"/api/v1/{path}", role, json={}).status_code == 403, path
    seen = site.get("/api/v1/devices/w-1/enrolments", role).status_code
    assert seen == (200 if role == "auditor" else 403)
    assert (site.accounts, site.records.enrolments("w-1")) == ([], [])


def test_a_shared_account_shows_in_the_list_until_its_password_is_renewed(site: Site) -> None:
    for _ in range(2):
        site.clock.advance(60)
        site.records.log_enrolment(Enrolment("w-1", Outcome.TAKEN_OVER, "", site.clock.now_us()))
    first, second = site.get("/api/v1/devices").json()["items"]
    assert (first["taken_over_at"], first["taken_over_times"]) == (to_iso(START + 2 * MINUTE), 2)
    assert (second["taken_over_at"], second["taken_over_times"]) == (None, 0)
    site.post("/api/v1/devices/w-1/credentials", None, "technician")
    assert site.get("/api/v1/devices").json()["items"][0]["taken_over_at"] is None


@pytest.mark.parametrize("reserved", ["g-1", "ingest", "broker-log"])
def test_a_device_with_a_name_of_the_system_is_not_even_stored(site: Site, reserved: str) -> None:
    before = site.records.devices()
    assert site.post("/api/v1/devices", {"id": reserved, "model": "m"}, "admin").status_code == 422
    assert site.records.devices() == before

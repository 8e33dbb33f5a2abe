"""Devices, gateways, bindings, policies, dead letters, health."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from httpx import Response

from api.deps import Check, MqttAccess
from tests.unit.api.site import START, Site
from vigil.domain.errors import BrokerError, StoreError
from vigil.domain.people import Device
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.times import MINUTE, SECOND, to_iso
from vigil.store import DeadLetter

LETTERS = [
    DeadLetter(START, "rpm/v1/home/d/w-1/tel/vitals", "w-1", "malformed", "", b"{\xff"),
    DeadLetter(
        START,
        "rpm/v1/home/d/w-2/tel/vitals",
        "w-2",
        "out_of_range",
        "1 of 2",
        b"[]",
        ({"name": "hr", "reason": "out_of_range", "detail": "400"},),
    ),
    DeadLetter(START, "rpm/v1/home/d/w-1/tel/vitals", "w-1", "unknown_device", "", b"hello"),
]


def test_registering_a_device_shows_the_password_once(site: Site) -> None:
    body = {"id": "w-1", "model": "patch-2", "interval_s": {"heart_rate": 5}}
    answer = site.post("/api/v1/devices", body, "technician")
    assert answer.status_code == 201
    assert answer.json()["mqtt"] == {
        "host": "127.0.0.1",
        "port": 1883,
        "username": "w-1",
        "password": "pass-1",
        "topic_prefix": "rpm/v1/home/d/w-1",
    }
    assert site.records.devices() == [Device("w-1", "patch-2", {"heart_rate": 5})]
    again = site.post("/api/v1/devices", body, "admin")
    assert (again.status_code, again.json()["mqtt"]["password"]) == (200, "pass-2")
    site.post("/api/v1/devices", {"id": "w-1", "model": "patch-3"}, "admin")
    assert site.records.devices() == [Device("w-1", "patch-3", {"heart_rate": 5})], (
        "a new password leaves them as they are"
    )
    site.post("/api/v1/devices", {"id": "w-1", "model": "patch-3", "interval_s": {}}, "admin")
    assert site.records.devices() == [Device("w-1", "patch-3", {})]
    assert "pass-" not in site.get("/api/v1/devices", "admin").text


@pytest.mark.parametrize(
    "change",
    [{"id": "w/+"}, {"id": "manual.p-1"}, {"interval_s": {"pulse": 1}}, {"interval_s": {"spo2": 0}}, {"model": ""}],
)
def test_devices_that_cannot_be_registered(site: Site, change: dict[str, object]) -> None:
    assert site.post("/api/v1/devices", {"id": "w-1", "model": "m", **change}, "admin").status_code == 422
    assert (site.records.devices(), site.accounts) == ([], [])


def test_a_gateway_gets_an_account_for_exactly_its_devices(site: Site) -> None:
    for device_id in ("w-1", "w-2"):
        site.records.put_device(Device(device_id, "m"))
    answer = site.post("/api/v1/gateways", {"id": "g-1", "devices": ["w-2", "w-1", "w-2"]}, "technician")
    assert answer.status_code == 201
    assert site.accounts == [("g-1", ["w-2", "w-1"])]
    assert answer.json()["mqtt"]["topic_prefixes"] == ["rpm/v1/home/d/w-2", "rpm/v1/home/d/w-1"]
    assert site.post("/api/v1/gateways", {"id": "g-1", "devices": ["w-9"]}, "technician").status_code == 422


def test_binding_and_unbinding(site: Site) -> None:
    site.admit("p-1")
    site.admit("p-2", discharged_at=START)
    site.records.put_device(Device("w-1", "m"))
    path = "/api/v1/devices/w-1/binding"
    site.clock.advance(60)
    bound = site.post(path, {"patient_id": "p-1", "start_at": to_iso(START)})
    assert (bound.status_code, bound.json()["start_at"], bound.json()["end_at"]) == (201, to_iso(START), None)
    assert site.get("/api/v1/devices").json()["items"][0]["patient_id"] == "p-1"
    ended = site.call("DELETE", path)
    assert ended.json()["end_at"] == to_iso(START + MINUTE)
    assert site.call("DELETE", path).json()["patient_id"] is None
    assert site.post(path, {"patient_id": "p-2"}).status_code == 422
    assert site.post(path, {"patient_id": "p-1", "start_at": "2026-02-01T00:00:00Z"}).status_code == 422
    assert site.post(path, {"patient_id": "p-9"}).status_code == 404
    assert site.post("/api/v1/devices/w-9/binding", {"patient_id": "p-1"}).status_code == 404
    assert site.call("DELETE", "/api/v1/devices/w-9/binding").status_code == 404


def test_the_list_of_devices(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.admit("p-2", "w-2")
    site.admit("p-3", "manual.p-3")
    site.store("w-1", "battery_level", [63], seq=1)
    site.store("w-2", "spo2", [97])
    first, second = site.get("/api/v1/devices").json()["items"]
    assert (first["battery"]["value"], first["unproven"], first["last_received_at"]) == (
        63,
        False,
        to_iso(START + 120_000),
    )
    assert (second["battery"], second["unproven"], second["patient_id"]) == (None, True, "p-2")


def test_who_has_looked_confirms_that_the_device_is_on_its_patient(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.admit("p-2")
    site.records.put_device(Device("w-2", "patch"))

    def worn(role: str = "nurse") -> list[Any]:
        return [one["worn"] for one in site.get("/api/v1/devices", role).json()["items"]]

    def say(patient_id: str, device_id: str = "w-1", confirmed: bool = True) -> Response:
        body = {"patient_id": patient_id, "confirmed": confirmed}
        return site.post(f"/api/v1/devices/{device_id}/binding/confirm", body)

    assert worn() == [{"standing": "waiting", "by": None, "at": None, "text": ""}, None]
    assert [say("p-2").status_code, say("p-1", "w-2").status_code, say("p-1", "w-9").status_code] == [409, 409, 404]
    assert say("p-1", confirmed=False).json()["standing"] == "denied"
    told = say("p-1").json()
    assert told == worn()[0] == {"standing": "confirmed", "by": "Li Na", "at": to_iso(START), "text": ""}
    assert worn("auditor")[0]["by"] is None


def test_a_device_is_asked_for_its_values_now(site: Site) -> None:
    site.admit("p-1", "w-1")

    def asked(role: str = "nurse") -> Any:
        return site.get("/api/v1/devices", role).json()["items"][0]["asked"]

    assert asked() is None
    answer = site.post("/api/v1/devices/w-1/measure", {})
    assert answer.status_code == 202
    first = {"by": "Li Na", "at": to_iso(START), "told_at": None, "accepted": None, "text": ""}
    assert answer.json() == asked() == first
    site.bus.asking.answered("w-1", START // SECOND, False, "off the skin")
    assert asked() == {**first, "accepted": False, "text": "off the skin"}
    assert asked("auditor")["by"] is None
    assert site.post("/api/v1/devices/w-9/measure", {}).status_code == 404
    assert site.post("/api/v1/devices/w-1/measure", {}, "auditor").status_code == 403


def test_a_device_that_starts_to_count_its_packs_is_no_longer_unproven(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.admit("p-2", "w-2")
    site.store("w-1", "spo2", [97, 96])
    assert [one["unproven"] for one in site.get("/api/v1/devices").json()["items"]] == [True, False]
    site.store("w-1", "spo2", [97], seq=1)
    site.store("w-2", "spo2", [97])
    assert [one["unproven"] for one in site.get("/api/v1/devices").json()["items"]] == [False, True]


def test_changing_a_limit(site: Site) -> None:
    site.admit("p-1")
    path = "/api/v1/policies/patients/p-1"
    before = site.get(path).json()
    assert (before["own"], before["version"]) == (False, DEFAULT_POLICY.version)
    change = {"limits": [{"vital": "spo2", "side": "low", "limit": 88, "severe": None}], "reason": "known COPD"}
    after = site.call("PUT", path, "clinician", "Dr Wang", json=change).json()
    (limit,) = (one for one in after["limits"] if one["vital"] == "spo2")
    assert (after["own"], limit["limit"], limit["severe"], limit["delay_s"], limit["set_by"]) == (
        True,
        88,
        None,
        600,
        "Dr Wang",
    )
    listed = site.get("/api/v1/policies").json()
    assert listed["patients"] == {"p-1": after["version"]}
    assert listed["default"]["version"] == DEFAULT_POLICY.version
    assert site.get("/api/v1/patients/p-1").json()["policy_version"] == after["version"]


def test_a_policy_that_contradicts_itself_is_refused_with_every_reason(site: Site) -> None:
    site.admit("p-1")
    limits = [
        {"vital": "spo2", "side": "low", "limit": 120},
        {"vital": "heart_rate", "side": "low", "limit": 140},
    ]
    answer = site.call("PUT", "/api/v1/policies/patients/p-1", "admin", json={"limits": limits, "reason": "test"})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) >= 2
    for wrong in ([], [{"vital": "spo2", "side": "left"}], [{"vital": "spo2", "side": "low", "set_by": "me"}]):
        body = {"limits": wrong, "reason": "test"}
        assert site.call("PUT", "/api/v1/policies/patients/p-1", "admin", json=body).status_code == 422, wrong
    assert site.records.policy("p-1") is None


def test_dead_letters_newest_first_in_pages(site: Site) -> None:
    site.refuse(*LETTERS)
    page = site.get("/api/v1/deadletters?limit=2", "technician").json()
    assert [one["reason"] for one in page["items"]] == ["unknown_device", "out_of_range"]
    assert page["items"][0]["payload_text"] == "hello"
    assert page["items"][1]["values"] == [{"name": "hr", "reason": "out_of_range", "detail": "400"}]
    rest = site.get(f"/api/v1/deadletters?limit=2&before={page['next_before']}", "technician").json()
    (last,) = rest["items"]
    assert (last["payload_text"], base64.b64decode(last["payload_base64"])) == (None, b"{\xff")
    assert last["reason_text"].startswith("the payload is neither")
    assert rest["next_before"] is None
    assert len(site.get("/api/v1/deadletters?device=w-1", "technician").json()["items"]) == 2
    assert len(site.get("/api/v1/deadletters?reason=malformed", "technician").json()["items"]) == 1
    assert site.get("/api/v1/deadletters?reason=weather", "technician").status_code == 422


def test_health_and_readiness_say_why(site: Site) -> None:
    health = site.get("/api/v1/health", "technician").json()
    assert health["status"] == "degraded"  # the live view does not run without the app's lifespan
    assert health["checks"] == [
        {"name": "readings", "ok": True, "detail": "up to date", "zh": {"detail": "无滞后"}},
        {"name": "live", "ok": False, "detail": "the live view does not run", "zh": {"detail": "实时视图未运行"}},
    ]
    ready = site.get("/readyz", None)
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["live: the live view does not run"])
    assert site.get("/healthz", None).json() == {"status": "alive"}
    metrics = site.get("/metrics", None)
    assert (metrics.text, metrics.headers["content-type"]) == (
        "# nothing counted\n",
        "text/plain; version=0.0.4; charset=utf-8",
    )


def test_a_failing_check_is_a_fact_not_a_crash(site: Site) -> None:
    def broken() -> Check:
        raise StoreError("/secret/place is damaged")

    answer = site.given(checks={"disk": broken}).get("/readyz", None)
    assert (answer.status_code, answer.json()["reasons"][0]) == (503, "disk: the check failed: StoreError")


def test_a_broker_that_does_not_answer_is_503_without_internals(site: Site) -> None:
    def broken(_device_id: str) -> MqttAccess:
        raise BrokerError("cannot write /secret/place")

    answer = site.given(provision_device=broken).post("/api/v1/devices", {"id": "w-1", "model": "m"}, "admin")
    assert answer.status_code == 503
    assert "secret" not in answer.text

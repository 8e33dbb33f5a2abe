"""What an attack on the whole app has found: each of these went wrong before it was mended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.audit import audit_log
from api.errors import Problem
from api.passwords import Passwords
from api.throttle import MOST_ADDRESSES, PER_NAME
from tests.unit.api.two_wards import FHIR, Ask, Headers, TwoWards, open_two_wards
from vigil.domain.audit import MANY, UNKNOWN, Entry, Question, Step
from vigil.domain.device_settings import DeviceSettings
from vigil.domain.errors import InvalidInput
from vigil.domain.people import Device
from vigil.domain.times import HOUR, MINUTE, to_iso
from vigil.domain.users import Role, login_name
from vigil.store import DeadLetter


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoWards]:
    opened = open_two_wards(tmp_path_factory.mktemp("both"))
    yield opened
    opened.site.close()


def newest(both: TwoWards) -> Entry:
    audit_log(both.site.app).write()
    return both.site.records.audit(Question(limit=1))[0].entry


def sent(both: TwoWards, method: str, path: str, body: bytes, headers: Headers, kind: str) -> httpx.Response:
    """With a body that ``json`` could not write."""
    return both.site.call(method, path, None, content=body, headers={**headers, "Content-Type": kind})


@pytest.mark.parametrize("name", ["patient", "patient_id", "subject"])
@pytest.mark.parametrize(
    "path", ["/api/v1/patients?", "/api/v1/alerts?", "/fhir/R4/Patient?", "/prom/api/v1/query?query=vital_spo2_ratio&"]
)
def test_a_list_cannot_be_written_down_as_the_reading_of_one(both: TwoWards, path: str, name: str) -> None:
    assert both.one(Ask("GET", f"{path}{name}={both.own.patient_id}"), both.nurse).status_code == 200
    assert newest(both).patient_id == MANY


def test_nor_the_alert_of_one_as_that_of_another(both: TwoWards) -> None:
    path = f"/api/v1/alerts/{both.own.alert_id}"
    decoy = f"patient={both.own.patient_id}-gone"
    both.one(Ask("GET", f"{path}?{decoy}"), both.nurse)
    assert newest(both).patient_id == both.own.patient_id
    both.one(Ask("POST", f"{path}/feedback?{decoy}", {"verdict": "useful", "note": ""}), both.nurse)
    assert newest(both).patient_id == both.own.patient_id


@pytest.mark.parametrize("told", ["Family-bbb was here", "x" * 30_000, "fe80::1%Family-bbb"])
def test_nobody_writes_words_into_the_audit_log_as_his_address(both: TwoWards, told: str) -> None:
    """A server behind a proxy takes the address from ``X-Forwarded-For``."""

    async def ask() -> None:
        transport = httpx.ASGITransport(both.site.app, client=(told, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://vigil", headers=both.nurse) as client:
            await client.get("/api/v1/patients")

    asyncio.run(ask())
    assert newest(both).address in (UNKNOWN, "fe80::1")


def test_a_change_with_thousands_of_brackets_is_recorded_and_answered(both: TwoWards) -> None:
    """Where the last depth lies that can be read differs with the stack, so several are tried."""
    for depth in range(900, 1000, 10):
        body = b"""{"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/p-aaa"},
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
            "effectiveDateTime": "2026-01-01T00:00:00Z", "extension": %s,
            "valueQuantity": {"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"}}"""
        nested = b"[" * depth + b"]" * depth
        answer = sent(both, "POST", "/fhir/R4/Observation", body % nested, both.nurse, FHIR)
        assert answer.status_code in (201, 400), depth
        found = newest(both)
        assert (found.step, found.status) == (Step.ANSWERED, answer.status_code), depth


@pytest.mark.parametrize(
    "toml", ["a=" + "[" * 20_000 + "]" * 20_000, "a=" + "{b=" * 8000 + "1" + "}" * 8000, "a=" + "1" * 5000]
)
@pytest.mark.parametrize("path", ["/api/v1/policies/wards/aaa", "/api/v1/teams"])
def test_toml_that_cannot_be_read_is_refused(both: TwoWards, path: str, toml: str) -> None:
    answer = both.one(Ask("PUT", path, {"toml": toml, "reason": "an attack"}), both.admin)
    assert answer.status_code == 422
    assert "11111" not in answer.text


def test_one_search_asks_for_so_many_things_only(both: TwoWards) -> None:
    many = "&".join("_id=" + ",".join(f"r{number}" for number in range(50)) for _ in range(5))
    assert both.one(Ask("GET", f"/fhir/R4/Observation?{many}"), both.nurse).status_code == 400
    few = many.rpartition("&")[0]
    assert both.one(Ask("GET", f"/fhir/R4/Observation?{few}"), both.nurse).status_code == 200


def test_values_from_before_another_wards_patient_wore_it_cannot_be_claimed(both: TwoWards) -> None:
    """They are hidden in the list: most likely they are that patient's, who was bound a little late."""
    site = both.site
    site.records.put_device(Device("w-shared", "patch-2"))
    start = site.clock.now_us()
    site.store("w-shared", "heart_rate", [177.0] * 3)
    site.clock.advance(60)
    site.records.bind("w-shared", both.other.patient_id, site.clock.now_us())
    site.clock.advance(60)
    site.records.unbind("w-shared", site.clock.now_us())
    site.clock.advance(60)
    span = {"start_at": to_iso(start - MINUTE), "end_at": to_iso(start + MINUTE // 2)}
    path = "/api/v1/devices/w-shared/unclaimed"
    asked = Ask("POST", path, {"patient_id": both.own.patient_id, **span})
    assert both.one(Ask("GET", path), both.admin).json()["items"] == []
    answer = both.one(asked, both.admin)
    worn = both.one(replace(asked, json={**asked.json, "end_at": to_iso(start + 2 * MINUTE)}), both.admin)
    assert (answer.status_code, answer.json()["detail"]) == (422, worn.json()["detail"])
    assert "177" not in both.one(Ask("GET", f"/api/v1/patients/{both.own.patient_id}/vitals"), both.admin).text
    assert both.one(asked, both.whole).status_code == 201


def test_counts_do_not_tell_when_another_wards_patient_took_a_device_off(both: TwoWards) -> None:
    """Neither by the time that was said, nor by where the counts begin."""
    site = both.site
    site.records.put_device(Device("w-lent", "patch-2"))
    path, asked = "/api/v1/devices/w-lent/deliveries", to_iso(site.clock.now_us() - HOUR)
    site.records.bind("w-lent", both.other.patient_id, site.clock.now_us())
    site.store("w-lent", "heart_rate", [177.0] * 3)
    site.clock.advance(60)
    site.records.unbind("w-lent", site.clock.now_us())
    site.clock.advance(1)
    site.store("w-lent", "heart_rate", [70.0])
    site.refuse(DeadLetter(site.clock.now_us(), "t", "w-lent", "malformed", "", b"[]"))
    counts = {"values_stored": 0, "values_refused": {}, "packs_refused": {}}
    nobodys = {"device_id": "w-lent", "since_at": asked, **counts}
    assert both.one(Ask("GET", f"{path}?since={asked}"), both.admin).json() == nobodys
    assert both.one(Ask("GET", f"{path}?since={asked}"), both.whole).json()["values_stored"] == 4
    site.clock.advance(60)
    site.records.bind("w-lent", both.own.patient_id, site.clock.now_us())
    site.clock.advance(1)
    site.store("w-lent", "heart_rate", [71.0, 72.0])
    worn = both.one(Ask("GET", f"{path}?since={asked}"), both.admin).json()
    assert worn == {**nobodys, "values_stored": 2}


def test_who_is_of_one_ward_cannot_try_out_the_ids_of_patients(both: TwoWards) -> None:
    """A free one was given, and one of another ward was refused: so he knew who was watched."""
    person = {"family": "A", "given": "B", "born": "1950-01-01", "sex": "female", "ward": both.own.ward}
    tried = [both.other.patient_id, f"{both.other.patient_id}-gone", both.own.patient_id, "p-free"]
    asked = [Ask("POST", "/api/v1/patients", {**person, "id": one}) for one in tried]
    answers = both.all(asked, both.admin)
    assert {(one.status_code, one.json()["detail"]) for one in answers} == {(422, answers[0].json()["detail"])}
    assert both.one(Ask("POST", "/api/v1/patients", person), both.admin).status_code == 201
    assert both.one(asked[-1], both.whole).status_code == 201


def test_a_device_or_gateway_of_another_ward_is_refused_like_a_name_that_nobody_can_have(both: TwoWards) -> None:
    def answer(what: str, name: str, **rest: Any) -> tuple[int, str]:
        found = both.one(Ask("POST", f"/api/v1/{what}", {"id": name, **rest}), both.admin)
        return found.status_code, found.json()["detail"]

    refused = answer("devices", "manual.p-zzz", model="m")
    for name in ("self-test.zzz", both.other.device_id):
        assert answer("devices", name, model="m") == refused
    assert refused == answer("gateways", both.other.gateway_id, devices=[both.own.device_id])
    assert refused[0] == 422


def test_a_new_password_is_not_given_to_an_account_that_was_raised_meanwhile(
    both: TwoWards, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.log_in("mei", Role.NURSE, ["aaa"])
    accounts = both.site.records.accounts

    async def slow(_self: Passwords, _password: str) -> str:
        accounts.change_user("mei", "mei", Role.ADMIN, None)
        both.site.context.accounts.reload()
        return "of whoever asked"

    monkeypatch.setattr(Passwords, "hashed", slow)
    answer = both.one(Ask("POST", "/api/v1/users/mei/password", {"password": "correct horse battery"}), both.admin)
    assert answer.status_code == 403
    assert accounts.all().users["mei"].password_hash == "-"


def test_a_try_that_was_not_looked_at_counts_for_nothing(both: TwoWards, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many who log in at once kept each other out, and pushed out of the memory who was guessed at."""
    both.log_in("wang", Role.NURSE, ["aaa"])
    limit = both.site.context.log_ins
    limit.failed("name guessed.at")

    async def busy(_self: Passwords, _password: str, _hashed_as: str | None) -> bool:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many log in at this moment: try again")

    monkeypatch.setattr(Passwords, "fits", busy)
    body = {"name": "wang", "password": "correct horse battery"}
    answers = [both.site.post("/api/v1/auth/session", body, None) for _ in range(2 * PER_NAME)]
    assert {one.status_code for one in answers} == {503}
    for _ in range(PER_NAME - 1):
        limit.failed("name guessed.at")
    for number in range(MOST_ADDRESSES + 1):
        limit.failed(f"name {number}")
        limit.forgive(f"name {number}")
    assert limit.wait_s("name guessed.at") > 0


@pytest.mark.parametrize(
    "name",
    [
        *("chief\u3164", "chief\u034f", "chief\ufe0f", "chief\u115f", "chief\u2800", "\U000e0100chief", "chief\u180b"),
        *("\u0441hief", "chi\u0435f", "\u03bf\u043e"),
    ],
)
def test_two_names_do_not_look_the_same(name: str) -> None:
    with pytest.raises(InvalidInput):
        login_name(name)


@pytest.mark.parametrize("name", ["\u0421\u043e\u0444\u0438\u044f", "李娜 Li", "Zoë", "Σοφία", "O\u2019Hara 2"])
def test_names_in_one_writing_are_taken(name: str) -> None:
    assert login_name(name) == name


@pytest.mark.parametrize("name", ["vigil", "Vigil", "OPERATOR", "ｏｐｅｒａｔｏｒ"])
def test_nobody_is_called_as_the_logs_call_the_platform(both: TwoWards, name: str) -> None:
    """What ``vigil`` writes is kept when a person is erased, and counts in an export as done by nobody."""
    with pytest.raises(InvalidInput):
        login_name(name)
    body: dict[str, Any] = {"user_id": name, "display": "x", "role": "nurse", "wards": ["aaa"]}
    asked = Ask("POST", "/api/v1/users", {**body, "password": "correct horse battery"})
    assert both.one(asked, both.whole).status_code == 422


def test_why_a_device_was_told_something_is_erased_with_its_wearer(tmp_path: Path) -> None:
    both = open_two_wards(tmp_path)
    site, other = both.site, both.other
    site.clock.advance(60)
    site.records.discharge(other.patient_id, site.clock.now_us())
    site.clock.advance(60)
    later = DeviceSettings(other.device_id, {"spo2": 5.0}, {}, "chen", "for the next one", site.clock.now_us())
    site.records.put_settings(later)
    site.clock.advance(25 * HOUR / 1_000_000)
    site.records.erasures.erase(other.patient_id, "chief", site.clock.now_us())
    history = site.records.settings_history(other.device_id)
    assert [one.reason for one in history] == ["for the next one", ""]
    site.close()

"""Whether a device is connected, and what it is told to do: as the page and technicians see it."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.unit.api.site import START, Site
from vigil.domain.device_settings import OVERDUE_US, Answer
from vigil.domain.errors import BrokerError
from vigil.domain.people import Device
from vigil.domain.presence import OFFLINE_AFTER_US, heard
from vigil.domain.times import SECOND, to_iso

PATH = "/api/v1/devices/w-1/settings"
CHANGE = {"interval_s": {"heart_rate": 5}, "limits": {"spo2": {"low": 88}}, "reason": "battery for two weeks"}


def connections(site: Site) -> dict[str, Any]:
    return {one["id"]: one["connection"] for one in site.get("/api/v1/devices").json()["items"]}


def test_a_device_is_connected_by_its_own_word_or_by_that_of_its_gateway(site: Site) -> None:
    for device_id in ("w-1", "w-2", "w-3"):
        site.records.put_device(Device(device_id, "m"))
    site.accounts.append(("g-1", ["w-1", "w-2"]))
    site.bus.presence |= {
        "w-1": heard(heard(None, True, START), False, START + SECOND),
        "g-1": heard(None, True, START),
    }
    unknown = {"state": "unknown", "since_at": None, "by": None}
    by_gateway = {"state": "online", "since_at": to_iso(START), "by": "gateway"}
    site.clock.advance(OFFLINE_AFTER_US / SECOND)
    assert connections(site) == {
        "w-1": {"state": "online", "since_at": to_iso(START), "by": "device"},
        "w-2": by_gateway,
        "w-3": unknown,
    }
    site.clock.advance(1)
    assert connections(site)["w-1"] == {"state": "offline", "since_at": to_iso(START + SECOND), "by": "device"}


def test_accounts_that_cannot_be_read_cost_only_the_word_of_the_gateways(site: Site) -> None:
    def broken() -> dict[str, tuple[str, ...]]:
        raise BrokerError("cannot read the broker's accounts")

    site.records.put_device(Device("w-1", "m"))
    assert connections(site.given(gateways=broken))["w-1"]["state"] == "unknown"


def test_settings_are_wanted_then_confirmed(site: Site) -> None:
    site.records.put_device(Device("w-1", "m"))
    assert site.get(PATH).json() == {
        "device_id": "w-1",
        "state": "none",
        "wanted": None,
        "confirmed": None,
        "history": [],
    }
    set_at = site.clock.now_us()
    answer = site.call("PUT", PATH, "clinician", "Dr Wang", json={**CHANGE, "after": 0})
    assert answer.status_code == 200, answer.text
    first = answer.json()["wanted"]
    assert (answer.json()["state"], answer.json()["confirmed"], answer.json()["history"]) == ("waiting", None, [first])
    assert first == {
        "version": 1,
        "interval_s": {"heart_rate": 5},
        "limits": {"spo2": {"low": 88, "high": None}},
        "set_by": "Dr Wang",
        "reason": "battery for two weeks",
        "set_at": to_iso(set_at),
        "answer": None,
    }
    site.clock.advance(OVERDUE_US / SECOND)
    assert site.get(PATH).json()["state"] == "overdue"
    site.records.answer_settings("w-1", 1, Answer(True, "", site.clock.now_us()))
    confirmed = site.get(PATH).json()
    assert (confirmed["state"], confirmed["confirmed"]["version"]) == ("confirmed", 1)
    assert confirmed["wanted"]["answer"] == {"accepted": True, "text": "", "at": to_iso(site.clock.now_us())}
    assert site.get("/api/v1/devices").json()["items"][0]["interval_s"] == {"heart_rate": 5}


def test_a_version_that_the_device_refuses_leaves_the_one_before_in_force(site: Site) -> None:
    site.records.put_device(Device("w-1", "m"))
    for version, accepted in ((1, True), (2, False)):
        site.call("PUT", PATH, "admin", json={**CHANGE, "interval_s": {"heart_rate": version}})
        site.records.answer_settings("w-1", version, Answer(accepted, "at least 1.5 s", START))
    found = site.get(PATH, "technician").json()
    assert (found["state"], found["wanted"]["version"], found["confirmed"]["version"]) == ("refused", 2, 1)
    assert (found["wanted"]["answer"]["text"], found["wanted"]["reason"]) == ("at least 1.5 s", None)
    assert site.get(PATH, "nurse").json()["wanted"]["reason"] == CHANGE["reason"]
    assert site.records.devices()[0].interval_s == {"heart_rate": 1}


def test_settings_that_no_device_can_carry_out_are_refused(site: Site) -> None:
    site.records.put_device(Device("w-1", "m"))
    wrong: list[dict[str, Any]] = [
        {"interval_s": {"pulse": 5}},
        {"interval_s": {"heart_rate": 0}},
        {"interval_s": {"heart_rate": 700_000}},
        {"limits": {"spo2": {}}},
        {"limits": {"spo2": {"low": 101}}},
        {"limits": {"spo2": {"low": 90, "high": 90}}},
        {"limits": {"consciousness": {"low": 1}}},
        {"limits": {"pulse": {"low": 1}}},
        {"reason": ""},
        {"version": 9},
    ]
    for change in wrong:
        assert site.call("PUT", PATH, "admin", json={**CHANGE, **change}).status_code == 422, change
    assert site.records.settings_history("w-1") == []
    assert site.call("PUT", PATH, "technician", json=CHANGE).status_code == 403
    assert site.call("PUT", "/api/v1/devices/w-9/settings", "admin", json=CHANGE).status_code == 404
    assert site.get("/api/v1/devices/manual.p-1/settings").status_code == 404


def test_two_people_do_not_overwrite_each_other(site: Site) -> None:
    site.records.put_device(Device("w-1", "m"))
    body = {**CHANGE, "after": 0}
    assert [site.call("PUT", PATH, "admin", json=body).status_code for _ in range(2)] == [200, 409]


def test_the_contract_is_served_to_everybody(site: Site) -> None:
    answer = site.given(tenant="ward-7").get("/asyncapi.yaml", None)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/yaml")
    document = msgspec.yaml.decode(answer.content)
    assert document["channels"]["ack"]["address"] == "rpm/v1/ward-7/d/{device}/cmd/ack"

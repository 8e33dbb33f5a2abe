"""Policy documents over the API: what holds, where each value comes from, and every reason to refuse a change."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.api.site import START, Site
from vigil.domain.policy import DEFAULT_POLICY, STARTING_VALUE
from vigil.domain.times import DAY, HOUR, MINUTE, to_iso

BASE = "/api/v1/policies"
WARD_TOML = """
reason = "our patients are chronic"
signed_off_by = "Dr Zhou"
clear_delay_s = 90
[[limit]]
vital = "spo2"
side = "low"
limit = 92
"""
NIGHT = """
[[schedule]]
from = "22:00"
to = "07:00"
[[schedule.limit]]
vital = "spo2"
side = "low"
limit = 86
"""


def put(site: Site, where: str, role: str = "clinician", query: str = "", **body: Any) -> httpx.Response:
    return site.call("PUT", f"{BASE}/{where}{query}", role, "Dr Wang", json=body)


def spo2(limit: float, **rest: Any) -> dict[str, Any]:
    return {"limit": [{"vital": "spo2", "side": "low", "limit": limit, **rest}]}


def reasons(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [one["message"] for one in answer.json()["errors"]]


def low(shown: dict[str, Any]) -> dict[str, Any]:
    (rule,) = (one for one in shown["limits"] if (one["vital"], one["side"]) == ("spo2", "low"))
    return dict(rule)


def test_the_starting_values_say_that_nobody_signed_them_off(site: Site) -> None:
    default = site.get(BASE).json()["default"]
    assert default["version"] == DEFAULT_POLICY.version
    sources = default["sources"]
    assert {"news2", "clear_delay_s", "escalate_s.high", "findings.flat", "limit.spo2.low.delay_s"} <= set(sources)
    assert {(one["scope"], one["author"], one["signed_off_by"], one["version"]) for one in sources.values()} == {
        ("default", STARTING_VALUE, "", None)
    }
    assert {limit["set_by"] for limit in default["limits"]} == {STARTING_VALUE}


def test_a_ward_s_toml_holds_for_its_patients_with_its_source(site: Site) -> None:
    site.admit("p-1")
    site.admit("p-2", ward="south")
    shown = put(site, "wards/north", toml=WARD_TOML).json()
    assert (low(shown)["limit"], shown["clear_delay_s"]) == (92, 90.0)
    assert shown["document"] == {
        "scope": "ward", "name": "north", "version": 1, "author": "Dr Wang", "at": to_iso(START),
        "reason": "our patients are chronic", "signed_off_by": "Dr Zhou", "signed_off": True,
        "document": {"clear_delay_s": 90.0, **spo2(92)},
    }  # fmt: skip
    here, there = (site.get(f"{BASE}/patients/{who}").json() for who in ("p-1", "p-2"))
    assert (low(here)["limit"], low(here)["set_by"], here["own"], here["document"]) == (92, "Dr Wang", False, None)
    assert here["sources"]["limit.spo2.low.limit"] == {
        "scope": "ward", "name": "north", "version": 1, "author": "Dr Wang", "signed_off_by": "Dr Zhou",
        "at": to_iso(START), "schedule": "",
    }  # fmt: skip
    assert here["sources"]["limit.spo2.low.hysteresis"]["scope"] == "default"
    assert there["version"] == DEFAULT_POLICY.version
    assert site.get("/api/v1/patients/p-1").json()["policy_version"] == here["version"]
    listed = site.get(BASE).json()
    assert (listed["patients"], [one["name"] for one in listed["documents"]]) == ({}, ["north"])


def test_a_patient_s_document_then_some_limits_then_nothing_of_his_own(site: Site) -> None:
    site.admit("p-1")
    first = put(site, "patients/p-1", document={**spo2(88), "news2": False}, reason="COPD").json()
    assert (first["own"], first["news2"], first["document"]["signed_off"]) == (True, False, False)
    limits = [{"vital": "heart_rate", "side": "high", "limit": 120}]
    site.call("PUT", f"{BASE}/patients/p-1", "clinician", "Dr Li", json={"limits": limits, "reason": "fibrillation"})
    second = site.get(f"{BASE}/patients/p-1").json()
    assert second["document"]["document"] == {
        "news2": False,
        "limit": [
            {"set_by": "Dr Wang", "vital": "spo2", "side": "low", "limit": 88},
            {"vital": "heart_rate", "side": "high", "limit": 120, "set_by": "Dr Li"},
        ],
    }
    assert (low(second)["limit"], low(second)["set_by"], second["news2"]) == (88, "Dr Wang", False)
    third = put(site, "patients/p-1", document={}, reason="back to the ward's").json()
    assert (third["own"], third["version"]) == (False, DEFAULT_POLICY.version)
    history = site.get(f"{BASE}/patients/p-1/history").json()["items"]
    assert [(one["version"], one["author"], one["reason"]) for one in history] == [
        (3, "Dr Wang", "back to the ward's"),
        (2, "Dr Li", "fibrillation"),
        (1, "Dr Wang", "COPD"),
    ]


def test_what_the_programme_says_for_nights_turns_with_its_clock(site: Site) -> None:
    site.admit("p-1")
    put(site, "programme", toml='timezone = "Europe/Berlin"\n' + NIGHT, reason="asleep")
    night = site.get(f"{BASE}/patients/p-1").json()  # midnight UTC is one o'clock there
    assert (low(night)["limit"], night["timezone"], night["next_change"]) == (
        86,
        "Europe/Berlin",
        to_iso(START + 6 * HOUR),
    )
    assert night["sources"]["limit.spo2.low.limit"]["schedule"] == "22:00 to 07:00"
    (schedule,) = night["schedules"]
    assert (schedule["when"], schedule["source"]["scope"], schedule["values"]["limit.spo2.low.limit"]) == (
        "22:00 to 07:00", "programme", 86,
    )  # fmt: skip
    shown = site.get("/api/v1/patients/p-1").json()["policy_version"]
    site.clock.advance((6 * HOUR) / 1e6)
    day = site.get(f"{BASE}/patients/p-1").json()
    assert (low(day)["limit"], day["next_change"]) == (90, to_iso(START + 21 * HOUR))
    assert site.get("/api/v1/patients/p-1").json()["policy_version"] == day["version"] != shown == night["version"]


def test_a_programme_for_some_wards(site: Site) -> None:
    site.admit("p-1")
    assert reasons(put(site, "wards/north", document={"programme": "copd"}, reason="test")) == [
        "programme: there is none called copd"
    ]
    put(site, "programmes/copd", document=spo2(87), reason="target 88 to 92 %")
    put(site, "wards/north", document={"programme": "copd"}, reason="all have it")
    shown = site.get(f"{BASE}/patients/p-1").json()
    assert (low(shown)["limit"], shown["sources"]["limit.spo2.low.limit"]["name"]) == (87, "copd")
    assert site.get(f"{BASE}/programmes/copd").json()["document"]["version"] == 1
    assert low(site.get(f"{BASE}/programme").json())["limit"] == 90
    assert len(site.get(f"{BASE}/programmes/copd/history").json()["items"]) == 1


def test_a_limit_that_crosses_the_ward_s_is_refused_with_both_named(site: Site) -> None:
    site.admit("p-1")
    put(
        site,
        "wards/north",
        reason="fit ones",
        document={"limit": [{"vital": "heart_rate", "side": "low", "limit": 60}]},
    )
    crossing = {"limit": [{"vital": "heart_rate", "side": "high", "limit": 55}]}
    assert reasons(put(site, "patients/p-1", document=crossing, reason="test")) == [
        "heart_rate: the low limit 60 (ward north) is not below the high limit 55 (the patient's own)"
    ]


@pytest.mark.parametrize("where", ["wards/north", "programme"])
def test_a_change_that_a_patient_s_own_limit_forbids_names_no_patient(site: Site, where: str) -> None:
    site.admit("p-1")
    site.admit("p-2")
    for who in ("p-1", "p-2"):
        own = {"limit": [{"vital": "heart_rate", "side": "high", "limit": 90}]}
        assert put(site, f"patients/{who}", document=own, reason="marathon").status_code == 200
    low_limit = {"limit": [{"vital": "heart_rate", "side": "low", "limit": 95}]}
    (said,) = reasons(put(site, where, document=low_limit, reason="test"))
    whose = where.replace("wards/", "ward ")
    assert said == f"heart_rate: the low limit 95 ({whose}) is not below the high limit 90 (the patient's own)"
    assert site.get(f"{BASE}/{where}").json()["document"] is None
    put(site, "patients/p-1", document={}, reason="over")
    site.records.discharge("p-2", START + MINUTE)
    assert put(site, where, document=low_limit, reason="now it fits").status_code == 200


def test_every_reason_at_once(site: Site) -> None:
    site.admit("p-1")
    text = 'colour = 1\noff = ["no_data.w-1"]\n[findings]\nnonsense = "low"\n[[limit]]\nvital = "spo2"\nside = "low"\n'
    found = reasons(put(site, "patients/p-1", toml=text + "limit = 88\nsevere = 89\n"))
    wanted = ("reason", "unknown key colour", "no_data.w-1", "no detector is called nonsense", "severe limit 89")
    assert [word for word in wanted if not any(word in one for one in found)] == []
    assert len(found) == len(wanted)
    assert site.get(f"{BASE}/patients/p-1/history").json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "test"},
        {"reason": "test", "document": {}, "toml": ""},
        {"reason": "test", "toml": "= 1"},
        {"reason": "  ", "document": {}},
        {"reason": "test", "document": [1]},
        {"reason": "test", "document": {"reason": 3}},
        {"reason": "test", "document": {}, "set_by": "me"},
        {"reason": "test", "limits": [{"vital": "nonsense", "side": "low", "limit": 3}]},
        {"reason": "test", "document": {"limit": [{"vital": "spo2", "side": "low", "set_by": "me"}]}},
    ],
)
def test_bodies_that_are_no_change(site: Site, body: dict[str, Any]) -> None:
    site.admit("p-1")
    for where in ("patients/p-1", "wards/north", "programme"):
        assert put(site, where, **body).status_code == 422, where
    assert site.records.policy_documents() == []


def test_who_saw_an_older_version_gets_409(site: Site) -> None:
    assert put(site, "wards/north", query="?after=0", document=spo2(91), reason="one").status_code == 200
    assert put(site, "wards/north", query="?after=0", document=spo2(85), reason="two").status_code == 409
    assert (
        put(site, "wards/north", query="?after=1", document=spo2(89), reason="two").json()["document"]["version"] == 2
    )


def test_limits_are_told_as_they_were_in_force_with_whose_they_were(site: Site) -> None:
    site.admit("p-1")
    site.clock.advance(3600)
    put(site, "programmes/copd", document=spo2(87), reason="known low")
    put(site, "wards/north", toml=WARD_TOML)
    site.clock.advance(3600)
    put(site, "patients/p-1", document={"programme": "copd", **spo2(88, enabled=True)}, reason="test")
    site.clock.advance(3600)
    put(site, "patients/p-1", document=spo2(85, enabled=False), reason="test")
    site.clock.advance(3600)
    put(site, "patients/p-1", document={"programme": "copd"}, reason="test")
    path = f"{BASE}/patients/p-1/limits?from={to_iso(START)}&to={to_iso(START + 5 * HOUR)}"
    found = [one for one in site.get(path).json()["items"] if one["vital"] == "spo2"]
    assert [(one["from"], one["to"], one["limit"], one["set_by"], one["source"]["scope"]) for one in found] == [
        (to_iso(START), to_iso(START + HOUR), 90, STARTING_VALUE, "default"),
        (to_iso(START + HOUR), to_iso(START + 2 * HOUR), 92, "Dr Wang", "ward"),
        (to_iso(START + 2 * HOUR), to_iso(START + 3 * HOUR), 88, "Dr Wang", "patient"),
        (to_iso(START + 4 * HOUR), None, 92, "Dr Wang", "ward"),
    ]
    temperature = [
        one for one in site.get(path).json()["items"] if (one["vital"], one["side"]) == ("body_temp", "high")
    ]
    assert [(one["from"], one["to"]) for one in temperature] == [(to_iso(START), None)], "what did not change is one"


def test_a_schedule_s_limits_are_told_night_by_night_for_31_days_at_most(site: Site) -> None:
    site.admit("p-1")
    put(site, "wards/north", toml=WARD_TOML + NIGHT)
    path = f"{BASE}/patients/p-1/limits?to={to_iso(START + 31 * DAY)}&from="
    found = [one for one in site.get(path + to_iso(START)).json()["items"] if one["vital"] == "spo2"]
    assert [one["limit"] for one in found] == [86, 92] * 31 + [86]
    assert {one["source"]["schedule"] for one in found} == {"", "22:00 to 07:00"}
    assert site.get(path + to_iso(START - 1)).status_code == 422


def test_nobody_s_policy_is_not_found(site: Site) -> None:
    for path in ("patients/p-9", "patients/p-9/history", "patients/p-9/limits"):
        assert site.get(f"{BASE}/{path}").status_code == 404
    assert put(site, "patients/p-9", document={}, reason="test").status_code == 404


def test_a_role_without_names_reads_no_free_text(site: Site) -> None:
    site.admit("p-1")
    put(site, "patients/p-1", document=spo2(88), reason="Marker-Family asked for it")
    for path in ("", "/patients/p-1", "/patients/p-1/history"):
        answer = site.get(BASE + path, "research")
        assert answer.status_code == 200
        assert "Marker-Family" not in answer.text, path
        assert "Marker-Family" in site.get(BASE + path, "nurse").text, path
    assert put(site, "wards/north", "nurse", document={}, reason="test").status_code == 403

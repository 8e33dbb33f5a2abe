"""Patients, devices, alerts, notices, predictions and where things come from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.unit.api.fhir.ask import ask, codes, found, ids, refused
from tests.unit.api.site import START, Site
from vigil.domain.alerts import Alert, Evidence, Kind, Priority
from vigil.domain.deliveries import Attempt, State, Target
from vigil.domain.lifecycle import Acknowledge, Began, Finding, Stamp, apply
from vigil.domain.people import Device
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.risk import Contribution, ModelState, Prediction, Source
from vigil.domain.times import MINUTE

NAMED = ("nurse", "clinician", "admin")


@pytest.mark.parametrize("role", ["nurse", "clinician", "admin", "auditor", "research"])
def test_names_only_with_the_right(site: Site, role: str) -> None:
    site.admit("p-1")
    (one,) = found(site, "Patient", role)
    assert ask(site, "Patient/p-1", role) == one
    assert (one["gender"], one["active"]) == ("female", True)
    shown = one.get("name"), one.get("birthDate")
    want = ([{"family": "Marker-Family", "given": ["Marker-Given"]}], "1948-03-12") if role in NAMED else (None, None)
    assert shown == want
    for question in ("name=mark", "family=Mark", "given=Mark", "birthdate=1948"):
        if role in NAMED:
            assert ids(ask(site, f"Patient?{question}", role)) == ["p-1"]
        else:
            assert refused(site, f"Patient?{question}", 403, role)["code"] == "forbidden"


def test_patients_are_found(site: Site) -> None:
    site.admit("p-1")
    site.admit("p-2", family="Zhou", born=date(1990, 5, 6), sex="divers")
    site.admit("w_3")
    site.admit("self-test.up")
    site.records.discharge("p-2", START)
    assert len(ids(ask(site, "Patient"))) == 3
    assert len(ids(ask(site, "Patient?active=true"))) == 2
    assert ids(ask(site, "Patient?active=false")) == ["p-2"]
    assert ids(ask(site, "Patient?gender=http://hl7.org/fhir/administrative-gender|unknown")) == ["p-2"]
    assert ids(ask(site, "Patient?birthdate=gt1980&family=zh,wu")) == ["p-2"]
    assert ids(ask(site, "Patient?identifier=urn:vigil:patient|p-1")) == ["p-1"]
    assert ids(ask(site, "Patient?_id=p-1,p-2&active=true")) == ["p-1"]


def test_an_id_that_fhir_does_not_allow_gets_another_one(site: Site) -> None:
    site.admit("p_1", "w_1")
    site.clock.advance(10)
    site.store("w_1", "spo2", [96])
    (patient,), (device,) = found(site, "Patient"), found(site, "Device")
    assert patient["identifier"][0]["value"] == "p_1"
    assert patient["id"].startswith("h-")
    assert device["patient"]["reference"] == f"Patient/{patient['id']}"
    (one,) = found(site, f"Observation?patient={patient['id']}&device={device['id']}")
    assert one["subject"]["reference"] == f"Patient/{patient['id']}"
    assert ask(site, f"Patient/{patient['id']}") == patient
    for name in ("p_1", "h-00", f"{patient['id']},p-9", "p%7C1"):
        assert refused(site, f"Patient/{name}", 404)["code"] == "not-found"


def test_devices_and_their_metrics(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.records.put_device(Device("w-2", ""))
    site.records.put_device(Device("self-test.w", "none"))
    site.store("w-1", "spo2", [96])
    site.store("w-1", "battery_level", [80])
    two, one = found(site, "Device", "technician")
    assert (one["id"], one["deviceName"], one["patient"]) == (
        "w-1",
        [{"name": "patch-2", "type": "model-name"}],
        {"reference": "Patient/p-1"},
    )
    assert set(two) == {"resourceType", "id", "identifier", "status"}
    assert ids(ask(site, "Device?patient=p-1&model=pat&status=active")) == ["w-1"]
    assert ids(ask(site, "Device?identifier=urn:vigil:device|w-2")) == ["w-2"]
    battery, spo2 = found(site, "DeviceMetric?source=Device/w-1", "technician")
    assert (spo2["source"], spo2["category"]) == ({"reference": "Device/w-1"}, "measurement")
    assert battery["type"]["coding"][0]["code"] == "67996"
    assert ids(ask(site, "DeviceMetric?type=2708-6&category=measurement")) == [spo2["id"]]
    assert ask(site, f"DeviceMetric/{spo2['id']}") == spo2


def told(site: Site, *targets: Target, values: tuple[dict[str, Any], ...] = ()) -> Alert:
    """An open alert of p-1 that called these people."""
    evidence = Evidence("SpO2 84 %, below 90 % for 15 s.", values)
    finding = Finding(
        "p-1", "limit.spo2.low", Kind.PHYSIOLOGICAL, Priority.HIGH, "SpO2 low", evidence, START - MINUTE, "w-1"
    )
    line = apply(None, Began(Stamp("ordinal:1", site.clock.now_us()), finding), DEFAULT_POLICY)
    assert line is not None
    recorded = site.records.record(line, targets)
    assert recorded is not None
    return recorded.after


def test_an_alert_is_an_issue_and_a_flag(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.clock.advance(1)
    used = [
        {"vital": vital, "value": value, "quality": 0, "ordinal": place}
        for place, (vital, value) in enumerate((("spo2", 84.0), ("bp_sys", 80.0), ("bp_dia", 50.0)), 1)
    ]
    for one in used:
        site.store("w-1", str(one["vital"]), [float(str(one["value"]))], start=START + 1)
    gated = {"vital": "spo2", "value": 20.0, "quality": 1, "ordinal": 9}
    alert = told(site, values=(*used, gated, {"vital": "spo2"}, {"vital": "news2", "ordinal": 3}))
    (issue,) = found(site, "DetectedIssue?patient=p-1")
    assert issue == {
        "resourceType": "DetectedIssue",
        "id": alert.alert_id,
        "meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:01.000Z"},
        "identifier": [{"system": "urn:vigil:alert", "value": alert.alert_id}],
        "status": "preliminary",
        "code": {
            "coding": [{"system": "urn:vigil:rule", "code": "limit.spo2.low", "display": "SpO2 low"}],
            "text": "SpO2 low",
        },
        "severity": "high",
        "patient": {"reference": "Patient/p-1"},
        "identifiedDateTime": "2025-12-31T23:59:00.000Z",
        "implicated": [{"reference": "Observation/r1"}, {"reference": "Observation/p2"}],
        "detail": "SpO2 84 %, below 90 % for 15 s.",
    }
    for one in issue["implicated"]:
        assert ask(site, one["reference"])["subject"] == issue["patient"]
    (flag,) = found(site, "Flag?subject=Patient/p-1")
    assert (flag["status"], flag["period"]) == ("active", {"start": "2026-01-01T00:00:01.000Z"})
    assert flag["category"][0]["coding"][0]["code"] == "physiological"
    for question in ("code=limit.spo2.low", "identified=lt2026", "identifier=urn:vigil:alert|" + alert.alert_id):
        assert ids(ask(site, f"DetectedIssue?{question}")) == [alert.alert_id]
    for question in ("code=x", "identified=2026", "patient=p-9", "_lastUpdated=lt2026", "identifier=x"):
        assert ids(ask(site, f"DetectedIssue?{question}")) == []
    assert ids(ask(site, "Flag?date=2026-01-01&patient=p-1")) == [alert.alert_id]
    answer = site.get(f"/fhir/R4/DetectedIssue/{alert.alert_id}")
    assert (answer.json(), answer.headers["etag"]) == (issue, 'W/"1"')


def test_an_acknowledgement_is_the_mitigation(site: Site) -> None:
    site.admit("p-1")
    alert = told(site)
    stamp = Stamp("command:1", START + 5_000_000, "Li Na")
    after = site.happen(alert, Acknowledge(stamp, alert.version, "told Marker-Family")).after
    mitigation = ask(site, f"DetectedIssue/{alert.alert_id}")["mitigation"]
    assert mitigation == [
        {
            "action": {"text": "acknowledged: told Marker-Family"},
            "date": "2026-01-01T00:00:05.000Z",
            "author": {"display": "Li Na"},
        }
    ]
    bare = ask(site, f"DetectedIssue/{alert.alert_id}", "research")["mitigation"]
    assert bare == [{"action": {"text": "acknowledged"}, "date": "2026-01-01T00:00:05.000Z"}]
    assert site.get(f"/fhir/R4/Flag/{alert.alert_id}").headers["etag"] == f'W/"{after.version}"'


def test_a_notice_is_a_communication(site: Site) -> None:
    site.admit("p-1")
    alert = told(site, Target("pager", "Li Na"), Target("app", "Noor"))
    for one in site.records.deliveries(alert.alert_id):
        if one.channel == "pager":
            site.records.attempted(Attempt(one.delivery_id, START + 1_000_000, State.SENT))
    site.records.seen(alert.alert_id, "Noor", START + 9_000_000)
    by_medium = {one["medium"][0]["coding"][0]["code"]: one for one in found(site, "Communication?patient=p-1")}
    pager, app = by_medium["pager"], by_medium["app"]
    assert (pager["status"], pager["sent"]) == ("in-progress", "2026-01-01T00:00:01.000Z")
    assert "received" not in pager
    assert (app["status"], app["received"]) == ("completed", "2026-01-01T00:00:09.000Z")
    assert app["recipient"] == [{"display": "Noor"}]
    assert app["about"] == [{"reference": f"DetectedIssue/{alert.alert_id}"}]
    assert app["payload"] == [{"contentString": "SpO2 low"}]
    assert ask(site, f"Communication/{pager['id']}") == pager
    assert all("recipient" not in one for one in found(site, "Communication?patient=p-1", "research"))
    for question in ("medium=pager", "status=in-progress", "sent=lt2026-01-01T00:00:05Z", f"_id={pager['id']}"):
        assert pager["id"] in ids(ask(site, f"Communication?patient=p-1&{question}")), question
    assert ids(ask(site, "Communication?patient=p-1&received=2026")) == [app["id"]]
    assert ids(ask(site, "Communication?patient=p-9")) == []
    refused(site, "Communication/d-1.a-1", 404)
    refused(site, "Communication/x", 404)


FORETOLD = Prediction(
    patient_id="p-1",
    model="sepsis-home",
    version="0a1b2c3d4e5f",
    at=START,
    decided_at=START + 2_500_000,
    position=17,
    state=ModelState.ACTIVE,
    source=Source.MODEL,
    probability=0.07123,
    low=0.05,
    high=0.09,
    alert=True,
    contributions=(Contribution("resp_rate", 0.8, "Breathing 24 a minute"),),
)


def test_a_prediction_is_a_risk_assessment(site: Site) -> None:
    site.admit("p-1")
    shadow = replace(FORETOLD, model="hypotension", state=ModelState.SHADOW)
    by_news2 = replace(FORETOLD, at=START + MINUTE, source=Source.NEWS2, abstained="too few inputs")
    site.readings.append_predictions([FORETOLD, shadow, by_news2])
    site.clock.advance(120)
    second, first = found(site, "RiskAssessment?patient=p-1")
    (said,) = first["prediction"]
    assert said["probabilityDecimal"] == 0.0712
    assert said["outcome"]["text"] == "sepsis onset within 6 h, learned in intensive care"
    assert said["qualitativeRisk"]["text"].startswith("About 7 of 100 people")
    assert said["rationale"] == "0.05 to 0.09 (95 %): Breathing 24 a minute"
    assert codes({"code": first["method"]}) == ["sepsis-home|0a1b2c3d4e5f"]
    assert first["meta"]["lastUpdated"] == "2026-01-01T00:00:02.500Z"
    assert first["note"][0]["text"] == "Decision support, not a diagnosis."
    assert second["prediction"][0]["rationale"] == "decided by NEWS2: too few inputs"
    assert ask(site, f"RiskAssessment/{first['id']}") == first
    assert ids(ask(site, "RiskAssessment?patient=p-1&date=gt2026-01-01T00:00:00.000Z")) == [second["id"]]
    assert ids(ask(site, "RiskAssessment?patient=p-1&method=sepsis-home&_sort=-date&_count=1")) == [second["id"]]
    assert ids(ask(site, f"RiskAssessment?_id={first['id']}&patient=p-2")) == []
    refused(site, "RiskAssessment/k1.00000000000000000000.0000000000000000", 404)


def test_where_it_comes_from(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.clock.advance(1)
    site.store("w-1", "spo2", [96])
    site.readings.append_predictions([FORETOLD])
    (risk,) = found(site, "RiskAssessment?patient=p-1")
    measured, foretold = sorted(
        found(site, f"Provenance?target=Observation/r1,RiskAssessment/{risk['id']},Observation/r9,Flag/x"),
        key=lambda one: str(one["activity"]["text"]),
        reverse=True,
    )
    assert measured["target"] == [{"reference": "Observation/r1"}]
    assert measured["agent"][0]["who"] == {"reference": "Device/w-1"}
    assert measured["recorded"] == "2026-01-01T00:00:01.120Z"
    assert foretold["agent"][0]["who"] == {"display": "model sepsis-home, version 0a1b2c3d4e5f"}
    for one in (measured, foretold):
        assert ask(site, f"Provenance/{one['id']}") == one
    for name in ("o-r9", "x", "k-1"):
        refused(site, f"Provenance/{name}", 404)


def test_metadata_is_open_and_true(site: Site) -> None:
    site.admit("p-1", "w-1")
    answer = site.get("/fhir/R4/metadata", None)
    assert answer.status_code == 200
    (rest,) = answer.json()["rest"]
    paths = site.get("/openapi.json", None).json()["paths"]
    assert "AuditEvent" in {resource["type"] for resource in rest["resource"]}
    for resource in rest["resource"]:
        kind = resource["type"]
        has = {code["code"] for code in resource["interaction"]}
        assert {"read", "search-type"} <= has
        assert ("create" in has) == ("post" in paths[f"/fhir/R4/{kind}"])
        assert {f"/fhir/R4/{kind}/{{resource_id}}", f"/fhir/R4/{kind}/_search"} <= set(paths)
        for operation in resource.get("operation", ()):
            assert any(path.startswith(f"/fhir/R4/{kind}") and path.endswith("$" + operation["name"]) for path in paths)
        described = {one["name"] for one in paths[f"/fhir/R4/{kind}"]["get"]["parameters"]}
        assert {one["name"] for one in resource["searchParam"]} <= described
    served = {path.split("/")[3] for path in paths if path.startswith("/fhir/R4/")} - {"metadata"}
    assert served == {one["type"] for one in rest["resource"]}

"""A site with a little of everything in it, so that what is asked for by id is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.api.accounts import NURSE, PASSWORD, staff
from tests.unit.api.fhir.ask import create, entered, found, storing
from tests.unit.api.site import START, Site, open_site
from tests.unit.api.test_policy_lab import Shelf
from tests.unit.api.test_risk import prediction
from tests.unit.api.test_teams import document
from vigil.domain.alerts import Priority
from vigil.domain.times import HOUR, SECOND, to_iso
from vigil.domain.users import MachineToken, Role
from vigil.store import DeadLetter

#: With the names that the examples of the OpenAPI document use.
PATIENTS, GATEWAYS = ("p-1", "p-2", "p-0412"), ("g-1", "g-kitchen")
WORN, SPARE = ("w-1", "w-2"), "w-0a1b2c3d"
RULES = ("limit.spo2.low", "limit.heart_rate.high", "limit.resp_rate.high", "limit.bp_sys.low", "news2")
#: Searches of FHIR that find something; a type and what it has to be asked by.
SEARCHES = {
    "Patient": "",
    "Device": "",
    "DeviceMetric": "?device=w-1",
    "Observation": "?patient=p-1",
    "RiskAssessment": "?patient=p-1",
    "DetectedIssue": "",
    "Flag": "",
}
#: By parameter, ``path.device_id``: values that mean something in the ward. ``fhir.Device``: ids of that type.
Known = dict[str, list[str]]


def open_ward(folder: Path) -> tuple[Site, Known]:
    """The site at 10:00 of its day, and what can be asked of it."""
    site = storing(open_site(folder)).given(channels=frozenset({"app", "pager"}), trials=Shelf())
    staff(site)
    site.records.accounts.add_token(MachineToken("t-1", "0" * 64, "grafana", Role.RESEARCH, None, None, NURSE, 0, 1))
    for patient_id, device_id in zip(PATIENTS, (*WORN, None), strict=True):
        site.admit(patient_id, device_id)
    site.clock.advance(10 * HOUR / SECOND)
    for device_id in WORN:
        for vital, value in (("spo2", 95.0), ("heart_rate", 71.0), ("resp_rate", 16.0), ("bp_sys", 121.0)):
            site.store(device_id, vital, [value] * 40, step_s=5.0)
    site.readings.append_predictions([prediction()])
    site.refuse(DeadLetter(START, "vigil/1/home/w-1/tel/vitals", "w-1", "bad_payload", "not JSON", b"{"))
    alerts = [site.raise_alert(patient_id, rule, Priority.HIGH).alert_id for patient_id in PATIENTS for rule in RULES]
    code = _said(site, alerts)
    return site, _known(site, alerts, code)


def _said(site: Site, alerts: list[str]) -> str:
    """What people did before: each must succeed, or the ward is not what it is meant to be. The code for ``w-2``."""
    asked: list[tuple[str, str, Any]] = [
        ("PUT", "teams", {"team": document(), "reason": "first rota"}),
        ("PUT", "policies/wards/north", {"document": {"news2": False}, "reason": "too many calls"}),
        ("PUT", "policies/programmes/copd", {"document": {"news2": True}, "reason": "a new programme"}),
        ("PUT", "policies/patients/p-1", {"document": {"news2": True}, "reason": "watched closely"}),
        ("PUT", "devices/w-1/settings", {"interval_s": {"spo2": 5}, "reason": "battery for two weeks"}),
        ("POST", "devices", {"id": SPARE, "model": "patch-2"}),
        ("POST", "gateways", {"id": "g-1", "devices": ["w-1"]}),
        ("POST", "gateways", {"id": "g-kitchen", "devices": ["w-2"]}),
        ("POST", f"alerts/{alerts[0]}/snooze", {"version": 1, "minutes": 10, "reason": "seen"}),
        ("POST", f"alerts/{alerts[1]}/feedback", {"verdict": "useful"}),
        ("POST", "devices/w-2/claim", None),
    ]
    for method, path, body in asked:
        answer = site.call(method, f"/api/v1/{path}", "admin", json=body)
        assert answer.is_success, (path, answer.text)
    assert create(site, entered("8867-4", 72.0, "/min", to_iso(START))).status_code == 201
    return str(answer.json()["code"])


def _known(site: Site, alerts: list[str], code: str) -> Known:
    moments, promql = [to_iso(START), to_iso(START + HOUR)], ["vital_spo2_percent", "avg(vital_spo2_percent)", "1+1"]
    spans = ("from", "to", "since", "until", "at", "start", "end", "time")
    known = {
        "path.patient_id": [*PATIENTS],
        "path.device_id": [*WORN, SPARE],
        "path.gateway_id": [*GATEWAYS],
        "path.alert_id": alerts,
        "path.team_id": ["north"],
        "path.ward": ["north"],
        "path.name": ["copd", "patient"],
        "path.user_id": [NURSE],
        "path.token_id": ["t-1"],
        "query.vital": ["spo2", "heart_rate"],
        "query.device": ["w-1", "Device/w-1"],
        "body.name": [NURSE],
        "body.password": [PASSWORD],
        "body.code": [code],
        **{f"query.{name}": moments for name in spans},
        **{f"query.{name}": ["Patient/p-1", "p-1"] for name in ("patient", "subject")},
        **{f"{place}.query": promql for place in ("query", "body")},
        **{f"{place}.step": ["60", "5m"] for place in ("query", "body")},
        **{f"body.{name}": moments for name in ("start", "end", "time")},
        **{f"body.{name}": ["Patient/p-1", "p-1"] for name in ("patient", "subject")},
    }
    ids = {kind: [one["id"] for one in found(site, kind + by, "admin")] for kind, by in SEARCHES.items()}
    assert all(ids.values()), ids
    known["query.target"] = [f"Observation/{one}" for one in ids["Observation"]]
    return known | {f"fhir.{kind}": found for kind, found in ids.items()}

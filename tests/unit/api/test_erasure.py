"""``POST /patients/{id}/erase``: afterwards the person is nowhere, and who did it and why is in the audit log."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.audit import audit_log
from tests.unit.api.site import START, Site
from vigil.domain.audit import Question
from vigil.domain.erasure import SETTLED_AFTER
from vigil.domain.times import SECOND, to_iso

WHY = {"reason": "asked for by the person"}
DAY_S = SETTLED_AFTER / SECOND


def erase(site: Site, patient_id: str = "p-1", role: str = "admin", body: Any = None) -> httpx.Response:
    return site.post(f"/api/v1/patients/{patient_id}/erase", WHY if body is None else body, role, name="Ada")


def left(site: Site) -> None:
    """Somebody whose stay was over a day ago."""
    site.admit("p-1", "w-1")
    site.store("w-1", "heart_rate", [70.0, 71.0])
    site.records.discharge("p-1", START)
    site.clock.advance(DAY_S)


def test_an_erased_person_is_nowhere(site: Site) -> None:
    left(site)
    site.admit("p-2")
    answer = erase(site)
    assert answer.json() == {"patient_id": "p-1", "at": to_iso(site.clock.now_us()), "by": "Ada"}
    for path in (
        "/api/v1/patients/p-1",
        "/api/v1/patients/p-1/vitals",
        "/fhir/R4/Patient/p-1",
        "/api/v1/patients/p-1/alerts",
    ):
        assert site.get(path).status_code == 404, path
    people = site.get("/fhir/R4/Patient?_count=1000").json()
    assert [one["resource"]["id"] for one in people["entry"]] == ["p-2"]
    listed = site.get("/api/v1/erasures", "admin").json()["items"]
    assert [one["patient_id"] for one in listed] == ["p-1"]


def test_what_was_measured_stays_and_so_does_the_log(site: Site) -> None:
    left(site)
    before = site.readings.head()
    erase(site)
    audit_log(site.app).write()
    assert site.readings.head() == before
    lines = [
        one.entry for one in site.records.audit(Question(patient_id="p-1", route="/api/v1/patients/{patient_id}/erase"))
    ]
    assert [(one.who, one.step.value, one.reason) for one in reversed(lines)] == [
        ("Ada", "asked", ""),
        ("Ada", "answered", WHY["reason"]),
    ]


def test_again_is_no_change(site: Site) -> None:
    left(site)
    first = erase(site).json()
    site.clock.advance(60)
    assert erase(site).json() == first


def test_refused_while_the_stay_is_not_over_and_for_a_day_after(site: Site) -> None:
    site.admit("p-1", "w-1")
    assert "under watch" in erase(site).json()["detail"]
    site.records.discharge("p-1", START)
    site.clock.advance(DAY_S - 1)
    late = erase(site)
    assert (late.status_code, "24 h" in late.json()["detail"]) == (422, True)
    assert site.records.patient("p-1").family == "Marker-Family"
    site.clock.advance(1)
    assert erase(site).status_code == 200


@pytest.mark.parametrize("body", [{}, {"reason": "short"}, {"reason": "x" * 501}, {"reason": 1}])
def test_a_reason_is_needed(site: Site, body: Any) -> None:
    left(site)
    assert erase(site, body=body).status_code == 422
    assert site.records.patient("p-1").family == "Marker-Family"


def test_a_stranger_is_not_found(site: Site) -> None:
    assert erase(site, "p-9").status_code == 404


@pytest.mark.parametrize("role", ["nurse", "clinician", "technician", "auditor", "research"])
def test_only_an_admin_may(site: Site, role: str) -> None:
    left(site)
    assert erase(site, role=role).status_code == 403
    assert site.get("/api/v1/erasures", role).status_code == 403

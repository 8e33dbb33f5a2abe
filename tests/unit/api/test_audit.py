"""What requests leave in the audit log: everybody's, refused ones too; identifiers of ours, and nothing else that was typed."""

from __future__ import annotations

from typing import Any

import pytest

from api.app import quiet_routes
from tests.unit.api.site import SECRET, Site
from vigil.domain.audit import MANY, Line, Question, Step, values_of, verify

PERSON = {"family": "Marker-Family", "given": "Marker-Given", "born": "1948-03-12", "sex": "female", "ward": "north"}


def log_of(site: Site) -> list[Line]:
    """All entries so far, oldest first."""
    site.app.state.audit.write()
    return site.records.audit(Question(limit=1000))[::-1]


def told(line: Line) -> tuple[str, str, str, int]:
    entry = line.entry
    return entry.step.value, entry.who, f"{entry.method} {entry.route}", entry.status


def test_a_read_is_one_entry_and_a_change_two_with_the_same_request(site: Site) -> None:
    site.admit("p-1", "w-1")
    alert = site.raise_alert("p-1")
    site.get("/api/v1/patients/p-1")
    body = {"version": 1, "minutes": 10, "reason": " treatment given "}
    site.post(f"/api/v1/alerts/{alert.alert_id}/snooze", body, name="Ömer")
    read, asked, answered = log_of(site)
    route = "POST /api/v1/alerts/{alert_id}/snooze"
    assert told(read) == ("answered", "Li Na", "GET /api/v1/patients/{patient_id}", 200)
    assert told(asked) == ("asked", "Ömer", route, 0)
    assert told(answered) == ("answered", "Ömer", route, 200)
    assert asked.entry.request == answered.entry.request != read.entry.request
    assert [line.entry.patient_id for line in (read, asked, answered)] == ["p-1"] * 3
    assert answered.entry.objects == {"alert_id": alert.alert_id, "patient_id": "p-1"}
    assert (asked.entry.reason, answered.entry.reason) == ("", "treatment given")
    assert (answered.entry.role, answered.entry.address, answered.entry.at) == (
        "nurse",
        "127.0.0.1",
        site.clock.now_us(),
    )


@pytest.mark.parametrize(
    ("method", "path", "role", "body", "status", "steps"),
    [
        ("GET", "/api/v1/patients/p-1", None, None, 401, 1),
        ("POST", "/api/v1/patients", "nurse", PERSON, 403, 1),
        ("GET", "/api/v1/audit", "nurse", None, 403, 1),
        ("GET", "/api/v1/health", None, None, 401, 1),
        ("GET", "/api/v1/patients/Marker-Family", "nurse", None, 404, 1),
        ("GET", "/api/v1/Marker-Family", "nurse", None, 404, 1),
        ("GET", "/api/v1/Marker-Family", None, None, 401, 1),
        ("GET", "/api/v1/alerts?limit=0", "nurse", None, 422, 1),
        ("POST", "/api/v1/patients", "admin", {**PERSON, "sex": "Marker-Sex"}, 422, 2),
        ("DELETE", "/api/v1/patients", "nurse", None, 405, 1),
        ("POST", "/api/v1/patients/Marker-Family/discharge", "admin", None, 404, 2),
        ("POST", "/api/v1/devices/w-1/binding", "nurse", {"patient_id": "Marker-Family"}, 404, 2),
        ("GET", "/api/v1/handover?ward=Marker-Family", "nurse", None, 404, 1),
        ("GET", "/api/v1/patients?ward=Marker-Family", "nurse", None, 200, 1),
    ],
)
def test_refused_requests_are_recorded_and_nothing_that_was_typed(
    site: Site, method: str, path: str, role: str | None, body: Any, status: int, steps: int
) -> None:
    assert site.call(method, path, role, json=body, headers={"X-Ward": "Marker-Ward"}).status_code == status
    lines = log_of(site)
    assert [line.entry.status for line in lines] == [0, status][-steps:]
    assert "Marker" not in str(lines)
    assert all(line.entry.reason == "" for line in lines)


def test_log_ins_good_and_bad_and_too_many(site: Site) -> None:
    def log_in(secret: str) -> int:
        body = {"secret": secret, "role": "nurse", "name": "Nina"}
        return site.post("/api/v1/auth/token", body, None).status_code

    assert [log_in(SECRET), *(log_in("Marker-Secret") for _ in range(12))] == [200, *[401] * 10, 429, 429]
    lines = log_of(site)
    route = "POST /api/v1/auth/token"
    assert [told(line) for line in lines] == [
        ("answered", "Nina", route, 200),
        ("answered", "", route, 401),
        ("answered", "", route, 429),
    ]
    assert [line.entry.times for line in lines] == [1, 10, 2]
    assert (lines[0].entry.role, lines[1].entry.role) == ("nurse", "")
    assert "Marker" not in str(lines)
    assert SECRET not in str(lines)


def test_an_enrolment_says_whose_account_it_was_and_not_the_code(site: Site) -> None:
    site.post("/api/v1/devices", {"id": "w-1", "model": "m"}, "technician")
    code = site.post("/api/v1/devices/w-1/claim", None, "technician").json()["code"]
    site.post("/api/v1/enrol", {"code": code}, None)
    site.post("/api/v1/enrol", {"code": code}, None)
    lines = log_of(site)
    assert [line.entry.objects for line in lines if line.entry.route == "/api/v1/devices"][1] == {"device_id": "w-1"}
    used, again = (line.entry for line in lines if line.entry.route == "/api/v1/enrol")
    assert (used.status, used.objects, used.who) == (200, {"account": "w-1"}, "")
    assert (again.status, again.objects) == (404, {})
    assert code not in str(lines)
    assert "pass-" not in str(lines)


def test_who_was_admitted_and_who_wears_what_come_from_the_answer(site: Site) -> None:
    made = site.post("/api/v1/patients", PERSON, "admin").json()["id"]
    site.post("/api/v1/devices", {"id": "w-1", "model": "m"}, "admin")
    site.post("/api/v1/devices/w-1/binding", {"patient_id": made}, "admin")
    site.call("DELETE", "/api/v1/devices/w-1/binding", "admin")
    lines = [line.entry for line in log_of(site) if line.entry.step is Step.ANSWERED]
    assert [entry.patient_id for entry in lines] == [made, "", made, made]
    assert "Marker" not in str(lines)


@pytest.mark.parametrize(
    ("path", "about"),
    [
        ("/api/v1/patients", MANY),
        ("/api/v1/patients?ward=north", MANY),
        ("/api/v1/alerts", MANY),
        ("/api/v1/handover?ward=north", MANY),
        ("/api/v1/devices", MANY),
        ("/prom/api/v1/query?query=vigil_heart_rate", MANY),
        ("/fhir/R4/Patient", MANY),
        ("/fhir/R4/Patient/p-1", "p-1"),
        ("/fhir/R4/Observation?patient=Patient/p-1", "p-1"),
        ("/fhir/R4/Observation?subject=p-1", "p-1"),
        ("/api/v1/teams", ""),
        ("/api/v1/burden", ""),
        ("/api/v1/devices/w-1/settings", ""),
        ("/api/v1/policies/wards/north", ""),
    ],
)
def test_whose_record_a_read_has_shown(site: Site, path: str, about: str) -> None:
    site.admit("p-1", "w-1")
    assert site.get(path).status_code == 200
    assert [line.entry.patient_id for line in log_of(site)] == [about]


def test_queries_that_come_by_post_are_reads(site: Site) -> None:
    for path in ("/prom/api/v1/query", "/fhir/R4/Patient/_search"):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert site.call("POST", path, content=b"query=1" if "prom" in path else b"", headers=form).status_code == 200
    assert [told(line)[0] for line in log_of(site)] == ["answered", "answered"]


def test_what_is_asked_all_the_time_and_shows_nobody_is_not_recorded(site: Site) -> None:
    assert {"/api/v1/health", "/api/v1/self-tests", "/api/v1/me"} <= set(quiet_routes())
    for path in (*quiet_routes(), "/healthz", "/readyz", "/metrics", "/asyncapi.yaml"):
        assert site.get(path, "admin").status_code in (200, 503), path
    assert log_of(site) == []


def test_setting_up_a_self_test_is_recorded_but_not_what_it_does(site: Site) -> None:
    site.post("/api/v1/self-tests", {"name": "up", "interval_s": 15}, "technician")
    alert = site.raise_alert("self-test.up")
    path = f"/api/v1/alerts/{alert.alert_id}/acknowledge"
    assert site.post(path, {"version": 1}).status_code == 200
    assert {line.entry.route for line in log_of(site)} == {"/api/v1/self-tests"}
    assert site.post(path, {"version": 1}, "research").status_code == 403
    assert log_of(site)[-1].entry.status == 403


def test_equal_reads_of_one_second_are_counted_in_one_entry(site: Site) -> None:
    site.admit("p-1")
    for _ in range(3):
        site.get("/api/v1/patients/p-1")
    site.get("/api/v1/patients/p-1", name="Ömer")
    assert [(line.entry.who, line.entry.times) for line in log_of(site)] == [("Li Na", 3), ("Ömer", 1)]
    site.get("/api/v1/patients/p-1")
    assert len(log_of(site)) == 3


def test_an_auditor_asks_who_looked_at_a_record(site: Site) -> None:
    for patient_id in ("p-1", "p-2"):
        site.admit(patient_id)
        site.get(f"/api/v1/patients/{patient_id}", name=f"reader of {patient_id}")
    site.get("/api/v1/patients", name="reader of all")
    page = site.get("/api/v1/audit?patient=p-1", "auditor").json()
    assert [one["who"] for one in page["items"]] == ["reader of p-1"]
    page = site.get("/api/v1/audit?patient=p-1&lists=true", "auditor", name="Ada").json()
    assert [one["who"] for one in page["items"]] == ["Li Na", "reader of all", "reader of p-1"]
    everything = site.get("/api/v1/audit?limit=1000", "auditor").json()["items"]
    assert [one["route"] for one in everything[:2]] == ["/api/v1/audit", "/api/v1/audit"]
    assert everything[0]["patient_id"] == "p-1", "asking about somebody is asking about somebody"
    assert "Marker" not in str(everything)


def test_pages_and_filters(site: Site) -> None:
    site.admit("p-1")
    for number in range(5):
        site.clock.advance(1)
        site.get("/api/v1/patients/p-1", name=f"n-{number}")
    seen: list[str] = []
    before = ""
    while True:
        page = site.get(f"/api/v1/audit?route=/api/v1/patients/{{patient_id}}&limit=2{before}", "admin").json()
        seen += [one["who"] for one in page["items"]]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert seen == [f"n-{number}" for number in reversed(range(5))]
    found = site.get("/api/v1/audit?since=2026-01-01T00:00:02Z&until=2026-01-01T00:00:04Z", "admin").json()["items"]
    assert [one["who"] for one in found] == ["n-2", "n-1"]
    assert [one["who"] for one in site.get("/api/v1/audit?person=n-3", "admin").json()["items"]] == ["n-3"]
    assert site.get("/api/v1/audit?since=yesterday", "admin").status_code == 422


def test_a_reason_about_a_patient_is_shown_to_those_who_may_see_names(site: Site) -> None:
    site.admit("p-1")
    alert = site.raise_alert("p-1")
    body = {"version": 1, "minutes": 10, "reason": "told Marker-Family's daughter"}
    site.post(f"/api/v1/alerts/{alert.alert_id}/snooze", body)
    change = {"document": {"limit": []}, "reason": "nothing of our own"}
    site.call("PUT", "/api/v1/policies/programme", "admin", json=change)

    def reasons(role: str) -> list[str | None]:
        items = site.get("/api/v1/audit?limit=100", role).json()["items"]
        return [one["reason"] for one in items if one["status"] == 200 and one["method"] != "GET"]

    assert reasons("admin") == ["nothing of our own", "told Marker-Family's daughter"]
    assert reasons("auditor") == ["nothing of our own", None]


def test_the_head_in_the_answer_is_that_of_the_log(site: Site) -> None:
    site.get("/api/v1/patients")
    page = site.get("/api/v1/audit", "auditor").json()
    (line,) = site.records.audit(Question())
    found = verify([(line.number, values_of(line.entry), line.hash)])
    assert page["head"] == {"number": 1, "hash": found.head}
    assert page["items"][0]["hash"] == found.head

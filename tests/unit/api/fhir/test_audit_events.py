"""AuditEvent: the audit log as an EHR reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from api.audit import audit_log
from api.auth import Principal, Role
from api.fhir import audit_events
from api.fhir.chart import Chart
from api.fhir.query import Query
from tests.unit.api.fhir.ask import BASE, ask, found, issue, link, next_page, refused, resources, walked
from tests.unit.api.site import START, Site, open_site
from vigil.domain.audit import Entry, Step
from vigil.domain.times import DAY, SECOND


def logged(site: Site) -> list[Any]:
    """All there is, after everything that waits was written."""
    audit_log(site.app).write()
    return found(site, "AuditEvent?_count=1000", "auditor")


def used(site: Site) -> None:
    """A site on which something was read, changed, refused."""
    site.admit("p-1", "w-1")
    site.admit("p-2")
    alert = site.raise_alert("p-1")
    site.get("/api/v1/patients/p-1", name="Noor")
    site.get("/api/v1/patients", name="Noor")
    acknowledge = f"/api/v1/alerts/{alert.alert_id}/acknowledge"
    site.post(acknowledge, {"version": 1, "note": "n"}, name="Noor")
    site.post("/api/v1/patients/p-2/discharge", {"reason": "went to Marker-Family's"}, "clinician", name="Li")
    site.get("/api/v1/patients/p-1", "technician", name="Tomas")
    site.get("/api/v1/patients/p-1", None)
    audit_log(site.app).write()


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Used, and only asked about since: what asks is not written before it is asked for."""
    site = open_site(tmp_path_factory.mktemp("past"))
    used(site)
    yield site
    site.close()


def test_what_is_sent_is_valid_and_says_who_did_what(site: Site) -> None:
    used(site)
    events = logged(site)
    model = get_fhir_model_class("AuditEvent")
    for one in events:
        model.model_validate(one)
        assert len(one["recorded"]) == len("2026-01-01T00:00:00.000Z")
    by = {(one["subtype"][0]["code"], one["outcomeDesc"]): one for one in events}
    read = by["GET /api/v1/patients/{patient_id}", "answered 200"]
    assert (read["action"], read["outcome"]) == ("R", "0")
    assert read["agent"][0]["name"] == "Noor"
    assert read["entity"][0]["what"]["reference"] == "Patient/p-1"
    assert "what" not in by["GET /api/v1/patients", "answered 200"]["entity"][0]
    assert by["GET /api/v1/patients/{patient_id}", "answered 403"]["outcome"] == "4"
    asked = by["POST /api/v1/alerts/{alert_id}/acknowledge", "asked"]
    assert "outcome" not in asked
    assert asked["action"] == "E"
    stranger = by["GET", "answered 401"]
    assert "name" not in stranger["agent"][0]


def test_a_log_in_is_a_log_in(site: Site) -> None:
    site.records.append_audit([Entry(START, Step.ANSWERED, "r", "", "", "", "POST", "/api/v1/auth/token", status=401)])
    (one,) = found(site, "AuditEvent?_id=1", "auditor")
    assert one["type"]["display"] == "User Authentication"


@pytest.mark.parametrize("role", ["nurse", "clinician", "technician", "research"])
def test_only_those_with_the_right_to_the_log_see_it(past: Site, role: str) -> None:
    for path in ("AuditEvent", "AuditEvent/1", "AuditEvent?patient=p-1"):
        refused(past, path, 403, role)
    kinds = {one["resourceType"] for one in found(past, "Patient/p-1/$everything", "auditor")}
    assert "AuditEvent" not in kinds


def test_a_reason_that_may_hold_a_name_is_for_those_who_see_names(past: Site) -> None:
    query = "AuditEvent?patient=p-2"
    assert "Marker-Family" in str(ask(past, query, "admin"))
    assert "Marker-Family" not in str(ask(past, query, "auditor"))


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("patient=p-1", 4),
        ("patient=Patient/p-2", 2),
        ("patient=p-1,p-2", 6),
        ("patient=p-1&patient=p-2", 0),
        ("patient=nobody", 0),
        ("agent-name=noo", 4),
        ("agent-name=oor", 0),
        ("agent-name=noor,tom", 5),
        ("agent-name=noor&action=R", 2),
        ("action=E", 4),
        ("outcome=4", 2),
        ("outcome=http://hl7.org/fhir/audit-event-outcome|0", 4),
        ("date=2026-01-01", 8),
        ("date=lt2026-01-01", 0),
        ("date=ge2026&date=lt2027&patient=p-2", 2),
        ("_id=1,3,99", 2),
        ("_id=x", 0),
    ],
)
def test_searches(past: Site, query: str, count: int) -> None:
    bundle = ask(past, f"AuditEvent?{query}&_total=accurate", "auditor")
    assert (len(resources(bundle)), bundle["total"]) == (count, count)


def test_one_by_its_number(past: Site) -> None:
    (one,) = found(past, "AuditEvent?_id=2", "auditor")
    assert ask(past, "AuditEvent/2", "auditor") == one
    refused(past, "AuditEvent/9999", 404, "auditor")
    refused(past, "AuditEvent/x", 404, "auditor")


def test_pages_do_not_move_while_the_log_grows(site: Site) -> None:
    many(site, 25)
    bundle = ask(site, "AuditEvent?_count=10", "auditor")
    numbers = [int(one["id"]) for one in resources(bundle)]
    while link(bundle, "next"):
        audit_log(site.app).write()  # each page is itself an entry
        bundle = next_page(site, bundle, "auditor")
        numbers += [int(one["id"]) for one in resources(bundle)]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-25:] == list(range(25, 0, -1))
    assert len(set(numbers)) == len(numbers)


def test_a_page_looks_at_so_many_lines_and_goes_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    many(site, 40)
    monkeypatch.setattr(audit_events, "MOST_LINES", 10)
    monkeypatch.setattr(audit_events, "LOOK", 4)
    pages = walked(site, "AuditEvent?patient=p-6,p-7&_count=3", "auditor")
    assert pages == [["38", "37"], ["28", "27"], ["18", "17"], ["8", "7"]]
    problem = issue(site.get(f"{BASE}AuditEvent?_summary=count", "auditor"), 422)
    assert problem["code"] == "too-costly"


def test_somebody_who_is_no_patient_any_more_can_still_be_asked_about(site: Site) -> None:
    many(site, 10)
    assert len(found(site, "AuditEvent?patient=p-3", "auditor")) == 1


def test_who_has_wards_is_shown_what_names_a_patient_of_theirs(site: Site) -> None:
    used(site)
    site.admit("p-3", ward="south")
    site.records.append_audit([Entry(START, Step.ANSWERED, "r", "Li", "nurse", "", "GET", "/x", {"patient_id": "p-3"})])
    who = Principal("Ada", Role.AUDITOR, START, frozenset({"south"}))
    chart = Chart(site.context, site.context.care.view(who))
    query = Query((), 100, True, None, (), START)
    (one,) = audit_events.page(chart, who, query, None).resources
    assert one.document()["entity"][0]["what"]["reference"] == "Patient/p-3"
    assert audit_events.named(chart, who, replace(query, used=(("_id", "1"),))) == []


def test_the_page_for_those_who_connect_says_how_far_it_looks() -> None:
    assert f"looks at {audit_events.MOST_LINES:,} lines" in (Path(__file__).parents[4] / "docs" / "fhir.md").read_text()


def many(site: Site, count: int) -> None:
    """Lines about ten people, a second each."""
    site.records.append_audit(
        [
            Entry(
                START - DAY + n * SECOND,
                Step.ANSWERED,
                f"r-{n}",
                "Li",
                "nurse",
                "",
                "GET",
                "/x",
                {},
                f"p-{n % 10}",
                "",
                200,
            )
            for n in range(count)
        ]
    )

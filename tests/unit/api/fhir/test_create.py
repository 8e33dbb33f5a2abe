"""Observations of other systems: through ingest's commit, once, or refused with the reason."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from api.deps import ManualEntry
from api.fhir import create as creating
from tests.unit.api.fhir.ask import BASE, ask, create, entered, found, issue, storing
from tests.unit.api.site import START, Site, open_site
from vigil.domain.times import MINUTE, to_iso

NOW = to_iso(START)


def opened(site: Site) -> Site:
    site.admit("p-1", "w-1")
    site.clock.advance(60)
    return storing(site)


@pytest.fixture
def ward(site: Site) -> Site:
    return opened(site)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all that is refused."""
    site = open_site(tmp_path_factory.mktemp("still"))
    yield opened(site)
    site.close()


def part(code: str, value: float) -> dict[str, Any]:
    whole = entered(code, value, "mm[Hg]", NOW)
    return {"code": whole["code"], "valueQuantity": whole["valueQuantity"]}


def pressure(*parts: dict[str, Any], **change: Any) -> dict[str, Any]:
    made = entered("85354-9", 0, "", NOW, component=list(parts), **change)
    del made["valueQuantity"]
    return made


def test_created_is_stored_through_ingest_and_read_back(ward: Site) -> None:
    answer = create(ward, entered("8310-5", 38.4, "Cel", "2026-01-01T01:00:00+01:00"))
    assert answer.status_code == 201
    body = answer.json()
    assert answer.headers["location"] == f"http://vigil/fhir/R4/Observation/{body['id']}"
    assert answer.headers["etag"] == 'W/"1"'
    assert ward.entries == [ManualEntry("p-1", (("body_temp", 38.4, START),), "Li Na")]
    assert found(ward, "Observation?patient=p-1&code=8310-5") == [body]
    assert (body["effectiveDateTime"], body["valueQuantity"]["value"]) == (NOW, 38.4)


@pytest.mark.parametrize("condition", [None, "identifier=http://ehr|77", "Observation?identifier=http://ehr|77"])
def test_the_same_again_is_the_same(ward: Site, condition: str | None) -> None:
    named = {"If-None-Exist": condition} if condition else {}
    body = entered("8310-5", 38.4, "Cel", NOW)
    first, again = create(ward, body, **named), create(ward, body, **named)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert "location" not in again.headers
    assert len(ward.entries) == 1


def test_our_own_identifier_is_found_whatever_is_sent(ward: Site) -> None:
    ward.store("w-1", "spo2", [96], start=START)
    condition = f"identifier=urn:vigil:reading|w-1:spo2:-:-:{START}"
    answer = create(ward, entered("2708-6", 50, "%", NOW), **{"If-None-Exist": condition})
    assert (answer.status_code, answer.json()["id"]) == (200, "r1")
    assert ward.entries == []


def test_another_value_for_the_same_moment_is_a_conflict(ward: Site) -> None:
    create(ward, entered("8310-5", 38.4, "Cel", NOW))
    first = issue(create(ward, entered("8310-5", 36.9, "Cel", NOW)), 409)
    assert first["code"] == "duplicate"
    assert len(ward.entries) == 1


def test_a_blood_pressure_becomes_its_parts(ward: Site) -> None:
    two = (part("8480-6", 121), part("8462-4", 79))
    first = create(ward, pressure(*two))
    assert [value[:2] for value in ward.entries[0].values] == [("bp_sys", 121.0), ("bp_dia", 79.0)]
    assert create(ward, pressure(*two)).status_code == 200
    more = create(ward, pressure(*two, part("8478-0", 93)))
    assert (more.status_code, more.json()["id"]) == (201, first.json()["id"])
    assert [value[:2] for value in ward.entries[1].values] == [("bp_mean", 93.0)]
    assert len(more.json()["component"]) == 3
    assert (first.headers["etag"], more.headers["etag"]) == ('W/"2"', 'W/"3"')


@pytest.mark.parametrize(
    ("code", "value", "unit", "want"),
    [
        ("8310-5", 101.1, "[degF]", ("body_temp", 38.4)),
        ("29463-7", 154.3, "[lb_av]", ("body_weight", 70.0)),
        ("29463-7", 70_250, "g", ("body_weight", 70.2)),
        ("8867-4", 72, "{beats}/min", ("heart_rate", 72.0)),
        ("59408-5", 93, "%", ("spo2", 93.0)),
        ("9269-2", 15, "{score}", ("gcs", 15.0)),
    ],
)
def test_units(ward: Site, code: str, value: float, unit: str, want: tuple[str, float]) -> None:
    assert create(ward, entered(code, value, unit, NOW)).status_code == 201
    assert ward.entries[0].values[0][:2] == want


@pytest.mark.parametrize(
    ("system", "code", "want"),
    [("urn:vigil:acvpu", "C", 1.0), ("http://snomed.info/sct", "450847001", 3.0)],
)
def test_consciousness(ward: Site, system: str, code: str, want: float) -> None:
    body = entered("67775-7", 0, "", NOW, valueCodeableConcept={"coding": [{"system": system, "code": code}]})
    del body["valueQuantity"]
    assert create(ward, body).status_code == 201
    assert ward.entries[0].values == (("consciousness", want, START),)


def without(name: str) -> dict[str, Any]:
    body = entered("8310-5", 38.4, "Cel", NOW)
    del body[name]
    return body


def temperature(**change: Any) -> dict[str, Any]:
    return {**entered("8310-5", 38.4, "Cel", NOW), **change}


def quantity(**change: Any) -> dict[str, Any]:
    return {"value": 38.4, "system": "http://unitsofmeasure.org", "code": "Cel", **change}


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("another type", {"resourceType": "Patient"}, "not-supported", "only an Observation"),
    ("no status", without("status"), "value", "status"),
    ("not final", temperature(status="preliminary"), "value", "status"),
    ("no subject", without("subject"), "required", "subject"),
    ("two subjects", temperature(subject=[{"reference": "Patient/p-1"}, {"reference": "Patient/p-2"}]), "structure", "one"),
    ("a subject of another kind", temperature(subject={"reference": "Group/p-1"}), "value", "Patient/id"),
    ("a subject elsewhere", temperature(subject={"reference": "http://a/Patient/p-1"}), "value", "Patient/id"),
    ("an unknown subject", temperature(subject={"reference": "Patient/p-9"}), "not-found", "no such Patient"),
    ("the self-test", temperature(subject={"reference": "Patient/self-test.up"}), "not-found", "no such Patient"),
    ("no code", without("code"), "required", "coding"),
    ("another system", temperature(code={"coding": [{"system": "http://x", "code": "8310-5"}]}), "code-invalid", "loinc"),
    ("an unknown code", entered("718-7", 7, "g/dL", NOW), "code-invalid", "no vital sign"),
    ("a code of a device", entered("61006-3", 2, "%", NOW), "business-rule", "only a device"),
    ("no time", without("effectiveDateTime"), "required", "effective"),
    ("a period", {**without("effectiveDateTime"), "effectivePeriod": {"start": NOW}}, "not-supported", "effective"),
    ("two times", temperature(effectiveInstant=NOW), "not-supported", "effective"),
    ("a day", temperature(effectiveDateTime="2026-01-01"), "value", "precise to the second"),
    ("no zone", temperature(effectiveDateTime="2026-01-01T00:00:00"), "value", "zone"),
    ("long ago", temperature(effectiveDateTime="2025-12-30T00:00:00Z"), "processing", "more than 24 h ago"),
    ("the future", temperature(effectiveDateTime="2026-01-01T00:02:00Z"), "processing", "in the future"),
    ("no value", without("valueQuantity"), "required", "valueQuantity"),
    ("two values", temperature(valueString="38"), "structure", "valueQuantity"),
    ("a value of text", temperature(valueQuantity=quantity(value="38.4")), "required", "a number"),
    ("a value that is true", temperature(valueQuantity=quantity(value=True)), "required", "a number"),
    ("a bound", temperature(valueQuantity=quantity(comparator="<")), "not-supported", "bound"),
    ("another unit", temperature(valueQuantity=quantity(code="K")), "code-invalid", "must be Cel"),
    ("no unit system", temperature(valueQuantity={"value": 38.4, "unit": "Cel"}), "code-invalid", "unit"),
    ("out of range", temperature(valueQuantity=quantity(value=60)), "processing", "from 25 to 46"),
    ("beyond arithmetic", temperature(valueQuantity=quantity(value=10**400)), "value", "so great"),
    ("another meaning", temperature(modifierExtension=[]), "extension", "not understood"),
    ("a pressure alone", entered("8480-6", 120, "mm[Hg]", NOW), "invariant", "panel"),
    ("half a pressure", pressure(part("8480-6", 121)), "invariant", "both needed"),
    ("a pressure twice", pressure(part("8480-6", 121), part("8480-6", 120)), "invariant", "one systolic"),
    ("turned round", pressure(part("8480-6", 79), part("8462-4", 121)), "processing", "must be above"),
    ("no parts", pressure(), "invariant", "both needed"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused_with_the_reason(still: Site, body: dict[str, Any], code: str, words: str) -> None:
    first = issue(create(still, body), 422)
    assert (first["code"], words in first["diagnostics"]) == (code, True), first
    assert still.entries == []


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '"x"', '{"subject": 1, "subject": 2}', "[" * 50_000, '{"a": NaN}', b"\xff\xfe{}"]
)
def test_what_is_no_resource_is_refused(still: Site, body: str | bytes) -> None:
    answer = still.call("POST", BASE + "Observation", content=body, headers={"Content-Type": "application/json"})
    assert issue(answer, 400)["code"] == "structure"


def test_doors_and_forms(ward: Site) -> None:
    body = entered("8310-5", 38.4, "Cel", NOW)
    assert issue(create(ward, body, "auditor"), 403)["code"] == "forbidden"
    assert issue(create(ward, body, **{"Content-Type": "application/fhir+xml"}), 415)["code"] == "not-supported"
    assert issue(create(ward, body, **{"If-None-Exist": "patient=p-1"}), 400)["code"] == "not-supported"
    assert create(ward, body, Prefer="return=minimal").content == b""
    told = create(ward, body, Prefer="return=OperationOutcome")
    assert (told.status_code, told.json()["issue"][0]["diagnostics"]) == (200, "was stored before")


def test_a_discharged_patient_gets_nothing_new(ward: Site) -> None:
    ward.records.discharge("p-1", START + MINUTE)
    first = issue(create(ward, entered("8310-5", 38.4, "Cel", NOW)), 422)
    assert first["expression"] == ["Observation.subject"]


def test_an_implausible_value_is_stored_and_said_to_be_in_no_observation(ward: Site) -> None:
    answer = create(ward, entered("8867-4", 340, "/min", NOW))
    assert answer.status_code == 201
    assert "in no Observation" in answer.json()["issue"][0]["diagnostics"]
    assert found(ward, "Observation?patient=p-1") == []


def test_the_same_sent_twice_at_once_is_stored_once(ward: Site) -> None:
    body = entered("8310-5", 38.4, "Cel", NOW)
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(create(ward, body).status_code)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 200, 200, 201]
    assert len(ward.entries) == 1


def test_a_creation_does_not_wait_for_ever(ward: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating, "LONGEST_WAIT_S", 0.01)
    with ward.app.state.fhir.creating:
        assert issue(create(ward, entered("8310-5", 38.4, "Cel", NOW)), 503)["code"] == "transient"
    assert ask(ward, "Observation?patient=p-1&_summary=count")["total"] == 0

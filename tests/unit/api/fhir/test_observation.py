"""Readings and scores as Observations of the vital-signs profiles."""

from __future__ import annotations

import math

import pytest

from tests.unit.api.fhir.ask import SECOND, ask, codes, found, refused, storing
from tests.unit.api.site import START, Site
from vigil.domain.quality import Quality
from vigil.domain.scores import Band, Score, ScorePart, ScoreStatus
from vigil.domain.times import to_iso


@pytest.fixture
def worn(site: Site) -> Site:
    site.admit("p-1", "w-1")
    site.clock.advance(60)
    return site


def test_one_reading_whole(worn: Site) -> None:
    worn.store("w-1", "heart_rate", [72.4], start=START + SECOND, seq=7)
    assert ask(worn, "Observation/r1") == {
        "resourceType": "Observation",
        "id": "r1",
        "meta": {
            "versionId": "1",
            "lastUpdated": "2026-01-01T00:00:01.120Z",
            "source": "urn:vigil:device:w-1",
            "profile": [
                "http://hl7.org/fhir/StructureDefinition/vitalsigns",
                "http://hl7.org/fhir/StructureDefinition/heartrate",
            ],
        },
        "identifier": [{"system": "urn:vigil:reading", "value": f"w-1:hr:0:7:{START + SECOND}"}],
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "vital-signs",
                    }
                ]
            }
        ],
        "code": {
            "coding": [
                {"system": "http://loinc.org", "code": "8867-4"},
                {"system": "urn:iso:std:iso:11073:10101", "code": "147842"},
            ],
            "text": "Heart rate",
        },
        "subject": {"reference": "Patient/p-1"},
        "effectiveDateTime": "2026-01-01T00:00:01.000Z",
        "issued": "2026-01-01T00:00:01.120Z",
        "device": {"reference": "Device/w-1"},
        "valueQuantity": {"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
    }


def test_oxygen_saturation_has_the_code_of_r4_and_that_of_us_core(worn: Site) -> None:
    worn.store("w-1", "spo2", [96])
    (one,) = found(worn, "Observation?patient=p-1")
    assert codes(one) == ["2708-6", "59408-5", "150456"]


def test_a_blood_pressure_is_one_panel(worn: Site) -> None:
    at = START + SECOND
    worn.store("w-1", "bp_sys", [121], start=at)
    worn.store("w-1", "bp_dia", [79], start=at)
    worn.store("w-1", "bp_mean", [93], start=at)
    (panel,) = found(worn, "Observation?patient=p-1")
    assert (panel["id"], codes(panel)[0]) == ("p1", "85354-9")
    assert not [name for name in panel if name.startswith(("value", "dataAbsent"))]
    parts = {codes(one)[0]: one["valueQuantity"] for one in panel["component"]}
    assert {code: (one["value"], one["code"]) for code, one in parts.items()} == {
        "8480-6": (121, "mm[Hg]"),
        "8462-4": (79, "mm[Hg]"),
        "8478-0": (93, "mm[Hg]"),
    }
    assert ask(worn, "Observation/p1") == panel
    assert len(panel["identifier"]) == 3
    for name in ("r1", "r2", "p2", "p3"):
        refused(worn, f"Observation/{name}", 404)


def test_a_part_of_a_pressure_that_is_missing_or_bad_is_told_as_absent(worn: Site) -> None:
    at = START + SECOND
    worn.store("w-1", "bp_sys", [121], start=at, quality=Quality.MOTION)
    worn.store("w-1", "bp_mean", [93], start=at)
    (panel,) = found(worn, "Observation?patient=p-1")
    absent = {codes(one)[0]: one["dataAbsentReason"]["coding"][0]["code"] for one in panel["component"][:2]}
    assert absent == {"8480-6": "error", "8462-4": "unknown"}
    worn.store("w-1", "bp_sys", [130], start=at + SECOND, quality=Quality.CONTACT_LOST)
    assert len(found(worn, "Observation?patient=p-1")) == 1


def test_what_is_no_measurement_of_the_patient_is_in_none(worn: Site) -> None:
    for place, quality in enumerate((Quality.MOTION, Quality.TEST, Quality.NO_VALUE, Quality.REPEATED)):
        value = math.nan if quality is Quality.NO_VALUE else 40.0
        worn.store("w-1", "heart_rate", [value], start=START + place * SECOND, quality=quality)
    worn.store("w-1", "battery_level", [50])
    worn.store("w-1", "hrv_rmssd", [50])
    assert found(worn, "Observation?patient=p-1") == []


def test_doubt_is_told_beside_the_value(worn: Site) -> None:
    worn.store("w-1", "spo2", [91], quality=Quality.LOW_PERFUSION | Quality.EARLY_ESTIMATE)
    (one,) = found(worn, "Observation?patient=p-1")
    assert one["status"] == "preliminary"
    assert [tag["code"] for tag in one["meta"]["tag"]] == ["early_estimate", "low_perfusion"]


def test_consciousness_is_a_letter_and_a_finding(worn: Site) -> None:
    worn.store("w-1", "consciousness", [2, 1], start=START)
    confused, voice = found(worn, "Observation?patient=p-1&code=67775-7")
    assert voice["valueCodeableConcept"]["coding"][0]["code"] == "V"
    assert voice["valueCodeableConcept"]["coding"][1]["code"] == "300202002"
    assert [one["code"] for one in confused["valueCodeableConcept"]["coding"]] == ["C"]


def test_what_a_person_entered_names_no_device(worn: Site) -> None:
    site = storing(worn)
    site.post("/api/v1/patients/p-1/observations", {"values": [{"vital": "body_temp", "value": 37.25}]})
    (one,) = found(site, "Observation?patient=p-1")
    assert one["device"] == {"display": "entered by a person"}
    assert one["valueQuantity"]["value"] == 37.2


def test_a_demo_patient_is_marked_everywhere(site: Site) -> None:
    site.admit("p-1", "w-1", demo=True)
    site.store("w-1", "spo2", [96])
    site.raise_alert("p-1")
    for kind in ("Patient?_id=p-1", "Observation?patient=p-1", "DetectedIssue", "Flag"):
        (one,) = found(site, kind)
        assert one["meta"]["security"][0]["code"] == "HTEST", kind


PARTS = (
    ScorePart("resp_rate", 24.0, 2, START, 0.0),
    ScorePart("oxygen", "air", 0, START, 0.0),
    ScorePart("bp_sys", None, None, None, None),
)


def test_news2(site: Site) -> None:
    site.admit("p-1")
    site.readings.append_scores(
        [
            Score("news2", "p-1", START, ScoreStatus.COMPLETE, 7, 7, 7, Band.HIGH, True, PARTS[:2]),
            Score("news2", "p-1", START + 1, ScoreStatus.PARTIAL, None, 4, 7, Band.LOW, False, PARTS, ("bp_sys",)),
            Score(
                "news2", "p-1", START + 2, ScoreStatus.NOT_APPLICABLE, None, None, None, None, False, (), (), "a child"
            ),
        ]
    )
    none, partial, whole = found(site, "Observation?patient=p-1&code=http://snomed.info/sct|1104051000000101")
    assert (whole["valueInteger"], whole["status"]) == (7, "final")
    assert [one["valueInteger"] for one in whole["component"]] == [2, 0]
    assert codes(whole["component"][0]) == ["1104301000000104", "resp_rate"]
    assert (partial["status"], partial["dataAbsentReason"]["coding"][0]["code"]) == ("preliminary", "unknown")
    assert partial["note"][0]["text"] == "partial score 4 to 7: missing bp_sys"
    assert "valueInteger" not in partial
    assert partial["component"][2]["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert none["dataAbsentReason"]["coding"][0]["code"] == "not-applicable"
    assert none["note"][0]["text"] == "a child"
    assert ask(site, f"Observation/{partial['id']}") == partial


def test_ids_that_name_nothing(worn: Site) -> None:
    worn.store("w-1", "spo2", [96])
    for name in ("r0", "r2", "p1", "r999999999999999999", "n1.00000000000000000000", "x", "r-1", "r١"):
        refused(worn, f"Observation/{name}", 404)


def test_a_reading_belongs_to_who_wore_the_device_then(worn: Site) -> None:
    worn.store("w-1", "spo2", [97], start=START - SECOND)
    worn.store("w-1", "spo2", [96], start=START + SECOND)
    worn.admit("p-2")
    worn.records.bind("w-1", "p-2", START + 10 * SECOND)
    worn.store("w-1", "spo2", [95], start=START + 11 * SECOND)
    values = {
        who: [one["valueQuantity"]["value"] for one in found(worn, f"Observation?patient={who}")]
        for who in ("p-1", "p-2")
    }
    assert values == {"p-1": [96], "p-2": [95]}
    refused(worn, "Observation/r1", 404)
    assert ask(worn, "Observation/r3")["subject"] == {"reference": "Patient/p-2"}
    assert [one["effectiveDateTime"] for one in found(worn, "Observation?device=w-1")] == [
        to_iso(START + 11 * SECOND),
        to_iso(START + SECOND),
    ]

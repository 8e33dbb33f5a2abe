"""What an independent implementation says of what we send, and what becomes of HL7's own examples."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from tests.unit.api.fhir.ask import SECOND, ask, create, entered, refused, resources, storing
from tests.unit.api.fhir.test_observation import PARTS
from tests.unit.api.fhir.test_records import FORETOLD, told
from tests.unit.api.site import START, Site, open_site
from vigil.domain.deliveries import Target
from vigil.domain.quality import Quality
from vigil.domain.scores import Band, Score, ScoreStatus
from vigil.domain.times import to_iso
from vigil.domain.vitals import VITALS

EXAMPLES = "interop/fhir_r4_examples"

#: By the first place that is wrong.
AS_THEY_ARE = {
    "Observation.subject": 9,
    "Observation.effective": 37,
    "Observation.status": 8,
    "Observation.code": 9,
}
#: What is stored of the examples when they are of our patient and of now, and why the others are not.
STORED = {
    "": ["body_weight 83.9"],
    "bloodpressure": ["bp_sys 107", "bp_dia 60"],
    "body-temperature": ["body_temp 36.5"],
    "f001-glucose": ["glucose_mmol 6.3"],
    "glasgow": ["gcs 13"],
    "glasgow-qa": ["gcs 13"],
    "heart-rate": ["heart_rate 44"],
    "map-sitting": ["bp_mean 60"],
    "mbp": ["bp_mean 80"],
    "respiratory-rate": ["resp_rate 26"],
    "satO2": ["spo2 95"],
}
OTHERS = {
    "Observation.code: no vital sign that is kept here has this code": 30,
    "Observation.code: no coding of the system http://loinc.org": 9,
    "Observation.code: a coding is needed": 4,
    "Observation.status: must be final: what may still change is not taken over": 8,
    "Observation.component[1].value: valueQuantity is needed": 1,
}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A patient with one of everything."""
    site = open_site(tmp_path_factory.mktemp("full"))
    site.admit("p-1", "w-1", demo=True)
    site.clock.advance(60)
    for kind in VITALS:
        middle = round(sum(kind.plausible) / 2) if not kind.codes else 1
        site.store("w-1", kind.name, [middle], start=START + SECOND, quality=Quality.LOW_PERFUSION)
    site.store("w-1", "bp_sys", [120], start=START + 2 * SECOND)
    site.readings.append_scores(
        [
            Score("news2", "p-1", START, ScoreStatus.COMPLETE, 7, 7, 7, Band.HIGH, True, PARTS[:2]),
            Score("news2", "p-1", START + 1, ScoreStatus.PARTIAL, None, 4, 7, Band.LOW, False, PARTS, ("bp_sys",)),
        ]
    )
    site.readings.append_predictions([FORETOLD])
    told(site, Target("app", "Noor"), values=({"vital": "spo2", "value": 84.0, "quality": 0, "ordinal": 2},))
    yield site
    site.close()


def judged(document: Any) -> None:
    """Raises pydantic's ``ValidationError``: an element that R4 does not know, or that it needs, or of a wrong type."""
    get_fhir_model_class(document["resourceType"]).model_validate(document)


@pytest.mark.parametrize("role", ["nurse", "auditor"])
def test_everything_that_is_sent_is_valid(full: Site, role: str) -> None:
    bundle = ask(full, "Patient/p-1/$everything?_count=1000", role)
    judged(bundle)
    found = resources(bundle)
    kinds = Counter(one["resourceType"] for one in found)
    assert set(kinds) == {
        "Patient", "Device", "Flag", "DetectedIssue", "RiskAssessment", "Communication", "Observation"
    }  # fmt: skip
    assert kinds["Observation"] == 18
    metrics = ask(full, "DeviceMetric", role)
    provenance = ask(full, f"Provenance?target=Observation/{found[-1]['id']}", role)
    for one in (*found, *resources(metrics), *resources(provenance), metrics):
        judged(one)
    judged(ask(full, "metadata", role))
    judged(ask(full, "Observation/$why?device=w-1", role))
    judged(full.get("/fhir/R4/Observation", role).json())


def test_vital_signs_keep_the_profiles_rules(full: Site) -> None:
    """vs-1 to vs-3, and what R4B's models do not check."""
    for one in resources(ask(full, "Observation?patient=p-1&category=vital-signs")):
        assert one["subject"]["reference"] == "Patient/p-1"
        assert len(one["effectiveDateTime"]) == len("2026-01-01T00:00:00.000Z")
        assert one["code"]["coding"][0]["system"] == "http://loinc.org"
        assert one["meta"]["profile"][0].endswith("/vitalsigns")
        parts = one.get("component", [])
        assert ("valueQuantity" in one) != bool(parts)
        for part in parts or [one]:
            assert ("valueQuantity" in part) != ("dataAbsentReason" in part)
            assert (
                part.get("valueQuantity", {}).get("system", "http://unitsofmeasure.org") == "http://unitsofmeasure.org"
            )


def examples(recordings: Path) -> list[tuple[str, Any]]:
    """Name and resource of each Observation of HL7's examples, of the bundles' entries too."""
    found: list[tuple[str, Any]] = []
    for path in sorted((recordings / EXAMPLES).glob("*.json")):
        document = json.loads(path.read_text())
        inside = [entry["resource"] for entry in document.get("entry", ()) if "resource" in entry]
        found += [(path.stem, one) for one in (document, *inside) if one["resourceType"] == "Observation"]
    return found


@pytest.mark.recordings
def test_the_examples_of_hl7_as_they_are_are_refused_with_the_reason(recordings: Path, full: Site) -> None:
    """Their people are not ours and their days are long past."""
    site = storing(full)
    reasons: Counter[str] = Counter()
    for name, example in examples(recordings):
        answer = create(site, example)
        assert answer.status_code in (413, 422), name
        first = answer.json()["issue"][0]
        assert first["diagnostics"], name
        reasons[first["expression"][0] if "expression" in first else first["code"]] += 1
    assert reasons == AS_THEY_ARE
    assert site.entries == []


@pytest.mark.recordings
def test_the_examples_of_hl7_of_our_patient_and_now(recordings: Path, full: Site) -> None:
    site = storing(full)
    stored: dict[str, list[str]] = {}
    reasons: Counter[str] = Counter()
    for name, example in examples(recordings):
        site.clock.advance(1)
        times = {one: None for one in example if one.startswith("effective")}
        here = {one: value for one, value in example.items() if one not in times}
        here |= {"subject": {"reference": "Patient/p-1"}, "effectiveDateTime": to_iso(site.clock.now_us())}
        answer = create(site, here)
        if answer.status_code == 201:
            judged(answer.json())
            stored[name.removeprefix("observation-example").lstrip("-")] = [
                f"{vital} {value:g}" for vital, value, _ in site.entries[-1].values
            ]
        else:
            assert answer.status_code in (413, 422), (name, answer.text)
            reasons[answer.json()["issue"][0]["diagnostics"]] += 1
    assert stored == STORED
    assert reasons == OTHERS


def test_a_refusal_is_valid_too(full: Site) -> None:
    for body in ({}, entered("8310-5", 60, "Cel", to_iso(START))):
        judged(create(full, body).json())
    refused(full, "Observation?_count=-1&patient=p-1", 400)

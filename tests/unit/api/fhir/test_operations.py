"""``$lastn`` with its ties, ``$everything`` page by page, and ``$why``."""

from __future__ import annotations

from typing import Any

import pytest

from api.fhir import operations
from tests.unit.api.fhir.ask import SECOND, ask, found, ids, refused, resources, walked
from tests.unit.api.site import START, Site
from vigil.domain.people import Device
from vigil.domain.quality import Quality


@pytest.fixture
def chart(site: Site) -> Site:
    site.admit("p-1", "w-1")
    site.clock.advance(100)
    site.store("w-1", "heart_rate", [70, 71, 72], start=START + SECOND)
    site.store("w-1", "spo2", [97], start=START + SECOND)
    site.store("w-1", "bp_sys", [120, 130], start=START + SECOND)
    site.store("w-1", "bp_dia", [80, 85], start=START + SECOND)
    return site


def test_lastn_gives_the_newest_of_each_code(chart: Site) -> None:
    one = ask(chart, "Observation/$lastn?patient=p-1&category=vital-signs")
    assert ids(one) == ["r3", "r4", "p6"]
    assert one["total"] == 3
    assert found(chart, "Observation/$lastn?subject=Patient/p-1&code=8867-4&max=2") == found(
        chart, "Observation?patient=p-1&code=8867-4&_count=2"
    )
    assert ids(ask(chart, "Observation/$lastn?patient=p-1&category=vital-signs&date=le2026-01-01T00:00:01Z")) == [
        "r1",
        "r4",
        "p5",
    ]


def test_ties_are_all_given(chart: Site) -> None:
    chart.records.put_device(Device("w-2", "patch"))
    chart.records.bind("w-2", "p-1", START)
    chart.store("w-2", "heart_rate", [90], start=START + 3 * SECOND)
    assert ids(ask(chart, "Observation/$lastn?patient=p-1&code=8867-4")) == ["r9", "r3"]
    assert ids(ask(chart, "Observation/$lastn?patient=p-1&code=8867-4&max=2")) == ["r9", "r3", "r2"]


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("patient=p-1", "required"),
        ("category=vital-signs", "required"),
        ("patient=p-1&code=8867-4&max=0", "value"),
        ("patient=p-1&code=8867-4&max=101", "value"),
        ("patient=p-1&code=8867-4&max=-1", "value"),
    ],
)
def test_lastn_refuses(chart: Site, question: str, code: str) -> None:
    assert refused(chart, f"Observation/$lastn?{question}", 400)["code"] == code


def test_lastn_has_a_limit(chart: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MOST", 3)
    first = refused(chart, "Observation/$lastn?patient=p-1&category=vital-signs&max=2", 422)
    assert first["code"] == "too-costly"


def test_everything_is_the_patient_then_all_about_him(chart: Site) -> None:
    alert = chart.raise_alert("p-1")
    chart.admit("p-2", "w-2")
    chart.store("w-2", "spo2", [90])
    chart.raise_alert("p-2")
    whole = ask(chart, "Patient/p-1/$everything")
    kinds = [one["resourceType"] for one in resources(whole)]
    assert kinds == ["Patient", "Device", "Flag", "DetectedIssue"] + ["Observation"] * 6
    assert {"p-1", "w-1", alert.alert_id, "r1", "p5"} <= set(ids(whole))
    for count in (1, 2, 3, 4, 9, 10, 11):
        pages = walked(chart, f"Patient/p-1/$everything?_count={count}")
        assert [one for page in pages for one in page] == ids(whole), count
        assert all(len(page) == count for page in pages[:-1]), count


def test_everything_of_some_types_and_times(chart: Site) -> None:
    path = "Patient/p-1/$everything?"
    assert {one["resourceType"] for one in found(chart, path + "_type=Observation,Patient")} == {
        "Patient",
        "Observation",
    }
    assert ids(ask(chart, path + "_type=Observation&start=2026-01-01T00:00:03Z&end=2026-01-01")) == ["r3"]
    assert ids(ask(chart, path + "_type=Observation&_since=2026-01-01T00:00:03.120Z")) == ["r3"]
    for wrong in ("start=soon", "_count=0"):
        assert refused(chart, path + wrong, 400)["code"] == "value"
    assert refused(chart, "Patient/p-9/$everything", 404)["code"] == "not-found"


def test_devices_are_for_those_who_may_see_them(chart: Site) -> None:
    kinds = {one["resourceType"] for one in found(chart, "Patient/p-1/$everything", "research")}
    assert kinds == {"Patient", "Observation"}
    refused(chart, "Device", 403, "research")


def why(site: Site, question: str, role: str = "technician") -> list[tuple[Any, str]]:
    body = ask(site, f"Observation/$why?{question}", role)
    return [(one.get("details", {}).get("coding", [{}])[0].get("code"), one["diagnostics"]) for one in body["issue"]]


def test_why_a_reading_is_in_no_observation(chart: Site) -> None:
    chart.store("w-1", "heart_rate", [250], start=START + 9 * SECOND, quality=Quality.MOTION)
    chart.store("w-1", "hrv_rmssd", [40], start=START + 9 * SECOND)
    chart.store("w-1", "battery_level", [40], start=START + 9 * SECOND)
    chart.store("w-1", "spo2", [90], start=START - SECOND)
    at = "date=2026-01-01T00:00:09Z"
    assert [reason for reason, _ in why(chart, f"device=w-1&{at}")] == ["of-device", "no-code", "gated"]
    ((_, gated),) = why(chart, f"device=Device/w-1&code=8867-4&{at}")
    assert gated.endswith("it is no measurement of the patient (motion)")
    assert "250" not in gated
    assert [reason for reason, _ in why(chart, "device=w-1&code=spo2")] == ["shown", "nobodys"]
    ((shown, words),) = why(chart, "device=w-1&code=bp_sys&date=2026-01-01T00:00:01Z")
    assert (shown, words.endswith("in Observation/p5")) == ("shown", True)
    assert why(chart, "device=w-1&date=2030") == [(None, "no reading of this is stored")]


def test_why_agrees_with_the_search(chart: Site) -> None:
    chart.store("w-1", "bp_sys", [120], start=START + 9 * SECOND, quality=Quality.MOTION)
    chart.store("w-1", "bp_dia", [70], start=START + 9 * SECOND)
    told = {words.rpartition("Observation/")[2] for reason, words in why(chart, "device=w-1") if reason == "shown"}
    told = {word.removesuffix(" with dataAbsentReason") for word in told}
    assert told == set(ids(ask(chart, "Observation?patient=p-1")))


def test_why_needs_a_device_that_is_there(chart: Site) -> None:
    assert refused(chart, "Observation/$why?date=2026", 400)["code"] == "required"
    assert refused(chart, "Observation/$why?device=w-9", 404)["code"] == "not-found"
    refused(chart, "Observation/$why?device=w-1", 403, "research")

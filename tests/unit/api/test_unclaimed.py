"""Values that nobody wore the device for: listed, claimed once, shown to whom they then belong to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.api.site import START, Site
from vigil.domain.people import Device
from vigil.domain.times import MINUTE, SECOND, to_iso

WHERE = "/api/v1/devices/w-1/unclaimed"


def items(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.get(WHERE, "technician").json()["items"]
    return found


def body(start: int, end: int, patient_id: str = "p-1") -> dict[str, str]:
    return {"patient_id": patient_id, "start_at": to_iso(start), "end_at": to_iso(end)}


def test_values_before_the_first_binding_are_unclaimed_and_then_the_patients(site: Site) -> None:
    site.records.put_device(Device("w-1", "patch-2"))
    assert items(site) == []
    site.store("w-1", "spo2", [97.0] * 60, start=START - 60 * MINUTE)
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [96.0] * 5, start=START)
    (found,) = items(site)
    assert found == {
        "from_at": None,
        "to_at": to_iso(START),
        "first_at": to_iso(START - 60 * MINUTE),
        "last_at": to_iso(START - 60 * MINUTE + 59 * SECOND),
        "values": 60,
    }
    chart = "/api/v1/patients/p-1/vitals?vital=spo2&raw=true"
    span = f"&from={to_iso(START - 120 * MINUTE)}&to={to_iso(START + MINUTE)}"

    def shown() -> int:
        return sum(len(stream["raw"]) for stream in site.get(chart + span).json()["streams"])

    assert shown() == 5
    answer = site.post(WHERE, body(START - 60 * MINUTE, START), "nurse")
    assert (answer.status_code, answer.json()["patient_id"]) == (201, "p-1")
    assert (items(site), shown()) == ([], 65)


def test_between_two_patients_and_after_the_last(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.admit("p-2")
    site.clock.advance(60)
    site.records.unbind("w-1", START + MINUTE)
    site.store("w-1", "heart_rate", [70.0], start=START + 90 * SECOND)
    site.records.bind("w-1", "p-2", START + 2 * MINUTE)
    site.records.unbind("w-1", START + 3 * MINUTE)
    site.store("w-1", "heart_rate", [71.0, 72.0], start=START + 4 * MINUTE)
    assert [(found["from_at"], found["to_at"], found["values"]) for found in items(site)] == [
        (to_iso(START + MINUTE), to_iso(START + 2 * MINUTE), 1),
        (to_iso(START + 3 * MINUTE), None, 2),
    ]


@pytest.mark.parametrize(
    ("start", "end", "patient_id", "status"),
    [
        (START - MINUTE, START + SECOND, "p-1", 422),  # the last second is p-1's already
        (START - MINUTE, START - MINUTE, "p-1", 422),
        (START - MINUTE, START + 60 * MINUTE, "p-1", 422),  # the future
        (START - MINUTE, START, "p-9", 404),
        (START - MINUTE, START, "self-test.up", 404),
    ],
)
def test_claims_that_cannot_be(site: Site, start: int, end: int, patient_id: str, status: int) -> None:
    site.admit("p-1", "w-1")
    site.clock.advance(60)
    assert site.post(WHERE, body(start, end, patient_id), "nurse").status_code == status
    assert len(site.records.bindings()) == 1


def test_who_may(site: Site) -> None:
    site.admit("p-1", "w-1")
    assert site.get("/api/v1/devices/w-9/unclaimed", "technician").status_code == 404
    assert site.get("/api/v1/devices/manual.p-1/unclaimed", "technician").status_code == 404
    assert site.get(WHERE, "research").status_code == 403
    assert site.post(WHERE, body(START - MINUTE, START), "auditor").status_code == 403

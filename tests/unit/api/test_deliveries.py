"""What became of what a device sent, and the end of a watch."""

from __future__ import annotations

from tests.unit.api.site import START, Site
from vigil.domain.times import to_iso
from vigil.store import DeadLetter


def letter(device_id: str, at: int, reason: str, *values: str) -> DeadLetter:
    refused = tuple({"name": "hr", "reason": value, "detail": ""} for value in values)
    return DeadLetter(at, f"rpm/v1/home/d/{device_id}/tel/vitals", device_id, reason, "", b"[]", refused)


def test_deliveries_count_what_was_stored_and_refused_since_then(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "heart_rate", [70, 71, 72])
    site.refuse(letter("w-1", START - 10, "malformed"), letter("w-2", START, "malformed"))
    site.refuse(*[letter("w-1", START, "out_of_range", "out_of_range", "unknown_name")] * 600)
    site.refuse(letter("w-1", START, "malformed"))
    answer = site.get("/api/v1/devices/w-1/deliveries", params={"since": to_iso(START - 5_000_000)})
    assert answer.status_code == 200
    assert answer.json() == {
        "device_id": "w-1",
        "since_at": to_iso(START - 5_000_000),
        "values_stored": 3,
        "values_refused": {"out_of_range": 600, "unknown_name": 600},
        "packs_refused": {"malformed": 2},
    }
    later = site.get("/api/v1/devices/w-1/deliveries", params={"since": to_iso(START + 60_000_000)}).json()
    assert (later["values_stored"], later["packs_refused"]) == (0, {})
    assert site.get("/api/v1/devices/w-1/deliveries", params={"since": "yesterday"}).status_code == 422


def test_a_discharged_patient_leaves_the_ward_and_frees_the_device(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.clock.advance(60)
    assert site.post("/api/v1/patients/p-1/discharge", None, "nurse").status_code == 403
    assert site.post("/api/v1/patients/p-1/discharge", None, "clinician").status_code == 200
    assert site.get("/api/v1/patients").json()["items"] == []
    assert site.get("/api/v1/devices").json()["items"][0]["patient_id"] is None
    assert site.post("/api/v1/patients/p-9/discharge", None, "clinician").status_code == 404

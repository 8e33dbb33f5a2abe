"""Notes, contacts and pauses of patients by the API: who may, what is shown to whom, what stands in the audit log."""

from __future__ import annotations

from typing import Any

import pytest

from api.audit import audit_log
from tests.unit.api.site import Site
from vigil.domain.audit import Question, Step
from vigil.domain.scores import Coverage, CoverageState
from vigil.domain.times import DAY, HOUR, MINUTE, to_iso

PATIENT = "/api/v1/patients/p-1"
NOTES, CONTACTS, PAUSES = f"{PATIENT}/notes", f"{PATIENT}/contacts", f"{PATIENT}/pauses"
KNOWN: dict[str, Any] = {
    "phone": "+49 30 111",
    "address": "Lindenweg 3",
    "next_of_kin": {"name": "Marker-Kin", "relation": "daughter", "phone": "+49 30 222"},
    "ceiling": {"text": "ward level", "by": "Dr Wang", "on": "2025-12-30"},
}
NOTHING = {
    "version": 0,
    "author": "",
    "at": None,
    "phone": "",
    "address": "",
    "next_of_kin": {"name": "", "relation": "", "phone": ""},
    "ceiling": None,
}


@pytest.fixture(autouse=True)
def there(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.admit("p-2")


def log_of(site: Site, route: str) -> list[tuple[str, str, str, int]]:
    """Step, patient, reason and status of each entry of a route, oldest first."""
    audit_log(site.app).write()
    found = reversed(site.records.audit(Question(route=route)))
    return [(one.entry.step.value, one.entry.patient_id, one.entry.reason, one.entry.status) for one in found]


def test_a_note_is_written_read_and_struck_by_whoever_wrote_it(site: Site) -> None:
    now = to_iso(site.clock.now_us())
    made = site.post(NOTES, {"text": " Marker slept badly "})
    assert made.status_code == 201
    note = made.json()
    assert note == {
        "id": note["id"],
        "kind": "note",
        "text": "Marker slept badly",
        "author": "Li Na",
        "at": now,
        "alert_id": None,
        "struck_by": "",
        "struck_at": None,
    }
    assert site.post(f"{NOTES}/{note['id']}/strike", None, name="Chen Wei").status_code == 422
    struck = site.post(f"{NOTES}/{note['id']}/strike", None).json()
    assert (struck["text"], struck["struck_by"], struck["struck_at"]) == ("Marker slept badly", "Li Na", now)
    assert site.get(NOTES).json() == {"items": [struck]}
    assert site.post(f"{NOTES}/{note['id'] + 1}/strike", None).status_code == 404
    assert site.post(f"/api/v1/patients/p-2/notes/{note['id']}/strike", None).status_code == 404


def test_what_was_done_stands_with_the_alert_and_needs_no_words(site: Site) -> None:
    alert = site.raise_alert("p-1")
    other = site.raise_alert("p-2")
    called = site.post(NOTES, {"kind": "called", "alert_id": alert.alert_id}).json()
    site.clock.advance(60)
    helped = site.post(NOTES, {"kind": "sent_help", "text": "by ambulance", "alert_id": alert.alert_id}).json()
    site.post(NOTES, {"text": "about the patient"})
    assert site.get(f"/api/v1/alerts/{alert.alert_id}").json()["notes"] == [helped, called]
    assert site.get(f"{NOTES}?alert={alert.alert_id}").json()["items"] == [helped, called]
    assert site.get(f"/api/v1/alerts/{other.alert_id}").json()["notes"] == []
    assert site.post(NOTES, {"kind": "called", "alert_id": other.alert_id}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"text": "  "}, {"text": "x" * 2001}, {"kind": "gossip", "text": "x"}, {"text": "x", "author": "somebody"}],
)
def test_a_note_that_says_nothing_or_too_much_is_refused(site: Site, body: dict[str, str]) -> None:
    assert site.post(NOTES, body).status_code == 422
    assert site.get(NOTES).json() == {"items": []}


def test_contacts_are_replaced_as_a_whole_and_the_second_writer_is_told(site: Site) -> None:
    assert site.get(CONTACTS).json() == NOTHING
    kept = site.call("PUT", CONTACTS, json={"after": 0, **KNOWN})
    assert kept.json() == {"version": 1, "author": "Li Na", "at": to_iso(site.clock.now_us()), **KNOWN}
    assert site.get(CONTACTS).json() == kept.json()
    assert site.call("PUT", CONTACTS, "clinician", json={"after": 0, "phone": "1"}).status_code == 409
    second = site.call("PUT", CONTACTS, "clinician", json={"after": 1, "phone": "1"}).json()
    assert (second["version"], second["phone"], second["ceiling"]) == (2, "1", None)


@pytest.mark.parametrize(
    "change",
    [
        {"after": -1},
        {"phone": "1" * 41},
        {"ceiling": {"text": "ward level", "by": "Dr Wang"}},
        {"ceiling": {"text": " ", "by": "Dr Wang", "on": "2025-12-30"}},
        {"ceiling": {"text": "ward level", "by": "Dr Wang", "on": "2026-01-02"}},
        {"next_of_kin": {"name": "x" * 201}},
    ],
)
def test_contacts_that_cannot_be_are_refused(site: Site, change: dict[str, Any]) -> None:
    assert site.call("PUT", CONTACTS, json={"after": 0, **KNOWN, **change}).status_code == 422
    assert site.get(CONTACTS).json() == NOTHING


def test_a_pause_has_an_end_and_is_ended_early_once(site: Site) -> None:
    now = site.clock.now_us()
    made = site.post(PAUSES, {"minutes": 90, "reason": "dialysis"})
    assert made.status_code == 201
    pause = made.json()
    assert pause == {
        "id": pause["id"],
        "start_at": to_iso(now),
        "end_at": to_iso(now + 90 * MINUTE),
        "running": True,
        "reason": "dialysis",
        "by": "Li Na",
        "ended_at": None,
        "ended_by": "",
    }
    assert site.post(PAUSES, {"minutes": 5, "reason": "again"}).status_code == 409
    site.clock.jump_to(now + 10 * MINUTE)
    ended = site.post(f"{PAUSES}/{pause['id']}/end", None, name="Chen Wei").json()
    assert (ended["running"], ended["ended_by"], ended["ended_at"]) == (False, "Chen Wei", to_iso(now + 10 * MINUTE))
    assert site.post(f"{PAUSES}/{pause['id']}/end", None).json() == ended
    again = site.post(PAUSES, {"minutes": 1440, "reason": "scan"}).json()
    assert site.get(PAUSES).json() == {"items": [again, ended]}
    site.clock.jump_to(now + 10 * MINUTE + DAY)
    assert site.get(PAUSES).json()["items"][0]["running"] is False


@pytest.mark.parametrize(
    "body",
    [
        {"minutes": 0, "reason": "x"},
        {"minutes": 1441, "reason": "x"},
        {"minutes": 5},
        {"minutes": 5, "reason": " "},
        {"minutes": 5, "reason": "x" * 501},
    ],
)
def test_no_pause_without_a_reason_and_a_near_end(site: Site, body: dict[str, Any]) -> None:
    assert site.post(PAUSES, body).status_code == 422
    assert site.get(PAUSES).json() == {"items": []}


def test_a_discharged_patient_is_read_of_and_not_paused(site: Site) -> None:
    site.post(NOTES, {"text": "goes home"})
    site.records.discharge("p-1", site.clock.now_us())
    assert len(site.get(NOTES).json()["items"]) == 1
    assert site.post(PAUSES, {"minutes": 5, "reason": "x"}).status_code == 422


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [("nurse", True, True), ("clinician", True, True), ("admin", True, True), ("auditor", True, False),
     ("research", True, False), ("technician", False, False), (None, False, False)],
)  # fmt: skip
def test_who_reads_and_who_writes(site: Site, role: str | None, reads: bool, writes: bool) -> None:
    asked: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", NOTES, {"text": "x"}),
        ("PUT", CONTACTS, {"after": 0, **KNOWN}),
        ("POST", PAUSES, {"minutes": 5, "reason": "x"}),
    ]
    for path in (NOTES, CONTACTS, PAUSES):
        assert site.get(path, role).is_success is reads, path
    for method, path, body in asked:
        assert site.call(method, path, role, json=body).is_success is writes, path


def test_nobody_without_the_right_to_names_reads_what_was_typed(site: Site) -> None:
    alert = site.raise_alert("p-1")
    site.post(NOTES, {"text": "Marker-Note", "alert_id": alert.alert_id})
    site.call("PUT", CONTACTS, json={"after": 0, **KNOWN})
    site.post(PAUSES, {"minutes": 5, "reason": "Marker-Bath"})
    assert "Marker-Note" in site.get(f"/api/v1/alerts/{alert.alert_id}").text
    for path in (NOTES, CONTACTS, PAUSES, f"/api/v1/alerts/{alert.alert_id}", "/api/v1/handover?ward=north"):
        answer = site.get(path, "research")
        assert answer.status_code == 200
        assert "Marker-" not in answer.text, path
        assert "Lindenweg" not in answer.text
    assert site.get(CONTACTS, "research").json() == {
        **NOTHING,
        "version": 1,
        "author": "Li Na",
        "at": to_iso(site.clock.now_us()),
    }


def test_changes_are_in_the_audit_log_with_the_patient_and_the_reason_and_no_other_word(site: Site) -> None:
    site.post(NOTES, {"text": "Marker-Note"})
    site.call("PUT", CONTACTS, json={"after": 0, **KNOWN})
    site.post(PAUSES, {"minutes": 5, "reason": "dialysis"})
    template = "/api/v1/patients/{patient_id}"
    assert log_of(site, f"{template}/notes") == [("asked", "p-1", "", 0), ("answered", "p-1", "", 201)]
    assert log_of(site, f"{template}/contacts") == [("asked", "p-1", "", 0), ("answered", "p-1", "", 200)]
    assert log_of(site, f"{template}/pauses") == [("asked", "p-1", "", 0), ("answered", "p-1", "dialysis", 201)]
    assert "Marker-" not in str(site.records.audit(Question()))
    site.get(CONTACTS)
    assert log_of(site, f"{template}/contacts")[-1] == (Step.ANSWERED.value, "p-1", "", 200)


def test_who_is_erased_has_no_notes_contacts_and_pauses(site: Site) -> None:
    alert = site.raise_alert("p-1")
    site.post(NOTES, {"text": "Marker-Note", "alert_id": alert.alert_id})
    site.call("PUT", CONTACTS, json={"after": 0, **KNOWN})
    site.records.discharge("p-1", site.clock.now_us())
    site.records.erasures.erase("p-1", "admin", site.clock.now_us())
    assert {site.get(path).status_code for path in (NOTES, CONTACTS, PAUSES)} == {404}
    assert site.get(f"/api/v1/alerts/{alert.alert_id}").json()["notes"] == []


def test_the_hand_over_tells_what_was_done_and_who_is_paused_and_why(site: Site) -> None:
    site.clock.jump_to(site.clock.now_us() + 5 * HOUR)
    now = site.clock.now_us()
    site.post(NOTES, {"kind": "no_answer"})
    taken_back = site.post(NOTES, {"text": "wrong patient"}).json()["id"]
    site.post(f"{NOTES}/{taken_back}/strike", None)
    site.post(PAUSES, {"minutes": 90, "reason": "dialysis"})
    site.bus.board.put_coverage(Coverage("p-1", CoverageState.PAUSED, now, "monitoring is paused", now + 90 * MINUTE))
    facts = site.get("/api/v1/handover?ward=north").json()
    assert [(one["patient"]["id"], one["kind"], one["author"]) for one in facts["notes"]] == [
        ("p-1", "no_answer", "Li Na")
    ]
    paused = next(one for one in facts["not_watched"] if one["patient"]["id"] == "p-1")
    assert (paused["state"], paused["why"], paused["until_at"]) == ("paused", "dialysis", to_iso(now + 90 * MINUTE))
    said = site.get("/api/v1/handover?ward=north", headers={"Accept": "text/markdown"}).text
    assert "05:00 Li Na called, no answer." in said
    assert "monitoring paused since 05:00 until 06:30. dialysis." in said
    assert "wrong patient" not in said

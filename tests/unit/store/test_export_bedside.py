"""A patient's own copy holds what people kept with the patient, and nobody of the staff."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from tests.conformance.stores.factories import KEY
from tests.conformance.stores.given import T0, patient
from vigil.domain.contacts import Contacts, ContactsVersion
from vigil.domain.errors import NotFound
from vigil.domain.notes import Note, NoteKind
from vigil.domain.pauses import Pause
from vigil.domain.times import HOUR, to_iso
from vigil.runtime.clock import ManualClock
from vigil.store.duck import DuckReadingStore
from vigil.store.export_bedside import kept_rows
from vigil.store.export_person import write_ndjson
from vigil.store.records import SqlRecordStore


def test_contacts_notes_and_pauses_oldest_first(tmp_path: Path) -> None:
    with closing(SqlRecordStore(f"sqlite:///{tmp_path / 'records.sqlite3'}", KEY)) as records:
        records.add_patient(patient())
        records.add_patient(patient("p-2"))
        records.notes.add(Note("p-2", NoteKind.NOTE, "of somebody else", "nurse-marker", T0))
        records.contacts.put(ContactsVersion("p-1", Contacts(phone="old"), "nurse-marker", T0), 0)
        kept = Contacts(phone="030 1", ceiling="ward level", ceiling_by="Dr Wang", ceiling_on=date(2026, 1, 1))
        records.contacts.put(ContactsVersion("p-1", kept, "nurse-marker", T0 + 1), 1)
        number = records.notes.add(Note("p-1", NoteKind.NOTE, "slept badly", "nurse-marker", T0)).note_id
        records.notes.add(Note("p-1", NoteKind.CALLED, "", "nurse-marker", T0 + 1))
        records.notes.strike("p-1", number, "nurse-marker", T0 + 2)
        paused = records.pauses.add(Pause("p-1", T0, T0 + HOUR, "a bath", "nurse-marker"))
        records.pauses.end("p-1", paused.pause_id, "nurse-marker", T0 + 5)
        rows = list(kept_rows(records, "p-1"))
        with pytest.raises(NotFound):
            list(kept_rows(records, "p-9"))
    assert [(one["what"], one["at"]) for one in rows] == [
        ("contacts", to_iso(T0 + 1)),
        ("note", to_iso(T0)),
        ("note", to_iso(T0 + 1)),
        ("pause", to_iso(T0)),
    ]
    assert (rows[0]["phone"], rows[0]["ceiling_by"], rows[0]["ceiling_on"]) == ("030 1", "Dr Wang", "2026-01-01")
    assert [(one["text"], one["struck_at"]) for one in rows[1:3]] == [("slept badly", to_iso(T0 + 2)), ("", None)]
    assert (rows[3]["until"], rows[3]["planned_until"]) == (to_iso(T0 + 5), to_iso(T0 + HOUR))
    assert "nurse-marker" not in str(rows)


def test_they_stand_in_the_patients_own_copy(tmp_path: Path) -> None:
    readings = tmp_path / "readings.duckdb"
    DuckReadingStore(readings, ManualClock()).close()
    with closing(SqlRecordStore(f"sqlite:///{tmp_path / 'records.sqlite3'}", KEY)) as records:
        records.add_patient(patient())
        records.contacts.put(ContactsVersion("p-1", Contacts(address="Łódź"), "nurse-marker", T0), 0)
        records.notes.add(Note("p-1", NoteKind.NOTE, "slept badly", "nurse-marker", T0))
        records.pauses.add(Pause("p-1", T0, T0 + HOUR, "a bath", "nurse-marker"))
        assert write_ndjson(readings, records, "p-1", tmp_path / "own.ndjson") == 0
    told = [json.loads(line) for line in (tmp_path / "own.ndjson").read_text("utf-8").splitlines()]
    assert [one["what"] for one in told] == ["person", "contacts", "note", "pause"]
    assert [told[1]["address"], told[2]["text"], told[3]["reason"]] == ["Łódź", "slept badly", "a bath"]

"""What people kept with a patient, as rows of the patient's own copy: contacts, notes, pauses.

The copy of a person holds what is stored about the person in words, struck notes too (GDPR Art. 15). Who of the staff wrote it
is left out, as everywhere in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from vigil.domain.contacts import ContactsVersion
from vigil.domain.notes import Note
from vigil.domain.pauses import Pause
from vigil.domain.times import to_iso
from vigil.store import RecordStore

#: More than anybody ever has; a cap against a runaway answer.
_EVERY = 1_000_000


def kept_rows(records: RecordStore, patient_id: str) -> Iterator[dict[str, Any]]:
    """The contacts that hold, then every note and every pause, oldest first. Raises ``NotFound``."""
    yield from map(_contacts, records.contacts.of_patient(patient_id)[:1])
    yield from map(_note, reversed(records.notes.of_patient(patient_id, limit=_EVERY)))
    yield from map(_pause, reversed(records.pauses.of_patient(patient_id, limit=_EVERY)))


def _contacts(version: ContactsVersion) -> dict[str, Any]:
    kept = version.contacts
    day = None if kept.ceiling_on is None else kept.ceiling_on.isoformat()
    return {"what": "contacts", "at": to_iso(version.at), **asdict(kept), "ceiling_on": day}


def _note(note: Note) -> dict[str, Any]:
    struck = None if note.struck_at is None else to_iso(note.struck_at)
    told = {"kind": note.kind.value, "text": note.text, "alert": note.alert_id or None, "struck_at": struck}
    return {"what": "note", "at": to_iso(note.at), **told}


def _pause(pause: Pause) -> dict[str, Any]:
    told = {"until": to_iso(pause.over_at), "planned_until": to_iso(pause.end_at), "reason": pause.reason}
    return {"what": "pause", "at": to_iso(pause.start_at), **told}

"""What people keep with a patient, as it is shown. ``names`` False leaves out what they typed: it may name somebody."""

from __future__ import annotations

from api.shape import Json, iso, iso_or_none
from vigil.domain.alerts import Alert
from vigil.domain.contacts import Contacts, ContactsVersion
from vigil.domain.errors import NotFound
from vigil.domain.notes import Note
from vigil.domain.pauses import Pause
from vigil.store import RecordStore


def note(of: Note, names: bool) -> Json:
    return {
        "id": of.note_id,
        "kind": of.kind.value,
        "text": of.text if names else "",
        "author": of.author,
        "at": iso(of.at),
        "alert_id": of.alert_id or None,
        "struck_by": of.struck_by,
        "struck_at": iso_or_none(of.struck_at),
    }


def notes_of(records: RecordStore, alert: Alert, names: bool) -> list[Json]:
    """Newest first. Nobody writes about what is no patient's, or about who is erased."""
    try:
        found = records.notes.of_patient(alert.patient_id, alert_id=alert.alert_id)
    except NotFound:
        return []
    return [note(one, names) for one in found]


def contacts(version: ContactsVersion | None, names: bool) -> Json:
    kept = version.contacts if version is not None and names else Contacts()
    day = kept.ceiling_on
    return {
        "version": 0 if version is None else version.number,
        "author": "" if version is None else version.author,
        "at": None if version is None else iso(version.at),
        "phone": kept.phone,
        "address": kept.address,
        "next_of_kin": {"name": kept.kin_name, "relation": kept.kin_relation, "phone": kept.kin_phone},
        "ceiling": None if day is None else {"text": kept.ceiling, "by": kept.ceiling_by, "on": day.isoformat()},
    }


def pause(of: Pause, now: int, names: bool) -> Json:
    return {
        "id": of.pause_id,
        "start_at": iso(of.start_at),
        "end_at": iso(of.end_at),
        "running": of.runs(now),
        "reason": of.reason if names else "",
        "by": of.by,
        "ended_at": iso_or_none(of.ended_at),
        "ended_by": of.ended_by,
    }

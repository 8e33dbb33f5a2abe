"""Notes and contacts of patients. Only an erasure changes or deletes anything: it leaves that there was something, and when."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import Connection, Row, insert, select, update

from vigil.domain.contacts import Contacts, ContactsVersion
from vigil.domain.errors import NotFound, VersionConflict
from vigil.domain.notes import Note, NoteKind
from vigil.store.records.database import Database
from vigil.store.records.names import Names, opened_text, sealed_text
from vigil.store.records.tables import Tables


class SqlNotes:
    """The protocol ``NoteRecords``; each call is a transaction of its own."""

    def __init__(self, database: Database, tables: Tables, names: Names) -> None:
        self._database, self._names = database, names
        self._t, self._alerts = tables.bedside.notes, tables.alerts

    def add(self, note: Note) -> Note:
        given, t = note.checked(), self._t
        with self._database.write() as con:
            box = self._names.box_of(con, given.patient_id)
            self._require_alert(con, given)
            newest = self._found(con, box, given.patient_id, None, 0, 1)
            if newest and given.repeats(newest[0]):
                return newest[0]
            row = {
                "patient_id": given.patient_id,
                "alert_id": given.alert_id or None,
                "kind": given.kind.value,
                "text": sealed_text(box, given.text),
                "author": given.author,
                "at": given.at,
            }
            number = con.execute(insert(t).values(row).returning(t.c.note_id)).scalar_one()
            return _note(con.execute(select(t).where(t.c.note_id == number)).one(), box)

    def of_patient(
        self, patient_id: str, *, alert_id: str | None = None, since: int = 0, limit: int = 1000
    ) -> list[Note]:
        with self._database.read() as con:
            return self._found(con, self._names.box_of(con, patient_id), patient_id, alert_id, since, limit)

    def strike(self, patient_id: str, note_id: int, by: str, at: int) -> Note:
        t = self._t
        own = (t.c.note_id == note_id) & (t.c.patient_id == patient_id)
        with self._database.write() as con:
            box = self._names.box_of(con, patient_id)
            row = con.execute(select(t).where(own)).one_or_none()
            if row is None:
                raise NotFound("no such note")
            _note(row, box).require_own(by)
            con.execute(update(t).where(own, t.c.struck_at.is_(None)).values(struck_by=by, struck_at=at))
            return _note(con.execute(select(t).where(own)).one(), box)

    def _found(
        self, con: Connection, box: Fernet, patient_id: str, alert_id: str | None, since: int, limit: int
    ) -> list[Note]:
        t = self._t
        asked = select(t).where(t.c.patient_id == patient_id, t.c.at >= since).order_by(t.c.note_id.desc()).limit(limit)
        if alert_id is not None:
            asked = asked.where(t.c.alert_id == alert_id)
        return [_note(row, box) for row in con.execute(asked)]

    def _require_alert(self, con: Connection, note: Note) -> None:
        t = self._alerts
        own = (t.c.alert_id == note.alert_id) & (t.c.patient_id == note.patient_id)
        if note.alert_id and con.execute(select(t.c.alert_id).where(own)).first() is None:
            raise NotFound(f"no alert {note.alert_id} of this patient")


def _note(row: Row[Any], box: Fernet) -> Note:
    return Note(
        row.patient_id,
        NoteKind(row.kind),
        opened_text(box, row.text),
        row.author,
        row.at,
        row.alert_id or "",
        row.note_id,
        row.struck_by or "",
        row.struck_at,
    )


class SqlContacts:
    """The protocol ``ContactRecords``; each call is a transaction of its own."""

    def __init__(self, database: Database, tables: Tables, names: Names) -> None:
        self._database, self._names, self._t = database, names, tables.bedside.contacts

    def put(self, version: ContactsVersion, after: int) -> ContactsVersion:
        t = self._t
        with self._database.write() as con:
            box = self._names.box_of(con, version.patient_id)
            own = t.c.patient_id == version.patient_id
            newest = con.execute(select(t.c.number).where(own).order_by(t.c.number.desc()).limit(1)).scalar() or 0
            if newest != after:
                raise VersionConflict(f"the contacts are at version {newest}, not {after}")
            kept = ContactsVersion(version.patient_id, version.contacts, version.author, version.at, newest + 1)
            con.execute(insert(t).values(_row(kept, box)))
            return kept

    def of_patient(self, patient_id: str) -> list[ContactsVersion]:
        t = self._t
        with self._database.read() as con:
            box = self._names.box_of(con, patient_id)
            rows = con.execute(select(t).where(t.c.patient_id == patient_id).order_by(t.c.number.desc()))
            return [_version(row, box) for row in rows]


def _row(version: ContactsVersion, box: Fernet) -> dict[str, Any]:
    told = json.dumps(asdict(version.contacts), default=date.isoformat)
    return {
        "patient_id": version.patient_id,
        "number": version.number,
        "sealed": sealed_text(box, told),
        "author": version.author,
        "at": version.at,
    }


def _version(row: Row[Any], box: Fernet) -> ContactsVersion:
    told = json.loads(opened_text(box, row.sealed))
    day = told["ceiling_on"]
    contacts = Contacts(**{**told, "ceiling_on": None if day is None else date.fromisoformat(day)})
    return ContactsVersion(row.patient_id, contacts, row.author, row.at, row.number)


def forget_bedside(con: Connection, tables: Tables, patient_id: str) -> None:
    """What people typed is emptied in its place. That they did something, and when, stays."""
    bedside = tables.bedside
    for table, column in ((bedside.notes, "text"), (bedside.contacts, "sealed"), (bedside.pauses, "reason")):
        con.execute(update(table).where(table.c.patient_id == patient_id).values({column: b""}))

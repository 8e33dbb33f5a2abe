"""Planned pauses of monitoring. One runs at a time; what changes who is paused moves the revision, so that judging reads it."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import Connection, Row, func, insert, select, update

from vigil.domain.errors import InvalidInput, NotFound, VersionConflict
from vigil.domain.pauses import Pause
from vigil.store.records.database import Database
from vigil.store.records.names import Names, opened_text, sealed_text
from vigil.store.records.revision import changed
from vigil.store.records.tables import Tables


class SqlPauses:
    """The protocol ``PauseRecords``; each call is a transaction of its own."""

    def __init__(self, database: Database, tables: Tables, names: Names) -> None:
        self._database, self._names = database, names
        self._t, self._patients, self._counters = tables.bedside.pauses, tables.patients, tables.counters

    def add(self, pause: Pause) -> Pause:
        given, t = pause.checked(), self._t
        with self._database.write() as con:
            box = self._names.box_of(con, given.patient_id)
            self._require_watched(con, given.patient_id)
            newest = self._newest(con, given.patient_id)
            if newest is not None and _pause(newest, None).over_at > given.start_at:
                raise VersionConflict("monitoring is paused already: end that pause first")
            row = {
                "patient_id": given.patient_id,
                "start_at": given.start_at,
                "end_at": given.end_at,
                "reason": sealed_text(box, given.reason),
                "by": given.by,
            }
            number = con.execute(insert(t).values(row).returning(t.c.pause_id)).scalar_one()
            changed(con, self._counters)
            return _pause(con.execute(select(t).where(t.c.pause_id == number)).one(), box)

    def of_patient(self, patient_id: str, limit: int = 1000) -> list[Pause]:
        t = self._t
        asked = select(t).where(t.c.patient_id == patient_id).order_by(t.c.pause_id.desc()).limit(limit)
        with self._database.read() as con:
            box = self._names.box_of(con, patient_id)
            return [_pause(row, box) for row in con.execute(asked)]

    def end(self, patient_id: str, pause_id: int, by: str, at: int) -> Pause:
        t = self._t
        own = (t.c.pause_id == pause_id) & (t.c.patient_id == patient_id)
        with self._database.write() as con:
            box = self._names.box_of(con, patient_id)
            row = con.execute(select(t).where(own)).one_or_none()
            if row is None:
                raise NotFound("no such pause")
            if _pause(row, None).runs(at):
                con.execute(update(t).where(own).values(ended_at=at, ended_by=by))
                changed(con, self._counters)
            return _pause(con.execute(select(t).where(own)).one(), box)

    def _newest(self, con: Connection, patient_id: str) -> Row[Any] | None:
        t = self._t
        return con.execute(
            select(t).where(t.c.patient_id == patient_id).order_by(t.c.pause_id.desc()).limit(1)
        ).one_or_none()

    def _require_watched(self, con: Connection, patient_id: str) -> None:
        t = self._patients
        if con.execute(select(t.c.discharged_at).where(t.c.patient_id == patient_id)).scalar_one() is not None:
            raise InvalidInput("the patient is discharged: there is nothing to pause")


def newest_pauses(con: Connection, tables: Tables) -> list[Pause]:
    """The newest of each patient, over or not, without its reason."""
    t = tables.bedside.pauses
    last = select(func.max(t.c.pause_id)).group_by(t.c.patient_id)
    return [_pause(row, None) for row in con.execute(select(t).where(t.c.pause_id.in_(last)).order_by(t.c.patient_id))]


def _pause(row: Row[Any], box: Fernet | None) -> Pause:
    """``box`` None leaves the reason out."""
    return Pause(
        row.patient_id,
        row.start_at,
        row.end_at,
        "" if box is None else opened_text(box, row.reason),
        row.by,
        row.pause_id,
        row.ended_at,
        row.ended_by or "",
    )

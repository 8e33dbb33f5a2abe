"""Erasing a person in the records, and the one-time change to keys of each person's own."""

from __future__ import annotations

from cryptography.fernet import Fernet
from sqlalchemy import Connection, exists, insert, or_, select, update

from vigil.domain.erasure import UNDER_WATCH, Erasure
from vigil.domain.errors import InvalidInput, NotFound
from vigil.store.records.bedside import forget_bedside
from vigil.store.records.database import Database
from vigil.store.records.names import Names
from vigil.store.records.revision import changed
from vigil.store.records.tables import Tables

#: In ``counters``: 1 while names may be in the file that are sealed with the key of the records.
OLD_NAMES = "old_names"
#: Who acts in the alerts' log when no person does: what it notes are sentences of ours.
_OURSELVES = "vigil"
#: In a log line's ``after``, as in the columns of ``alerts``.
_WORDS = ("note", "snooze_reason")


class SqlErasures:
    def __init__(self, database: Database, tables: Tables, box: Fernet) -> None:
        self._database, self._t = database, tables
        self._names = Names(tables, box)

    def erase(self, patient_id: str, by: str, at: int) -> Erasure:
        with self._database.write() as con:
            known = self._known(con, patient_id)
            if known is None:
                self._require_over(con, patient_id)
                self._names.forget(con, patient_id)
                self._forget_words(con, patient_id)
                known = Erasure(patient_id, at, by)
                con.execute(insert(self._t.erasures).values(patient_id=patient_id, at=at, by=by))
                changed(con, self._t.counters)
        # Also when it was known: the last time may have ended between the two.
        self._database.scrub([self._t.patient_keys.name])
        return known

    def erased(self) -> list[Erasure]:
        t = self._t.erasures
        with self._database.read() as con:
            return [
                Erasure(row.patient_id, row.at, row.by)
                for row in con.execute(select(t).order_by(t.c.at, t.c.patient_id))
            ]

    def seal_old_names(self) -> None:
        """Once after the migration, before anybody reads a name. The file is written anew: free places in it hold old names."""
        t = self._t.counters
        with self._database.write() as con:
            if con.execute(select(t.c.value).where(t.c.name == OLD_NAMES)).scalar_one() == 0:
                return
            self._names.seal_anew(con)
        self._database.scrub([self._t.patients.name], rewrite=True)
        with self._database.write() as con:
            con.execute(update(t).where(t.c.name == OLD_NAMES).values(value=0))

    def _known(self, con: Connection, patient_id: str) -> Erasure | None:
        row = con.execute(select(self._t.erasures).filter_by(patient_id=patient_id)).one_or_none()
        return None if row is None else Erasure(row.patient_id, row.at, row.by)

    def _require_over(self, con: Connection, patient_id: str) -> None:
        t = self._t.patients
        row = con.execute(select(t.c.discharged_at).where(t.c.patient_id == patient_id)).one_or_none()
        if row is None:
            raise NotFound("no such patient")
        if row.discharged_at is None:
            raise InvalidInput(UNDER_WATCH)

    def _forget_words(self, con: Connection, patient_id: str) -> None:
        """What people wrote may hold the name. That they did something, and when, stays."""
        alerts, lines, feedback = self._t.alerts, self._t.transitions, self._t.feedback
        questions, policies = self._t.whose_questions, self._t.policies
        own = alerts.c.patient_id == patient_id
        forget_bedside(con, self._t, patient_id)
        con.execute(update(alerts).where(own).values(note="", snooze_reason=""))
        ids = select(alerts.c.alert_id).where(own)
        con.execute(update(feedback).where(feedback.c.alert_id.in_(ids)).values(note=""))
        for row in con.execute(select(lines).where(lines.c.patient_id == patient_id)).all():
            after = {**row.after, **{name: "" for name in _WORDS if name in row.after}}
            note = row.note if row.actor == _OURSELVES else ""
            con.execute(update(lines).where(lines.c.seq == row.seq).values(note=note, after=after))
        about = or_(questions.c.patient_id == patient_id, questions.c.answer_patient_id == patient_id)
        con.execute(update(questions).where(about, questions.c.reason.is_not(None)).values(reason=""))
        grants = self._t.break_glass
        opened = grants.c.patient_id == patient_id
        con.execute(update(grants).where(opened).values(reason=""))
        con.execute(update(grants).where(opened, grants.c.note.is_not(None)).values(note=""))
        his = (policies.c.scope == "patient") & (policies.c.name == patient_id)
        con.execute(update(policies).where(his).values(reason=""))
        settings, worn = self._t.device_settings, self._t.bindings
        while_worn = (
            (worn.c.patient_id == patient_id)
            & (worn.c.device_id == settings.c.device_id)
            & (worn.c.start_at <= settings.c.at)
            & (worn.c.end_at.is_(None) | (settings.c.at <= worn.c.end_at))
        )
        con.execute(update(settings).where(exists().where(while_worn)).values(reason=""))

"""Grants of break-glass and their reviews. A grant is never deleted; its reason and the note of its review are sealed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update

from vigil.domain.break_glass import Grant, Review, Verdict
from vigil.domain.errors import NotFound
from vigil.store.records.database import Database
from vigil.store.records.tables import Tables


class SqlBreakGlass:
    """The protocol ``BreakGlassRecords``; each call is a transaction of its own."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database = database
        self._t, self._patients = tables.break_glass, tables.patients

    def patient_wards(self) -> dict[str, str]:
        t = self._patients
        with self._database.read() as con:
            return {row.patient_id: row.ward for row in con.execute(select(t.c.patient_id, t.c.ward))}

    def put_grant(self, grant: Grant) -> None:
        t = self._patients
        names = ("grant_id", "person", "patient_id", "reason", "at", "expires_at")
        with self._database.write() as con:
            if con.execute(select(t.c.patient_id).where(t.c.patient_id == grant.patient_id)).first() is None:
                raise NotFound("no such patient")
            con.execute(insert(self._t).values({name: getattr(grant, name) for name in names}))

    def grants(
        self,
        *,
        person: str | None = None,
        since: int = 0,
        runs_at: int | None = None,
        unreviewed: bool = False,
        limit: int = 1000,
    ) -> list[Grant]:
        t = self._t
        asked = select(t).where(t.c.at >= since).order_by(t.c.at.desc(), t.c.grant_id).limit(limit)
        if person is not None:
            asked = asked.where(t.c.person == person)
        if runs_at is not None:
            asked = asked.where(t.c.at <= runs_at, t.c.expires_at > runs_at)
        if unreviewed:
            asked = asked.where(t.c.reviewed_at.is_(None))
        with self._database.read() as con:
            return [_grant(row) for row in con.execute(asked)]

    def grant(self, grant_id: str) -> Grant:
        with self._database.read() as con:
            return _only(con.execute(select(self._t).where(self._t.c.grant_id == grant_id)).one_or_none())

    def review_grant(self, grant_id: str, review: Review) -> Grant:
        own = self._t.c.grant_id == grant_id
        said = {
            "verdict": review.verdict.value,
            "note": review.note,
            "reviewed_by": review.by,
            "reviewed_at": review.at,
        }
        with self._database.write() as con:
            _only(con.execute(select(self._t).where(own)).one_or_none()).require_reviewable(review.by)
            con.execute(update(self._t).where(own).values(said))
            return _only(con.execute(select(self._t).where(own)).one_or_none())


def _only(row: Row[Any] | None) -> Grant:
    if row is None:
        raise NotFound("no such grant")
    return _grant(row)


def _grant(row: Row[Any]) -> Grant:
    reviewed = row.reviewed_at is not None
    return Grant(
        row.grant_id,
        row.person,
        row.patient_id,
        row.reason,
        row.at,
        row.expires_at,
        Review(Verdict(row.verdict), row.note, row.reviewed_by, row.reviewed_at) if reviewed else None,
    )

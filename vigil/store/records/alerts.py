"""Alerts and their log."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, func, insert, or_, select, update

from vigil.domain.alerts import Alert, Transition
from vigil.domain.errors import NotFound, VersionConflict
from vigil.store.records.documents import alert_of, alert_row, transition_of
from vigil.store.records.tables import Tables


class Alerts:
    """Statements on an open connection; the caller owns the transaction."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def record(self, con: Connection, transition: Transition) -> Transition | None:
        if self._recorded(con, transition):
            return None
        self._store(con, transition.after)
        after, t = transition.after, self._t.transitions
        values = {
            "alert_id": after.alert_id,
            "patient_id": after.patient_id,
            "rule": after.rule,
            "cause": transition.cause,
            "step": transition.step,
            "at": transition.at,
            "actor": transition.actor,
            "note": transition.note,
            "measured_at": transition.measured_at,
            "detail": transition.detail,
            "after": alert_row(after),
        }
        return replace(transition, seq=con.execute(insert(t).values(values).returning(t.c.seq)).scalar_one())

    def alert(self, con: Connection, alert_id: str) -> Alert:
        t = self._t.alerts
        row = con.execute(select(t).where(t.c.alert_id == alert_id)).one_or_none()
        if row is None:
            raise NotFound(f"no alert {alert_id}")
        return alert_of(row._asdict())

    def alerts(
        self, con: Connection, patient_id: str | None, open_only: bool, resolved_since: int | None, limit: int
    ) -> list[Alert]:
        t = self._t.alerts
        query = select(t).order_by(t.c.opened_at.desc(), t.c.alert_id.desc()).limit(max(limit, 0))
        if patient_id is not None:
            query = query.where(t.c.patient_id == patient_id)
        if open_only:
            query = query.where(t.c.resolved_reason == "")
        elif resolved_since is not None:
            query = query.where(or_(t.c.resolved_reason == "", t.c.resolved_at >= resolved_since))
        return [alert_of(row._asdict()) for row in con.execute(query)]

    def transitions(self, con: Connection, after_seq: int, alert_id: str | None, limit: int) -> list[Transition]:
        t = self._t.transitions
        query = select(t).where(t.c.seq > after_seq).order_by(t.c.seq).limit(max(limit, 0))
        if alert_id is not None:
            query = query.where(t.c.alert_id == alert_id)
        return [transition_of(row._asdict()) for row in con.execute(query)]

    def last_seq(self, con: Connection) -> int:
        return int(con.execute(select(func.coalesce(func.max(self._t.transitions.c.seq), 0))).scalar_one())

    def _recorded(self, con: Connection, transition: Transition) -> bool:
        t, after = self._t.transitions, transition.after
        query = select(t.c.seq).where(
            t.c.patient_id == after.patient_id, t.c.rule == after.rule, t.c.cause == transition.cause
        )
        return con.execute(query).first() is not None

    def _store(self, con: Connection, after: Alert) -> None:
        """Inserts version 1, or replaces exactly the version before ``after``'s."""
        t = self._t.alerts
        version = con.execute(select(t.c.version).where(t.c.alert_id == after.alert_id)).scalar_one_or_none()
        if after.version != (version or 0) + 1:
            raise VersionConflict(f"alert {after.alert_id} is at version {version or 0}, not {after.version - 1}")
        if version is None:
            con.execute(insert(t).values(alert_row(after)))
            return
        # The version stands in the condition too: in a database shared by processes somebody may have been faster.
        unchanged = (t.c.alert_id == after.alert_id) & (t.c.version == version)
        if con.execute(update(t).where(unchanged).values(alert_row(after))).rowcount != 1:
            raise VersionConflict(f"alert {after.alert_id} was changed by another process")

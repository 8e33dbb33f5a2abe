"""Alerts and their log."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, delete, exists, func, insert, or_, select, update

from vigil.domain.alerts import Alert, Step, Transition
from vigil.domain.calls import call_of
from vigil.domain.errors import NotFound, VersionConflict
from vigil.store.records.columns import not_test
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
        after, t, call = transition.after, self._t.transitions, call_of(transition)
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
            "call": "" if call is None else call.how,
            "escalation_level": after.escalation_level if transition.step is Step.ESCALATED else 0,
        }
        return replace(transition, seq=con.execute(insert(t).values(values).returning(t.c.seq)).scalar_one())

    def alert(self, con: Connection, alert_id: str) -> Alert:
        t = self._t.alerts
        row = con.execute(select(t).where(t.c.alert_id == alert_id)).one_or_none()
        if row is None:
            raise NotFound(f"no alert {alert_id}")
        return alert_of(row._asdict())

    def alerts(
        self,
        con: Connection,
        patient_id: str | None,
        open_only: bool,
        resolved_since: int | None,
        limit: int,
        include_test: bool,
    ) -> list[Alert]:
        t = self._t.alerts
        query = select(t).order_by(t.c.opened_at.desc(), t.c.alert_id.desc()).limit(max(limit, 0))
        if patient_id is not None:
            query = query.where(t.c.patient_id == patient_id)
        elif not include_test:
            query = query.where(not_test(t.c.patient_id))
        if open_only:
            query = query.where(t.c.resolved_reason == "")
        elif resolved_since is not None:
            query = query.where(or_(t.c.resolved_reason == "", t.c.resolved_at >= resolved_since))
        return [alert_of(row._asdict()) for row in con.execute(query)]

    def transitions(
        self, con: Connection, after_seq: int, alert_id: str | None, limit: int, include_test: bool
    ) -> list[Transition]:
        t = self._t.transitions
        query = select(t).where(t.c.seq > after_seq).order_by(t.c.seq).limit(max(limit, 0))
        if alert_id is not None:
            query = query.where(t.c.alert_id == alert_id)
        elif not include_test:
            query = query.where(not_test(t.c.patient_id))
        return [transition_of(row._asdict()) for row in con.execute(query)]

    def forget_self_tests(self, con: Connection, before: int) -> int:
        """By patient, so that the indexes find the lines among those of a whole ward's years."""
        t, lines, people = self._t.alerts, self._t.transitions, self._t.patients
        tests = list(con.execute(select(people.c.patient_id).where(~not_test(people.c.patient_id))).scalars())
        old = con.execute(delete(lines).where(lines.c.patient_id.in_(tests), lines.c.at < before))
        silent = ~exists().where(lines.c.alert_id == t.c.alert_id)
        con.execute(delete(t).where(t.c.patient_id.in_(tests), t.c.resolved_at < before, silent))
        return old.rowcount

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

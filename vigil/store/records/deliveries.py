"""The outbox: filled in the transaction of the log line, emptied by the channels, annotated by people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, insert, select, update

from vigil.domain.alerts import Step, Transition
from vigil.domain.deliveries import APP, Attempt, Backlog, Delivery, State, Target, delivery_id
from vigil.domain.errors import NotFound
from vigil.domain.teams import EVERYBODY
from vigil.store.records.documents import attempt_of, delivery_of
from vigil.store.records.tables import Tables

#: When each state was reached for the first time.
_REACHED = {
    State.SENT: ("sent_at",),
    State.DELIVERED: ("sent_at", "delivered_at"),
}


class Deliveries:
    """Statements on an open connection; the caller owns the transaction. ``told_of_ends``: channels that are also told when an
    alert that they were told of is resolved, which calls nobody."""

    def __init__(self, tables: Tables, told_of_ends: Collection[str] = ()) -> None:
        self._t = tables
        self._told_of_ends = frozenset(told_of_ends)

    def queue(self, con: Connection, line: Transition, targets: Sequence[Target]) -> None:
        """One delivery a target. What goes to the page is on the event stream with the line itself: sent, no more is known."""
        if line.step in (Step.ACKNOWLEDGED, Step.ACCEPTED):
            self._accept(con, line.after.alert_id, line.actor, line.at)
        ends = [] if line.after.open else self._told(con, line.after.alert_id)
        rows = [self._row(line, target) for target in dict.fromkeys([*targets, *ends])]
        if rows:
            con.execute(insert(self._t.deliveries), rows)

    def of_alert(self, con: Connection, alert_id: str) -> list[Delivery]:
        t = self._t.deliveries
        query = select(t).where(t.c.alert_id == alert_id).order_by(t.c.seq, t.c.channel, t.c.person)
        return [delivery_of(row._asdict()) for row in con.execute(query)]

    def attempts(self, con: Connection, alert_id: str) -> list[Attempt]:
        t, d = self._t.delivery_attempts, self._t.deliveries
        query = select(t).join(d, d.c.delivery_id == t.c.delivery_id).where(d.c.alert_id == alert_id)
        return [attempt_of(row._asdict()) for row in con.execute(query.order_by(t.c.attempt_id))]

    def due(self, con: Connection, channel: str, now: int, limit: int) -> list[Delivery]:
        """A notice waits for an earlier one of the same alert to the same person unless it is more urgent: nobody shall
        read "firing" after "resolved"."""
        t = self._t.deliveries
        earlier = t.alias("earlier")
        held = exists().where(
            and_(
                earlier.c.alert_id == t.c.alert_id,
                earlier.c.channel == t.c.channel,
                earlier.c.person == t.c.person,
                earlier.c.state == State.QUEUED,
                earlier.c.seq < t.c.seq,
                earlier.c.rank >= t.c.rank,
            )
        )
        due = (t.c.state == State.QUEUED) & (t.c.channel == channel) & (t.c.next_at <= now)
        query = select(t).where(due, ~held).order_by(t.c.rank.desc(), t.c.seq, t.c.person).limit(max(limit, 0))
        return [delivery_of(row._asdict()) for row in con.execute(query)]

    def attempted(self, con: Connection, attempt: Attempt) -> None:
        """A person may have accepted the alert while it was on its way: what he said stands above what the channel says."""
        t = self._t.deliveries
        mine = t.c.delivery_id == attempt.delivery_id
        reached = {name: func.coalesce(t.c[name], attempt.at) for name in _REACHED.get(attempt.state, ())}
        counted = {"attempts": t.c.attempts + 1, "why": attempt.why, **reached}
        if con.execute(update(t).where(mine).values(counted)).rowcount != 1:
            raise NotFound(f"no delivery {attempt.delivery_id}")
        con.execute(insert(self._t.delivery_attempts).values(asdict(attempt)))
        waiting = mine & (t.c.state == State.QUEUED)
        con.execute(update(t).where(waiting).values(state=attempt.state, next_at=attempt.next_at))

    def abandon(self, con: Connection, channels: Collection[str], why: str) -> int:
        """Fails what waits for a channel that is not one of ``channels``; how many."""
        t = self._t.deliveries
        lost = (t.c.state == State.QUEUED) & t.c.channel.not_in(list(channels))
        return con.execute(update(t).where(lost).values(state=State.FAILED, next_at=None, why=why)).rowcount

    def seen(self, con: Connection, alert_id: str, person: str, at: int) -> None:
        """Being seen is the first proof that it arrived."""
        t = self._t.deliveries
        mine = self._for(alert_id, person) & (t.c.channel == APP)
        first = mine & t.c.seen_at.is_(None)
        shown = func.coalesce(t.c.delivered_at, at)
        state = case((t.c.state == State.ACCEPTED, State.ACCEPTED), else_=State.SEEN)
        con.execute(update(t).where(first).values(state=state, delivered_at=shown, seen_at=at))

    def backlog(self, con: Connection) -> list[Backlog]:
        t = self._t.deliveries
        query = select(t.c.channel, func.count(), func.min(t.c.queued_at)).where(t.c.state == State.QUEUED)
        return [Backlog(*row) for row in con.execute(query.group_by(t.c.channel).order_by(t.c.channel))]

    def _accept(self, con: Connection, alert_id: str, person: str, at: int) -> None:
        """Whoever acknowledges an alert, or accepts it at a hand-over, has accepted every notice of it that was for him. One
        that is still queued is sent no more: it would call somebody who has come already."""
        t = self._t.deliveries
        mine = self._for(alert_id, person) & t.c.accepted_at.is_(None)
        state = case((t.c.state == State.FAILED, State.FAILED), else_=State.ACCEPTED)
        con.execute(update(t).where(mine).values(state=state, next_at=None, accepted_at=at))

    def _for(self, alert_id: str, person: str) -> ColumnElement[bool]:
        """What calls this person: by name, or as one of all who have the page open."""
        t = self._t.deliveries
        return (t.c.alert_id == alert_id) & t.c.person.in_([person, EVERYBODY])

    def _told(self, con: Connection, alert_id: str) -> list[Target]:
        """Who was told, or will be, that the alert fires: not one whose notice was accepted before it left."""
        t = self._t.deliveries
        left = (t.c.attempts > 0) | (t.c.state == State.QUEUED)
        told = (t.c.alert_id == alert_id) & t.c.channel.in_(self._told_of_ends) & left
        query = select(t.c.channel, t.c.person).where(told).distinct().order_by(t.c.channel, t.c.person)
        return [Target(*row) for row in con.execute(query)]

    def _row(self, line: Transition, target: Target) -> dict[str, object]:
        shown = target.channel == APP
        # An end is the least urgent of all, so that it waits for whatever was to be told before.
        rank = line.after.priority.rank if line.after.open else 0
        return {
            "delivery_id": delivery_id(line.after.alert_id, line.seq, line.at, target),
            "seq": line.seq,
            "alert_id": line.after.alert_id,
            "channel": target.channel,
            "person": target.person,
            "rank": rank,
            "state": State.SENT if shown else State.QUEUED,
            "attempts": 0,
            "next_at": None if shown else line.at,
            "why": "",
            "queued_at": line.at,
            "sent_at": line.at if shown else None,
        }

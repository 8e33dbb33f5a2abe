"""What people say of alerts: every word is kept, of each person the newest counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select

from vigil.domain.errors import InvalidInput, NotFound
from vigil.domain.feedback import Feedback, Verdict, newest, true_share, verdict
from vigil.domain.people import is_test
from vigil.store.records.tables import Tables


class FeedbackBook:
    """Statements on an open connection; the caller owns the transaction."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables
        self._share: tuple[int, dict[str, tuple[int, int]]] = (0, {})

    def add(self, con: Connection, feedback: Feedback) -> None:
        alerts = self._t.alerts
        about = select(alerts.c.patient_id).where(alerts.c.alert_id == feedback.alert_id)
        patient_id = con.execute(about).scalar_one_or_none()
        if patient_id is None:
            raise NotFound(f"no alert {feedback.alert_id}")
        if is_test(patient_id):
            raise InvalidInput("an alert of the self-test takes no feedback")
        for one in newest(self.of_alert(con, feedback.alert_id)):
            if (one.person, one.verdict, one.note) == (feedback.person, feedback.verdict, feedback.note):
                return
        values = {
            "alert_id": feedback.alert_id,
            "person": feedback.person,
            "verdict": feedback.verdict.value,
            "note": feedback.note,
            "at": feedback.at,
        }
        con.execute(insert(self._t.feedback).values(values))

    def of_alert(self, con: Connection, alert_id: str) -> list[Feedback]:
        """Oldest first."""
        t = self._t.feedback
        rows = con.execute(select(t).where(t.c.alert_id == alert_id).order_by(t.c.feedback_id))
        return [_feedback(row._asdict()) for row in rows]

    def verdicts(self, con: Connection) -> dict[str, Verdict]:
        """By alert: what it counts as."""
        given: defaultdict[str, list[Feedback]] = defaultdict(list)
        for row in con.execute(select(self._t.feedback).order_by(self._t.feedback.c.feedback_id)):
            given[row.alert_id].append(_feedback(row._asdict()))
        return {alert_id: word for alert_id, words in given.items() if (word := verdict(words)) is not None}

    def true_share(self, con: Connection) -> dict[str, tuple[int, int]]:
        """Counted again only when somebody has said something: judging asks in the middle of its work."""
        t, alerts = self._t.feedback, self._t.alerts
        last = con.execute(select(func.coalesce(func.max(t.c.feedback_id), 0))).scalar_one()
        known, share = self._share
        if last != known:
            judged = self.verdicts(con)
            rules = select(alerts.c.alert_id, alerts.c.rule).where(alerts.c.alert_id.in_(select(t.c.alert_id)))
            share = true_share((row.rule, judged[row.alert_id]) for row in con.execute(rules))
            self._share = (last, share)
        return dict(share)


def _feedback(row: Mapping[str, Any]) -> Feedback:
    return Feedback(row["alert_id"], row["person"], Verdict(row["verdict"]), row["note"], row["at"])

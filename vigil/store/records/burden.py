"""The alerts of an interval as the burden table counts them: the database sums up the log and reads no document of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from vigil.domain.alerts import Priority, Step
from vigil.domain.burden import Course
from vigil.domain.calls import How
from vigil.domain.feedback import Verdict
from vigil.store.records.columns import not_test
from vigil.store.records.tables import Tables


def courses(con: Connection, tables: Tables, since: int, until: int, verdicts: Mapping[str, Verdict]) -> list[Course]:
    """Of every alert with a log line in [since, until), server time; the self-test's are left out."""
    a, counted = tables.alerts, summed_up(tables, since, until).subquery()
    query = select(counted, a.c.patient_id, a.c.rule, a.c.peak_priority, a.c.retrospective, a.c.evidence)
    query = query.join(a, a.c.alert_id == counted.c.alert_id).where(not_test(a.c.patient_id))
    return [_course(row._asdict(), verdicts) for row in con.execute(query)]


def summed_up(tables: Tables, since: int, until: int) -> Select[Any]:
    """One row an alert, all of it from one index."""
    t = tables.transitions
    counts = {
        "opened_at": func.min(_at(t.c.step == Step.OPENED, t.c.at)),
        "acknowledged_at": func.min(_at(t.c.step.in_([Step.ACKNOWLEDGED, Step.ACCEPTED]), t.c.at)),
        "ended_at": func.min(_at(t.c.step.in_([Step.CLEARED, Step.RESOLVED]), t.c.at)),
        "level": func.max(t.c.escalation_level),
        "interruptions": _number(t.c.call == How.NOW),
        "carried": _number((t.c.call == How.INHIBITED) | (t.c.step == Step.SUPPRESSED)),
        "joined": _number(t.c.call == How.JOINED),
        "held": _number(t.c.call == How.HELD),
    }
    columns = [count.label(name) for name, count in counts.items()]
    return select(t.c.alert_id, *columns).where(t.c.at >= since, t.c.at < until).group_by(t.c.alert_id)


def _at(condition: ColumnElement[bool], at: ColumnElement[int]) -> ColumnElement[int | None]:
    return case((condition, at), else_=None)


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _course(row: Mapping[str, Any], verdicts: Mapping[str, Verdict]) -> Course:
    return Course(
        patient_id=row["patient_id"],
        rule=row["rule"],
        priority=Priority(row["peak_priority"]),
        policy_version=row["evidence"]["policy_version"],
        opened_at=row["opened_at"],
        acknowledged_at=row["acknowledged_at"],
        ended_at=row["ended_at"],
        level=row["level"],
        interruptions=row["interruptions"],
        carried=row["carried"] > 0,
        joined=row["joined"] > 0,
        held=row["held"] > 0,
        retrospective=row["retrospective"],
        verdict=verdicts.get(row["alert_id"]),
    )

"""Questions whose a value is. A question stays when it is answered, with the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from vigil.domain.errors import NotFound
from vigil.domain.whose import Answer, Weight, WhoseQuestion
from vigil.store.records.tables import Tables


class WhoseBook:
    """Statements on an open connection; the caller owns the transaction."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def ask(self, con: Connection, questions: Sequence[WhoseQuestion]) -> None:
        t = self._t.whose_questions
        for one in questions:
            key = {"device_id": one.device_id, "device_time": one.device_time, "kg": one.weight.kg}
            if con.execute(select(t.c.question_id).filter_by(**key)).first() is None:
                values = {
                    **key,
                    "patient_id": one.patient_id,
                    "measured_at": one.weight.at,
                    "last_kg": one.last.kg,
                    "last_at": one.last.at,
                    "asked_at": one.asked_at,
                }
                con.execute(insert(t).values(values))

    def open(self, con: Connection, limit: int) -> list[WhoseQuestion]:
        t = self._t.whose_questions
        waiting = select(t).where(t.c.answered_at.is_(None)).order_by(t.c.question_id).limit(limit)
        return [_question(row) for row in con.execute(waiting)]

    def question(self, con: Connection, question_id: int) -> WhoseQuestion:
        row = con.execute(select(self._t.whose_questions).filter_by(question_id=question_id)).one_or_none()
        if row is None:
            raise NotFound("no such question")
        return _question(row)

    def answer(self, con: Connection, question_id: int, answer: Answer) -> WhoseQuestion:
        t, patients = self._t.whose_questions, self._t.patients
        self.question(con, question_id).require_open()
        named = select(patients.c.patient_id).where(patients.c.patient_id == answer.patient_id)
        if answer.patient_id is not None and con.execute(named).first() is None:
            raise NotFound("no such patient")
        said = {
            "answer_patient_id": answer.patient_id,
            "reason": answer.reason,
            "answered_by": answer.by,
            "answered_at": answer.at,
        }
        con.execute(update(t).where(t.c.question_id == question_id).values(said))
        return self.question(con, question_id)


def _question(row: Row[Any]) -> WhoseQuestion:
    answered = row.answered_at is not None
    return WhoseQuestion(
        row.device_id,
        row.patient_id,
        Weight(row.measured_at, row.kg),
        row.device_time,
        Weight(row.last_at, row.last_kg),
        row.asked_at,
        row.question_id,
        Answer(row.answer_patient_id, row.reason, row.answered_by, row.answered_at) if answered else None,
    )

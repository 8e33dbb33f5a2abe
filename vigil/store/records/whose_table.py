"""The table of questions whose a value is."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, MetaData, String, Table, Text, UniqueConstraint

from vigil.store.records.columns import COUNTED


def whose_questions(meta: MetaData) -> Table:
    """``patient_id``: who wears the device; ``answer_patient_id`` NULL in an answered one: nobody's who is watched here."""
    return Table(
        "whose_questions",
        meta,
        Column("question_id", COUNTED, primary_key=True, autoincrement=True),
        Column("device_id", String(64), ForeignKey("devices.device_id"), nullable=False),
        Column("device_time", BigInteger, nullable=False),
        Column("kg", Double, nullable=False),
        Column("patient_id", String(64), ForeignKey("patients.patient_id"), nullable=False),
        Column("measured_at", BigInteger, nullable=False),
        Column("last_kg", Double, nullable=False),
        Column("last_at", BigInteger, nullable=False),
        Column("asked_at", BigInteger, nullable=False),
        Column("answer_patient_id", String(64), ForeignKey("patients.patient_id")),
        Column("reason", Text),
        Column("answered_by", Text),
        Column("answered_at", BigInteger),
        UniqueConstraint("device_id", "device_time", "kg"),
        Index("ix_whose_questions_answered_at", "answered_at"),
        sqlite_autoincrement=True,
    )

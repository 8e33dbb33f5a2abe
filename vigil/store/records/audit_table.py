"""The table of the audit log."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

from vigil.store.records.columns import COUNTED


def audit_log(meta: MetaData) -> Table:
    """``number`` and then a column for each of ``vigil.domain.audit.FIELDS``, of the same name and in that order."""
    return Table(
        "audit_log",
        meta,
        Column("number", COUNTED, primary_key=True, autoincrement=True),
        Column("at", BigInteger, nullable=False),
        Column("step", String(16), nullable=False),
        Column("request", String(32), nullable=False),
        Column("who", Text, nullable=False),
        Column("role", String(16), nullable=False),
        Column("address", String(64), nullable=False),
        Column("method", String(16), nullable=False),
        Column("route", Text, nullable=False),
        Column("objects", Text, nullable=False),
        Column("patient_id", String(64), nullable=False),
        Column("reason", Text, nullable=False),
        Column("status", Integer, nullable=False),
        Column("times", Integer, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Index("ix_audit_log_patient_id_number", "patient_id", "number"),
        Index("ix_audit_log_who_number", "who", "number"),
        Index("ix_audit_log_at", "at"),
        sqlite_autoincrement=True,
    )

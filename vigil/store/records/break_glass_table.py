"""The table of emergency grants and their reviews."""

from __future__ import annotations

from cryptography.fernet import Fernet
from sqlalchemy import BigInteger, Column, ForeignKey, Index, MetaData, String, Table, Text

from vigil.store.records.columns import SealedText


def break_glass(meta: MetaData, box: Fernet) -> Table:
    """``reviewed_at`` NULL: nobody has reviewed it yet."""
    return Table(
        "break_glass",
        meta,
        Column("grant_id", String(32), primary_key=True),
        Column("person", Text, nullable=False),
        Column("patient_id", String(64), ForeignKey("patients.patient_id"), nullable=False),
        Column("reason", SealedText(box), nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("verdict", String(16)),
        Column("note", SealedText(box)),
        Column("reviewed_by", Text),
        Column("reviewed_at", BigInteger),
        Index("ix_break_glass_at", "at"),
        Index("ix_break_glass_expires_at", "expires_at"),
    )

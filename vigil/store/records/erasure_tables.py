"""The tables of persons' own keys, and of who was erased."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, MetaData, String, Table, Text


def patient_keys(meta: MetaData) -> Table:
    """``wrapped``: sealed with the key of the records; random bytes when the person is erased."""
    return Table(
        "patient_keys",
        meta,
        Column("patient_id", String(64), ForeignKey("patients.patient_id"), primary_key=True),
        Column("wrapped", LargeBinary, nullable=False),
    )


def erasures(meta: MetaData) -> Table:
    """A column for each field of ``Erasure``, of the same name."""
    return Table(
        "erasures",
        meta,
        Column("patient_id", String(64), ForeignKey("patients.patient_id"), primary_key=True),
        Column("at", BigInteger, nullable=False),
        Column("by", Text, nullable=False),
    )

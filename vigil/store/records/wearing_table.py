"""The table of what was said of bindings."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, MetaData, Table, Text

from vigil.store.records.columns import COUNTED


def binding_words(meta: MetaData) -> Table:
    """``said_by`` empty: the wearer, at the device."""
    return Table(
        "binding_words",
        meta,
        Column("word_id", COUNTED, primary_key=True, autoincrement=True),
        Column("binding_id", COUNTED, ForeignKey("bindings.binding_id"), nullable=False),
        Column("confirmed", Boolean, nullable=False),
        Column("said_by", Text, nullable=False),
        Column("text", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Index("ix_binding_words_binding_id_word_id", "binding_id", "word_id"),
        sqlite_autoincrement=True,
    )

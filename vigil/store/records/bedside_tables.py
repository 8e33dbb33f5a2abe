"""The tables of what people keep with a patient. What they typed is sealed with the patient's own key, as the name is."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

from vigil.store.records.columns import COUNTED


@dataclass(frozen=True, slots=True)
class BedsideTables:
    notes: Table
    contacts: Table
    pauses: Table


def bedside_tables(meta: MetaData) -> BedsideTables:
    return BedsideTables(_notes(meta), _contacts(meta), _pauses(meta))


def _notes(meta: MetaData) -> Table:
    """``text``: sealed; empty bytes when the person is erased. ``struck_at`` NULL: it stands."""
    return Table(
        "notes",
        meta,
        Column("note_id", COUNTED, primary_key=True, autoincrement=True),
        Column("patient_id", String(64), ForeignKey("patients.patient_id"), nullable=False),
        Column("alert_id", String(64), ForeignKey("alerts.alert_id")),
        Column("kind", String(16), nullable=False),
        Column("text", LargeBinary, nullable=False),
        Column("author", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("struck_by", Text),
        Column("struck_at", BigInteger),
        Index("ix_notes_patient_id_note_id", "patient_id", "note_id"),
        sqlite_autoincrement=True,
    )


def _contacts(meta: MetaData) -> Table:
    """``sealed``: a JSON object with the fields of ``Contacts``; empty bytes when the person is erased."""
    return Table(
        "contacts",
        meta,
        Column("patient_id", String(64), ForeignKey("patients.patient_id"), primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("author", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
    )


def _pauses(meta: MetaData) -> Table:
    """``reason``: sealed; empty bytes when the person is erased. ``ended_at`` NULL: nobody ended it before its time."""
    return Table(
        "pauses",
        meta,
        Column("pause_id", COUNTED, primary_key=True, autoincrement=True),
        Column("patient_id", String(64), ForeignKey("patients.patient_id"), nullable=False),
        Column("start_at", BigInteger, nullable=False),
        Column("end_at", BigInteger, nullable=False),
        Column("reason", LargeBinary, nullable=False),
        Column("by", Text, nullable=False),
        Column("ended_at", BigInteger),
        Column("ended_by", Text),
        Index("ix_pauses_patient_id_pause_id", "patient_id", "pause_id"),
        sqlite_autoincrement=True,
    )

"""The tables as SQLAlchemy sees them; ``migrations`` builds them. A test compares the two. Times are microseconds UTC."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.fernet import Fernet
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from vigil.store.records.columns import Document, SealedText

#: Counts up by itself in both databases: SQLite does so only for its own INTEGER.
COUNTED = BigInteger().with_variant(Integer, "sqlite")
#: Fixed names, so that a migration can change a constraint in any database.
NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


@dataclass(frozen=True, slots=True)
class Tables:
    """Bound to one key: the sealed columns of ``patients`` open with the box given to ``build``."""

    metadata: MetaData
    patients: Table
    devices: Table
    bindings: Table
    policies: Table
    alerts: Table
    transitions: Table
    counters: Table
    key_checks: Table


def build(box: Fernet) -> Tables:
    meta = MetaData(naming_convention=NAMES)
    return Tables(
        metadata=meta,
        patients=_patients(meta, box),
        devices=Table(
            "devices",
            meta,
            Column("device_id", String(64), primary_key=True),
            Column("model", Text, nullable=False),
            Column("interval_s", Document, nullable=False),
        ),
        bindings=_bindings(meta),
        policies=_policies(meta),
        alerts=_alerts(meta),
        transitions=_transitions(meta),
        counters=Table(
            "counters",
            meta,
            Column("name", String(32), primary_key=True),
            Column("value", BigInteger, nullable=False),
        ),
        key_checks=Table(
            "key_checks",
            meta,
            Column("check_id", Integer, primary_key=True, autoincrement=False),
            Column("token", LargeBinary, nullable=False),
        ),
    )


def _patients(meta: MetaData, box: Fernet) -> Table:
    return Table(
        "patients",
        meta,
        Column("patient_id", String(64), primary_key=True),
        Column("family", SealedText(box), nullable=False),
        Column("given", SealedText(box), nullable=False),
        Column("born", SealedText(box), nullable=False),
        Column("sex", String(16), nullable=False),
        Column("ward", Text, nullable=False),
        Column("pregnant", Boolean, nullable=False),
        Column("spo2_scale2_by", Text, nullable=False),
        Column("spo2_scale2_at", BigInteger, nullable=False),
        Column("demo", Boolean, nullable=False),
        Column("discharged_at", BigInteger),
    )


def _bindings(meta: MetaData) -> Table:
    end_at = Column("end_at", BigInteger)
    return Table(
        "bindings",
        meta,
        Column("binding_id", COUNTED, primary_key=True, autoincrement=True),
        Column("device_id", String(64), ForeignKey("devices.device_id"), nullable=False),
        Column("patient_id", String(64), ForeignKey("patients.patient_id"), nullable=False),
        Column("start_at", BigInteger, nullable=False),
        end_at,
        CheckConstraint("end_at IS NULL OR end_at >= start_at", name="order"),
        Index("ix_bindings_device_id_start_at", "device_id", "start_at"),
        # A device is on one patient at a time, whatever writes to the database.
        Index(
            "uq_bindings_running",
            "device_id",
            unique=True,
            sqlite_where=end_at.is_(None),
            postgresql_where=end_at.is_(None),
        ),
        sqlite_autoincrement=True,
    )


def _policies(meta: MetaData) -> Table:
    return Table(
        "policies",
        meta,
        Column("policy_id", COUNTED, primary_key=True, autoincrement=True),
        Column("patient_id", String(64), ForeignKey("patients.patient_id"), nullable=False),
        Column("version", String(32), nullable=False),
        Column("document", Document, nullable=False),
        Column("author", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Index("ix_policies_patient_id_policy_id", "patient_id", "policy_id"),
        sqlite_autoincrement=True,
    )


def _alerts(meta: MetaData) -> Table:
    """A column for each field of ``Alert``, of the same name. No foreign key to patients: technical alerts may have none."""
    return Table(
        "alerts",
        meta,
        Column("alert_id", String(64), primary_key=True),
        Column("patient_id", String(64), nullable=False),
        Column("rule", String(128), nullable=False),
        Column("kind", String(16), nullable=False),
        Column("priority", String(16), nullable=False),
        Column("peak_priority", String(16), nullable=False),
        Column("condition", String(16), nullable=False),
        Column("handling", String(16), nullable=False),
        Column("title", Text, nullable=False),
        Column("cause", Text, nullable=False),
        Column("onset_at", BigInteger, nullable=False),
        Column("opened_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Column("evidence", Document, nullable=False),
        Column("device_id", String(64), nullable=False),
        Column("ended_at", BigInteger),
        Column("retrospective", Boolean, nullable=False),
        Column("recurrence", Integer, nullable=False),
        Column("acknowledged_by", Text, nullable=False),
        Column("acknowledged_at", BigInteger),
        Column("note", Text, nullable=False),
        Column("escalation_level", Integer, nullable=False),
        Column("deadline_at", BigInteger),
        Column("resolved_at", BigInteger),
        Column("resolved_reason", String(64), nullable=False),
        Column("version", Integer, nullable=False),
        Index("ix_alerts_resolved_reason_opened_at", "resolved_reason", "opened_at"),
        Index("ix_alerts_patient_id_opened_at", "patient_id", "opened_at"),
        Index("ix_alerts_resolved_at", "resolved_at"),
    )


def _transitions(meta: MetaData) -> Table:
    return Table(
        "alert_transitions",
        meta,
        Column("seq", COUNTED, primary_key=True, autoincrement=True),
        Column("alert_id", String(64), ForeignKey("alerts.alert_id"), nullable=False),
        Column("patient_id", String(64), nullable=False),
        Column("rule", String(128), nullable=False),
        Column("cause", String(255), nullable=False),
        Column("step", String(32), nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("actor", Text, nullable=False),
        Column("note", Text, nullable=False),
        Column("measured_at", BigInteger),
        Column("detail", Document, nullable=False),
        Column("after", Document, nullable=False),
        UniqueConstraint("patient_id", "rule", "cause", name="uq_alert_transitions_cause"),
        Index("ix_alert_transitions_alert_id_seq", "alert_id", "seq"),
        sqlite_autoincrement=True,
    )

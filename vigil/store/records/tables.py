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
    text,
)

from vigil.store.records.audit_table import audit_log
from vigil.store.records.bedside_tables import BedsideTables, bedside_tables
from vigil.store.records.break_glass_table import break_glass
from vigil.store.records.columns import COUNTED, Document
from vigil.store.records.erasure_tables import erasures, patient_keys
from vigil.store.records.users_table import AccountTables, account_tables
from vigil.store.records.wearing_table import binding_words
from vigil.store.records.whose_table import whose_questions

#: For columns that came after the first alerts; an empty text as Alembic reads it back.
_EMPTY = text("''")
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
    """Bound to one key: the sealed columns of ``break_glass`` open with the box given to ``build``."""

    metadata: MetaData
    patients: Table
    devices: Table
    bindings: Table
    policies: Table
    alerts: Table
    transitions: Table
    deliveries: Table
    delivery_attempts: Table
    teams: Table
    feedback: Table
    claim_codes: Table
    enrolments: Table
    device_settings: Table
    audit_log: Table
    whose_questions: Table
    accounts: AccountTables
    break_glass: Table
    patient_keys: Table
    erasures: Table
    binding_words: Table
    bedside: BedsideTables
    counters: Table
    key_checks: Table


def build(box: Fernet) -> Tables:
    meta = MetaData(naming_convention=NAMES)
    return Tables(
        metadata=meta,
        patients=_patients(meta),
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
        deliveries=_deliveries(meta),
        delivery_attempts=_delivery_attempts(meta),
        teams=_teams(meta),
        feedback=_feedback(meta),
        claim_codes=_claim_codes(meta),
        enrolments=_enrolments(meta),
        device_settings=_device_settings(meta),
        audit_log=audit_log(meta),
        whose_questions=whose_questions(meta),
        accounts=account_tables(meta),
        break_glass=break_glass(meta, box),
        patient_keys=patient_keys(meta),
        erasures=erasures(meta),
        binding_words=binding_words(meta),
        bedside=bedside_tables(meta),
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


def _patients(meta: MetaData) -> Table:
    """``family``, ``given``, ``born``: sealed with the person's own key; empty when the person is erased."""
    return Table(
        "patients",
        meta,
        Column("patient_id", String(64), primary_key=True),
        Column("family", LargeBinary, nullable=False),
        Column("given", LargeBinary, nullable=False),
        Column("born", LargeBinary, nullable=False),
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
    """No foreign key: ``name`` is that of a programme, a ward or a patient."""
    return Table(
        "policy_documents",
        meta,
        Column("policy_id", COUNTED, primary_key=True, autoincrement=True),
        Column("scope", String(16), nullable=False),
        Column("name", Text, nullable=False),
        Column("number", Integer, nullable=False),
        Column("document", Document, nullable=False),
        Column("author", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("signed_off_by", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        UniqueConstraint("scope", "name", "number"),
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
        Column("snoozed_until", BigInteger),
        Column("snoozed_by", Text, nullable=False, server_default=_EMPTY),
        Column("snooze_reason", Text, nullable=False, server_default=_EMPTY),
        Column("snoozes", Integer, nullable=False, server_default="0"),
        Column("suppressed_by", String(64), nullable=False, server_default=_EMPTY),
        Column("held_until", BigInteger),
        Column("owner", Text, nullable=False, server_default=_EMPTY),
        Column("accept_by", BigInteger),
        Column("version", Integer, nullable=False),
        Index("ix_alerts_resolved_reason_opened_at", "resolved_reason", "opened_at"),
        Index("ix_alerts_patient_id_opened_at", "patient_id", "opened_at"),
        Index("ix_alerts_resolved_at", "resolved_at"),
    )


def _transitions(meta: MetaData) -> Table:
    """``call`` and ``escalation_level`` repeat what stands in ``detail`` and ``after``, for counting without reading these."""
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
        Column("call", String(16), nullable=False, server_default=_EMPTY),
        Column("escalation_level", Integer, nullable=False, server_default="0"),
        UniqueConstraint("patient_id", "rule", "cause", name="uq_alert_transitions_cause"),
        Index("ix_alert_transitions_alert_id_seq", "alert_id", "seq"),
        Index("ix_alert_transitions_burden", "at", "alert_id", "step", "call", "escalation_level"),
        sqlite_autoincrement=True,
    )


def _deliveries(meta: MetaData) -> Table:
    """A column for each field of ``Delivery``, of the same name. ``rank``: 3 = high, 1 = low, 0 = the alert's end."""
    return Table(
        "deliveries",
        meta,
        Column("delivery_id", String(32), primary_key=True),
        Column("seq", BigInteger, ForeignKey("alert_transitions.seq"), nullable=False),
        Column("alert_id", String(64), ForeignKey("alerts.alert_id"), nullable=False),
        Column("channel", String(32), nullable=False),
        Column("person", Text, nullable=False),
        Column("rank", Integer, nullable=False),
        Column("state", String(16), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("next_at", BigInteger),
        Column("why", Text, nullable=False),
        Column("queued_at", BigInteger, nullable=False),
        Column("sent_at", BigInteger),
        Column("delivered_at", BigInteger),
        Column("seen_at", BigInteger),
        Column("accepted_at", BigInteger),
        UniqueConstraint("seq", "channel", "person", name="uq_deliveries_target"),
        Index("ix_deliveries_alert_id_seq", "alert_id", "seq"),
        Index("ix_deliveries_state_channel_next_at", "state", "channel", "next_at"),
    )


def _delivery_attempts(meta: MetaData) -> Table:
    return Table(
        "delivery_attempts",
        meta,
        Column("attempt_id", COUNTED, primary_key=True, autoincrement=True),
        Column("delivery_id", String(32), ForeignKey("deliveries.delivery_id"), nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("state", String(16), nullable=False),
        Column("why", Text, nullable=False),
        Column("next_at", BigInteger),
        Index("ix_delivery_attempts_delivery_id", "delivery_id"),
        sqlite_autoincrement=True,
    )


def _teams(meta: MetaData) -> Table:
    return Table(
        "teams",
        meta,
        Column("row_id", COUNTED, primary_key=True, autoincrement=True),
        Column("team_id", String(64), nullable=False),
        Column("version", String(32), nullable=False),
        Column("document", Document, nullable=False),
        Column("author", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Index("ix_teams_team_id_row_id", "team_id", "row_id"),
        sqlite_autoincrement=True,
    )


def _feedback(meta: MetaData) -> Table:
    return Table(
        "alert_feedback",
        meta,
        Column("feedback_id", COUNTED, primary_key=True, autoincrement=True),
        Column("alert_id", String(64), ForeignKey("alerts.alert_id"), nullable=False),
        Column("person", Text, nullable=False),
        Column("verdict", String(16), nullable=False),
        Column("note", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Index("ix_alert_feedback_alert_id_feedback_id", "alert_id", "feedback_id"),
        sqlite_autoincrement=True,
    )


def _claim_codes(meta: MetaData) -> Table:
    """A column for each field of ``Claim``, of the same name."""
    return Table(
        "claim_codes",
        meta,
        Column("claim_id", COUNTED, primary_key=True, autoincrement=True),
        Column("account", String(64), nullable=False),
        Column("code_hash", String(64), nullable=False),
        Column("devices", Document, nullable=False),
        Column("made_by", Text, nullable=False),
        Column("made_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("used_at", BigInteger),
        Column("voided_at", BigInteger),
        UniqueConstraint("code_hash"),
        Index("ix_claim_codes_account", "account"),
        sqlite_autoincrement=True,
    )


def _enrolments(meta: MetaData) -> Table:
    return Table(
        "enrolments",
        meta,
        Column("enrolment_id", COUNTED, primary_key=True, autoincrement=True),
        Column("account", String(64), nullable=False),
        Column("outcome", String(16), nullable=False),
        Column("actor", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Index("ix_enrolments_account_enrolment_id", "account", "enrolment_id"),
        Index("ix_enrolments_outcome_enrolment_id", "outcome", "enrolment_id"),
        sqlite_autoincrement=True,
    )


def _device_settings(meta: MetaData) -> Table:
    """``accepted``, ``answer`` and ``answered_at``: what the device said to this version, NULL = nothing yet."""
    return Table(
        "device_settings",
        meta,
        Column("setting_id", COUNTED, primary_key=True, autoincrement=True),
        Column("device_id", String(64), ForeignKey("devices.device_id"), nullable=False),
        Column("version", Integer, nullable=False),
        Column("interval_s", Document, nullable=False),
        Column("limits", Document, nullable=False),
        Column("author", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("accepted", Boolean),
        Column("answer", Text),
        Column("answered_at", BigInteger),
        UniqueConstraint("device_id", "version"),
        sqlite_autoincrement=True,
    )

"""The first tables: patients, devices, bindings, policies, alerts and their log.

A migration is never changed once released: it says what the tables were then, so it shares nothing with ``tables.py``.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def counted() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    people()
    alerts()
    op.create_table(
        "key_checks",
        sa.Column("check_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("token", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("check_id", name="pk_key_checks"),
    )
    counters = op.create_table(
        "counters",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
    op.bulk_insert(counters, [{"name": "revision", "value": 0}])


def people() -> None:
    op.create_table(
        "patients",
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("family", sa.LargeBinary, nullable=False),
        sa.Column("given", sa.LargeBinary, nullable=False),
        sa.Column("born", sa.LargeBinary, nullable=False),
        sa.Column("sex", sa.String(16), nullable=False),
        sa.Column("ward", sa.Text, nullable=False),
        sa.Column("pregnant", sa.Boolean, nullable=False),
        sa.Column("spo2_scale2_by", sa.Text, nullable=False),
        sa.Column("spo2_scale2_at", sa.BigInteger, nullable=False),
        sa.Column("demo", sa.Boolean, nullable=False),
        sa.Column("discharged_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("patient_id", name="pk_patients"),
    )
    op.create_table(
        "devices",
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("interval_s", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("device_id", name="pk_devices"),
    )
    op.create_table(
        "bindings",
        sa.Column("binding_id", counted(), autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("start_at", sa.BigInteger, nullable=False),
        sa.Column("end_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("binding_id", name="pk_bindings"),
        sa.ForeignKeyConstraint(["device_id"], ["devices.device_id"], name="fk_bindings_device_id"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.patient_id"], name="fk_bindings_patient_id"),
        sa.CheckConstraint("end_at IS NULL OR end_at >= start_at", name="ck_bindings_order"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_bindings_device_id_start_at", "bindings", ["device_id", "start_at"])
    running = sa.text("end_at IS NULL")
    op.create_index(
        "uq_bindings_running", "bindings", ["device_id"], unique=True, sqlite_where=running, postgresql_where=running
    )
    op.create_table(
        "policies",
        sa.Column("policy_id", counted(), autoincrement=True, nullable=False),
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("policy_id", name="pk_policies"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.patient_id"], name="fk_policies_patient_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_policies_patient_id_policy_id", "policies", ["patient_id", "policy_id"])


def alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.String(64), nullable=False),
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("priority", sa.String(16), nullable=False),
        sa.Column("peak_priority", sa.String(16), nullable=False),
        sa.Column("condition", sa.String(16), nullable=False),
        sa.Column("handling", sa.String(16), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("onset_at", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("retrospective", sa.Boolean, nullable=False),
        sa.Column("recurrence", sa.Integer, nullable=False),
        sa.Column("acknowledged_by", sa.Text, nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("escalation_level", sa.Integer, nullable=False),
        sa.Column("deadline_at", sa.BigInteger),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("resolved_reason", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name="pk_alerts"),
    )
    op.create_index("ix_alerts_resolved_reason_opened_at", "alerts", ["resolved_reason", "opened_at"])
    op.create_index("ix_alerts_patient_id_opened_at", "alerts", ["patient_id", "opened_at"])
    op.create_index("ix_alerts_resolved_at", "alerts", ["resolved_at"])
    op.create_table(
        "alert_transitions",
        sa.Column("seq", counted(), autoincrement=True, nullable=False),
        sa.Column("alert_id", sa.String(64), nullable=False),
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(128), nullable=False),
        sa.Column("cause", sa.String(255), nullable=False),
        sa.Column("step", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("measured_at", sa.BigInteger),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_alert_transitions"),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name="fk_alert_transitions_alert_id"),
        sa.UniqueConstraint("patient_id", "rule", "cause", name="uq_alert_transitions_cause"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_transitions_alert_id_seq", "alert_transitions", ["alert_id", "seq"])

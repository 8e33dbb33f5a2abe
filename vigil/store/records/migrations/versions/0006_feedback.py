"""What people say of alerts, and how each log line called, in columns and an index of their own.

Lines from before have neither a call nor a level in these columns: they count as alerts, not as interruptions.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def counted() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    for column in (
        sa.Column("call", sa.String(16), nullable=False, server_default=sa.text("''")),
        sa.Column("escalation_level", sa.Integer, nullable=False, server_default="0"),
    ):
        op.add_column("alert_transitions", column)
    op.create_index(
        "ix_alert_transitions_burden", "alert_transitions", ["at", "alert_id", "step", "call", "escalation_level"]
    )
    op.create_table(
        "alert_feedback",
        sa.Column("feedback_id", counted(), autoincrement=True, nullable=False),
        sa.Column("alert_id", sa.String(64), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("feedback_id", name="pk_alert_feedback"),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name="fk_alert_feedback_alert_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_feedback_alert_id_feedback_id", "alert_feedback", ["alert_id", "feedback_id"])

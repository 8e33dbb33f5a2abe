"""Questions whose a value is."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def counted() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "whose_questions",
        sa.Column("question_id", counted(), autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("device_time", sa.BigInteger, nullable=False),
        sa.Column("kg", sa.Double, nullable=False),
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("measured_at", sa.BigInteger, nullable=False),
        sa.Column("last_kg", sa.Double, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("answer_patient_id", sa.String(64)),
        sa.Column("reason", sa.Text),
        sa.Column("answered_by", sa.Text),
        sa.Column("answered_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("question_id", name="pk_whose_questions"),
        sa.ForeignKeyConstraint(["device_id"], ["devices.device_id"], name="fk_whose_questions_device_id"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.patient_id"], name="fk_whose_questions_patient_id"),
        sa.ForeignKeyConstraint(
            ["answer_patient_id"], ["patients.patient_id"], name="fk_whose_questions_answer_patient_id"
        ),
        sa.UniqueConstraint("device_id", "device_time", "kg", name="uq_whose_questions_device_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_whose_questions_answered_at", "whose_questions", ["answered_at"])

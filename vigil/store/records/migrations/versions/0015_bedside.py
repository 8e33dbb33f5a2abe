"""Notes, contacts and planned pauses of patients; what people typed is sealed with the patient's own key."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def counted() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("note_id", counted(), autoincrement=True, nullable=False),
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("alert_id", sa.String(64)),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("struck_by", sa.Text),
        sa.Column("struck_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("note_id", name="pk_notes"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.patient_id"], name="fk_notes_patient_id"),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name="fk_notes_alert_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notes_patient_id_note_id", "notes", ["patient_id", "note_id"])
    op.create_table(
        "contacts",
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "number", name="pk_contacts"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.patient_id"], name="fk_contacts_patient_id"),
    )
    op.create_table(
        "pauses",
        sa.Column("pause_id", counted(), autoincrement=True, nullable=False),
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("start_at", sa.BigInteger, nullable=False),
        sa.Column("end_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.LargeBinary, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("ended_by", sa.Text),
        sa.PrimaryKeyConstraint("pause_id", name="pk_pauses"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.patient_id"], name="fk_pauses_patient_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_pauses_patient_id_pause_id", "pauses", ["patient_id", "pause_id"])

"""A key of each person's own, and who was erased. Names are sealed anew when the store is opened: only it has the key."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "patient_keys",
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("patient_id", name="pk_patient_keys"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.patient_id"], name="fk_patient_keys_patient_id"),
    )
    op.create_table(
        "erasures",
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("patient_id", name="pk_erasures"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.patient_id"], name="fk_erasures_patient_id"),
    )
    op.execute(
        "INSERT INTO counters (name, value) "
        "SELECT 'old_names', CASE WHEN EXISTS (SELECT 1 FROM patients) THEN 1 ELSE 0 END"
    )

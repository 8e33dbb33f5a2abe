"""Who opened whose record in an emergency, and what the review said."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "break_glass",
        sa.Column("grant_id", sa.String(32), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("reason", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.String(16)),
        sa.Column("note", sa.LargeBinary),
        sa.Column("reviewed_by", sa.Text),
        sa.Column("reviewed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("grant_id", name="pk_break_glass"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.patient_id"], name="fk_break_glass_patient_id"),
    )
    op.create_index("ix_break_glass_at", "break_glass", ["at"])
    op.create_index("ix_break_glass_expires_at", "break_glass", ["expires_at"])

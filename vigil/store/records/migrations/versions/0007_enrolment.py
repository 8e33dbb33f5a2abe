"""Claim codes, as hashes, and the log of what happened to the broker account of each device and gateway.

Gateways have no record of their own, so that neither table refers to ``devices``.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def counted() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "claim_codes",
        sa.Column("claim_id", counted(), autoincrement=True, nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("devices", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
        sa.Column("voided_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("claim_id", name="pk_claim_codes"),
        sa.UniqueConstraint("code_hash", name="uq_claim_codes_code_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_claim_codes_account", "claim_codes", ["account"])
    op.create_table(
        "enrolments",
        sa.Column("enrolment_id", counted(), autoincrement=True, nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("enrolment_id", name="pk_enrolments"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_enrolments_account_enrolment_id", "enrolments", ["account", "enrolment_id"])
    op.create_index("ix_enrolments_outcome_enrolment_id", "enrolments", ["outcome", "enrolment_id"])

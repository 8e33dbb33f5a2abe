"""What devices are told to do, every version, with what each device answered."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def counted() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "device_settings",
        sa.Column("setting_id", counted(), autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("interval_s", sa.Text, nullable=False),
        sa.Column("limits", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("accepted", sa.Boolean),
        sa.Column("answer", sa.Text),
        sa.Column("answered_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("setting_id", name="pk_device_settings"),
        sa.ForeignKeyConstraint(["device_id"], ["devices.device_id"], name="fk_device_settings_device_id"),
        sa.UniqueConstraint("device_id", "version", name="uq_device_settings_device_id"),
        sqlite_autoincrement=True,
    )

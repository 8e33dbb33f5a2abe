"""What keeps an alert from calling for a while (snooze, suppression, a held call), and who deals with it.

Alerts from before have none of it. Their log is left as it was written: who reads it fills in the same defaults.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("snoozed_until", sa.BigInteger),
        sa.Column("snoozed_by", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("snooze_reason", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("snoozes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("suppressed_by", sa.String(64), nullable=False, server_default=sa.text("''")),
        sa.Column("held_until", sa.BigInteger),
        sa.Column("owner", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("accept_by", sa.BigInteger),
    ):
        op.add_column("alerts", column)

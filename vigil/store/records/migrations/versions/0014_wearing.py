"""What was said of bindings: is the device on its patient?"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def counted() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "binding_words",
        sa.Column("word_id", counted(), autoincrement=True, nullable=False),
        sa.Column("binding_id", counted(), nullable=False),
        sa.Column("confirmed", sa.Boolean, nullable=False),
        sa.Column("said_by", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("word_id", name="pk_binding_words"),
        sa.ForeignKeyConstraint(["binding_id"], ["bindings.binding_id"], name="fk_binding_words_binding_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_binding_words_binding_id_word_id", "binding_words", ["binding_id", "word_id"])

"""Who runs on the database, when each of them was seen last, and when their calls to DigiCert may go."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Build both tables; on SQLite they stay empty. Their times are the database's own."""
    op.create_table(
        "instances",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("executor", sa.String(80), nullable=False, unique=True),
        sa.Column("session", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "call_slots",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("call_slots_at", "call_slots", ["at", "id"])

"""Leases in place of the instances' rows and sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Replace the table; on SQLite the new one stays empty. Its times are the database's own."""
    op.create_table(
        "leases",
        sa.Column("name", sa.String(400), primary_key=True),
        sa.Column("holder", sa.String(80), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.drop_table("instances")

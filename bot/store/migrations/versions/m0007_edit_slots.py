"""The times at which the instances may edit messages in Slack."""

import sqlalchemy as sa
from alembic import op

revision = "edit_slots"
down_revision = "request_follows"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "edit_slots",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False, server_default=""),
    )
    op.create_index("edit_slots_at", "edit_slots", ["at", "id"])

"""The table of what people without permission asked others to resend."""

import sqlalchemy as sa
from alembic import op

revision = "resend_asks"
down_revision = "first"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "resend_asks",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("channel_id", sa.String(32), nullable=False),
        sa.Column("thread_ts", sa.String(32)),
        sa.Column("target", sa.String(300), nullable=False),
    )
    op.create_index("resend_asks_age", "resend_asks", ["at"])

"""The questions to people to approve an email."""

import sqlalchemy as sa
from alembic import op

revision = "approval_asks"
down_revision = "resend_asks"


def upgrade() -> None:
    """Create the table of these questions."""
    op.create_table(
        "approval_asks",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("asked", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("approved_by", sa.String(32)),
        sa.Column("approved_at", sa.String(27)),
    )
    op.create_index("approval_asks_request", "approval_asks", ["request_id"])
    op.create_index("approval_asks_email", "approval_asks", ["email"])

"""What is followed after a resend, and what was told of it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TIME = sa.String(27)


def upgrade() -> None:
    """Build the table; what was sent before it is not followed."""
    op.create_table(
        "followings",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("call_no", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(300), nullable=False),
        sa.Column("order_id", sa.BigInteger()),
        sa.Column("since", TIME, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("word", sa.String(64), nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("nudges", sa.Integer(), nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("validated", sa.Text(), nullable=False),
        sa.Column("seen_at", TIME),
        sa.Column("due_at", TIME),
        sa.Column("next_at", TIME),
        sa.Column("news", sa.Text()),
    )
    op.create_index("followings_request", "followings", ["request_id"])
    op.create_index("followings_due", "followings", ["due_at"])
    open_ = sa.text("state = 'following'")
    op.create_index(
        "followings_one_per_target",
        "followings",
        ["target"],
        unique=True,
        sqlite_where=open_,
        postgresql_where=open_,
    )

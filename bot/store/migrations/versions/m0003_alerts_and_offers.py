"""Alerts that are to be looked at, and the offers that were made for what they name."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TIME = sa.String(27)
ID = sa.String(32)


def upgrade() -> None:
    """Build the tables for alerts, offers and what was offered."""
    op.create_table(
        "alerts",
        sa.Column("channel_id", ID, primary_key=True),
        sa.Column("ts", ID, primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("candidates", sa.Text()),
    )
    still_open = sa.text("candidates IS NOT NULL")
    op.create_index("alerts_open", "alerts", ["at"], sqlite_where=still_open, postgresql_where=still_open)
    op.create_table(
        "offers",
        sa.Column("id", ID, primary_key=True),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("thread_ts", ID),
        sa.Column("at", TIME, nullable=False),
        sa.Column("targets", sa.Text(), nullable=False),
        sa.Column("later", sa.Integer(), nullable=False),
        sa.Column("quiet_until", TIME),
        sa.Column("quiet_by", ID),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
    )
    op.create_index("offers_channel", "offers", ["channel_id", "at"])
    op.create_table(
        "offered",
        sa.Column("channel_id", ID, primary_key=True),
        sa.Column("key", ID, primary_key=True),
        sa.Column("offer_id", ID, nullable=False),
        sa.Column("until", TIME, nullable=False),
    )

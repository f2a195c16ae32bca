"""Digests, their warnings, and the domains that are snoozed in a channel."""

import sqlalchemy as sa
from alembic import op

revision = "digests"
down_revision = "bulk_plans"


def upgrade() -> None:
    """Create their tables."""
    op.create_table(
        "digests",
        sa.Column("channel_id", sa.String(32), primary_key=True),
        sa.Column("due_at", sa.String(27), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("body", sa.Text),
    )
    op.create_table(
        "digest_warnings",
        sa.Column("channel_id", sa.String(32), primary_key=True),
        sa.Column("domain_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("post", sa.String(64), nullable=False),
        sa.Column("posted_at", sa.String(27)),
    )
    unposted = sa.text("posted_at IS NULL")
    op.create_index(
        "digest_warnings_open", "digest_warnings", ["post"], sqlite_where=unposted, postgresql_where=unposted
    )
    op.create_table(
        "digest_snoozes",
        sa.Column("channel_id", sa.String(32), primary_key=True),
        sa.Column("target", sa.String(32), primary_key=True),
        sa.Column("until", sa.String(27), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
    )

"""The ledger with its chain, requests, claims, posts and forms."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TIME = sa.String(27)
ID = sa.String(32)
HASH = sa.String(64)


def upgrade() -> None:
    """Build every table of the first version."""
    _ledger()
    _requests()
    op.create_table(
        "posts",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("thread_ts", ID),
        sa.Column("ts", ID),
        sa.Column("detour", sa.String(64)),
        sa.Column("intended_at", TIME, nullable=False),
    )
    op.create_table(
        "forms",
        sa.Column("id", ID, primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("forms_age", "forms", ["at"])


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("request_id", ID),
        sa.Column("call_no", sa.Integer()),
        sa.Column("attempt", sa.Integer()),
        sa.Column("user_id", ID),
        sa.Column("team_id", ID),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("prev", HASH, nullable=False),
        sa.Column("hash", HASH, nullable=False, unique=True),
    )
    op.create_index("ledger_request", "ledger", ["request_id"])
    _unique("ledger_one_sending_per_attempt", ["request_id", "call_no", "attempt"], "kind = 'sending'")
    _unique(
        "ledger_one_ending_per_call", ["request_id", "call_no"], "kind IN ('sent', 'refused', 'not_sent', 'unknown')"
    )
    head = op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", HASH, nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])


def _unique(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "ledger", columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", ID, primary_key=True),
        sa.Column("accepted_at", TIME, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reported_at", TIME),
    )
    unreported = sa.text("reported_at IS NULL")
    op.create_index("requests_open", "requests", ["accepted_at"], sqlite_where=unreported, postgresql_where=unreported)
    op.create_table(
        "last_recipients",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("emails", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_table(
        "claims",
        sa.Column("key", sa.String(300), primary_key=True),
        sa.Column("request_id", ID, primary_key=True),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("until", TIME, nullable=False),
    )
    op.create_index("claims_request", "claims", ["request_id"])

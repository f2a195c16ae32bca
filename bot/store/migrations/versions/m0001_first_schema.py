"""The first schema: every table, index and guard of the ledger."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "first"
down_revision = None

TIME = sa.String(27)
ID = sa.String(32)
HASH = sa.String(64)

_REFUSAL = "the ledger is only appended to"
_CUT_OFF = "(SELECT coalesce(max(seq), 0) FROM ledger_checkpoints)"
_SQLITE_GUARDS = (
    f"""
    CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
    # INSERT OR REPLACE deletes a row without firing the trigger below.
    f"""
    CREATE TRIGGER ledger_is_not_replaced BEFORE INSERT ON ledger WHEN EXISTS (SELECT 1 FROM ledger WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,  # noqa: S608 - words of ours
    f"""
    CREATE TRIGGER ledger_is_not_deleted BEFORE DELETE ON ledger WHEN OLD.seq > {_CUT_OFF}
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
    f"""
    CREATE TRIGGER ledger_checkpoints_are_not_changed BEFORE UPDATE ON ledger_checkpoints
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
    f"""
    CREATE TRIGGER ledger_checkpoints_are_not_deleted BEFORE DELETE ON ledger_checkpoints
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
)
_POSTGRESQL_GUARDS = (
    # An error that the bot treats as its own bug, and not as a database that is unavailable.
    f"""
    CREATE FUNCTION ledger_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'ledger' THEN
            IF OLD.seq <= {_CUT_OFF} THEN RETURN OLD; END IF;
        END IF;
        RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    """
    CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_refuses()
    """,
    """
    CREATE TRIGGER ledger_is_not_emptied BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuses()
    """,
    """
    CREATE TRIGGER ledger_checkpoints_are_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuses()
    """,
)


def upgrade() -> None:
    """Create all tables, indexes and guards in an empty database."""
    _create_ledger()
    _create_requests()
    _create_messages()
    _create_follow_ups()
    _create_alerts()
    _create_cluster()
    for guard in _SQLITE_GUARDS if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL_GUARDS:
        op.execute(guard)


def _create_ledger() -> None:
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
    ended = "kind IN ('sent', 'refused', 'not_sent', 'unknown')"
    _create_index("ledger_one_sending_per_attempt", "ledger", ["request_id", "call_no", "attempt"], "kind = 'sending'")
    _create_index("ledger_one_ending_per_call", "ledger", ["request_id", "call_no"], ended)
    begins = "kind IN ('accepted', 'cooled_down', 'denied')"
    _create_index("ledger_begins", "ledger", ["user_id", "seq"], begins, unique=False)
    head = op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", HASH, nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])
    op.create_table(
        "ledger_checkpoints",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("hash", HASH, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
    )
    op.create_table(
        "ledger_search_keys",
        sa.Column("key", sa.String(300), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
    )
    op.create_index("ledger_search_keys_seq", "ledger_search_keys", ["seq"])


def _create_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", ID, primary_key=True),
        sa.Column("accepted_at", TIME, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reported_at", TIME),
    )
    _create_index("requests_open", "requests", ["accepted_at"], "reported_at IS NULL", unique=False)
    op.create_table(
        "last_recipients",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("emails", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_table(
        "cooldowns",
        sa.Column("key", sa.String(300), primary_key=True),
        sa.Column("request_id", ID, primary_key=True),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
    )
    op.create_index("cooldowns_request", "cooldowns", ["request_id"])


def _create_messages() -> None:
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


def _create_follow_ups() -> None:
    op.create_table(
        "follow_ups",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("call_no", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(300), nullable=False),
        sa.Column("order_id", sa.BigInteger()),
        sa.Column("since", TIME, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("word", sa.String(64), nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("nudges", sa.Integer(), nullable=False),
        sa.Column("failed_checks", sa.Integer(), nullable=False),
        sa.Column("validated", sa.Text(), nullable=False),
        sa.Column("observed_at", TIME),
        sa.Column("due_at", TIME),
        sa.Column("next_at", TIME),
        sa.Column("status_update", sa.Text()),
    )
    op.create_index("follow_ups_request", "follow_ups", ["request_id"])
    op.create_index("follow_ups_due", "follow_ups", ["due_at"])
    _create_index("follow_ups_one_per_target", "follow_ups", ["target"], "state = 'following'")


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("channel_id", ID, primary_key=True),
        sa.Column("ts", ID, primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("mentions", sa.Text()),
        sa.Column("bot_id", ID),
        sa.Column("user_id", ID),
        sa.Column("about_certificates", sa.Boolean()),
    )
    _create_index("alerts_open", "alerts", ["at"], "mentions IS NOT NULL", unique=False)
    op.create_table(
        "offers",
        sa.Column("id", ID, primary_key=True),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("thread_ts", ID),
        sa.Column("at", TIME, nullable=False),
        sa.Column("targets", sa.Text(), nullable=False),
        sa.Column("repeat_count", sa.Integer(), nullable=False),
        sa.Column("snoozed_until", TIME),
        sa.Column("snoozed_by", ID),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("published_version", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(64)),
    )
    op.create_index("offers_channel", "offers", ["channel_id", "at"])
    op.create_table(
        "offer_targets",
        sa.Column("channel_id", ID, primary_key=True),
        sa.Column("key", ID, primary_key=True),
        sa.Column("offer_id", ID, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
    )


def _create_cluster() -> None:
    """Create the tables that instances on PostgreSQL share. Their times are the database's. Empty on SQLite."""
    op.create_table(
        "leases",
        sa.Column("name", sa.String(400), primary_key=True),
        sa.Column("holder", sa.String(80), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "rate_limit_slots",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("rate_limit_slots_at", "rate_limit_slots", ["at", "id"])


def _create_index(name: str, table: str, columns: list[str], condition: str, *, unique: bool = True) -> None:
    """Create an index over the rows that meet a condition."""
    only: dict[str, Any] = {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
    op.create_index(name, table, columns, unique=unique, **only)

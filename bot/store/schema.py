"""The tables, as SQLAlchemy objects. The migrations create them.

Times are text in UTC, `2026-01-31T10:00:00.000000Z`, so that they sort and read alike on both databases.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from bot.models import BEGINNINGS, OUTCOMES, LedgerEvent

metadata = MetaData()
# Half of a surrogate pair, which broken JSON may hold. Neither database accepts it, and it cannot be hashed.
_SURROGATE = re.compile("[\ud800-\udfff]")

ledger = Table(
    "ledger",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(27), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("request_id", String(32)),
    Column("call_no", Integer),
    Column("attempt", Integer),
    Column("user_id", String(32)),
    Column("team_id", String(32)),
    Column("detail", Text, nullable=False),
    Column("prev", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)

_SENDING = text(f"kind = '{LedgerEvent.SENDING}'")
_ENDED = text(f"kind IN {tuple(map(str, OUTCOMES))}")
Index("ledger_request", ledger.c.request_id)
Index(
    "ledger_one_sending_per_attempt",
    ledger.c.request_id,
    ledger.c.call_no,
    ledger.c.attempt,
    unique=True,
    sqlite_where=_SENDING,
    postgresql_where=_SENDING,
)
Index(
    "ledger_one_ending_per_call",
    ledger.c.request_id,
    ledger.c.call_no,
    unique=True,
    sqlite_where=_ENDED,
    postgresql_where=_ENDED,
)
BEGINS = text(f"kind IN {tuple(map(str, BEGINNINGS))}")
Index("ledger_begins", ledger.c.user_id, ledger.c.seq, sqlite_where=BEGINS, postgresql_where=BEGINS)

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

# Pruning: rows up to the newest checkpoint may be removed, and the checkpoint replaces them in the chain.
ledger_checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("at", String(27), nullable=False),
    Column("rows", Integer, nullable=False),
)

# Keys to find ledger rows by. Derived from the rows, and no part of the chain.
ledger_search_keys = Table(
    "ledger_search_keys",
    metadata,
    Column("key", String(300), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
)
Index("ledger_search_keys_seq", ledger_search_keys.c.seq)

requests = Table(
    "requests",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("accepted_at", String(27), nullable=False),
    Column("body", Text, nullable=False),
    Column("reported_at", String(27)),
    Column("follows", String(32)),
)
_UNREPORTED = text("reported_at IS NULL")
Index("requests_open", requests.c.accepted_at, sqlite_where=_UNREPORTED, postgresql_where=_UNREPORTED)
Index("requests_follows", requests.c.follows)

last_recipients = Table(
    "last_recipients",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("emails", Text, nullable=False),
    Column("at", String(27), nullable=False),
)

cooldowns = Table(
    "cooldowns",
    metadata,
    Column("key", String(300), primary_key=True),
    Column("request_id", String(32), primary_key=True),
    Column("user_id", String(32), nullable=False),
    Column("at", String(27), nullable=False),
    Column("expires_at", String(27), nullable=False),
)
Index("cooldowns_request", cooldowns.c.request_id)

posts = Table(
    "posts",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("channel_id", String(32), nullable=False),
    Column("thread_ts", String(32)),
    Column("ts", String(32)),
    Column("detour", String(64)),
    Column("intended_at", String(27), nullable=False),
)

forms = Table(
    "forms",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", String(27), nullable=False),
    Column("body", Text, nullable=False),
)
Index("forms_age", forms.c.at)

resend_asks = Table(
    "resend_asks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", String(27), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("team_id", String(32), nullable=False),
    Column("channel_id", String(32), nullable=False),
    Column("thread_ts", String(32)),
    Column("target", String(300), nullable=False),
)
Index("resend_asks_age", resend_asks.c.at)

follow_ups = Table(
    "follow_ups",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("request_id", String(32), nullable=False),
    Column("call_no", Integer, nullable=False),
    Column("target", String(300), nullable=False),
    Column("order_id", BigInteger),
    Column("since", String(27), nullable=False),
    Column("state", String(16), nullable=False),
    Column("word", String(64), nullable=False),
    Column("ended_at", String(27)),
    Column("checks", Integer, nullable=False),
    Column("nudges", Integer, nullable=False),
    Column("failed_checks", Integer, nullable=False),
    Column("validated", Text, nullable=False),
    Column("observed_at", String(27)),
    Column("due_at", String(27)),
    Column("next_at", String(27)),
    Column("status_update", Text),
)
_OPEN = text("state = 'following'")
Index("follow_ups_request", follow_ups.c.request_id)
Index("follow_ups_due", follow_ups.c.due_at)
Index("follow_ups_one_per_target", follow_ups.c.target, unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)


alerts = Table(
    "alerts",
    metadata,
    Column("channel_id", String(32), primary_key=True),
    Column("ts", String(32), primary_key=True),
    Column("at", String(27), nullable=False),
    Column("mentions", Text),
    Column("bot_id", String(32)),
    Column("user_id", String(32)),
    Column("about_certificates", Boolean),
)
_HAS_MENTIONS = text("mentions IS NOT NULL")
Index("alerts_open", alerts.c.at, sqlite_where=_HAS_MENTIONS, postgresql_where=_HAS_MENTIONS)

offers = Table(
    "offers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("channel_id", String(32), nullable=False),
    Column("thread_ts", String(32)),
    Column("at", String(27), nullable=False),
    Column("targets", Text, nullable=False),
    Column("repeat_count", Integer, nullable=False),
    Column("snoozed_until", String(27)),
    Column("snoozed_by", String(32)),
    Column("version", Integer, nullable=False),
    Column("published_version", Integer, nullable=False),
    Column("author", String(64)),
)
Index("offers_channel", offers.c.channel_id, offers.c.at)

offer_targets = Table(
    "offer_targets",
    metadata,
    Column("channel_id", String(32), primary_key=True),
    Column("key", String(32), primary_key=True),
    Column("offer_id", String(32), nullable=False),
    Column("expires_at", String(27), nullable=False),
)

approval_asks = Table(
    "approval_asks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("request_id", String(32), nullable=False),
    Column("email", String(320), nullable=False),
    Column("asked", String(32), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("team_id", String(32), nullable=False),
    Column("at", String(27), nullable=False),
    Column("approved_by", String(32)),
    Column("approved_at", String(27)),
)
Index("approval_asks_request", approval_asks.c.request_id)
Index("approval_asks_email", approval_asks.c.email)

bulk_plans = Table(
    "bulk_plans",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", String(27), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("person_id", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("targets", Integer, nullable=False),
    Column("started_at", String(27)),
    Column("started_seq", Integer),
    Column("body", Text, nullable=False),
)
Index("bulk_plans_state", bulk_plans.c.state)
Index("bulk_plans_user", bulk_plans.c.user_id, bulk_plans.c.started_seq)

bulk_items = Table(
    "bulk_items",
    metadata,
    Column("plan_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("request_id", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("outcome", String(16)),
    Column("words", Text, nullable=False),
    Column("ended_at", String(27)),
)
Index("bulk_items_request", bulk_items.c.request_id)

# One row for each digest that was due in a channel. `body` is what Slack shows of it.
digests = Table(
    "digests",
    metadata,
    Column("channel_id", String(32), primary_key=True),
    Column("due_at", String(27), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("body", Text),
)

digest_warnings = Table(
    "digest_warnings",
    metadata,
    Column("channel_id", String(32), primary_key=True),
    Column("domain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", String(10), primary_key=True),
    Column("post", String(64), nullable=False),
    Column("posted_at", String(27)),
)
_UNPOSTED = text("posted_at IS NULL")
Index("digest_warnings_open", digest_warnings.c.post, sqlite_where=_UNPOSTED, postgresql_where=_UNPOSTED)

digest_snoozes = Table(
    "digest_snoozes",
    metadata,
    Column("channel_id", String(32), primary_key=True),
    Column("target", String(32), primary_key=True),
    Column("until", String(27), nullable=False),
    Column("user_id", String(32), nullable=False),
)

# This table and the next two have times of the database's own clock, as the clocks of the instances may differ.
leases = Table(
    "leases",
    metadata,
    Column("name", String(400), primary_key=True),
    Column("holder", String(80), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

rate_limit_slots = Table(
    "rate_limit_slots",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("kind", String(16), nullable=False, server_default=""),
)
Index("rate_limit_slots_at", rate_limit_slots.c.at, rate_limit_slots.c.id)

edit_slots = Table(
    "edit_slots",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("kind", String(16), nullable=False, server_default=""),
)
Index("edit_slots_at", edit_slots.c.at, edit_slots.c.id)


def format_timestamp(at: datetime) -> str:
    """Return a time as the tables store it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_timestamp(text: str) -> datetime:
    """Return a stored time as a datetime in UTC."""
    return datetime.fromisoformat(text)


def canonical_json(value: Any) -> str:
    """Return JSON in the one form that the ledger hashes. It can always be encoded as UTF-8."""
    plain = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", plain)

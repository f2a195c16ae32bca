"""What people without permission asked others to resend, which also counts for the limits on asking."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.models import Actor, Destination, ResendAsk
from bot.store.database import Database, Transaction
from bot.store.retention import ASK_RETENTION
from bot.store.schema import format_timestamp, parse_timestamp, posts, resend_asks

# The prefix of the key in `posts`.
POST = "ask."
SPAN = timedelta(hours=1)
MOST_OF_PERSON = 3
MOST_IN_CHANNEL = 10


class ResendAsks:
    """One row per question, stored for ASK_RETENTION."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, ask: ResendAsk) -> bool:
        """Save a question, and delete old ones. Return False if the user or the channel has reached its limit.

        Safe to repeat: a known question counts once.
        """
        async with self._database.write() as transaction:
            if (await transaction.execute(sa.select(resend_asks.c.id).where(resend_asks.c.id == ask.id))).first():
                return True
            if await _is_over_limit(transaction, ask):
                return False
            await _delete_old(transaction, ask.at - ASK_RETENTION)
            await transaction.execute(sa.insert(resend_asks).values(_row(ask)))
        return True

    async def get(self, ask_id: str) -> ResendAsk | None:
        """Return a question; None if it is unknown or too old."""
        rows = await self._database.rows(sa.select(resend_asks).where(resend_asks.c.id == ask_id))
        return _ask(rows[0]) if rows else None

    async def posted(self, most: int) -> list[ResendAsk]:
        """Return at most `most` questions that were posted and not withdrawn, newest first."""
        is_its_post = posts.c.key == sa.literal(POST) + resend_asks.c.id
        chosen = (
            sa.select(resend_asks).join(posts, is_its_post).where(posts.c.ts.is_not(None), posts.c.detour.is_(None))
        )
        rows = await self._database.rows(chosen.order_by(resend_asks.c.at.desc()).limit(most))
        return [_ask(row) for row in rows]


async def _is_over_limit(transaction: Transaction, ask: ResendAsk) -> bool:
    lately = resend_asks.c.at > format_timestamp(ask.at - SPAN)
    of_person = resend_asks.c.user_id == ask.actor.user_id
    in_channel = resend_asks.c.channel_id == ask.destination.channel_id
    for same, most in ((of_person, MOST_OF_PERSON), (in_channel, MOST_IN_CHANNEL)):
        number = await transaction.scalar(sa.select(sa.func.count()).select_from(resend_asks).where(lately, same))
        if (number or 0) >= most:
            return True
    return False


async def _delete_old(transaction: Transaction, before: datetime) -> None:
    old = resend_asks.c.at < format_timestamp(before)
    keys = sa.select(sa.literal(POST) + resend_asks.c.id).where(old)
    await transaction.execute(sa.delete(posts).where(posts.c.key.in_(keys)))
    await transaction.execute(sa.delete(resend_asks).where(old))


def _row(ask: ResendAsk) -> Mapping[str, Any]:
    return {
        "id": ask.id,
        "at": format_timestamp(ask.at),
        "user_id": ask.actor.user_id,
        "team_id": ask.actor.team_id,
        "channel_id": ask.destination.channel_id,
        "thread_ts": ask.destination.thread_ts,
        "target": ask.target,
    }


def _ask(row: sa.Row[Any]) -> ResendAsk:
    actor, destination = Actor(row.user_id, row.team_id), Destination(row.channel_id, row.thread_ts)
    return ResendAsk(row.id, actor, destination, row.target, parse_timestamp(row.at))

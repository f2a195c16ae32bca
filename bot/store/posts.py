"""Messages of the bot, saved before they are posted, so that a retry finds the first one and does not repeat it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.models import Destination
from bot.store.database import Database
from bot.store.schema import format_timestamp, parse_timestamp, posts
from bot.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class Post:
    """One intended message.

    `ts` is Slack's id of it, once known. `detour` is Slack's error code if the message had to go to another place.
    """

    key: str
    destination: Destination
    intended_at: datetime
    ts: str | None = None
    detour: str | None = None

    @property
    def thread(self) -> Destination:
        """The destination of replies. Valid once the message was posted."""
        return Destination(self.destination.channel_id, self.destination.thread_ts or self.ts)


class Posts:
    """One row per message that must not be in a channel twice."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: str) -> Post | None:
        """Return the message with this key, posted or only intended; None if it was never saved."""
        rows = await self._database.rows(sa.select(posts).where(posts.c.key == key))
        return _post(rows[0]) if rows else None

    async def of(self, request_id: str) -> list[Post]:
        """Return the messages of a request, posted or only intended."""
        mine = posts.c.key.startswith(f"{request_id}.", autoescape=True)
        return [_post(row) for row in await self._database.rows(sa.select(posts).where(mine))]

    async def in_channels(self, request_id: str) -> list[Post]:
        """Return the messages of a request that are in channels, the oldest first."""
        mine = (posts.c.key.startswith(f"{request_id}.", autoescape=True), posts.c.ts.is_not(None))
        in_channel = (posts.c.detour.is_(None), ~posts.c.channel_id.startswith("D"))
        rows = await self._database.rows(sa.select(posts).where(*mine, *in_channel).order_by(posts.c.ts))
        return [_post(row) for row in rows]

    async def save(self, post: Post) -> None:
        """Save a message before it is posted, and again afterwards. Replaces the row with the same key."""
        row = {
            "key": post.key,
            "channel_id": post.destination.channel_id,
            "thread_ts": post.destination.thread_ts,
            "ts": post.ts,
            "detour": post.detour,
            "intended_at": format_timestamp(post.intended_at),
        }
        async with self._database.write() as transaction:
            await transaction.execute(upsert(transaction, posts, row))


def _post(row: sa.Row[Any]) -> Post:
    return Post(
        row.key, Destination(row.channel_id, row.thread_ts), parse_timestamp(row.intended_at), row.ts, row.detour
    )

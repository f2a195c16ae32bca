"""Digests that were due, the warnings of each day, and what is snoozed in a channel."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.database import Database
from bot.store.schema import (
    digest_snoozes,
    digest_warnings,
    digests,
    format_timestamp,
    parse_timestamp,
    posts,
)
from bot.store.upsert import insert_new, upsert

# The prefix of the keys in `posts`. The rest up to the dot is the channel, so that all its messages are found.
POST = "digest-"


class DigestState(StrEnum):
    """The state of a digest. A CLOSED one is in Slack without buttons. BLOCKED: its channel is closed to the bot."""

    DUE = "due"
    POSTED = "posted"
    CLOSED = "closed"
    BLOCKED = "blocked"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class DigestRow:
    """A digest of one channel and moment. `body` is the JSON of the message that is in Slack, None if none is."""

    channel_id: str
    due_at: datetime
    state: DigestState
    body: str | None = None

    @property
    def post(self) -> str:
        """Return the key of its message."""
        return f"{POST}{self.channel_id}.{int(self.due_at.timestamp())}"


@dataclass(frozen=True, slots=True)
class WarningRow:
    """A warning that is not in Slack yet: the key of its message, its local day, and its domains."""

    post: str
    channel_id: str
    day: date
    domain_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Snooze:
    """A domain or an order that is snoozed in a channel, by its key. `user_id` is the user who did that."""

    channel_id: str
    target: str
    until: datetime
    user_id: str


class Digests:
    """One row for each digest, for each domain and day with a warning, and for each snoozed domain of a channel."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, channel_id: str, due_at: datetime) -> DigestRow:
        """Return the digest of this channel and moment. It is DUE if it is new. Safe to repeat."""
        row = {"channel_id": channel_id, "due_at": format_timestamp(due_at), "state": DigestState.DUE.value}
        async with self._database.write() as transaction:
            await transaction.execute(insert_new(transaction, digests, [row]))
            same = (digests.c.channel_id == channel_id, digests.c.due_at == row["due_at"])
            found = (await transaction.execute(sa.select(digests).where(*same))).one()
        return _digest(found)

    async def newest(self, channel_id: str, before: datetime | None = None) -> DigestRow | None:
        """Return the newest digest of a channel that was due, or that was due before a time; None if there is none."""
        older = (digests.c.due_at < format_timestamp(before),) if before else ()
        mine = sa.select(digests).where(digests.c.channel_id == channel_id, *older)
        rows = await self._database.rows(mine.order_by(digests.c.due_at.desc()).limit(1))
        return _digest(rows[0]) if rows else None

    async def newest_posted(self, channel_id: str, before: datetime | None = None) -> DigestRow | None:
        """Return the newest digest of a channel that is in Slack, and was due before a time; None if there is none."""
        in_slack = digests.c.state.in_((DigestState.POSTED, DigestState.CLOSED))
        older = (digests.c.due_at < format_timestamp(before),) if before else ()
        mine = sa.select(digests).where(digests.c.channel_id == channel_id, in_slack, *older)
        rows = await self._database.rows(mine.order_by(digests.c.due_at.desc()).limit(1))
        return _digest(rows[0]) if rows else None

    async def with_buttons(self) -> list[DigestRow]:
        """Return every digest that is in Slack with its buttons, the oldest first."""
        mine = sa.select(digests).where(digests.c.state == DigestState.POSTED).order_by(digests.c.due_at)
        return [_digest(row) for row in await self._database.rows(mine)]

    async def save(self, digest: DigestRow) -> None:
        """Save the state and the body of a digest."""
        same = (digests.c.channel_id == digest.channel_id, digests.c.due_at == format_timestamp(digest.due_at))
        change = {"state": digest.state.value, "body": digest.body}
        await self._database.run(sa.update(digests).where(*same).values(change))

    async def claim_warnings(self, channel_id: str, day: date, domain_ids: Iterable[int], post: str) -> None:
        """Save a warning for those of these domains that have none of this day in this channel."""
        rows = [
            {"channel_id": channel_id, "domain_id": each, "day": day.isoformat(), "post": post} for each in domain_ids
        ]
        async with self._database.write() as transaction:
            await transaction.execute(insert_new(transaction, digest_warnings, rows))

    async def warned(self, channel_id: str, day: date) -> frozenset[int]:
        """Return the domains with a warning of this day in this channel."""
        mine = (digest_warnings.c.channel_id == channel_id, digest_warnings.c.day == day.isoformat())
        rows = await self._database.rows(sa.select(digest_warnings.c.domain_id).where(*mine))
        return frozenset(row.domain_id for row in rows)

    async def unposted_warnings(self, channel_id: str) -> list[WarningRow]:
        """Return the warnings of a channel that are not known to be in Slack, the oldest first."""
        mine = (digest_warnings.c.channel_id == channel_id, digest_warnings.c.posted_at.is_(None))
        rows = await self._database.rows(sa.select(digest_warnings).where(*mine).order_by(digest_warnings.c.day))
        found: dict[tuple[str, str], list[int]] = {}
        for row in rows:
            found.setdefault((row.post, row.day), []).append(row.domain_id)
        return [
            WarningRow(post, channel_id, date.fromisoformat(day), tuple(sorted(ids)))
            for (post, day), ids in found.items()
        ]

    async def mark_warned(self, post: str, at: datetime) -> None:
        """Save that a warning is in Slack, or never will be."""
        same = digest_warnings.c.post == post
        await self._database.run(sa.update(digest_warnings).where(same).values(posted_at=format_timestamp(at)))

    async def snoozes(self, channel_ids: Collection[str], now: datetime) -> list[Snooze]:
        """Return what is snoozed in these channels now."""
        mine = (digest_snoozes.c.channel_id.in_(channel_ids), digest_snoozes.c.until > format_timestamp(now))
        rows = await self._database.rows(sa.select(digest_snoozes).where(*mine))
        return [Snooze(row.channel_id, row.target, parse_timestamp(row.until), row.user_id) for row in rows]

    async def posts(self, channel_id: str) -> list[str]:
        """Return the keys of the digests and warnings that are in a channel."""
        mine = posts.c.key.startswith(f"{POST}{channel_id}.", autoescape=True)
        rows = await self._database.rows(sa.select(posts.c.key).where(mine, posts.c.ts.is_not(None)))
        return [row.key for row in rows]

    async def prune(self, before: datetime, now: datetime) -> None:
        """Delete the digests that were due before a time, with their warnings and posts, and snoozes that are over."""
        old = format_timestamp(before)
        its_posts = posts.c.key.startswith(POST, autoescape=True)
        await self._database.run(
            sa.delete(posts).where(its_posts, posts.c.intended_at < old),
            sa.delete(digest_warnings).where(digest_warnings.c.day < old[:10]),
            sa.delete(digest_snoozes).where(digest_snoozes.c.until <= format_timestamp(now)),
            sa.delete(digests).where(digests.c.due_at < old),
        )


async def add_snoozes(transaction: AsyncConnection, snoozes: Iterable[Snooze]) -> None:
    """Save what is snoozed. A later snooze of the same target in a channel replaces the one before."""
    for snooze in snoozes:
        row = {
            "channel_id": snooze.channel_id,
            "target": snooze.target,
            "until": format_timestamp(snooze.until),
            "user_id": snooze.user_id,
        }
        await transaction.execute(upsert(transaction, digest_snoozes, row))


def _digest(row: sa.Row[Any]) -> DigestRow:
    return DigestRow(row.channel_id, parse_timestamp(row.due_at), DigestState(row.state), row.body)

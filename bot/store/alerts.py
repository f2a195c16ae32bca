"""Alerts, saved before the bot acknowledges them to Slack: each is processed once, even after a restart."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.parsing.mentions import Mention
from bot.parsing.message_authors import Author
from bot.store.database import Database
from bot.store.schema import alerts, format_timestamp, parse_timestamp
from bot.store.upsert import insert_new

_MENTIONS = TypeAdapter(tuple[Mention, ...])


@dataclass(frozen=True, slots=True)
class Alert:
    """A message in an alert channel, identified by channel and `ts`, and what it may name. Its text is not stored.

    `author` is None for an alert that an older version of the bot saved.
    """

    channel_id: str
    ts: str
    at: datetime
    mentions: tuple[Mention, ...]
    author: Author | None = None
    about_certificates: bool = False


class Alerts:
    """One row per alert. Its mentions are removed once it is processed, and the row after ALERT_RETENTION."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: Sequence[Alert]) -> None:
        """Save alerts, all or none. Safe to repeat: an alert that is already saved does not change."""
        rows = [
            {
                "channel_id": alert.channel_id,
                "ts": alert.ts,
                "at": format_timestamp(alert.at),
                "mentions": _MENTIONS.dump_json(alert.mentions).decode(),
                "bot_id": alert.author.bot_id if alert.author else None,
                "user_id": alert.author.user_id if alert.author else None,
                "about_certificates": alert.about_certificates,
            }
            for alert in new
        ]
        async with self._database.write() as transaction:
            await transaction.execute(insert_new(transaction, alerts, rows))

    async def unread(
        self, most: int, *, without: Collection[str] = (), only: Collection[str] | None = None
    ) -> list[Alert]:
        """Return at most `most` alerts that the worker has not processed.

        Apps come before people. Among them the authors take turns, so that a flood of one author delays that author
        alone. `without` are user ids whose alerts are skipped. With `only`, no other user's alerts are returned. Apps
        and webhooks have no user id.
        """
        by_author = sa.func.coalesce(alerts.c.user_id, alerts.c.bot_id)
        turn = sa.func.row_number().over(partition_by=by_author, order_by=(alerts.c.at, alerts.c.ts))
        chosen = sa.select(alerts).where(alerts.c.mentions.is_not(None), _not_in(alerts.c.user_id, without))
        if only is not None:
            chosen = chosen.where(alerts.c.user_id.is_(None) | alerts.c.user_id.in_(list(only)))
        chosen = chosen.order_by(alerts.c.bot_id.is_(None), turn, alerts.c.at, alerts.c.ts).limit(most)
        return [_alert(row) for row in await self._database.rows(chosen)]

    async def done(self, processed: Iterable[Alert]) -> None:
        """Mark these alerts as processed."""
        async with self._database.write() as transaction:
            for alert in processed:
                await done(transaction, alert)

    async def tidy(self, before: datetime) -> None:
        """Delete the alerts that arrived before this time."""
        await self._database.run(sa.delete(alerts).where(alerts.c.at < format_timestamp(before)))


async def done(transaction: AsyncConnection, alert: Alert) -> bool:
    """Mark an alert as processed and remove what it named. Return False if another process has done so already."""
    same = (alerts.c.channel_id == alert.channel_id) & (alerts.c.ts == alert.ts) & alerts.c.mentions.is_not(None)
    return (await transaction.execute(sa.update(alerts).where(same).values(mentions=None))).rowcount == 1


def _not_in(column: sa.Column[Any], values: Collection[str]) -> sa.ColumnElement[bool]:
    # For NULL, `NOT IN` is neither true nor false in SQL, so the row would be missing.
    return sa.or_(column.is_(None), column.not_in(list(values)))


def _alert(row: sa.Row[Any]) -> Alert:
    return Alert(
        channel_id=row.channel_id,
        ts=row.ts,
        at=parse_timestamp(row.at),
        mentions=_mentions(row.mentions),
        author=Author(row.bot_id, row.user_id) if row.bot_id or row.user_id else None,
        about_certificates=bool(row.about_certificates),
    )


def _mentions(text: str) -> tuple[Mention, ...]:
    try:
        return _MENTIONS.validate_json(text)
    except ValidationError:
        # Saved by another version of the bot.
        return ()

"""Counts of pending work, for health checks and metrics. Each query uses a small partial index."""

from datetime import datetime

import sqlalchemy as sa

from bot.models import Backlog
from bot.store.database import Database
from bot.store.schema import alerts, follow_ups, format_timestamp, ledger_head, requests


class BacklogReader:
    """Reader of the counts. Never writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def refresh(self) -> None:
        """Read one row of the bot's tables. Raises StoreUnavailable if the database does not answer in time."""
        async with self._database.read() as connection:
            await connection.execute(sa.select(ledger_head.c.seq))

    async def read(self, now: datetime) -> Backlog:
        """Return the counts. A follow-up is due if its time is `now` or earlier."""
        open_ones = sa.select(sa.func.count()).select_from(requests).where(requests.c.reported_at.is_(None))
        unread = sa.select(sa.func.count()).select_from(alerts).where(alerts.c.mentions.is_not(None))
        followed = sa.select(sa.func.count()).select_from(follow_ups)
        counts = sa.select(
            open_ones.scalar_subquery(),
            unread.scalar_subquery(),
            followed.where(sa.text("state = 'following'")).scalar_subquery(),
            followed.where(follow_ups.c.due_at <= format_timestamp(now)).scalar_subquery(),
        )
        async with self._database.read() as connection:
            return Backlog(*(await connection.execute(counts)).one())

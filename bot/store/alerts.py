"""Alerts, written down before Slack is told that they arrived: each is looked at once, also after a restart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.candidates import Candidate
from bot.store.db import Database
from bot.store.tables import alerts, moment, written
from bot.store.upsert import insert_new

_CANDIDATES = TypeAdapter(tuple[Candidate, ...])


@dataclass(frozen=True, slots=True)
class Alert:
    """A message in a channel of alerts, known by channel and `ts`, and what it may name; its words are not kept."""

    channel_id: str
    ts: str
    at: datetime
    candidates: tuple[Candidate, ...]


class Alerts:
    """One row per alert; its candidates are gone once it was looked at, and the row soon after."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, new: Sequence[Alert]) -> None:
        """Write alerts down, all or nothing; one that is known already stays as it is."""
        rows = [
            {
                "channel_id": alert.channel_id,
                "ts": alert.ts,
                "at": written(alert.at),
                "candidates": _CANDIDATES.dump_json(alert.candidates).decode(),
            }
            for alert in new
        ]
        async with self._database.write() as transaction:
            await transaction.execute(insert_new(transaction, alerts, rows))

    async def unread(self, most: int) -> list[Alert]:
        """The alerts that nobody looked at yet, in the order of their arrival."""
        chosen = (
            sa.select(alerts).where(alerts.c.candidates.is_not(None)).order_by(alerts.c.at, alerts.c.ts).limit(most)
        )
        async with self._database.read() as connection:
            return [
                Alert(row.channel_id, row.ts, moment(row.at), _candidates(row.candidates))
                for row in await connection.execute(chosen)
            ]

    async def done(self, looked_at: Iterable[Alert]) -> None:
        """Note that these were looked at."""
        async with self._database.write() as transaction:
            for alert in looked_at:
                await done(transaction, alert)

    async def tidy(self, before: datetime) -> None:
        """Forget what arrived before."""
        async with self._database.write() as transaction:
            await transaction.execute(sa.delete(alerts).where(alerts.c.at < written(before)))


async def done(transaction: AsyncConnection, alert: Alert) -> bool:
    """Note that an alert was looked at, and let go of what it named; False where somebody else did before."""
    same = (alerts.c.channel_id == alert.channel_id) & (alerts.c.ts == alert.ts) & alerts.c.candidates.is_not(None)
    return (await transaction.execute(sa.update(alerts).where(same).values(candidates=None))).rowcount == 1


def _candidates(text: str) -> tuple[Candidate, ...]:
    try:
        return _CANDIDATES.validate_json(text)
    except ValidationError:
        # Written by another version.
        return ()

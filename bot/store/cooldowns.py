"""Cooldown claims: one per target and request, taken when it is accepted, freed when nothing was sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.models import ResendRequest
from bot.store.database import Database
from bot.store.schema import cooldowns, format_timestamp, parse_timestamp
from bot.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class ActiveCooldown:
    """Who sent to this target last, and until when it rests."""

    key: str
    request_id: str
    user_id: str
    at: datetime
    expires_at: datetime


class Cooldowns:
    """Reads the claims; taking and freeing happens inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def active(self, keys: Iterable[str], now: datetime) -> ActiveCooldown | None:
        """The newest claim on any of these targets that still holds."""
        async with self._database.read() as connection:
            return await active(connection, keys, now)

    async def delete_expired(self, before: datetime) -> None:
        """Forget those that ended before."""
        await self._database.run(sa.delete(cooldowns).where(cooldowns.c.expires_at < format_timestamp(before)))


async def active(connection: AsyncConnection, keys: Iterable[str], now: datetime) -> ActiveCooldown | None:
    """The newest claim on any of these targets that still holds, seen from inside a transaction."""
    chosen = (
        sa.select(cooldowns)
        .where(cooldowns.c.key.in_(list(keys)), cooldowns.c.expires_at > format_timestamp(now))
        .order_by(cooldowns.c.at.desc())
        .limit(1)
    )
    row = (await connection.execute(chosen)).first()
    return (
        ActiveCooldown(row.key, row.request_id, row.user_id, parse_timestamp(row.at), parse_timestamp(row.expires_at))
        if row
        else None
    )


async def acquire(transaction: AsyncConnection, request: ResendRequest, until: datetime) -> None:
    """Claim every target of a request beside what stands there; what no longer holds goes."""
    keys = [key for call in request.calls for key in call.cooldown_keys]
    over = sa.delete(cooldowns).where(cooldowns.c.key.in_(keys), cooldowns.c.expires_at <= format_timestamp(request.at))
    await transaction.execute(over)
    for call in request.calls:
        for key in call.cooldown_keys:
            row = {
                "key": key,
                "request_id": request.id,
                "user_id": request.actor.user_id,
                "at": format_timestamp(request.at),
                "expires_at": format_timestamp(until),
            }
            await transaction.execute(upsert(transaction, cooldowns, row))


async def release(transaction: AsyncConnection, request_id: str, keys: Iterable[str]) -> None:
    """Let go of these targets, as far as this request still holds them."""
    await transaction.execute(
        sa.delete(cooldowns).where(cooldowns.c.key.in_(list(keys)), cooldowns.c.request_id == request_id)
    )

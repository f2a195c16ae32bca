"""Cooldowns: one per target and request, acquired when the request is accepted, released if nothing was sent."""

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
    """The last resend to a target, and the time until which the target is blocked."""

    key: str
    request_id: str
    user_id: str
    at: datetime
    expires_at: datetime


class Cooldowns:
    """Reader of the cooldowns. `acquire` and `release` run inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def active(self, keys: Iterable[str], now: datetime, but_of: str | None = None) -> ActiveCooldown | None:
        """Return the newest cooldown of any of these targets that has not ended, or None.

        Ignores the cooldowns of the request `but_of`.
        """
        async with self._database.read() as connection:
            return await active(connection, keys, now, but_of)

    async def delete_expired(self, before: datetime) -> None:
        """Delete the cooldowns that ended before this time."""
        await self._database.run(sa.delete(cooldowns).where(cooldowns.c.expires_at < format_timestamp(before)))


async def active(
    connection: AsyncConnection, keys: Iterable[str], now: datetime, but_of: str | None = None
) -> ActiveCooldown | None:
    """Return the newest cooldown of any of these targets that has not ended, read in the caller's transaction.

    Ignores the cooldowns of the request `but_of`.
    """
    chosen = (
        sa.select(cooldowns)
        .where(cooldowns.c.key.in_(list(keys)), cooldowns.c.expires_at > format_timestamp(now))
        .where(cooldowns.c.request_id != (but_of or ""))
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
    """Start a cooldown for every target of a request, beside those of other requests. Deletes those that have ended."""
    keys = [key for call in request.calls for key in call.cooldown_keys]
    ended = cooldowns.c.expires_at <= format_timestamp(request.at)
    await transaction.execute(sa.delete(cooldowns).where(cooldowns.c.key.in_(keys), ended))
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
    """End this request's cooldowns of these targets. Those of other requests stay. Safe to repeat."""
    await transaction.execute(
        sa.delete(cooldowns).where(cooldowns.c.key.in_(list(keys)), cooldowns.c.request_id == request_id)
    )

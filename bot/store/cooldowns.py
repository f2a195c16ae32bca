"""Cooldown claims: one per target and request, taken when it is accepted, freed when nothing was sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.models import ResendRequest
from bot.store.database import Database
from bot.store.schema import claims, moment, written
from bot.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class Claim:
    """Who sent to this target last, and until when it rests."""

    key: str
    request_id: str
    user_id: str
    at: datetime
    until: datetime


class Claims:
    """Reads the claims; taking and freeing happens inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self, keys: Iterable[str], now: datetime) -> Claim | None:
        """The newest claim on any of these targets that still holds."""
        async with self._database.read() as connection:
            return await standing(connection, keys, now)

    async def tidy(self, before: datetime) -> None:
        """Forget those that ended before."""
        async with self._database.write() as transaction:
            await transaction.execute(sa.delete(claims).where(claims.c.until < written(before)))


async def standing(connection: AsyncConnection, keys: Iterable[str], now: datetime) -> Claim | None:
    """The newest claim on any of these targets that still holds, seen from inside a transaction."""
    chosen = (
        sa.select(claims)
        .where(claims.c.key.in_(list(keys)), claims.c.until > written(now))
        .order_by(claims.c.at.desc())
        .limit(1)
    )
    row = (await connection.execute(chosen)).first()
    return Claim(row.key, row.request_id, row.user_id, moment(row.at), moment(row.until)) if row else None


async def take(transaction: AsyncConnection, request: ResendRequest, until: datetime) -> None:
    """Claim every target of a request beside what stands there; what no longer holds goes."""
    keys = [key for call in request.calls for key in call.claim_keys]
    over = sa.delete(claims).where(claims.c.key.in_(keys), claims.c.until <= written(request.at))
    await transaction.execute(over)
    for call in request.calls:
        for key in call.claim_keys:
            row = {
                "key": key,
                "request_id": request.id,
                "user_id": request.actor.user_id,
                "at": written(request.at),
                "until": written(until),
            }
            await transaction.execute(upsert(transaction, claims, row))


async def free(transaction: AsyncConnection, request_id: str, keys: Iterable[str]) -> None:
    """Let go of these targets, as far as this request still holds them."""
    await transaction.execute(sa.delete(claims).where(claims.c.key.in_(list(keys)), claims.c.request_id == request_id))

"""Accepted requests, and the last recipients of each name."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.async_cache import cached
from bot.models import Call, ResendRequest
from bot.store.database import Database
from bot.store.schema import bulk_items, format_timestamp, last_recipients, requests
from bot.store.upsert import upsert

REMEMBERED = 60.0
_REQUEST = TypeAdapter(ResendRequest)


class Requests:
    """One row per accepted request. The ledger has the results of its calls."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Each step of a workflow reads it, and an accepted request never changes.
        self._remembered = cached(self._read, maxsize=256, ttl=REMEMBERED)

    async def get(self, request_id: str) -> ResendRequest:
        """Return the request as it was accepted. Raises KeyError if it is unknown."""
        return await self._remembered(request_id)

    async def following(self, request_id: str) -> list[ResendRequest]:
        """Return the requests that users made from the card of this one, newest first."""
        chosen = sa.select(requests.c.body).where(requests.c.follows == request_id)
        rows = await self._database.rows(chosen.order_by(requests.c.accepted_at.desc()))
        return [_REQUEST.validate_json(row.body) for row in rows]

    async def unreported(self) -> list[str]:
        """Return the ids of the requests whose outcome is not published yet, oldest first.

        The items of plans are not among them: their plan carries them out.
        """
        is_item = sa.exists().where(bulk_items.c.request_id == requests.c.id)
        unreported = sa.select(requests.c.id).where(requests.c.reported_at.is_(None), ~is_item)
        open_ones = unreported.order_by(requests.c.accepted_at)
        return [row.id for row in await self._database.rows(open_ones)]

    async def reported(self, request_id: str, at: datetime) -> None:
        """Save that the outcome is published in Slack. Safe to repeat."""
        await self._database.run(
            sa.update(requests).where(requests.c.id == request_id).values(reported_at=format_timestamp(at))
        )

    async def last_recipients(self, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the last recipients of these names. A name that was never mailed is not in the result."""
        chosen = sa.select(last_recipients).where(last_recipients.c.name.in_(list(names)))
        return {row.name: tuple(json.loads(row.emails)) for row in await self._database.rows(chosen)}

    async def _read(self, request_id: str) -> ResendRequest:
        rows = await self._database.rows(sa.select(requests.c.body).where(requests.c.id == request_id))
        if not rows:
            raise KeyError(request_id)
        return _REQUEST.validate_json(rows[0].body)


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """A request that was accepted before, and whether its outcome is published."""

    is_reported: bool


async def known(transaction: AsyncConnection, request_id: str) -> KnownRequest | None:
    """Return the state of a request that was accepted before; None if it was not."""
    chosen = sa.select(requests.c.reported_at).where(requests.c.id == request_id)
    row = (await transaction.execute(chosen)).first()
    return KnownRequest(row.reported_at is not None) if row else None


async def is_followed(transaction: AsyncConnection, request_id: str, key: str) -> bool:
    """Return True if a request for the target of this key was made from the card of another one."""
    chosen = sa.select(requests.c.body).where(requests.c.follows == request_id)
    return any(_REQUEST.validate_json(row.body).key == key for row in (await transaction.execute(chosen)).all())


async def add(transaction: AsyncConnection, request: ResendRequest) -> None:
    """Save an accepted request."""
    body = _REQUEST.dump_json(request).decode()
    row = {"id": request.id, "accepted_at": format_timestamp(request.at), "body": body, "follows": request.follows}
    await transaction.execute(sa.insert(requests).values(row))


async def remember_recipients(transaction: AsyncConnection, call: Call, at: datetime) -> None:
    """Save the recipients of a call by name, so that the next form preselects them."""
    for name in call.names:
        emails = json.dumps([recipient.email for recipient in call.recipients if recipient.name == name])
        await transaction.execute(
            upsert(transaction, last_recipients, {"name": name, "emails": emails, "at": format_timestamp(at)})
        )

"""The questions to people to approve an email: who was asked, and who answered for which mailbox."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.models import Actor, ApprovalAsk
from bot.store.database import Database
from bot.store.schema import approval_asks, format_timestamp, parse_timestamp


class ApprovalAsks:
    """One row per question, with the last user who answered *I approved it*."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, ask_id: str) -> ApprovalAsk | None:
        """Return a question; None if it is unknown or was deleted after APPROVAL_RETENTION."""
        rows = await self._database.rows(sa.select(approval_asks).where(approval_asks.c.id == ask_id))
        return _ask(rows[0]) if rows else None

    async def record_approval(self, ask: ApprovalAsk, user_id: str, now: datetime, least_pause: timedelta) -> bool:
        """Save that a user says that they approved the email.

        Return False, and save nothing, if an answer to any question about the request is younger than `least_pause`.
        """
        lately = (
            approval_asks.c.request_id == ask.request_id,
            approval_asks.c.approved_at > format_timestamp(now - least_pause),
        )
        answer = {"approved_by": user_id, "approved_at": format_timestamp(now)}
        async with self._database.write() as transaction:
            if (await transaction.execute(sa.select(approval_asks.c.id).where(*lately))).first():
                return False
            await transaction.execute(sa.update(approval_asks).where(approval_asks.c.id == ask.id).values(answer))
        return True

    async def last_approvers(self, emails: Iterable[str]) -> dict[str, str]:
        """Return the id of the user who answered last for each of these mailboxes. Others are not in the result."""
        answered = (approval_asks.c.email.in_(list(emails)), approval_asks.c.approved_by.is_not(None))
        newest_last = sa.select(approval_asks).where(*answered).order_by(approval_asks.c.approved_at)
        return {row.email: row.approved_by for row in await self._database.rows(newest_last)}

    async def prune(self, before: datetime) -> None:
        """Delete the questions that were asked before this time."""
        old = approval_asks.c.at < format_timestamp(before)
        await self._database.run(sa.delete(approval_asks).where(old))


async def exists(transaction: AsyncConnection, ask_id: str) -> bool:
    """Return True if this question was saved before."""
    return (
        await transaction.execute(sa.select(approval_asks.c.id).where(approval_asks.c.id == ask_id))
    ).first() is not None


async def asked_since(transaction: AsyncConnection, request_id: str, since: datetime) -> list[datetime]:
    """Return when the questions about a request were asked since a time, oldest first."""
    recent = (approval_asks.c.request_id == request_id, approval_asks.c.at > format_timestamp(since))
    rows = await transaction.execute(sa.select(approval_asks.c.at).where(*recent).order_by(approval_asks.c.at))
    return [parse_timestamp(row.at) for row in rows]


async def add(transaction: AsyncConnection, ask: ApprovalAsk) -> None:
    """Save a question before it is posted."""
    row = {
        "id": ask.id,
        "request_id": ask.request_id,
        "email": ask.email,
        "asked": ask.asked,
        "user_id": ask.actor.user_id,
        "team_id": ask.actor.team_id,
        "at": format_timestamp(ask.at),
    }
    await transaction.execute(sa.insert(approval_asks).values(row))


def _ask(row: sa.Row[Any]) -> ApprovalAsk:
    actor = Actor(row.user_id, row.team_id)
    return ApprovalAsk(row.id, row.request_id, row.email, row.asked, actor, parse_timestamp(row.at))

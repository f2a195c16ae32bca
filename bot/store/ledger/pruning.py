"""Removal of the oldest rows of the ledger. The rest of the chain can still be verified."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import stamina
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.bulk import OVER
from bot.errors import StoreUnavailable
from bot.models import LedgerEvent
from bot.store.database import Database
from bot.store.ledger.entries import Entry, append
from bot.store.ledger.hash_chain import Chain, ChainPosition
from bot.store.schema import (
    bulk_items,
    bulk_plans,
    cooldowns,
    format_timestamp,
    last_recipients,
    ledger,
    ledger_checkpoints,
    ledger_search_keys,
    posts,
    requests,
)

# A batch takes far less than a second, so that no user in Slack waits for it. Others can write in the pause.
MOST_AT_ONCE = 500
PAUSE_SECONDS = 0.1
# The keys of a request's posts begin with this many characters of its id.
_ID_DIGITS = 16
_SOON = stamina.AsyncRetryingCaller(attempts=None, timeout=60.0, wait_initial=0.2, wait_max=2.0).on(StoreUnavailable)


@dataclass(frozen=True, slots=True)
class Cut:
    """The rows that may be removed: the last one, and how many. `held_by` is the request that blocks the rest."""

    through: ChainPosition
    rows: int
    held_by: str | None = None


async def plan(connection: AsyncConnection, start: ChainPosition, before: datetime, now: datetime) -> Cut:
    """Return the rows behind `start` that were written before a time and belong to finished requests. Changes nothing.

    A request is finished if its outcome is published, none of its cooldowns is active, and each row of it may go. A
    plan is finished if it is over.
    """
    first_young = await Chain(connection).first_since(format_timestamp(before), start.seq)
    if first_young is None:
        first_young = (await connection.scalar(sa.select(sa.func.max(ledger.c.seq))) or 0) + 1
    through, held_by = first_young - 1, None
    while held := await _held(connection, start.seq, through, now):
        through, held_by = held.seq - 1, held.request_id
    if through <= start.seq:
        return Cut(start, 0, held_by)
    return Cut(await _mark(connection, through), through - start.seq, held_by)


async def cut_off(database: Database, cut: Cut, before: datetime, now: datetime) -> None:
    """Write the checkpoint and the ledger row about it, in one transaction. Safe to repeat.

    Raises StoreUnavailable if the database does not answer for a minute.
    """
    await _SOON(_write_checkpoint, database, cut, before, now)


async def sweep(database: Database, through: int, pause_seconds: float = PAUSE_SECONDS) -> int:
    """Remove the rows up to a checkpoint in batches, with their requests, posts, recipients and search keys.

    Return the number of rows removed. Safe to repeat. Raises StoreUnavailable if the database does not answer for a
    minute: the next call removes the rest.
    """
    removed = 0
    while some := await _SOON(_remove_some, database, through):
        removed += some
        await asyncio.sleep(pause_seconds)
    return removed


async def _held(connection: AsyncConnection, after: int, through: int, now: datetime) -> sa.Row[Any, Any] | None:
    """Return the first row up to `through` of a request that is not finished, or that has later rows too."""
    mine = ledger.alias()
    inside = (mine.c.seq > after, mine.c.seq <= through)
    unpublished = sa.select(requests.c.id).where(requests.c.reported_at.is_(None))
    cooling = sa.select(cooldowns.c.request_id).where(cooldowns.c.expires_at > format_timestamp(now))
    over = [each.value for each in OVER]
    planned = sa.select(bulk_plans.c.id).where(bulk_plans.c.state.not_in(over))
    of_plans = sa.select(bulk_items.c.request_id).where(bulk_items.c.plan_id.in_(planned))
    unfinished = sa.union_all(unpublished, cooling, planned, of_plans)
    has_later_rows = sa.exists().where(ledger.c.request_id == mine.c.request_id, ledger.c.seq > through)
    first = (
        sa.select(mine.c.seq, mine.c.request_id)
        .where(*inside, sa.or_(mine.c.request_id.in_(unfinished), has_later_rows))
        .order_by(mine.c.seq)
        .limit(1)
    )
    return (await connection.execute(first)).first()


async def _mark(connection: AsyncConnection, seq: int) -> ChainPosition:
    row_hash = await connection.scalar(sa.select(ledger.c.hash).where(ledger.c.seq == seq))
    return ChainPosition(seq, str(row_hash))


async def _write_checkpoint(database: Database, cut: Cut, before: datetime, now: datetime) -> None:
    mark = cut.through
    async with database.write() as transaction:
        newest = await Chain(transaction).checkpoint()
        if newest and newest.mark.seq >= mark.seq:
            # Written by an earlier attempt whose commit was in doubt, or by another process.
            return
        row = {"seq": mark.seq, "hash": mark.hash, "at": format_timestamp(now), "rows": cut.rows}
        await transaction.execute(sa.insert(ledger_checkpoints).values(**row))
        detail = {"through": mark.seq, "hash": mark.hash, "rows": cut.rows, "before": format_timestamp(before)}
        await append(transaction, Entry(LedgerEvent.PRUNED, now, detail=detail))


async def _remove_some(database: Database, through: int) -> int:
    oldest = sa.select(ledger.c.seq).where(ledger.c.seq <= through).order_by(ledger.c.seq).limit(MOST_AT_ONCE)
    async with database.write() as transaction:
        last = await transaction.scalar(sa.select(sa.func.max(oldest.subquery().c.seq)))
        if last is None:
            return 0
        gone = sa.select(ledger.c.request_id).where(ledger.c.seq <= last, ledger.c.request_id.is_not(None))
        at = await transaction.scalar(sa.select(ledger.c.at).where(ledger.c.seq == last))
        await transaction.execute(sa.delete(posts).where(sa.func.substr(posts.c.key, 1, _ID_DIGITS).in_(gone)))
        await transaction.execute(sa.delete(requests).where(requests.c.id.in_(gone)))
        await _remove_plans_without_rows(transaction, at)
        await transaction.execute(sa.delete(bulk_items).where(bulk_items.c.plan_id.in_(gone)))
        await transaction.execute(sa.delete(bulk_plans).where(bulk_plans.c.id.in_(gone)))
        await transaction.execute(sa.delete(last_recipients).where(last_recipients.c.at <= at))
        await transaction.execute(sa.delete(ledger_search_keys).where(ledger_search_keys.c.seq <= last))
        return (await transaction.execute(sa.delete(ledger).where(ledger.c.seq <= last))).rowcount


async def _remove_plans_without_rows(transaction: AsyncConnection, at: str | None) -> None:
    """Remove the plans up to a time that ended before they had a row of the ledger, with their posts.

    Those found nothing to send, or were discarded during the lookup.
    """
    has_row = sa.exists().where(ledger.c.request_id == bulk_plans.c.id)
    over = [each.value for each in OVER]
    mine = bulk_plans.c.state.in_(over), bulk_plans.c.at <= at, ~has_row
    of_plans = sa.select(bulk_plans.c.id).where(*mine)
    await transaction.execute(sa.delete(posts).where(sa.func.substr(posts.c.key, 1, _ID_DIGITS).in_(of_plans)))
    await transaction.execute(sa.delete(bulk_plans).where(*mine))

"""Limits on the requests of one person, counted in the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.models import Actor, LedgerEvent
from bot.store.schema import BEGINS, bulk_items, bulk_plans, ledger, parse_timestamp


@dataclass(frozen=True, slots=True)
class ReachedLimit:
    """A limit that a person has reached: `requests` within `span`, and the time when they can continue.

    `is_recorded` is True if the ledger already has a row that says so.
    """

    requests: int
    span: timedelta
    until: datetime
    is_recorded: bool


async def reached_limit(
    transaction: AsyncConnection, actor: Actor, rates: Sequence[tuple[int, float]], now: datetime
) -> ReachedLimit | None:
    """Return the reached limit that blocks a person longest; None if no limit is reached.

    `rates` are pairs of requests and seconds. Call it in the transaction that accepts the request. Otherwise two
    requests at once could both be the last that is allowed.
    """
    found = [await _reached(transaction, actor, number, timedelta(seconds=seconds), now) for number, seconds in rates]
    return max(filter(None, found), key=lambda each: each.until, default=None)


async def _reached(
    transaction: AsyncConnection, actor: Actor, number: int, span: timedelta, now: datetime
) -> ReachedLimit | None:
    mine = ledger.c.user_id == actor.user_id
    newest = sa.union_all(*(sa.select(each) for each in _newest(actor, number))).subquery()
    chosen = sa.select(newest).order_by(newest.c.seq.desc()).offset(number - 1).limit(1)
    oldest = (await transaction.execute(chosen)).first()
    if oldest is None or (until := parse_timestamp(oldest.at) + span) <= now:
        return None
    recorded = sa.select(ledger.c.seq).where(
        ledger.c.seq > oldest.seq, mine, ledger.c.kind == LedgerEvent.LIMITED.value
    )
    return ReachedLimit(number, span, until, (await transaction.execute(recorded.limit(1))).first() is not None)


def _newest(actor: Actor, number: int) -> tuple[sa.Subquery, sa.Subquery]:
    """Return the newest requests of a person, and the newest plans, which count as one request each."""
    is_item = sa.exists().where(bulk_items.c.request_id == ledger.c.request_id)
    # BEGINS repeats the condition of the partial index: SQLite would not use the index otherwise.
    accepted = (
        sa.select(ledger.c.seq, ledger.c.at)
        .where(ledger.c.user_id == actor.user_id, BEGINS, ledger.c.kind == LedgerEvent.ACCEPTED.value, ~is_item)
        .order_by(ledger.c.seq.desc())
        .limit(number)
    )
    started = (
        sa.select(bulk_plans.c.started_seq.label("seq"), bulk_plans.c.started_at.label("at"))
        .where(bulk_plans.c.user_id == actor.user_id, bulk_plans.c.started_seq.is_not(None))
        .order_by(bulk_plans.c.started_seq.desc())
        .limit(number)
    )
    return accepted.subquery(), started.subquery()

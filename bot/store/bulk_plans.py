"""Plans and their items: one row each. Every change of a plan is decided inside its transaction."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.bulk import BulkItem, BulkOutcome, BulkPlan, BulkState
from bot.models import OUTCOMES, LedgerEvent
from bot.store.database import Database, Transaction
from bot.store.ledger.entries import Entry, append
from bot.store.schema import bulk_items, bulk_plans, canonical_json, format_timestamp, ledger, parse_timestamp
from bot.store.upsert import upsert

_PLAN = TypeAdapter(BulkPlan)
_ITEM = TypeAdapter(BulkItem)
_ENDINGS = (*OUTCOMES, LedgerEvent.SKIPPED)

# A change of a plan, with the ledger entries about it. None means that the plan stays as it is.
Change = tuple[BulkPlan, Sequence[Entry]] | None


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """An item with the ledger's row that has its outcome: the number of the row, and its hash."""

    item: BulkItem
    row: int | None
    hash: str


def plan_hash(items: Iterable[BulkItem]) -> str:
    """Return the SHA-256 of the frozen rows, as hex digits."""
    return hashlib.sha256(canonical_json(frozen_rows(items)).encode()).hexdigest()


def frozen_rows(items: Iterable[BulkItem]) -> list[Any]:
    """Return the rows of a plan, as the ledger has them and as the plan's hash covers them."""
    return [dict(item.frozen) for item in items]


class BulkPlans:
    """Reader and writer of plans."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, plan_id: str) -> BulkPlan | None:
        """Return a plan; None if it is unknown."""
        rows = await self._database.rows(sa.select(bulk_plans.c.body).where(bulk_plans.c.id == plan_id))
        return _PLAN.validate_json(rows[0].body) if rows else None

    async def items(self, plan_id: str) -> list[BulkItem]:
        """Return the items of a plan, in the order to send."""
        async with self._database.read() as connection:
            return await _items(connection, plan_id)

    async def add(self, plan: BulkPlan) -> bool:
        """Save a new plan. Return False, and change nothing, if a plan with this id exists."""
        async with self._database.write() as transaction:
            if await _get(transaction, plan.id):
                return False
            await _save(transaction, plan)
            return True

    async def change(self, plan_id: str, decide: Callable[[BulkPlan], Change]) -> BulkPlan | None:
        """Save what `decide` makes of a plan, with its ledger entries, and return the plan as it is then.

        `decide` may raise to change nothing. Return None if the plan is unknown.
        """
        async with self._database.write() as transaction:
            plan = await _get(transaction, plan_id)
            change = decide(plan) if plan else None
            if change is None:
                return plan
            plan, entries = change
            for entry in entries:
                await append(transaction, entry)
            await _save(transaction, plan)
            return plan

    async def freeze(self, plan: BulkPlan, items: Sequence[BulkItem], entry: Entry) -> bool:
        """Save the rows of a plan once. Return False, and change nothing, if it is no longer being looked up."""
        async with self._database.write() as transaction:
            stored = await _get(transaction, plan.id)
            if stored is None or stored.state is not BulkState.LOOKING_UP:
                return False
            await append(transaction, entry)
            await _save(transaction, plan)
            for item in items:
                await transaction.execute(sa.insert(bulk_items).values(plan_id=plan.id, **_row(item)))
            return True

    async def end(self, plan_id: str, item: BulkItem, entry: Entry | None = None) -> None:
        """Save the end of an item, with the ledger entry of one that was skipped. Does nothing if it has ended."""
        mine = (bulk_items.c.plan_id == plan_id, bulk_items.c.number == item.number)
        async with self._database.write() as transaction:
            open_one = sa.select(bulk_items.c.number).where(*mine, bulk_items.c.outcome.is_(None))
            if (await transaction.execute(open_one)).first() is None:
                return
            if entry:
                await append(transaction, entry)
            await transaction.execute(sa.update(bulk_items).where(*mine).values(**_end_of(item)))

    async def records(self, plan_id: str) -> list[ItemRecord]:
        """Return every item with the ledger's row of its outcome, for an export."""
        items = await self.items(plan_id)
        last = sa.func.max(ledger.c.seq).label("seq")
        newest = (
            sa.select(ledger.c.request_id, last)
            .where(ledger.c.request_id.in_([item.request_id for item in items]), ledger.c.kind.in_(_ENDINGS))
            .group_by(ledger.c.request_id)
            .subquery()
        )
        found = sa.select(ledger.c.request_id, ledger.c.seq, ledger.c.hash).join(newest, newest.c.seq == ledger.c.seq)
        by_id = {row.request_id: (row.seq, row.hash) for row in await self._database.rows(found)}
        return [ItemRecord(item, *by_id.get(item.request_id, (None, ""))) for item in items]

    async def in_state(self, *states: BulkState) -> list[BulkPlan]:
        """Return the plans in these states, oldest first."""
        chosen = sa.select(bulk_plans.c.body).where(bulk_plans.c.state.in_([each.value for each in states]))
        return [_PLAN.validate_json(row.body) for row in await self._database.rows(chosen.order_by(bulk_plans.c.at))]


async def targets_since(connection: AsyncConnection, ids: Iterable[str], since: datetime, but: str) -> int:
    """Return how many targets the plans have that a person started since a time. `ids` are all ids of the person.

    Plans that wait for an approval do not count, nor does the plan `but`.
    """
    mine = sa.or_(bulk_plans.c.user_id.in_(list(ids)), bulk_plans.c.person_id.in_(list(ids)))
    total = sa.select(sa.func.coalesce(sa.func.sum(bulk_plans.c.targets), 0)).where(
        mine, bulk_plans.c.started_at > format_timestamp(since), bulk_plans.c.id != but
    )
    return int(await connection.scalar(total) or 0)


async def begin(transaction: Transaction, plan: BulkPlan, entry: Entry) -> None:
    """Save that a plan is started, inside the caller's transaction. The first start counts as one request."""
    seq = await append(transaction, entry)
    await _save(transaction, plan)
    first = (bulk_plans.c.id == plan.id, bulk_plans.c.started_seq.is_(None))
    started = {"started_seq": seq, "started_at": format_timestamp(plan.started_at or plan.at)}
    await transaction.execute(sa.update(bulk_plans).where(*first).values(**started))


async def plan_in(transaction: Transaction, plan_id: str) -> BulkPlan | None:
    """Return a plan, read in the caller's transaction; None if it is unknown."""
    return await _get(transaction, plan_id)


async def _get(connection: AsyncConnection, plan_id: str) -> BulkPlan | None:
    body = await connection.scalar(sa.select(bulk_plans.c.body).where(bulk_plans.c.id == plan_id))
    return _PLAN.validate_json(body) if body else None


async def _save(transaction: AsyncConnection, plan: BulkPlan) -> None:
    values = {
        "id": plan.id,
        "at": format_timestamp(plan.at),
        "user_id": plan.actor.user_id,
        "person_id": plan.person_id,
        "state": plan.state.value,
        "targets": plan.targets,
        "body": _PLAN.dump_json(plan).decode(),
    }
    await transaction.execute(upsert(transaction, bulk_plans, values))


async def _items(connection: AsyncConnection, plan_id: str) -> list[BulkItem]:
    mine = sa.select(bulk_items).where(bulk_items.c.plan_id == plan_id).order_by(bulk_items.c.number)
    return [_item(row) for row in (await connection.execute(mine)).all()]


def _item(row: sa.Row[Any]) -> BulkItem:
    item = _ITEM.validate_json(row.body)
    if row.outcome is None:
        return item
    ended_at = parse_timestamp(row.ended_at) if row.ended_at else None
    return replace(item, outcome=BulkOutcome(row.outcome), words=row.words, ended_at=ended_at)


def _row(item: BulkItem) -> dict[str, Any]:
    body = _ITEM.dump_json(item).decode()
    return {"number": item.number, "request_id": item.request_id, "body": body, **_end_of(item)}


def _end_of(item: BulkItem) -> dict[str, Any]:
    return {
        "outcome": item.outcome.value if item.outcome else None,
        "words": item.words,
        "ended_at": format_timestamp(item.ended_at) if item.ended_at else None,
    }

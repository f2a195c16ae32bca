"""Follow-ups: the targets that the bot checks after a resend, what it has announced, and when the next check is due."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.follow_up_schedule import Transition
from bot.models import FollowUp, FollowUpState, Kind, LedgerEvent, OrderTarget, ResendRequest, StatusUpdate, order_key
from bot.store.database import Database
from bot.store.ledger.entries import Entry, append
from bot.store.schema import follow_ups, format_timestamp, parse_timestamp, requests

_STATUS_UPDATE = TypeAdapter(StatusUpdate)
_FOLLOW_UP = TypeAdapter(FollowUp)
_OPEN = follow_ups.c.state == FollowUpState.FOLLOWING.value
_WITH_REQUESTS = follow_ups.join(requests, requests.c.id == follow_ups.c.request_id)
_IS_DUE_SOME_TIME = (follow_ups.c.due_at.is_not(None), requests.c.reported_at.is_not(None))

Decide = Callable[[FollowUp], Transition]
NONE: Mapping[int, Decide] = MappingProxyType({})
# The calls of a request end within seconds of each other, so their checks are due almost together.
TOGETHER = timedelta(seconds=30)


class FollowUps:
    """One row per accepted call, inserted in the transaction that records how the call ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, request_id: str) -> list[FollowUp]:
        """Return the follow-ups of one request, in the order of its calls."""
        async with self._database.read() as connection:
            return await _of(connection, request_id)

    async def states_of(self, request_ids: Collection[str]) -> dict[str, set[FollowUpState]]:
        """Return the states of the follow-ups of each of these requests. One without any is not in the result."""
        chosen = sa.select(follow_ups.c.request_id, follow_ups.c.state).where(follow_ups.c.request_id.in_(request_ids))
        found: dict[str, set[FollowUpState]] = {}
        for row in await self._database.rows(chosen) if request_ids else ():
            found.setdefault(row.request_id, set()).add(FollowUpState(row.state))
        return found

    async def ended_since(self, request_ids: Collection[str], since: datetime) -> list[FollowUp]:
        """Return the follow-ups of these requests that ended at a time or later, oldest first."""
        mine = (follow_ups.c.request_id.in_(request_ids), follow_ups.c.ended_at >= format_timestamp(since))
        chosen = sa.select(follow_ups).where(*mine).order_by(follow_ups.c.ended_at)
        return [_read(row) for row in await self._database.rows(chosen)]

    async def due(self, now: datetime, most: int) -> list[FollowUp]:
        """Return at most `most` follow-ups that have a check or an announcement due by now, longest due first.

        Requests whose outcome is not published yet are not included: their outcome comes first.
        """
        due = (
            sa.select(follow_ups)
            .select_from(_WITH_REQUESTS)
            .where(*_IS_DUE_SOME_TIME, follow_ups.c.due_at <= format_timestamp(now))
        )
        return [_read(row) for row in await self._database.rows(due.order_by(follow_ups.c.due_at).limit(most))]

    async def next_due(self) -> datetime | None:
        """Return when the next follow-up is due, which may be in the past; None if none is."""
        next_one = sa.select(sa.func.min(follow_ups.c.due_at)).select_from(_WITH_REQUESTS).where(*_IS_DUE_SOME_TIME)
        async with self._database.read() as connection:
            due_at = await connection.scalar(next_one)
        return parse_timestamp(due_at) if due_at else None

    async def record_check(
        self, follow_up_id: str, number: int, decide: Decide, now: datetime, others: Mapping[int, Decide] = NONE
    ) -> StatusUpdate | None:
        """Save the result of check `number` and return what to announce, or None if another process already saved it.

        `others` decide on other calls of the same request, by call number. Those that are due within TOGETHER are saved
        too, and what they announce becomes a part of this announcement.

        Safe to repeat if the result of the commit was lost. If there is something to announce, the row stays due until
        `announce_done`. If the follow-up has ended meanwhile (stopped or superseded), its end is returned instead.
        """
        async with self._database.write() as transaction:
            follow_up = await _one(transaction, follow_up_id)
            if follow_up is None or follow_up.checks != number - 1:
                return follow_up.status_update if follow_up and follow_up.checks == number else None
            if follow_up.is_open:
                decision = decide(follow_up)
                also = await _record_others(transaction, follow_up, others, now)
                decision = replace(decision, status_update=replace(decision.status_update, also=also))
                await _write(transaction, follow_up_id, _decided(follow_up, decision, now), number)
                await _append_validated(transaction, follow_up, decision.status_update)
                return decision.status_update
            update = StatusUpdate(follow_up.ended_at or now, follow_up.state, follow_up.word)
            await _write(transaction, follow_up_id, _announcement(update, None, now), number)
            return update

    async def pending_update(self, follow_up_id: str, number: int) -> StatusUpdate | None:
        """Return what check `number` has to announce, until `announce_done`."""
        async with self._database.read() as connection:
            follow_up = await _one(connection, follow_up_id)
        return follow_up.status_update if follow_up and follow_up.checks == number else None

    async def announce_done(self, follow_up_id: str, number: int) -> None:
        """Schedule the next check: the announcement of check `number` can no longer be lost. Safe to repeat."""
        mine = (follow_ups.c.id == follow_up_id, follow_ups.c.checks == number, follow_ups.c.status_update.is_not(None))
        free = sa.update(follow_ups).where(*mine).values(status_update=None, due_at=follow_ups.c.next_at, next_at=None)
        await self._database.run(free)

    async def postpone(self, follow_up_id: str, number: int, due_at: datetime) -> None:
        """Repeat a check later that failed because of the bot itself, and drop its announcement."""
        async with self._database.write() as transaction:
            await _write(transaction, follow_up_id, {"due_at": format_timestamp(due_at), "status_update": None}, number)

    async def record_observation(self, request_id: str, decisions: Mapping[int, Decide], now: datetime) -> None:
        """Save what a user has just been shown about these calls, by call number.

        Updates follow-ups that have ended too, but does not reopen them.
        """
        async with self._database.write() as transaction:
            for follow_up in await _of(transaction, request_id):
                if follow_up.call_no in decisions:
                    decision = decisions[follow_up.call_no](follow_up)
                    await _write(transaction, follow_up.id, _observation(follow_up, decision, now))
                    await _append_validated(transaction, follow_up, decision.status_update)

    async def stop(self, request_id: str, user_id: str, now: datetime) -> bool:
        """Stop every follow-up of a request; one of them announces it. Return False if none was open."""
        async with self._database.write() as transaction:
            open_ones = [follow_up for follow_up in await _of(transaction, request_id) if follow_up.is_open]
            for number, follow_up in enumerate(open_ones):
                ended = _ended(FollowUpState.STOPPED, user_id, now)
                due_at = None if number else format_timestamp(now)
                await _write(transaction, follow_up.id, {**ended, **_due(follow_up, due_at)})
        return bool(open_ones)

    async def resume(self, request_id: str, chosen: Callable[[FollowUp], bool], now: datetime) -> bool:
        """Track the chosen follow-ups of a request again, with a check at once. Return False if none was chosen.

        A target that a newer request tracks meanwhile is left out.
        """
        async with self._database.write() as transaction:
            stopped = [follow_up for follow_up in await _of(transaction, request_id) if chosen(follow_up)]
            tracked = sa.select(follow_ups.c.target).where(_OPEN, follow_ups.c.target.in_([s.target for s in stopped]))
            elsewhere = set(await transaction.scalars(tracked))
            mine = [follow_up for follow_up in stopped if follow_up.target not in elsewhere]
            for follow_up in mine:
                again = {"state": FollowUpState.FOLLOWING.value, "word": "", "ended_at": None, "failed_checks": 0}
                await _write(transaction, follow_up.id, {**again, **_due(follow_up, format_timestamp(now))})
        return bool(mine)

    async def abandon(self, request_id: str, word: str, now: datetime) -> None:
        """Stop the follow-ups of a request without an announcement, as no channel accepts one. `word` says why."""
        nothing_due = {"due_at": None, "next_at": None, "status_update": None}
        ended = {**_ended(FollowUpState.STOPPED, word[:64], now), **nothing_due}
        mine = sa.update(follow_ups).where(follow_ups.c.request_id == request_id, _OPEN)
        await self._database.run(mine.values(ended))

    async def orders(self) -> dict[int, datetime]:
        """Return the ids of the orders with an open follow-up, and when the first of it began."""
        order_id, since = follow_ups.c.order_id, sa.func.min(follow_ups.c.since).label("since")
        found = sa.select(order_id, since).where(_OPEN, order_id.is_not(None)).group_by(order_id)
        return {row.order_id: parse_timestamp(row.since) for row in await self._database.rows(found)}

    async def targets_since(self, since: datetime) -> frozenset[str]:
        """Return the keys of the orders and domains of the follow-ups that began since then, in whatever state."""
        chosen = sa.select(follow_ups.c.target, follow_ups.c.order_id).where(
            follow_ups.c.since >= format_timestamp(since)
        )
        rows = await self._database.rows(chosen)
        targets = {":".join(row.target.split(":")[:2]) for row in rows}
        return frozenset(targets | {order_key(row.order_id) for row in rows if row.order_id is not None})

    async def saw_validation_since(self, at: datetime) -> bool:
        """Return True if a check after this time saw that a domain was validated."""
        seen = (
            follow_ups.c.target.startswith(f"{Kind.DOMAIN}:"),
            follow_ups.c.state == FollowUpState.VALIDATED,
            follow_ups.c.ended_at > format_timestamp(at),
        )
        return bool(await self._database.rows(sa.select(follow_ups.c.id).where(*seen).limit(1)))

    async def tracked(self, request_ids: Collection[str]) -> frozenset[str]:
        """Return those of these requests that have an open follow-up."""
        if not request_ids:
            return frozenset()
        request_id = follow_ups.c.request_id
        return frozenset(
            row.request_id
            for row in await self._database.rows(
                sa.select(request_id).where(request_id.in_(request_ids), _OPEN).distinct()
            )
        )

    async def make_due(self, order_ids: Iterable[int], now: datetime) -> None:
        """Make the open follow-ups of these orders due now."""
        soon = format_timestamp(now)
        chosen = (_OPEN, follow_ups.c.order_id.in_(list(order_ids)))
        columns = (follow_ups.c.due_at, follow_ups.c.next_at)
        await self._database.run(
            *(sa.update(follow_ups).where(*chosen, column > soon).values({column: soon}) for column in columns)
        )

    async def make_targets_due(self, targets: Iterable[str], now: datetime) -> bool:
        """Make the open follow-ups of these targets due now. Return False if there is none."""
        soon = format_timestamp(now)
        chosen = (_OPEN, follow_ups.c.target.in_(list(targets)))
        async with self._database.write() as transaction:
            found = (await transaction.execute(sa.select(follow_ups.c.id).where(*chosen))).first()
            for column in (follow_ups.c.due_at, follow_ups.c.next_at):
                await transaction.execute(sa.update(follow_ups).where(*chosen, column > soon).values({column: soon}))
        return found is not None

    async def prune(self, before: datetime) -> None:
        """Delete the follow-ups that began before this time, in whatever state."""
        await self._database.run(sa.delete(follow_ups).where(follow_ups.c.since < format_timestamp(before)))


async def begin(
    transaction: AsyncConnection, request: ResendRequest, call_no: int, now: datetime, due_at: datetime
) -> None:
    """Start the follow-up of an accepted call. An open one of the same target becomes superseded and announces that."""
    follow_up = FollowUp(request.id, call_no, request.calls[call_no].target.key, now)
    former = sa.update(follow_ups).where(follow_ups.c.target == follow_up.target, _OPEN)
    soon = {"due_at": format_timestamp(now), "next_at": format_timestamp(now)}
    await transaction.execute(former.values(**_ended(FollowUpState.SUPERSEDED, request.id, now), **soon))
    row = {
        "id": follow_up.id,
        "request_id": request.id,
        "call_no": call_no,
        "target": follow_up.target,
        "order_id": order_behind(request, call_no),
        "since": format_timestamp(now),
        "state": follow_up.state.value,
        "word": "",
        "checks": 0,
        "nudges": 0,
        "failed_checks": 0,
        "validated": "[]",
        "due_at": format_timestamp(due_at),
    }
    await transaction.execute(sa.insert(follow_ups).values(row))


def order_behind(request: ResendRequest, call_no: int) -> int | None:
    """Return the id of the order whose status also concerns this call, if one is known."""
    target = request.calls[call_no].target
    return target.order_id if isinstance(target, OrderTarget) else request.order_id


async def _record_others(
    transaction: AsyncConnection, follow_up: FollowUp, others: Mapping[int, Decide], now: datetime
) -> tuple[tuple[int, StatusUpdate], ...]:
    """Save the checks of other calls that are due almost now, and return what they announce, by call number."""
    found = []
    for each in await _of(transaction, follow_up.request_id):
        is_due = each.due_at is not None and each.due_at <= now + TOGETHER and each.status_update is None
        if each.id == follow_up.id or each.call_no not in others or not each.is_open or not is_due:
            continue
        decision = others[each.call_no](each)
        values = {**_decided(each, decision, now), "due_at": _written(decision.due_at)}
        await _write(transaction, each.id, {**values, "status_update": None, "next_at": None}, each.checks + 1)
        await _append_validated(transaction, each, decision.status_update)
        if decision.status_update.needs_announcement:
            found.append((each.call_no, decision.status_update))
    return tuple(found)


async def _append_validated(transaction: AsyncConnection, follow_up: FollowUp, update: StatusUpdate) -> None:
    """Append a row to the ledger if a check saw names of a call validated for the first time, or again."""
    if not update.newly_validated:
        return
    kind, number, *scope = follow_up.target.split(":", 2)
    detail: dict[str, Any] = {
        "target": f"{kind} {number}{f' ({scope[0]})' if scope else ''}",
        "names": list(update.newly_validated),
    }
    if update.until:
        detail |= {"until": format_timestamp(update.until), "because": update.because}
    row = Entry(LedgerEvent.VALIDATED, update.at, None, follow_up.request_id, follow_up.call_no, detail=detail)
    await append(transaction, row)


async def _of(connection: AsyncConnection, request_id: str) -> list[FollowUp]:
    mine = sa.select(follow_ups).where(follow_ups.c.request_id == request_id).order_by(follow_ups.c.call_no)
    return [_read(row) for row in await connection.execute(mine)]


async def _one(connection: AsyncConnection, follow_up_id: str) -> FollowUp | None:
    row = (await connection.execute(sa.select(follow_ups).where(follow_ups.c.id == follow_up_id))).first()
    return _read(row) if row else None


async def _write(
    transaction: AsyncConnection, follow_up_id: str, values: Mapping[str, Any], checks: int | None = None
) -> None:
    more = {} if checks is None else {"checks": checks}
    await transaction.execute(sa.update(follow_ups).where(follow_ups.c.id == follow_up_id).values(**values, **more))


def _decided(follow_up: FollowUp, decision: Transition, now: datetime) -> dict[str, Any]:
    update = decision.status_update
    return {
        **({} if update.state is FollowUpState.FOLLOWING else _ended(update.state, update.word, now)),
        "validated": json.dumps(decision.validated),
        "nudges": max(follow_up.nudges, update.nudge),
        "failed_checks": decision.failed_checks,
        "observed_at": _written(follow_up.observed_at if decision.failed_checks else update.at),
        **(
            _announcement(update, decision.due_at, now)
            if update.needs_announcement
            else {"due_at": _written(decision.due_at)}
        ),
    }


def _announcement(update: StatusUpdate, then: datetime | None, now: datetime) -> dict[str, Any]:
    """Return the columns of a row that is due at once for its announcement, and for a check at `then` after it."""
    return {
        "status_update": _STATUS_UPDATE.dump_json(update).decode(),
        "due_at": format_timestamp(now),
        "next_at": _written(then),
    }


def _due(follow_up: FollowUp, at: str | None) -> dict[str, str | None]:
    """Return the columns of a row that is due at this moment, or after its announcement if one is pending."""
    return {"next_at": at} if follow_up.status_update else {"due_at": at}


def _observation(follow_up: FollowUp, decision: Transition, now: datetime) -> dict[str, Any]:
    update = decision.status_update
    values: dict[str, Any] = {"validated": json.dumps(decision.validated), "observed_at": format_timestamp(update.at)}
    if (
        update.state in (FollowUpState.VALIDATED, FollowUpState.ENDED)
        and follow_up.state is not FollowUpState.SUPERSEDED
    ):
        values |= {**_ended(update.state, update.word, now), **_due(follow_up, None)}
    return values


def _ended(state: FollowUpState, word: str, now: datetime) -> dict[str, str]:
    return {"state": state.value, "word": word, "ended_at": format_timestamp(now)}


def _written(at: datetime | None) -> str | None:
    return format_timestamp(at) if at else None


def _read(row: sa.Row[Any]) -> FollowUp:
    read_json = {
        "validated": json.loads(row.validated),
        "status_update": row.status_update and json.loads(row.status_update),
    }
    # `_mapping` is public API: the underscore avoids a clash with a column's name.
    return _FOLLOW_UP.validate_python({**row._mapping, **read_json})  # noqa: SLF001

"""Followings: which targets are watched after a resend, what was told of them, and when the next look is due."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.follow_up_schedule import Decision
from bot.models import Following, FollowState, News, OrderTarget, ResendRequest
from bot.store.database import Database
from bot.store.schema import followings, moment, requests, written

_NEWS = TypeAdapter(News)
_FOLLOWING = TypeAdapter(Following)
_OPEN = followings.c.state == FollowState.FOLLOWING.value
_TOLD = followings.join(requests, requests.c.id == followings.c.request_id)
_IS_DUE_SOME_TIME = (followings.c.due_at.is_not(None), requests.c.reported_at.is_not(None))

Decide = Callable[[Following], Decision]


class Followings:
    """One row per accepted call; a row begins in the transaction that writes how its call ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, request_id: str) -> list[Following]:
        """Those of one request, in the order of its calls."""
        async with self._database.read() as connection:
            return await _of(connection, request_id)

    async def due(self, now: datetime, most: int) -> list[Following]:
        """Those that have something to look at or to tell by now, longest due first.

        Where the outcome of the request is not told yet, that comes first.
        """
        due = sa.select(followings).select_from(_TOLD).where(*_IS_DUE_SOME_TIME, followings.c.due_at <= written(now))
        async with self._database.read() as connection:
            return [_read(row) for row in await connection.execute(due.order_by(followings.c.due_at).limit(most))]

    async def next_due(self) -> datetime | None:
        """When the next one is due; it may have passed."""
        next_one = sa.select(sa.func.min(followings.c.due_at)).select_from(_TOLD).where(*_IS_DUE_SOME_TIME)
        async with self._database.read() as connection:
            due_at = await connection.scalar(next_one)
        return moment(due_at) if due_at else None

    async def note(self, following_id: str, number: int, decide: Decide, now: datetime) -> News | None:
        """Write down what the `number`-th look means, and return its news; None where somebody else noted it.

        Safe to repeat where the answer to its commit was lost. What is to be told keeps the row due until it is
        released. What ended otherwise meanwhile is told instead of what was seen.
        """
        async with self._database.write() as transaction:
            following = await _one(transaction, following_id)
            if following is None or following.checks != number - 1:
                return following.news if following and following.checks == number else None
            if following.is_open:
                decision = decide(following)
                await _write(transaction, following_id, _decided(following, decision, now), number)
                return decision.news
            news = News(following.ended_at or now, following.state, following.word)
            await _write(transaction, following_id, _to_tell(news, None, now), number)
            return news

    async def news(self, following_id: str, number: int) -> News | None:
        """What the `number`-th look has to tell, until it is released."""
        async with self._database.read() as connection:
            following = await _one(connection, following_id)
        return following.news if following and following.checks == number else None

    async def release(self, following_id: str, number: int) -> None:
        """Go on looking: whoever tells the news of the `number`-th look will not lose them any more."""
        mine = (followings.c.id == following_id, followings.c.checks == number, followings.c.news.is_not(None))
        free = sa.update(followings).where(*mine).values(news=None, due_at=followings.c.next_at, next_at=None)
        async with self._database.write() as transaction:
            await transaction.execute(free)

    async def postpone(self, following_id: str, number: int, due_at: datetime) -> None:
        """Let a look that failed on our side come again later."""
        async with self._database.write() as transaction:
            await _write(transaction, following_id, {"due_at": written(due_at), "news": None}, number)

    async def seen(self, request_id: str, decisions: Mapping[int, Decide], now: datetime) -> None:
        """Note what somebody was just told of these calls; a following that is over is set right, not begun anew."""
        async with self._database.write() as transaction:
            for following in await _of(transaction, request_id):
                if following.call_no in decisions:
                    decision = decisions[following.call_no](following)
                    await _write(transaction, following.id, _seen(following, decision, now))

    async def stop(self, request_id: str, user_id: str, now: datetime) -> bool:
        """Stop every following of a request, and let one of them tell; False where none was left."""
        async with self._database.write() as transaction:
            open_ones = [following for following in await _of(transaction, request_id) if following.is_open]
            for number, following in enumerate(open_ones):
                ended = _ended(FollowState.STOPPED, user_id, now)
                tells_at = None if number else written(now)
                await _write(transaction, following.id, {**ended, **_due(following, tells_at)})
        return bool(open_ones)

    async def give_up(self, request_id: str, word: str, now: datetime) -> None:
        """Stop what can be told nowhere."""
        ended = {**_ended(FollowState.STOPPED, word[:64], now), "due_at": None, "next_at": None, "news": None}
        async with self._database.write() as transaction:
            mine = sa.update(followings).where(followings.c.request_id == request_id, _OPEN)
            await transaction.execute(mine.values(ended))

    async def orders(self) -> dict[int, datetime]:
        """The orders that are followed, and since when."""
        order_id, since = followings.c.order_id, sa.func.min(followings.c.since)
        found = sa.select(order_id, since).where(_OPEN, order_id.is_not(None)).group_by(order_id)
        async with self._database.read() as connection:
            return {row[0]: moment(row[1]) for row in await connection.execute(found)}

    async def hurry(self, order_ids: Iterable[int], now: datetime) -> None:
        """Let what follows these orders look now."""
        soon = written(now)
        chosen = (_OPEN, followings.c.order_id.in_(list(order_ids)))
        async with self._database.write() as transaction:
            for column in (followings.c.due_at, followings.c.next_at):
                later = sa.update(followings).where(*chosen, column > soon)
                await transaction.execute(later.values({column: soon}))

    async def prune(self, before: datetime) -> None:
        """Forget those that began before, whatever became of them."""
        async with self._database.write() as transaction:
            await transaction.execute(sa.delete(followings).where(followings.c.since < written(before)))


async def begin(
    transaction: AsyncConnection, request: ResendRequest, call_no: int, now: datetime, due_at: datetime
) -> None:
    """Follow an accepted call from now on; what followed its target until now is taken over, and will tell so."""
    following = Following(request.id, call_no, request.calls[call_no].target.key, now)
    former = sa.update(followings).where(followings.c.target == following.target, _OPEN)
    soon = {"due_at": written(now), "next_at": written(now)}
    await transaction.execute(former.values(**_ended(FollowState.TAKEN_OVER, request.id, now), **soon))
    row = {
        "id": following.id,
        "request_id": request.id,
        "call_no": call_no,
        "target": following.target,
        "order_id": order_behind(request, call_no),
        "since": written(now),
        "state": following.state.value,
        "word": "",
        "checks": 0,
        "nudges": 0,
        "misses": 0,
        "validated": "[]",
        "due_at": written(due_at),
    }
    await transaction.execute(sa.insert(followings).values(row))


def order_behind(request: ResendRequest, call_no: int) -> int | None:
    """The order whose status says something of this call, where one is known."""
    target = request.calls[call_no].target
    return target.order_id if isinstance(target, OrderTarget) else request.order_id


async def _of(connection: AsyncConnection, request_id: str) -> list[Following]:
    mine = sa.select(followings).where(followings.c.request_id == request_id).order_by(followings.c.call_no)
    return [_read(row) for row in await connection.execute(mine)]


async def _one(connection: AsyncConnection, following_id: str) -> Following | None:
    row = (await connection.execute(sa.select(followings).where(followings.c.id == following_id))).first()
    return _read(row) if row else None


async def _write(
    transaction: AsyncConnection, following_id: str, values: Mapping[str, Any], checks: int | None = None
) -> None:
    more = {} if checks is None else {"checks": checks}
    await transaction.execute(sa.update(followings).where(followings.c.id == following_id).values(**values, **more))


def _decided(following: Following, decision: Decision, now: datetime) -> dict[str, Any]:
    news = decision.news
    return {
        **({} if news.state is FollowState.FOLLOWING else _ended(news.state, news.word, now)),
        "validated": json.dumps(decision.validated),
        "nudges": max(following.nudges, news.nudge),
        "misses": decision.misses,
        "seen_at": _written(following.seen_at if decision.misses else news.at),
        **(_to_tell(news, decision.due_at, now) if news.is_told else {"due_at": _written(decision.due_at)}),
    }


def _to_tell(news: News, then: datetime | None, now: datetime) -> dict[str, Any]:
    """Due at once until the news are released, and due again `then`."""
    return {"news": _NEWS.dump_json(news).decode(), "due_at": written(now), "next_at": _written(then)}


def _due(following: Following, at: str | None) -> dict[str, str | None]:
    """Due at this moment; after its news where there are some."""
    return {"next_at": at} if following.news else {"due_at": at}


def _seen(following: Following, decision: Decision, now: datetime) -> dict[str, Any]:
    news = decision.news
    values: dict[str, Any] = {"validated": json.dumps(decision.validated), "seen_at": written(news.at)}
    if news.state in (FollowState.VALIDATED, FollowState.ENDED) and following.state is not FollowState.TAKEN_OVER:
        values |= {**_ended(news.state, news.word, now), **_due(following, None)}
    return values


def _ended(state: FollowState, word: str, now: datetime) -> dict[str, str]:
    return {"state": state.value, "word": word, "ended_at": written(now)}


def _written(at: datetime | None) -> str | None:
    return written(at) if at else None


def _read(row: sa.Row[Any]) -> Following:
    read_json = {"validated": json.loads(row.validated), "news": row.news and json.loads(row.news)}
    # Public, and named so that no column can hide it.
    return _FOLLOWING.validate_python({**row._mapping, **read_json})  # noqa: SLF001

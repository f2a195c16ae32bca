"""The ledger: requests, decisions, attempts and answers. Rows are only appended, each chained to the one before."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import CommitUnknown
from bot.models import OUTCOMES, Actor, CallResult, LedgerEvent, SeenValidated
from bot.store.database import NEWEST, Database
from bot.store.head_file import Newest
from bot.store.ledger.search_keys import search_keys
from bot.store.retry import until_available
from bot.store.schema import canonical_json, format_timestamp, ledger, ledger_head, ledger_search_keys, parse_timestamp

# The first row's `prev`.
GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One row before it is chained. `call_no` counts the calls from 0, `attempt` the attempts of one call from 1."""

    event: LedgerEvent
    at: datetime
    actor: Actor | None = None
    request_id: str | None = None
    call_no: int | None = None
    attempt: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a call: whether a row has closed it, and with which text."""

    number: int
    closed: bool
    words: str


@dataclass(frozen=True, slots=True)
class CallAttempts:
    """The rows of one call: every attempt, oldest first, and its result; None until it has ended."""

    attempts: tuple[Attempt, ...]
    result: CallResult | None


class Ledger:
    """Reader of the ledger, which also appends rows in transactions of its own. Use `append` inside another one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, entry: Entry) -> None:
        """Append one row in a transaction of its own."""
        async with self._database.write() as transaction:
            await append(transaction, entry)

    async def append_all(self, entries: Sequence[Entry], *, in_doubt: bool = False) -> None:
        """Append these rows, all or none. With `in_doubt`, do nothing if an earlier attempt has appended them."""
        async with self._database.write() as transaction:
            if not (in_doubt and await _already_written(transaction, entries[0])):
                for entry in entries:
                    await append(transaction, entry)

    async def append_reliably(self, entry: Entry) -> bool:
        """Append one row of a call, retrying until the database is available.

        Appends it exactly once, even if a commit's result was lost. Return False, and append nothing, if the call has
        ended: another process may have ended it meanwhile.
        """
        in_doubt = False

        async def append_now() -> bool:
            nonlocal in_doubt
            try:
                async with self._database.write() as transaction:
                    if in_doubt and await _already_written(transaction, entry):
                        return True
                    if await has_ended(transaction, str(entry.request_id), entry.call_no or 0):
                        return False
                    await append(transaction, entry)
                    return True
            except CommitUnknown:
                in_doubt = True
                raise

        return bool(await until_available(append_now))

    async def begin_attempt(
        self, entry: Entry, confirm_in: Callable[[AsyncConnection], Awaitable[None]] | None = None
    ) -> bool:
        """Append the `sending` row of an attempt, retrying until the database is available.

        Return True if the caller may make the call now. Return False if the call has ended, if another attempt of it is
        open, or if another process began this one. That process may still be at work, although it was considered dead.
        `confirm_in` is called with the transaction that is committed last.
        """
        in_doubt = False

        async def begin_now() -> bool:
            nonlocal in_doubt
            try:
                async with self._database.write() as transaction:
                    if in_doubt and await _already_written(transaction, entry):
                        # Another process may have ended the call meanwhile, if it considered this one dead.
                        if await has_ended(transaction, str(entry.request_id), entry.call_no or 0):
                            return False
                    elif not await _may_begin(transaction, entry):
                        return False
                    else:
                        await append(transaction, entry)
                    if confirm_in:
                        await confirm_in(transaction)
                    return True
            except CommitUnknown:
                in_doubt = True
                raise

        return bool(await until_available(begin_now))

    async def head(self) -> tuple[int, str]:
        """Return the number and the hash of the newest row."""
        [head] = await self._database.rows(sa.select(ledger_head.c.seq, ledger_head.c.hash))
        return head.seq, head.hash

    async def attempts(self, request_id: str, call_no: int) -> CallAttempts:
        """Return the attempts of one call, and how it ended."""
        rows = await self._database.rows(_of(request_id).where(ledger.c.call_no == call_no))
        return CallAttempts(tuple(_attempts(rows)), _result(rows))

    async def validated(self, request_id: str) -> dict[int, SeenValidated]:
        """Return which names a follow-up saw validated, by call number."""
        rows = await self._database.rows(_of(request_id).where(ledger.c.kind == LedgerEvent.VALIDATED.value))
        return seen_validated(rows)

    async def results(self, request_id: str) -> dict[int, CallResult]:
        """Return the results by call number, of the calls that have ended."""
        rows = await self._database.rows(_of(request_id).where(ledger.c.kind.in_(OUTCOMES)))
        return {row.call_no: result for row in rows if (result := _result([row]))}


async def _already_written(transaction: AsyncConnection, entry: Entry) -> bool:
    """Return True if this very row was written, and not a similar one by another process."""
    same = (
        ledger.c.kind == entry.event.value,
        ledger.c.at == format_timestamp(entry.at),
        ledger.c.request_id == entry.request_id,
        ledger.c.call_no == entry.call_no,
        ledger.c.attempt == entry.attempt,
        ledger.c.detail == canonical_json(dict(entry.detail)),
    )
    return await transaction.scalar(sa.select(ledger.c.seq).where(*same)) is not None


async def _may_begin(transaction: AsyncConnection, entry: Entry) -> bool:
    mine = _of(str(entry.request_id)).where(ledger.c.call_no == entry.call_no)
    rows = (await transaction.execute(mine)).all()
    number = entry.attempt or 0
    return _result(rows) is None and all(each.closed and each.number < number for each in _attempts(rows))


async def open_attempts(transaction: AsyncConnection, request_id: str, call_no: int) -> set[int]:
    """Return the numbers of the attempts that a process may be making now, read in the caller's transaction."""
    rows = (await transaction.execute(_of(request_id).where(ledger.c.call_no == call_no))).all()
    return {attempt.number for attempt in _attempts(rows) if not attempt.closed}


async def has_ended(connection: AsyncConnection, request_id: str, call_no: int) -> bool:
    """Return True if the ledger has a result of this call, read in the caller's transaction."""
    ended = _of(request_id).where(ledger.c.call_no == call_no, ledger.c.kind.in_(OUTCOMES))
    return (await connection.execute(ended)).first() is not None


def _attempts(rows: Sequence[sa.Row[Any]]) -> list[Attempt]:
    closed = {row.attempt: json.loads(row.detail).get("words", "") for row in rows if row.kind != LedgerEvent.SENDING}
    return [
        Attempt(row.attempt, row.attempt in closed, closed.get(row.attempt, ""))
        for row in rows
        if row.kind == LedgerEvent.SENDING
    ]


def _of(request_id: str) -> sa.Select[Any]:
    return sa.select(ledger).where(ledger.c.request_id == request_id).order_by(ledger.c.seq)


def _result(rows: Sequence[sa.Row[Any]]) -> CallResult | None:
    for row in rows:
        if row.kind in OUTCOMES:
            return result_of(row)
    return None


def result_of(row: sa.Row[Any]) -> CallResult:
    """Return the result of a call from the row that ended it."""
    return CallResult(LedgerEvent(row.kind), json.loads(row.detail).get("words", ""), parse_timestamp(row.at))


def seen_validated(rows: Iterable[sa.Row[Any]]) -> dict[int, SeenValidated]:
    """Return what the `validated` rows of one request say, by call number. The newest row says until when."""
    found: dict[int, SeenValidated] = {}
    for row in rows:
        detail = json.loads(row.detail)
        before = found[row.call_no].names if row.call_no in found else ()
        names = tuple(dict.fromkeys((*before, *detail["names"])))
        until = parse_timestamp(detail["until"]) if "until" in detail else None
        found[row.call_no] = SeenValidated(parse_timestamp(row.at), names, until, detail.get("because", ""))
    return found


async def append(transaction: AsyncConnection, entry: Entry) -> int:
    """Chain one row to the last one and return its number. The transaction must come from `Database.write`."""
    head = (await transaction.execute(sa.select(ledger_head.c.seq, ledger_head.c.hash))).one()
    row = _row(entry, head.seq + 1, head.hash)
    await transaction.execute(sa.insert(ledger).values(**row))
    await transaction.execute(sa.update(ledger_head).values(seq=row["seq"], hash=row["hash"]))
    transaction.info[NEWEST] = Newest(row["seq"], row["hash"])
    if keys := [{"key": key, "seq": row["seq"]} for key in search_keys(entry.detail)]:
        await transaction.execute(sa.insert(ledger_search_keys), keys)
    return int(row["seq"])


def _row(entry: Entry, seq: int, prev: str) -> dict[str, Any]:
    row = {
        "seq": seq,
        "at": format_timestamp(entry.at),
        "kind": entry.event.value,
        "request_id": entry.request_id,
        "call_no": entry.call_no,
        "attempt": entry.attempt,
        "user_id": entry.actor.user_id if entry.actor else None,
        "team_id": entry.actor.team_id if entry.actor else None,
        "detail": canonical_json(dict(entry.detail)),
        "prev": prev,
    }
    return {**row, "hash": row_hash(row)}


def row_hash(row: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the row's body, of which `prev` is a part, as hex digits."""
    return hashlib.sha256(row_body(row)).hexdigest()


def row_body(row: Mapping[str, Any]) -> bytes:
    """Return the row's canonical JSON without its own hash."""
    return canonical_json({key: value for key, value in row.items() if key != "hash"}).encode()

"""The history of resends and requests, read from the ledger by the search keys of its rows."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from bot.models import (
    BEGINNINGS,
    OUTCOMES,
    Call,
    CallResult,
    CallStep,
    DomainTarget,
    LastResend,
    LedgerEvent,
    PastCall,
    PastRequest,
    ResendRequest,
    SeenValidated,
    TargetKey,
    domain_key,
    order_key,
)
from bot.store.database import Database
from bot.store.ledger.entries import result_of, seen_validated
from bot.store.ledger.search_keys import search_terms
from bot.store.schema import ledger, ledger_checkpoints, ledger_search_keys, parse_timestamp, requests

_REQUEST = TypeAdapter(ResendRequest)
_ABOUT = ("subject", "text", "status", "history")
_WENT_OUT = (LedgerEvent.SENT, LedgerEvent.UNKNOWN)


class LastResends:
    """Reader of the resends that may have gone out.

    Only the ledger is complete. Cooldowns are deleted when they are over, and the last recipients are stored by name,
    without order, person or thread.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def last(self, orders: Iterable[int] = (), domains: Iterable[int] = ()) -> dict[str, LastResend]:
        """Return the newest resend by cooldown key (order and name, or domain and name scope).

        Takes ids of orders and domains. Pass at most a few hundred: each is one parameter of the query.
        """
        wanted = {*map(order_key, orders), *map(domain_key, domains)}
        if not wanted:
            return {}
        found: dict[str, LastResend] = {}
        for row in await self._database.rows(_results(wanted)):
            call = _REQUEST.validate_json(row.body).calls[row.call_no]
            # The first steps of a revalidation send no email.
            for resend in _resends(row, call) if call.step is CallStep.RESEND else ():
                found.setdefault(*resend)
        return found


class RequestHistory:
    """Reader of all requests, accepted or refused."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def before(self, key: str, seq: int | None, count: int) -> list[PastRequest]:
        """Return at most `count` requests before row `seq`, or the newest ones without it, newest first.

        `key` is a key of `search_keys`, `user:` and an id, or empty for everything.
        """
        begun, number = _begun(key)
        older = () if seq is None else (number < seq,)
        return await self._read(begun.where(*older).order_by(number.desc()).limit(count))

    async def after(self, key: str, seq: int, count: int) -> list[PastRequest]:
        """Return the first `count` requests after row `seq`, newest first."""
        begun, number = _begun(key)
        return (await self._read(begun.where(number > seq).order_by(number).limit(count)))[::-1]

    async def _read(self, begun: sa.Select[Any]) -> list[PastRequest]:
        async with self._database.read() as connection:
            rows = (await connection.execute(begun)).all()
            ids = {row.request_id for row in rows if row.kind == LedgerEvent.ACCEPTED}
            kinds = (*OUTCOMES, LedgerEvent.VALIDATED)
            of_these = sa.select(ledger).where(ledger.c.request_id.in_(ids), ledger.c.kind.in_(kinds))
            later = (await connection.execute(of_these.order_by(ledger.c.seq))).all() if ids else ()
        calls = _Calls()
        for row in later:
            calls.add(row)
        return [_past(row, calls) for row in rows]


class _Calls:
    """What became of the calls of requests, by request and call number."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, int], CallResult] = {}
        self._validated: dict[str, list[sa.Row[Any]]] = defaultdict(list)

    def add(self, row: sa.Row[Any]) -> None:
        """Add a row of the ledger: the outcome of a call, or names that were seen validated."""
        if row.kind == LedgerEvent.VALIDATED:
            self._validated[row.request_id].append(row)
        else:
            self.results[row.request_id, row.call_no] = result_of(row)

    def validated(self, request_id: str) -> Mapping[int, SeenValidated]:
        """Return the names of a request that were seen validated, by call number."""
        return seen_validated(self._validated.get(request_id, ()))


def _begun(key: str) -> tuple[sa.Select[Any], sa.ColumnElement[int]]:
    """Return a query for the first row of each request that is not pruned, and the column to page by."""
    cut_off = sa.select(sa.func.coalesce(sa.func.max(ledger_checkpoints.c.seq), 0)).scalar_subquery()
    begun = sa.select(ledger).where(ledger.c.kind.in_(BEGINNINGS), ledger.c.seq > cut_off)
    asked = TargetKey.parse(key)
    if not key:
        return begun, ledger.c.seq
    if asked.kind == "user":
        return begun.where(ledger.c.user_id == asked.value), ledger.c.seq
    # Paged by the number in the search keys' table, whose primary key has it in order.
    about = begun.join(ledger_search_keys, ledger_search_keys.c.seq == ledger.c.seq)
    return about.where(ledger_search_keys.c.key == key), ledger_search_keys.c.seq


def _past(row: sa.Row[Any], made: _Calls) -> PastRequest:
    detail, decision = json.loads(row.detail), LedgerEvent(row.kind)
    is_accepted = decision is LedgerEvent.ACCEPTED
    validated = made.validated(row.request_id) if is_accepted else {}
    calls = tuple(
        PastCall(
            call["target"],
            tuple(call["recipients"]),
            tuple(dict.fromkeys(email for emails in call["recipients"].values() for email in emails)),
            made.results.get((row.request_id, number)) if is_accepted else None,
            CallStep(call.get("step", CallStep.RESEND)),
            validated.get(number),
        )
        for number, call in enumerate(detail.get("calls", ()))
    )
    about = next((str(detail[key]) for key in _ABOUT if detail.get(key)), "")
    reason, rule = detail.get("reason"), detail.get("rule")
    target = search_terms(detail)
    return PastRequest(
        seq=row.seq,
        at=parse_timestamp(row.at),
        decision=decision,
        user_id=row.user_id or "",
        request_id=row.request_id,
        about=about,
        calls=calls,
        reason=reason,
        rule=rule,
        names=target.names,
        orders=target.orders,
        times=times if isinstance(times := detail.get("times"), int) else 1,
        plan=str(detail.get("plan") or "") if is_accepted else "",
    )


def _results(keys: Iterable[str]) -> sa.Select[Any]:
    """Return a query for the results of calls under these keys that may have gone out, newest first."""
    about = sa.select(ledger_search_keys.c.seq).where(ledger_search_keys.c.key.in_(keys))
    return (
        sa.select(ledger.c.request_id, ledger.c.call_no, ledger.c.kind, ledger.c.at, ledger.c.user_id, requests.c.body)
        .join(requests, requests.c.id == ledger.c.request_id)
        .where(ledger.c.kind.in_(_WENT_OUT), ledger.c.seq.in_(about))
        .order_by(ledger.c.seq.desc())
    )


def _resends(row: sa.Row[Any], call: Call) -> Iterable[tuple[str, LastResend]]:
    for key, emails in _emails(call).items():
        name = key.split(":", 2)[2]
        yield key, LastResend(row.request_id, row.user_id, parse_timestamp(row.at), LedgerEvent(row.kind), name, emails)


def _emails(call: Call) -> Mapping[str, tuple[str, ...]]:
    """Return the addresses of a call by cooldown key."""
    if isinstance(call.target, DomainTarget):
        return {call.target.key: tuple(each.email for each in call.recipients)}
    return {
        f"{call.target.key}:{name}": tuple(each.email for each in call.recipients if each.name == name)
        for name in call.names
    }

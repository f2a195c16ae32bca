"""The emails of past requests, and which names were seen validated after them, read from the ledger."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from bot.models import CallStep, LedgerEvent, ResendRequest, name_key
from bot.store.database import Database
from bot.store.schema import ledger, ledger_search_keys, parse_timestamp, requests
from bot.track_records import PastEmail

# The newest requests that count. A record of the last emails needs no more.
MOST_REQUESTS = 100
_REQUEST = TypeAdapter(ResendRequest)
_WENT_OUT = (LedgerEvent.SENT, LedgerEvent.UNKNOWN)

_Validated = Mapping[tuple[str, int, str], datetime]


class MailboxHistory:
    """Reader of the emails that may have gone out. `ledger prune` removes what it reads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def emails(self, domains: Iterable[str]) -> list[PastEmail]:
        """Return the emails of the newest MOST_REQUESTS requests for these domains and names below, newest first."""
        keys = [name_key(domain) for domain in domains]
        ids = await self._request_ids(keys) if keys else []
        if not ids:
            return []
        of_these = ledger.c.request_id.in_(ids)
        sent = sa.select(ledger.c.request_id, ledger.c.call_no, ledger.c.kind, ledger.c.at, requests.c.body)
        sent = sent.join(requests, requests.c.id == ledger.c.request_id).where(of_these, ledger.c.kind.in_(_WENT_OUT))
        seen = sa.select(ledger).where(of_these, ledger.c.kind == LedgerEvent.VALIDATED.value)
        validated = dict(_validations(await self._database.rows(seen)))
        rows = await self._database.rows(sent.order_by(ledger.c.seq.desc()))
        # A request with many names is large, so it is read once for all of its calls.
        read = {
            row.request_id: _REQUEST.validate_json(row.body) for row in {row.request_id: row for row in rows}.values()
        }
        return [email for row in rows for email in _emails(row, read[row.request_id], validated)]

    async def _request_ids(self, keys: list[str]) -> list[str]:
        about = sa.select(ledger_search_keys.c.seq).where(ledger_search_keys.c.key.in_(keys))
        begun = sa.select(ledger.c.request_id).where(
            ledger.c.kind == LedgerEvent.ACCEPTED.value, ledger.c.seq.in_(about)
        )
        rows = await self._database.rows(begun.order_by(ledger.c.seq.desc()).limit(MOST_REQUESTS))
        return [row.request_id for row in rows]


def _validations(rows: Iterable[sa.Row[Any]]) -> Iterator[tuple[tuple[str, int, str], datetime]]:
    """Yield the first time at which each name of a call was seen validated."""
    for row in sorted(rows, key=lambda each: int(each.seq), reverse=True):
        for name in json.loads(row.detail).get("names", ()):
            yield (row.request_id, row.call_no, name), parse_timestamp(row.at)


def _emails(row: sa.Row[Any], request: ResendRequest, validated: _Validated) -> Iterator[PastEmail]:
    call = request.calls[row.call_no]
    if call.step is not CallStep.RESEND:
        return
    for name in call.names:
        yield PastEmail(
            row.request_id,
            call.target.key,
            name,
            tuple(each.email for each in call.recipients if each.name == name),
            parse_timestamp(row.at),
            LedgerEvent(row.kind) is LedgerEvent.SENT and not call.audience_uncertain,
            validated.get((row.request_id, row.call_no, name)),
        )

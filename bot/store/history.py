"""What was resent last for an order or a domain: read out of the ledger's endings and the requests they belong to."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from bot.models import Call, DomainTarget, LastResend, OrderTarget, Outcome, ResendRequest
from bot.store.db import Database
from bot.store.tables import ledger, ledger_subjects, moment, requests

_REQUEST = TypeAdapter(ResendRequest)
_WENT_OUT = (Outcome.SENT.value, Outcome.UNKNOWN.value)


class History:
    """Reads what may have gone out.

    The ledger alone is complete: claims are let go when they are over, and the recipients that a form preselects are
    kept by name, without order, person or thread.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def last(self, orders: Iterable[int] = (), domains: Iterable[int] = ()) -> dict[str, LastResend]:
        """The newest resend by claim key (order and name, or domain and name scope), for these orders and domains.

        At most a few hundred ids: each is one term of the query.
        """
        wanted = {f"order:{order_id}" for order_id in orders} | {f"domain:{domain_id}" for domain_id in domains}
        if not wanted:
            return {}
        found: dict[str, LastResend] = {}
        async with self._database.read() as connection:
            for row in await connection.execute(_endings(wanted)):
                call = _REQUEST.validate_json(row.body).calls[row.call_no]
                for resend in _resends(row, call):
                    found.setdefault(*resend)
        return found


def _endings(keys: Iterable[str]) -> sa.Select[Any]:
    """Newest first."""
    about = sa.select(ledger_subjects.c.seq).where(ledger_subjects.c.key.in_(keys))
    return (
        sa.select(ledger.c.request_id, ledger.c.call_no, ledger.c.kind, ledger.c.at, ledger.c.user_id, requests.c.body)
        .join(requests, requests.c.id == ledger.c.request_id)
        .where(ledger.c.kind.in_(_WENT_OUT), ledger.c.seq.in_(about))
        .order_by(ledger.c.seq.desc())
    )


def _resends(row: Any, call: Call) -> Iterable[tuple[str, LastResend]]:
    for key, emails in _emails(call).items():
        name = key.split(":", 2)[2]
        yield key, LastResend(row.request_id, row.user_id, moment(row.at), Outcome(row.kind), name, emails)


def _emails(call: Call) -> Mapping[str, tuple[str, ...]]:
    """The addresses of a call by claim key."""
    match call.target:
        case OrderTarget(order_id):
            return {
                f"order:{order_id}:{name}": tuple(each.email for each in call.recipients if each.name == name)
                for name in call.names
            }
        case DomainTarget():
            return dict.fromkeys(call.claim_keys, tuple(each.email for each in call.recipients))

"""The emails of past requests, with the validations that the bot saw after them."""

import pytest

from bot.models import Call, DomainTarget, LedgerEvent, OrderTarget, Recipient
from bot.store import requests
from bot.store.ledger.entries import Entry, append
from bot.store.ledger.mailbox_history import MailboxHistory


@pytest.fixture
def add_sent(database, make_request, clock):
    """Return a function that accepts a request and records its results, and which names were validated after them."""

    async def add(request_id, *calls, validated=(), outcome=LedgerEvent.SENT):
        request = make_request(request_id, calls=calls)
        async with database.write() as transaction:
            await requests.add(transaction, request)
            detail = {"calls": [{"target": str(call.target), "recipients": _recipients(call)} for call in calls]}
            await append(transaction, Entry(LedgerEvent.ACCEPTED, clock(), request.actor, request_id, detail=detail))
            for number, call in enumerate(calls):
                result = {"target": str(call.target)}
                await append(transaction, Entry(outcome, clock(), request.actor, request_id, number, 1, result))
        clock.advance(minutes=20)
        for number, names in validated:
            async with database.write() as transaction:
                seen = {"target": "order 1", "names": list(names)}
                await append(transaction, Entry(LedgerEvent.VALIDATED, clock(), None, request_id, number, detail=seen))

    return add


def _recipients(call):
    return {name: [each.email for each in call.recipients if each.name == name] for name in call.names}


async def test_each_name_has_its_emails_and_its_validation(database, add_sent, clock):
    two = Call(OrderTarget(1), (Recipient("a.shop.com", "admin@shop.com"), Recipient("b.shop.com", "root@shop.com")))
    at = clock()
    await add_sent("r1", two, validated=[(0, ["b.shop.com"])])

    found = await MailboxHistory(database).emails(["shop.com"])

    assert [(each.name, each.emails, each.at, each.validated_at) for each in found] == [
        ("a.shop.com", ("admin@shop.com",), at, None),
        ("b.shop.com", ("root@shop.com",), at, clock()),
    ]


async def test_only_what_may_have_gone_out_below_these_domains_is_found(database, add_sent):
    mine, other = (
        Call(DomainTarget(7, "shop.com"), (Recipient("shop.com", "admin@shop.com"),)),
        Call(OrderTarget(2), (Recipient("other.com", "admin@other.com"),)),
    )
    await add_sent("r1", mine, outcome=LedgerEvent.UNKNOWN)
    await add_sent("r2", mine, outcome=LedgerEvent.REFUSED)
    await add_sent("r3", other)
    history = MailboxHistory(database)

    found = await history.emails(["shop.com"])

    assert [(each.request_id, each.target, each.is_certain) for each in found] == [("r1", "domain:7:shop.com", False)]
    assert await history.emails([]) == []
    assert await history.emails(["none.com"]) == []

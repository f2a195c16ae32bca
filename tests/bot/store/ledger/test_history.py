"""The last resends: of the right target, by name, the newest, and only those that may have been sent."""

import json

import pytest
import sqlalchemy as sa

from bot.models import Actor, Call, DomainTarget, LedgerEvent, OrderTarget, PastCall, Recipient
from bot.store import requests
from bot.store.ledger.entries import Entry, append
from bot.store.ledger.history import LastResends, RequestHistory
from bot.store.schema import ledger_checkpoints

BOB = Actor("U0BOB", "T0HOME")


@pytest.fixture
def history(database):
    return LastResends(database)


@pytest.fixture
def add_finished(database, make_request, clock):
    """Return a function that accepts a request of these calls and records each result."""

    async def end(request_id, calls, outcome=LedgerEvent.SENT, **changes):
        request = make_request(request_id, calls=calls, **changes)
        async with database.write() as transaction:
            await requests.add(transaction, request)
            for number, call in enumerate(calls):
                detail = {"words": '"target":"order 5"', "target": str(call.target)}
                entry = Entry(LedgerEvent(outcome), clock(), request.actor, request_id, number, 1, detail)
                await append(transaction, entry)

    return end


def order(order_id, *names, at="admin"):
    return Call(OrderTarget(order_id), tuple(Recipient(name, f"{at}@{name}") for name in names))


def domain(domain_id, scope, *emails):
    return Call(DomainTarget(domain_id, scope), tuple(Recipient(scope, email) for email in emails))


async def test_each_name_has_the_newest_request_that_mailed_it(history, add_finished, clock):
    await add_finished("r1", (order(1, "a.example", "b.example"),))
    clock.advance(hours=1)
    await add_finished("r2", (order(1, "b.example", at="pki"),), LedgerEvent.UNKNOWN, actor=BOB)

    last = await history.last([1])

    assert {
        key: (each.request_id, each.user_id, each.emails, each.outcome, each.name) for key, each in last.items()
    } == {
        "order:1:a.example": ("r1", "U0ANA", ("admin@a.example",), LedgerEvent.SENT, "a.example"),
        "order:1:b.example": ("r2", "U0BOB", ("pki@b.example",), LedgerEvent.UNKNOWN, "b.example"),
    }
    assert last["order:1:b.example"].at == clock()


async def test_orders_and_domains_are_distinguished_by_their_whole_ids(history, add_finished):
    await add_finished("r1", (order(1, "a.example"), order(11, "a.example"), domain(1, "a.example", "x@a.example")))
    await add_finished(
        "r2", (domain(1, "b.a.example", "x@a.example", "y@a.example"), domain(11, "c.example", "z@c.example"))
    )

    assert list(await history.last([1])) == ["order:1:a.example"]
    assert set(await history.last(domains=[1])) == {"domain:1:a.example", "domain:1:b.a.example"}
    assert (await history.last(domains=[1]))["domain:1:b.a.example"].emails == ("x@a.example", "y@a.example")
    assert set(await history.last([11], [11])) == {"order:11:a.example", "domain:11:c.example"}


@pytest.mark.parametrize("outcome", [LedgerEvent.REFUSED, LedgerEvent.NOT_SENT])
async def test_what_certainly_did_not_go_out_counts_for_nothing(history, add_finished, outcome):
    await add_finished("r1", (order(1, "a.example"),))
    await add_finished("r2", (order(1, "a.example"),), outcome)

    assert (await history.last([1]))["order:1:a.example"].request_id == "r1"


async def test_the_message_of_a_result_is_no_target(history, add_finished):
    await add_finished("r1", (order(1, "a.example"),))

    assert await history.last([5]) == {}


async def test_strange_names_come_back_as_they_went_in(history, add_finished):
    name = 'a"b:c☃%_\\.example'
    await add_finished("r1", (order(1, name), domain(2, name, "x@y.example")))

    last = await history.last([1], [2])

    assert json.loads(json.dumps([each.name for each in last.values()])) == [name, name]


async def test_hundreds_of_ids_are_asked_at_once(history, add_finished):
    await add_finished("r1", (order(7, "a.example"),))

    assert set(await history.last(range(1, 200), range(1, 200))) == {"order:7:a.example"}
    assert await history.last() == {}


@pytest.fixture
def past(database):
    return RequestHistory(database)


@pytest.fixture
def asked(database, clock, ana):
    """Return a function that records a request, a minute after the last. It returns the row's number."""

    async def ask(about, event=LedgerEvent.ACCEPTED, request_id=None, actor=ana, emails=("a@x.example",), **more):
        calls = [{"target": about, "recipients": {"shop.example.com": list(emails)}}]
        detail = {"subject": about, "calls": calls} if event is not LedgerEvent.DENIED else {"subject": about}
        async with database.write() as transaction:
            seq = await append(transaction, Entry(event, clock(), actor, request_id, detail={**detail, **more}))
        clock.advance(minutes=1)
        return seq

    return ask


async def end(database, clock, request_id, call_no=0, outcome=LedgerEvent.SENT, words=""):
    detail = {"target": "order 1", "words": words}
    async with database.write() as transaction:
        await append(transaction, Entry(LedgerEvent(outcome), clock(), None, request_id, call_no, 1, detail))


async def test_a_request_is_returned_with_its_calls_and_their_results(past, asked, database, clock):
    seq = await asked("order 1", request_id="r1", reason="new mailbox", emails=("a@x.example", "b@x.example"))
    await end(database, clock, "r1", outcome=LedgerEvent.REFUSED, words="no")

    (entry,) = await past.before("order:1", None, 9)

    (call,) = entry.calls
    assert (entry.seq, entry.decision, entry.user_id, entry.request_id) == (seq, LedgerEvent.ACCEPTED, "U0ANA", "r1")
    assert (entry.about, entry.reason, entry.rule) == ("order 1", "new mailbox", None)
    assert (call.names, call.emails) == (("shop.example.com",), ("a@x.example", "b@x.example"))
    assert (call.result.outcome, call.result.message) == (LedgerEvent.REFUSED, "no")


async def test_what_was_held_back_has_no_ending_even_if_it_was_accepted_later(past, asked, database, clock):
    await asked("order 1", LedgerEvent.COOLED_DOWN, "r1")
    await asked("order 1", request_id="r1")
    await end(database, clock, "r1")
    await asked("order 1", LedgerEvent.DENIED, rule="not-listed", actor=BOB)

    entries = await past.before("order:1", None, 9)

    assert [each.decision for each in entries] == [LedgerEvent.DENIED, LedgerEvent.ACCEPTED, LedgerEvent.COOLED_DOWN]
    assert [[call.result is not None for call in each.calls] for each in entries] == [[], [True], [False]]
    assert (entries[0].rule, entries[0].user_id) == ("not-listed", "U0BOB")


async def test_it_is_found_by_order_name_parent_and_person_alone(past, asked):
    one = await asked("order 1", request_id="r1")
    eleven = await asked("order 11", request_id="r11", actor=BOB)
    scope = await asked("domain 1 (example.org)", request_id="r2")
    refused = await asked("name:example.org", LedgerEvent.DENIED)

    async def seqs(key):
        return [each.seq for each in await past.before(key, None, 9)]

    assert await seqs("order:1") == [one]
    assert await seqs("order:11") == [eleven]
    assert await seqs("name:shop.example.com") == await seqs("name:example.com") == [scope, eleven, one]
    assert await seqs("name:example.org") == [refused, scope]
    assert await seqs("user:U0BOB") == [eleven]
    assert await seqs("") == [refused, scope, eleven, one]
    assert await seqs("order:2") == await seqs("name:hop.example.com") == await seqs("user:U0") == []


async def test_pages_go_both_ways(past, asked):
    seqs = [await asked("order 1", request_id=f"r{number}") for number in range(7)]

    async def page(walk, seq):
        return [each.seq for each in await walk("order:1", seq, 3)]

    assert await page(past.before, None) == seqs[6:3:-1]
    assert await page(past.before, seqs[4]) == seqs[3:0:-1]
    assert await page(past.before, seqs[1]) == seqs[:1]
    assert await page(past.after, seqs[0]) == seqs[3:0:-1]
    assert await page(past.after, seqs[5]) == seqs[6:]


async def test_pruned_rows_are_no_longer_returned(past, asked, database):
    seqs = [await asked("order 1", request_id=f"r{number}") for number in range(2)]
    async with database.write() as transaction:
        await transaction.execute(sa.insert(ledger_checkpoints).values(seq=seqs[0], hash="", at="", rows=1))

    assert [each.seq for each in await past.before("order:1", None, 9)] == seqs[1:]


async def test_calls_are_returned_in_order(past, database, clock, ana):
    calls = [{"target": f"order {number}", "recipients": {"a.example": []}} for number in (1, 2)]
    async with database.write() as transaction:
        await append(
            transaction, Entry(LedgerEvent.ACCEPTED, clock(), ana, "r1", detail={"subject": "x", "calls": calls})
        )
    await end(database, clock, "r1", 1)

    (entry,) = await past.before("order:2", None, 9)

    assert entry.calls[0] == PastCall("order 1", ("a.example",), ())
    assert entry.calls[1].result.outcome is LedgerEvent.SENT

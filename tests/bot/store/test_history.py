"""What was resent last: of the right target, by name, the newest, and only what may have gone out."""

import json

import pytest

from bot.models import Actor, Call, DomainTarget, OrderTarget, Outcome, Recipient
from bot.store import requests
from bot.store.history import History
from bot.store.ledger import Entry, Event, append

BOB = Actor("U0BOB", "T0HOME")


@pytest.fixture
def history(database):
    return History(database)


@pytest.fixture
def ended(database, make_request, clock):
    """Accept a request of these calls, and end each call as said."""

    async def end(request_id, calls, outcome=Outcome.SENT, **changes):
        request = make_request(request_id, calls=calls, **changes)
        async with database.write() as transaction:
            await requests.add(transaction, request)
            for number, call in enumerate(calls):
                detail = {"words": '"target":"order 5"', "target": str(call.target)}
                entry = Entry(Event(outcome), clock(), request.actor, request_id, number, 1, detail)
                await append(transaction, entry)

    return end


def order(order_id, *names, at="admin"):
    return Call(OrderTarget(order_id), tuple(Recipient(name, f"{at}@{name}") for name in names))


def domain(domain_id, scope, *emails):
    return Call(DomainTarget(domain_id, scope), tuple(Recipient(scope, email) for email in emails))


async def test_each_name_has_the_newest_request_that_mailed_it(history, ended, clock):
    await ended("r1", (order(1, "a.example", "b.example"),))
    clock.advance(hours=1)
    await ended("r2", (order(1, "b.example", at="pki"),), Outcome.UNKNOWN, actor=BOB)

    last = await history.last([1])

    assert {
        key: (each.request_id, each.user_id, each.emails, each.outcome, each.name) for key, each in last.items()
    } == {
        "order:1:a.example": ("r1", "U0ANA", ("admin@a.example",), Outcome.SENT, "a.example"),
        "order:1:b.example": ("r2", "U0BOB", ("pki@b.example",), Outcome.UNKNOWN, "b.example"),
    }
    assert last["order:1:b.example"].at == clock()


async def test_orders_and_domains_are_told_apart_by_their_whole_ids(history, ended):
    await ended("r1", (order(1, "a.example"), order(11, "a.example"), domain(1, "a.example", "x@a.example")))
    await ended("r2", (domain(1, "b.a.example", "x@a.example", "y@a.example"), domain(11, "c.example", "z@c.example")))

    assert list(await history.last([1])) == ["order:1:a.example"]
    assert set(await history.last(domains=[1])) == {"domain:1:a.example", "domain:1:b.a.example"}
    assert (await history.last(domains=[1]))["domain:1:b.a.example"].emails == ("x@a.example", "y@a.example")
    assert set(await history.last([11], [11])) == {"order:11:a.example", "domain:11:c.example"}


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.NOT_SENT])
async def test_what_certainly_did_not_go_out_counts_for_nothing(history, ended, outcome):
    await ended("r1", (order(1, "a.example"),))
    await ended("r2", (order(1, "a.example"),), outcome)

    assert (await history.last([1]))["order:1:a.example"].request_id == "r1"


async def test_words_of_an_ending_are_no_target(history, ended):
    await ended("r1", (order(1, "a.example"),))

    assert await history.last([5]) == {}


async def test_strange_names_come_back_as_they_went_in(history, ended):
    name = 'a"b:c☃%_\\.example'
    await ended("r1", (order(1, name), domain(2, name, "x@y.example")))

    last = await history.last([1], [2])

    assert json.loads(json.dumps([each.name for each in last.values()])) == [name, name]


async def test_hundreds_of_ids_are_asked_at_once(history, ended):
    await ended("r1", (order(7, "a.example"),))

    assert set(await history.last(range(1, 200), range(1, 200))) == {"order:7:a.example"}
    assert await history.last() == {}

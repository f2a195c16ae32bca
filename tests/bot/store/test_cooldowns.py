"""Cooldowns: one winner among concurrent requests, and released only by their holder."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.models import Actor, Call, DomainTarget, OrderTarget, Recipient
from bot.store import cooldowns, schema
from bot.store.cooldowns import ActiveCooldown, Cooldowns

KEY = "order:700001:shop.example.com"
PAUSE = timedelta(minutes=15)


@pytest.fixture
def held(database):
    return Cooldowns(database)


@pytest.fixture
def acquire(database, clock):
    async def acquire_for(request, until=None):
        async with database.write() as transaction:
            await cooldowns.acquire(transaction, request, until or request.at + PAUSE)

    return acquire_for


@pytest.fixture
def free(database):
    async def free_of(request_id, *keys):
        async with database.write() as transaction:
            await cooldowns.release(transaction, request_id, keys)

    return free_of


def test_an_order_cools_down_by_name_and_a_domain_by_scope_and_mailbox():
    order = Call(OrderTarget(1), (Recipient("a.example", "x@a.example"), Recipient("b.example", "x@b.example")))
    mailboxes = (Recipient("c.example", "X@c.example"), Recipient("c.example", "y@c.example"))
    domain = Call(DomainTarget(2, "c.example"), mailboxes)

    assert order.cooldown_keys == ("order:1:a.example", "order:1:b.example")
    assert domain.cooldown_keys == ("domain:2:c.example", "domain:2:to:x@c.example", "domain:2:to:y@c.example")


async def test_a_cooldown_holds_the_sender_and_its_end(held, acquire, make_request, clock):
    await acquire(make_request())

    cooldown = await held.active([KEY, "order:1:other.example"], clock())

    assert cooldown == ActiveCooldown(KEY, "r1", "U0ANA", clock(), clock() + PAUSE)


async def test_a_cooldown_ends_at_its_time(held, acquire, make_request, clock):
    await acquire(make_request())
    last_moment = clock() + PAUSE - timedelta(microseconds=1)

    assert await held.active([KEY], last_moment)
    assert await held.active([KEY], clock() + PAUSE) is None


async def test_the_newest_of_several_cooldowns_is_returned(held, acquire, make_request, domain_call, order_call, clock):
    await acquire(make_request("old", calls=(order_call,)))
    await acquire(make_request("new", calls=(domain_call,), at=clock() + timedelta(minutes=1)))

    cooldown = await held.active([*order_call.cooldown_keys, *domain_call.cooldown_keys], clock())

    assert cooldown.request_id == "new"


async def test_a_later_request_adds_a_cooldown_and_releases_only_its_own(held, acquire, free, make_request, clock):
    await acquire(make_request("first"))
    later = clock() + timedelta(minutes=1)
    await acquire(make_request("second", actor=Actor("U0BOB", "T0HOME"), at=later))
    newest = await held.active([KEY], later)

    await free("second", KEY)

    left = await held.active([KEY], later)
    assert (newest.request_id, newest.user_id) == ("second", "U0BOB")
    assert (left.request_id, left.user_id) == ("first", "U0ANA")


async def test_expired_cooldowns_do_not_pile_up(held, acquire, make_request, database, clock):
    await acquire(make_request("first"))
    clock.advance(minutes=15)

    await acquire(make_request("second"))

    async with database.read() as connection:
        kept = list((await connection.execute(sa.select(schema.cooldowns.c.request_id))).scalars())
    assert kept == ["second"]


async def test_a_freed_target_may_be_sent_to_at_once(held, acquire, free, make_request, order_call, domain_call, clock):
    await acquire(make_request(calls=(order_call, domain_call)))

    await free("r1", *order_call.cooldown_keys)

    assert await held.active(order_call.cooldown_keys, clock()) is None
    assert await held.active(domain_call.cooldown_keys, clock())


async def test_no_keys_have_no_cooldown(held, acquire, make_request, clock):
    await acquire(make_request())

    assert await held.active([], clock()) is None

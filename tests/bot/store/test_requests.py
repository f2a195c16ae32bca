"""Accepted requests come back unchanged, oldest first, until their outcome is reported."""

import dataclasses
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.models import Call, Destination, OrderTarget, Recipient
from bot.store import requests
from bot.store.requests import Requests


@pytest.fixture
def stored(database):
    return Requests(database)


@pytest.fixture
def add(database):
    async def add_all(*accepted):
        async with database.write() as transaction:
            for request in accepted:
                await requests.add(transaction, request)

    return add_all


async def remember(database, call, at):
    async with database.write() as transaction:
        await requests.remember_recipients(transaction, call, at)


async def test_a_request_comes_back_as_it_was_accepted(stored, add, make_request, order_call, domain_call):
    request = make_request(
        calls=(order_call, domain_call),
        destination=Destination("C0PKI", "17.5"),
        reason="neues Postfach ☃",
        subject="order 1",
    )
    await add(request)

    assert await stored.get("r1") == request


async def test_an_unknown_request_is_a_key_error(stored):
    with pytest.raises(KeyError):
        await stored.get("r1")


async def test_a_request_is_accepted_once(database, add, make_request):
    await add(make_request())

    with pytest.raises(sa.exc.IntegrityError):
        await add(make_request())

    async with database.write() as transaction:
        assert await requests.known(transaction, "r1")
        assert not await requests.known(transaction, "r2")


async def test_unreported_requests_are_listed_oldest_first(stored, add, make_request, clock):
    late, early = make_request("late"), make_request("early", at=clock() - timedelta(hours=1))
    await add(late, early, make_request("told"))

    await stored.reported("told", clock())
    await stored.reported("told", clock())

    assert await stored.unreported() == ["early", "late"]


async def test_whom_was_mailed_is_remembered_by_name(database, stored, order_call, domain_call, clock):
    await remember(database, order_call, clock())
    await remember(database, domain_call, clock())

    last = await stored.last_recipients(["shop.example.com", "example.org", "unheard-of.example"])

    assert last == {
        "shop.example.com": ("admin@example.com",),
        "example.org": ("admin@example.org", "pki@example.org"),
    }
    assert await stored.last_recipients([]) == {}


async def test_the_last_recipients_replace_those_before(database, stored, order_call, clock):
    await remember(database, order_call, clock())
    changed = dataclasses.replace(order_call.recipients[0], email="webmaster@example.com")

    await remember(database, Call(OrderTarget(2), (changed,)), clock())

    assert await stored.last_recipients(["shop.example.com"]) == {"shop.example.com": ("webmaster@example.com",)}


async def test_each_name_of_a_call_remembers_its_own(database, stored, clock):
    recipients = tuple(Recipient(f"a{number}.example.com", f"admin@a{number}.example.com") for number in range(250))

    await remember(database, Call(OrderTarget(1), recipients), clock())

    last = await stored.last_recipients([recipient.name for recipient in recipients])
    assert last == {recipient.name: (recipient.email,) for recipient in recipients}


async def test_the_requests_from_the_card_of_another_are_listed_newest_first(stored, add, make_request, clock):
    late, early = make_request("late", follows="r1"), make_request("early", follows="r1", at=clock() - timedelta(1))
    await add(make_request("r1"), late, early, make_request("r3", follows="r2"))

    assert await stored.following("r1") == [late, early]
    assert await stored.following("late") == []

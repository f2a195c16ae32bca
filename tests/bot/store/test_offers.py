"""Offers: valid for a day, one per target and channel, and each version is published."""

import dataclasses
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.models import Destination, Offer, OfferTarget
from bot.store import offers as rows
from bot.store.offers import ChannelOffers, Offers
from bot.store.posts import Post, Posts
from bot.store.schema import offer_targets

SPAN = timedelta(minutes=10)
DAY = timedelta(hours=24)
AUTHOR = "app:B0MON"
KEYS = ["order:1", "order:2", "domain:3"]


@pytest.fixture
def offers(database):
    return Offers(database)


@pytest.fixture
def create(database, clock):
    """Return a function that creates an offer of these targets."""

    async def make_it(offer_id, *keys, channel="C0OPS", author=AUTHOR):
        targets = tuple(OfferTarget(key, key, ("shop.example.com",), clock()) for key in keys)
        offer = Offer(offer_id, Destination(channel, "17.5" if keys else None), clock(), targets, author=author)
        async with database.write() as transaction:
            await rows.create(transaction, offer, clock() + DAY)
        return offer

    return make_it


@pytest.fixture
def known(offers, clock):
    async def read(channel="C0OPS"):
        return await offers.channel_state(channel, AUTHOR, KEYS, clock(), clock() - SPAN)

    return read


async def test_an_offer_comes_back_as_it_was_made(offers, create):
    offer = await create("a", "order:1", "domain:3")

    assert await offers.get("a") == offer
    assert await offers.get("b") is None


async def test_a_channel_knows_what_it_was_offered_and_no_other_does(create, known):
    await create("a", "order:1", "domain:3")
    await create("b", "order:2", channel="C0DEV")

    assert await known() == ChannelOffers({"order:1": "a", "domain:3": "a"}, 1, None)
    assert await known("C0DEV") == ChannelOffers({"order:2": "b"}, 1, None)
    assert await known("C0NEW") == ChannelOffers({}, 0, None)


async def test_an_offer_is_valid_for_a_day_and_counts_for_ten_minutes(create, known, clock):
    await create("a", "order:1")
    await create("s")
    assert await known() == ChannelOffers({"order:1": "a"}, 1, "s")

    clock.advance(minutes=10)
    assert await known() == ChannelOffers({"order:1": "a"}, 0, None)

    clock.advance(hours=24)
    assert await known() == ChannelOffers({}, 0, None)


async def test_a_new_offer_replaces_the_old_one_of_its_target(create, known, clock):
    await create("a", "order:1")
    clock.advance(hours=25)

    await create("b", "order:1")

    assert (await known()).open == {"order:1": "b"}


async def test_a_snoozed_offer_lasts_longer_and_names_who_snoozed_it(offers, create, known, clock):
    offer = await create("a", "order:1", "order:2")
    clock.advance(hours=23)

    await offers.snooze(offer, "U0ANA", clock() + DAY)
    clock.advance(hours=23)

    assert (await known()).open == {"order:1": "a", "order:2": "a"}
    found = await offers.get("a")
    assert (found.snoozed_by, found.snoozed_until, found.version) == ("U0ANA", clock() + timedelta(hours=1), 2)


async def test_every_change_is_a_version_that_is_to_be_shown(offers, create, database):
    offer = await create("a", "order:1")
    await create("b", "order:2")
    await offers.mark_published(offer)
    assert [each.id for each in await offers.unpublished(10)] == ["b"]

    async with database.write() as transaction:
        await rows.count(transaction, ["a"])
        await rows.count(transaction, ["a"])
    behind = await offers.unpublished(10)

    assert [(each.id, each.repeat_count, each.version, each.published_version) for each in behind] == [
        ("b", 0, 1, 0),
        ("a", 2, 3, 1),
    ]
    # After a version rendered before the last change, that change still has to be published.
    await offers.mark_published(dataclasses.replace(behind[1], version=2))
    assert [each.id for each in await offers.unpublished(10)] == ["b", "a"]


async def test_old_offers_go_with_all_that_belongs_to_them(offers, create, known, database, clock):
    posts = Posts(database)
    await create("a", "order:1")
    await posts.save(Post("offer.a", Destination("C0OPS", "17.5"), clock(), "18.5"))
    await posts.save(Post("r1.root", Destination("C0OPS"), clock(), "19.5"))
    clock.advance(hours=49)
    await create("b", "order:1")

    await offers.tidy(clock() - timedelta(hours=48), clock())

    assert await offers.get("a") is None
    assert await posts.get("offer.a") is None
    assert await posts.get("r1.root") is not None
    assert (await known()).open == {"order:1": "b"}


async def test_which_targets_rest_is_forgotten_when_they_rest_no_longer(offers, create, database, clock):
    await create("a", "order:1")
    clock.advance(hours=25)
    await create("b", "order:2")

    await offers.tidy(clock() - timedelta(hours=48), clock())

    async with database.read() as connection:
        assert list(await connection.scalars(sa.select(offer_targets.c.key))) == ["order:2"]
    assert await offers.get("a") is not None


async def test_each_author_has_an_allowance_of_their_own(offers, create, clock):
    await create("a", "order:1", author="person:U0ANA")
    await create("b", "order:2", author="person:U0ANA")
    await create("c", "domain:3")
    await create("s", author="person:U0ANA")

    known = {
        author: await offers.channel_state("C0OPS", author, KEYS, clock(), clock() - SPAN)
        for author in ("person:U0ANA", AUTHOR, "person:U0BOB")
    }

    assert [each.lately for each in known.values()] == [2, 1, 0]
    assert {each.summary for each in known.values()} == {"s"}


async def test_the_offers_for_apps_are_shown_before_those_for_people(offers, create, clock):
    await create("a", "order:1", author="person:U0ANA")
    clock.advance(seconds=1)
    await create("b", "order:2")

    assert [each.id for each in await offers.unpublished(10)] == ["b", "a"]


async def test_targets_without_a_button_and_of_a_withdrawn_offer_may_be_offered_again(offers, create, known):
    keys = [f"order:{number}" for number in range(10, 20)]
    offer = await create("a", *keys, "order:1")
    other = await create("b", "order:2")

    assert (await known()).open == {"order:2": "b"}
    assert offer.without_button == offer.targets[5:]
    await offers.withdraw(other)

    assert (await known()).open == {}

"""Questions to those who may resend: stored once, and limited for each person and channel."""

from datetime import timedelta

import pytest

from bot.models import Actor, Destination, ResendAsk
from bot.store.posts import Post, Posts
from bot.store.resend_asks import MOST_IN_CHANNEL, MOST_OF_PERSON, POST, SPAN, ResendAsks
from bot.store.retention import ASK_RETENTION


@pytest.fixture
def asks(database):
    return ResendAsks(database)


@pytest.fixture
def add(asks, clock):
    """Add a question of a person in a channel, some time later."""
    numbers = iter(range(1000))

    async def add(person="U0BEN", channel="C0PKI", later=timedelta(0)):
        ask = ResendAsk(
            f"a{next(numbers)}", Actor(person, "T0HOME"), Destination(channel, "17.5"), "order:7", clock() + later
        )
        return ask if await asks.add(ask) else None

    return add


async def test_a_question_is_stored_as_it_was_asked(asks, add):
    ask = await add()

    assert await asks.get(ask.id) == ask
    assert await asks.get("unknown") is None


async def test_a_repeated_question_counts_once(asks, add):
    first = await add()

    assert all([await asks.add(first) for _ in range(MOST_OF_PERSON)])
    assert [bool(await add()) for _ in range(MOST_OF_PERSON)] == [True] * (MOST_OF_PERSON - 1) + [False]


@pytest.mark.parametrize(
    ("person", "channel", "most"),
    [("U0BEN", "C{}", MOST_OF_PERSON), ("U{}", "C0PKI", MOST_IN_CHANNEL)],
    ids=["person", "channel"],
)
async def test_a_person_and_a_channel_have_a_limit_for_an_hour(add, person, channel, most):
    async def is_added(number, **more):
        return await add(person.format(number), channel.format(number), **more) is not None

    assert [await is_added(number) for number in range(most + 1)] == [True] * most + [False]
    assert await is_added(most, later=SPAN)


async def test_old_questions_are_deleted_with_their_messages(asks, add, database, clock):
    old = await add()
    posts = Posts(database)
    await posts.save(Post(f"{POST}{old.id}", old.destination, clock(), "17.6"))

    await add(later=ASK_RETENTION + timedelta(seconds=1))

    assert await asks.get(old.id) is None
    assert await posts.get(f"{POST}{old.id}") is None

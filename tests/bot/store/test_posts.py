"""Intended messages are found again by their key."""

import dataclasses

import pytest

from bot.models import Destination
from bot.store.posts import Post, Posts


@pytest.fixture
def posts(database):
    return Posts(database)


async def test_an_intent_comes_back_as_it_was_written(posts, clock):
    post = Post("r1.root", Destination("C0PKI", "17.5"), clock())
    await posts.save(post)

    assert await posts.get("r1.root") == post
    assert await posts.get("r1.detail") is None


async def test_what_became_of_it_replaces_the_intent(posts, clock):
    intent = Post("r1.root", Destination("C0PKI"), clock())
    await posts.save(intent)
    stands = dataclasses.replace(intent, destination=Destination("D0ANA"), ts="18.25", detour="not_in_channel")

    await posts.save(stands)

    assert await posts.get("r1.root") == stands


async def test_the_messages_of_one_request_in_channels_are_found(posts, clock):
    pki, thread, direct = Destination("C0PKI"), Destination("C0PKI", "1.5"), Destination("D0ANA")
    for post in (
        Post("r1.root", pki, clock(), "1.5"),
        Post("r1.0.2", thread, clock(), "1.7"),
        Post("r1.detail", thread, clock(), "1.6"),
        Post("r1.check", thread, clock()),
        Post("r1.check.U0BOB", direct, clock(), "2.5"),
        Post("r1.stopped", pki, clock(), "1.8", "shared_channel"),
        Post("r11.root", pki, clock(), "1.5"),
        Post("r_.root", pki, clock(), "1.5"),
        Post("offer.r1", pki, clock(), "1.5"),
    ):
        await posts.save(post)

    assert [post.key for post in await posts.in_channels("r1")] == ["r1.root", "r1.detail", "r1.0.2"]
    assert [post.key for post in await posts.in_channels("r_")] == ["r_.root"]

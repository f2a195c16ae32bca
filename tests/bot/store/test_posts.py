"""Intended messages are found again by their key."""

import dataclasses

import pytest

from bot.models import Place
from bot.store.posts import Post, Posts


@pytest.fixture
def posts(database):
    return Posts(database)


async def test_an_intent_comes_back_as_it_was_written(posts, clock):
    post = Post("r1.root", Place("C0PKI", "17.5"), clock())
    await posts.save(post)

    assert await posts.get("r1.root") == post
    assert await posts.get("r1.detail") is None


async def test_what_became_of_it_replaces_the_intent(posts, clock):
    intent = Post("r1.root", Place("C0PKI"), clock())
    await posts.save(intent)
    stands = dataclasses.replace(intent, place=Place("D0ANA"), ts="18.25", detour="not_in_channel")

    await posts.save(stands)

    assert await posts.get("r1.root") == stands

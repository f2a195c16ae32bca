"""A question of health: asked once at a time, answered within a second, and never by an old no."""

import asyncio

import pytest

from handlers.server.health import CachedCheck


class HeldCheck:
    """A health check that returns `yes` once `may_answer` is set, and counts its calls."""

    def __init__(self) -> None:
        self.yes = True
        self.times = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self) -> bool:
        self.times += 1
        await self.may_answer.wait()
        return self.yes


@pytest.fixture
def asked():
    return HeldCheck()


async def test_many_at_once_are_one_question(asked):
    question = CachedCheck(asked, ttl=0.0)

    answers = await asyncio.gather(*(question.answer() for _ in range(50)))

    assert answers == [True] * 50
    assert asked.times == 1


async def test_a_yes_counts_for_a_while_and_a_no_is_checked_again(asked):
    lasting, passing = CachedCheck(asked, ttl=60.0), CachedCheck(asked, ttl=0.0)

    assert [await lasting.answer() for _ in range(3)] == [True] * 3
    assert asked.times == 1
    asked.yes = False
    assert [await passing.answer() for _ in range(3)] == [False] * 3
    assert asked.times == 4


async def test_one_that_gives_no_answer_is_not_waited_for_nor_asked_twice_and_may_answer_later(asked):
    question = CachedCheck(asked, timeout=0.01)
    asked.may_answer.clear()

    unreachable = [await question.answer() for _ in range(3)]
    asked.may_answer.set()
    await asyncio.sleep(0)
    late = await question.answer()

    assert unreachable == [None] * 3
    assert late is True
    assert asked.times == 1


async def test_an_answer_that_took_longer_than_it_counts_is_not_kept(asked):
    question = CachedCheck(asked, ttl=0.05, timeout=0.01)
    asked.may_answer.clear()

    unreachable = await question.answer()
    await asyncio.sleep(0.06)
    asked.may_answer.set()
    await asyncio.sleep(0)
    asked.yes = False

    assert unreachable is None
    assert await question.answer() is False

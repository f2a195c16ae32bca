"""The limiter of edits: background work leaves a part to people, and a place is free again after the window."""

import asyncio

import pytest

from bot.errors import StoreUnavailable
from bot.services.publishing.edit_limiter import MOST, MOST_IN_BACKGROUND, EditLimiter
from bot.store.cluster.rate_limit_slots import RateLimitSlots
from bot.store.schema import edit_slots


async def is_allowed(limiter, *, is_urgent, seconds=0.01):
    """Return whether one more edit is allowed within this time."""
    try:
        async with asyncio.timeout(seconds):
            await limiter.acquire(is_urgent=is_urgent)
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(("is_urgent", "most"), [(True, MOST), (False, MOST_IN_BACKGROUND)])
async def test_what_a_person_waits_for_may_use_more_than_background_work(is_urgent, most):
    limiter = EditLimiter()

    allowed = [await is_allowed(limiter, is_urgent=is_urgent) for _ in range(most + 1)]

    assert allowed == [True] * most + [False]
    assert await is_allowed(limiter, is_urgent=True) is not is_urgent


async def test_an_edit_that_was_not_made_is_free_for_another():
    limiter = EditLimiter()
    for _ in range(MOST):
        await limiter.acquire(is_urgent=True)

    limiter.release()

    assert await is_allowed(limiter, is_urgent=True)


async def test_after_the_window_edits_are_allowed_again():
    limiter = EditLimiter(0.1)

    async with asyncio.timeout(5.0):
        for _ in range(2 * MOST):
            await limiter.acquire(is_urgent=True)


async def test_instances_on_one_database_share_the_limit(postgresql_url, open_database_of):
    url = postgresql_url.replace("postgresql:", "postgresql+psycopg:", 1)
    databases = [open_database_of(url) for _ in range(2)]
    await databases[0].migrate()
    slots = [RateLimitSlots(each, [(MOST, 60.0)], edit_slots) for each in databases]
    limiters = [EditLimiter(60.0, each) for each in slots]
    for number in range(MOST):
        await limiters[number % 2].acquire(is_urgent=True)

    refused = [await is_allowed(limiter, is_urgent=True, seconds=0.5) for limiter in limiters]
    limiters[0].release()
    async with asyncio.timeout(20.0):
        while await slots[0].in_use(60.0) >= MOST:  # noqa: ASYNC110 - another connection releases them
            await asyncio.sleep(0.01)
        await limiters[1].acquire(is_urgent=True)

    assert refused == [False, False]


async def test_a_process_limits_itself_while_the_database_is_away():
    class Away:
        async def reserve(self):
            raise StoreUnavailable("The database is away.")

    limiter = EditLimiter(60.0, Away())

    assert [await is_allowed(limiter, is_urgent=True) for _ in range(MOST + 1)] == [True] * MOST + [False]

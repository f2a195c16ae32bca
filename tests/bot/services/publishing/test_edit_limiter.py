"""The limiter of edits: background work leaves a part to people, and a place is free again after the window."""

import asyncio

import pytest

from bot.services.publishing.edit_limiter import MOST, MOST_IN_BACKGROUND, EditLimiter


async def is_allowed(limiter, *, is_urgent):
    """Return whether one more edit is allowed now."""
    try:
        async with asyncio.timeout(0.01):
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

"""The cache of async reads."""

import asyncio
import gc

import pytest

from bot.async_cache import cached


@pytest.fixture
async def unretrieved():
    """Collect what asyncio reports about errors without a reader."""
    loop, found = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: found.append(context["message"]))
    yield found
    loop.set_exception_handler(None)


async def test_callers_at_the_same_time_share_one_read():
    reads = []

    async def read(key):
        reads.append(key)
        await asyncio.sleep(0)
        return key

    shared = cached(read, maxsize=2, ttl=60.0)

    assert await asyncio.gather(shared("a"), shared("a")) == ["a", "a"]
    assert await shared("a") == "a"
    assert reads == ["a"]


async def test_an_error_is_not_cached():
    outcomes = [ValueError("once"), "fine"]

    async def read():
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    shared = cached(read)

    with pytest.raises(ValueError, match="once"):
        await shared()
    assert await shared() == "fine"


async def test_a_read_that_fails_as_its_last_caller_is_cancelled_is_not_reported_as_a_bug(unretrieved):
    async def read():
        try:
            await asyncio.sleep(60.0)
        except asyncio.CancelledError:
            # As asyncio.timeout does if its own deadline has passed meanwhile, for instance in a frozen process.
            raise TimeoutError from None

    asking = asyncio.create_task(cached(read)())
    await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await asyncio.sleep(0.01)
    gc.collect()

    assert unretrieved == []

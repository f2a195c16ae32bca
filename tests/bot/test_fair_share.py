"""The fair queue: many waiters of one person delay only that person, and a cancelled waiter blocks no other."""

import asyncio

import pytest

from bot.fair_share import FairLock, current_person, working_for


@pytest.fixture
def lock():
    return FairLock()


async def holding(lock, order, person, seconds=0.0):
    with working_for(person):
        await lock.acquire()
    order.append(person)
    await asyncio.sleep(seconds)
    lock.release()


async def test_the_lock_goes_round_among_those_who_wait(lock):
    order = []
    await lock.acquire()
    waiting = [asyncio.create_task(holding(lock, order, person)) for person in ("eve",) * 5 + ("ana",) * 2 + ("ben",)]
    await asyncio.sleep(0)

    lock.release()
    await asyncio.gather(*waiting)

    assert order == ["eve", "ana", "ben", "eve", "ana", "eve", "eve", "eve"]


async def test_one_at_a_time_holds_it(lock):
    held = 0

    async def hold():
        nonlocal held
        await lock.acquire()
        held += 1
        assert held == 1
        await asyncio.sleep(0)
        held -= 1
        lock.release()

    await asyncio.gather(*(hold() for _ in range(50)))


@pytest.mark.parametrize("given", [False, True])
async def test_a_cancelled_wait_holds_nothing_even_if_it_was_given_the_lock(lock, given):
    order = []
    await lock.acquire()
    gone = asyncio.create_task(holding(lock, order, "eve"))
    await asyncio.sleep(0)
    stays = asyncio.create_task(holding(lock, order, "ana"))
    await asyncio.sleep(0)
    if given:
        lock.release()

    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    if not given:
        lock.release()
    await asyncio.wait_for(stays, 1.0)
    await asyncio.wait_for(lock.acquire(), 1.0)

    assert order == ["ana"]


async def test_a_task_inherits_for_whom_it_is_done():
    async def current_waiter():
        return current_person()

    with working_for("ana"):
        task = asyncio.create_task(current_waiter())

    assert (await task, await current_waiter()) == ("ana", "everybody")

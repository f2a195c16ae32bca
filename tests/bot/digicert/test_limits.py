import asyncio
import threading
import time

import pytest

from bot.digicert.limits import Limits


async def moments_of_turns(limits, turns):
    start = time.monotonic()
    moments = []

    async def one():
        await limits.turn()
        moments.append(time.monotonic() - start)

    await asyncio.gather(*(one() for _ in range(turns)))
    return moments


def most_within(moments, seconds):
    """The most turns in any window of that length, which is a hair shorter for the clock's milliseconds."""
    return max(sum(start <= moment < start + seconds - 0.005 for moment in moments) for start in moments)


async def test_as_many_turns_as_are_allowed_are_given_at_once():
    moments = await moments_of_turns(Limits([(100, 5.0), (1000, 180.0)]), 100)

    assert max(moments) < 1.0


async def test_no_window_holds_more_turns_than_allowed():
    moments = await moments_of_turns(Limits([(3, 0.2)]), 8)

    assert most_within(moments, 0.2) == 3
    assert max(moments) > 0.4


async def test_two_rates_hold_at_once():
    moments = await moments_of_turns(Limits([(2, 0.1), (4, 0.5)]), 6)

    assert most_within(moments, 0.1) == 2
    assert most_within(moments, 0.5) == 4


async def test_turns_are_given_in_the_order_of_asking():
    limits = Limits([(2, 0.1)])
    order = []

    async def one(number):
        await limits.turn()
        order.append(number)

    await asyncio.gather(*(one(number) for number in range(6)))

    assert order == list(range(6))


async def test_waiting_neither_blocks_the_loop_nor_spins():
    limits = Limits([(1, 0.5)])
    await limits.turn()
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.02)
            ticks += 1

    ticking = asyncio.create_task(tick())
    cpu = time.process_time()
    await limits.turn()
    cpu = time.process_time() - cpu
    ticking.cancel()

    assert ticks > 10
    assert cpu < 0.25


async def test_a_cancelled_wait_uses_up_no_turn_and_frees_the_line():
    limits = Limits([(1, 0.3)])
    await limits.turn()
    given_up = asyncio.create_task(limits.turn())
    await asyncio.sleep(0.05)

    given_up.cancel()
    moments = await moments_of_turns(limits, 1)

    assert moments[0] < 0.4


async def test_no_thread_is_left_behind():
    before = threading.active_count()

    await Limits([(2, 0.1)]).turn()

    assert threading.active_count() == before


async def test_turns_that_no_longer_count_are_forgotten():
    limits = Limits([(2, 0.02)])

    for _ in range(8):
        await limits.turn()

    assert limits._bucket.count() <= 3  # noqa: SLF001 - memory is not to be seen from outside


@pytest.mark.parametrize("rates", [[], [(0, 1.0)], [(1, 0.0)], [(-1, 1.0)], [(5, 1.0), (5, 2.0)], [(1, 1.0), (9, 2.0)]])
def test_rates_that_make_no_sense_are_refused(rates):
    with pytest.raises(ValueError, match="rate"):
        Limits(rates)

import asyncio
import threading
import time

import pytest

from bot.digicert.limits import Limits, SharedLimits, halved
from bot.errors import StoreUnavailable


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


async def test_people_hardly_wait_while_a_thousand_reads_in_background_do_and_no_limit_is_exceeded():
    limits = Limits([(20, 0.2), (100, 2.0)])
    moments, waits = [], []
    start = time.monotonic()

    async def check():
        await limits.in_background.turn()
        moments.append(time.monotonic() - start)

    checks = [asyncio.create_task(check()) for _ in range(1000)]
    while time.monotonic() < start + 3.0:
        asked = time.monotonic()
        await limits.turn()
        moments.append(time.monotonic() - start)
        waits.append(time.monotonic() - asked)
        await asyncio.sleep(0.05)
    for task in checks:
        task.cancel()
    await asyncio.gather(*checks, return_exceptions=True)

    # Behind all of them it would be minutes; a busy machine makes a turn late by itself.
    assert max(waits) < 0.5
    assert len(moments) - len(waits) >= 80
    assert most_within(moments, 0.2) <= 20
    assert most_within(moments, 2.0) <= 100


async def test_where_people_use_every_turn_background_work_stands_in_their_line_once():
    limits = Limits([(4, 0.2)])
    order = []

    async def one(who, turns):
        await turns.turn()
        order.append(who)

    await asyncio.gather(*(one("person", limits) for _ in range(4)))
    background = [asyncio.create_task(one("background", limits.in_background)) for _ in range(3)]
    await asyncio.sleep(0.05)
    await asyncio.gather(*(one("person", limits) for _ in range(7)))
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)

    assert order[:8].count("background") <= 1


@pytest.mark.parametrize(
    ("rates", "half"),
    [
        ([(100, 5.0), (1000, 180.0)], [(50, 5.0), (500, 180.0)]),
        ([(1, 1.0)], [(1, 1.0)]),
        ([(2, 1.0), (3, 60.0)], [(1, 60.0)]),
        ([(3, 1.0), (170, 60.0)], [(1, 1.0)]),
        ([(3, 1.0), (4, 60.0), (90, 3600.0)], [(1, 1.0), (2, 60.0), (45, 3600.0)]),
    ],
)
def test_half_of_each_rate_is_a_rate_that_can_still_bind(rates, half):
    assert halved(rates) == half
    Limits(half)


class FakeSlots:
    """Moments that are so many seconds ahead; without any the database is away."""

    def __init__(self, *ahead):
        self.ahead = list(ahead)
        self.given_back = []
        self.asked = 0

    async def reserve(self):
        self.asked += 1
        if not self.ahead:
            raise StoreUnavailable("The database is away.")
        return self.asked, self.ahead.pop(0)

    async def give_back(self, slot):
        self.given_back.append(slot)


async def test_a_shared_turn_comes_at_its_moment():
    moments = await moments_of_turns(SharedLimits([(9, 1.0)], FakeSlots(0.0, 0.2, 0.4)), 3)

    assert moments == pytest.approx([0.0, 0.2, 0.4], abs=0.15)


async def test_a_shared_turn_that_nobody_waits_for_any_longer_is_given_back():
    slots = FakeSlots(9.0)
    waiting = asyncio.create_task(SharedLimits([(9, 1.0)], slots).turn())
    await asyncio.sleep(0.05)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(0.05)

    assert slots.given_back == [1]


async def test_while_the_database_is_away_a_process_keeps_to_the_limits_alone():
    moments = await moments_of_turns(SharedLimits([(3, 0.2)], FakeSlots()), 8)

    assert most_within(moments, 0.2) == 3


async def test_shared_turns_in_background_are_half_and_one_at_a_time():
    slots = FakeSlots(5.0, 5.0, 5.0)
    limits = SharedLimits([(4, 60.0)], slots)

    tasks = [asyncio.create_task(limits.in_background.turn()) for _ in range(3)]
    await asyncio.sleep(0.1)
    asked_by_background = slots.asked
    tasks.append(asyncio.create_task(limits.turn()))
    await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert (asked_by_background, slots.asked) == (1, 2)

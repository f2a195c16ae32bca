import asyncio
import threading
import time
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from bot.digicert import rate_limits as limits_module
from bot.digicert.rate_limits import LocalRateLimiter, SharedRateLimiter, halved
from bot.errors import StoreUnavailable

try:
    from bot.fair_share import working_for
except ImportError:  # older code, which knows no people

    def working_for(_):
        return nullcontext()


async def slot_times(limits, turns):
    start = time.monotonic()
    moments = []

    async def one():
        await limits.acquire()
        moments.append(time.monotonic() - start)

    await asyncio.gather(*(one() for _ in range(turns)))
    return moments


def most_within(moments, seconds):
    """Return the largest number of slots in any window of that length, less the clock's millisecond of error."""
    return max(sum(start <= moment < start + seconds - 0.005 for moment in moments) for start in moments)


async def test_as_many_slots_as_are_allowed_are_given_at_once():
    moments = await slot_times(LocalRateLimiter([(100, 5.0), (1000, 180.0)]), 100)

    assert max(moments) < 1.0


async def test_no_window_holds_more_slots_than_allowed():
    moments = await slot_times(LocalRateLimiter([(3, 0.2)]), 8)

    assert most_within(moments, 0.2) == 3
    assert max(moments) > 0.4


async def test_two_rates_hold_at_once():
    moments = await slot_times(LocalRateLimiter([(2, 0.1), (4, 0.5)]), 6)

    assert most_within(moments, 0.1) == 2
    assert most_within(moments, 0.5) == 4


async def test_slots_are_given_in_the_order_of_asking():
    limits = LocalRateLimiter([(2, 0.1)])
    order = []

    async def one(number):
        await limits.acquire()
        order.append(number)

    await asyncio.gather(*(one(number) for number in range(6)))

    assert order == list(range(6))


async def test_waiting_neither_blocks_the_loop_nor_spins():
    limits = LocalRateLimiter([(1, 0.5)])
    await limits.acquire()
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.02)
            ticks += 1

    ticking = asyncio.create_task(tick())
    cpu = time.process_time()
    await limits.acquire()
    cpu = time.process_time() - cpu
    ticking.cancel()

    assert ticks > 10
    assert cpu < 0.25


async def test_a_cancelled_wait_uses_no_slot_and_unblocks_the_queue():
    limits = LocalRateLimiter([(1, 0.3)])
    await limits.acquire()
    given_up = asyncio.create_task(limits.acquire())
    await asyncio.sleep(0.05)

    given_up.cancel()
    moments = await slot_times(limits, 1)

    assert moments[0] < 0.4


async def test_no_thread_is_left_behind():
    before = threading.active_count()

    await LocalRateLimiter([(2, 0.1)]).acquire()

    assert threading.active_count() == before


async def test_expired_slots_are_forgotten():
    limits = LocalRateLimiter([(2, 0.02)])

    for _ in range(8):
        await limits.acquire()

    assert limits._source._bucket.count() <= 3  # noqa: SLF001 - memory use is not visible from outside


@pytest.mark.parametrize("rates", [[], [(0, 1.0)], [(1, 0.0)], [(-1, 1.0)], [(5, 1.0), (5, 2.0)], [(1, 1.0), (9, 2.0)]])
def test_rates_that_make_no_sense_are_refused(rates):
    with pytest.raises(ValueError, match="rate"):
        LocalRateLimiter(rates)


async def test_people_hardly_wait_while_a_thousand_reads_in_background_do_and_no_limit_is_exceeded():
    limits = LocalRateLimiter([(20, 0.2), (100, 2.0)])
    moments, waits = [], []
    start = time.monotonic()

    async def check():
        await limits.in_background.acquire()
        moments.append(time.monotonic() - start)

    checks = [asyncio.create_task(check()) for _ in range(1000)]
    while time.monotonic() < start + 3.0:
        asked = time.monotonic()
        await limits.acquire()
        moments.append(time.monotonic() - start)
        waits.append(time.monotonic() - asked)
        await asyncio.sleep(0.05)
    for task in checks:
        task.cancel()
    await asyncio.gather(*checks, return_exceptions=True)

    # Behind all of them it would be minutes. A busy machine alone can delay a slot.
    assert max(waits) < 0.5
    assert len(moments) - len(waits) >= 80
    assert most_within(moments, 0.2) <= 20
    assert most_within(moments, 2.0) <= 100


async def test_if_people_use_every_slot_background_work_queues_once():
    limits = LocalRateLimiter([(4, 0.2)])
    order = []

    async def one(who, turns):
        await turns.acquire()
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
    LocalRateLimiter(half)


class FakeSlots:
    """Shared slots so many seconds ahead. Without any, the database is unavailable."""

    def __init__(self, *ahead):
        self.ahead = list(ahead)
        self.given_back = []
        self.asked = 0
        self.used = 0

    async def reserve(self, kind=""):
        self.asked += 1
        if not self.ahead:
            raise StoreUnavailable("The database is away.")
        return self.asked, self.ahead.pop(0)

    async def bulk_pause(self, interval):
        return 0.0

    async def release(self, slot):
        self.given_back.append(slot)

    async def in_use(self, seconds):
        return self.used


async def test_a_shared_slot_starts_at_its_time():
    moments = await slot_times(SharedRateLimiter([(9, 1.0)], FakeSlots(0.0, 0.2, 0.3)), 3)

    assert moments == pytest.approx([0.0, 0.2, 0.5], abs=0.15)


async def test_a_shared_slot_whose_waiter_gave_up_is_released():
    slots = FakeSlots(9.0)
    waiting = asyncio.create_task(SharedRateLimiter([(9, 1.0)], slots).acquire())
    await asyncio.sleep(0.05)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(0.05)

    assert slots.given_back == [1]


async def test_without_the_database_a_process_respects_the_limits_alone():
    moments = await slot_times(SharedRateLimiter([(3, 0.2)], FakeSlots()), 8)

    assert most_within(moments, 0.2) == 3


async def test_a_moment_that_background_work_waits_for_is_a_persons_who_comes_meanwhile():
    slots = FakeSlots(0.2, 0.2, 9.0)
    limits = SharedRateLimiter([(4, 60.0)], slots)
    order = []

    tasks = [asyncio.create_task(acquiring(order, "background", limits.in_background)) for _ in range(3)]
    await asyncio.sleep(0.1)
    asked_by_background = slots.asked
    await acquiring(order, "ana", limits)
    await until(lambda: len(order) == 2)
    await cancelled(tasks)

    assert (asked_by_background, order) == (1, ["ana", "background"])


async def acquiring(order, person, turns):
    """Acquire one slot as this person, and record it."""
    with working_for(person):
        await turns.acquire()
    order.append(person)


async def until(holds, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - no event signals this
            await asyncio.sleep(0.01)


async def cancelled(tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.fault("M10")
@pytest.mark.parametrize("create", [LocalRateLimiter, lambda rates: SharedRateLimiter(rates, FakeSlots(*[0.02] * 500))])
async def test_a_colleague_waits_for_one_slot_of_a_flood(create):
    limits, order = create([(2, 0.05)]), []
    flood = [asyncio.create_task(acquiring(order, "eve", limits)) for _ in range(100)]
    await until(lambda: len(order) >= 4)

    came = len(order)
    await acquiring(order, "ana", limits)
    between = len(order) - 1 - came
    await cancelled(flood)

    assert between <= 3


@pytest.mark.fault("M10")
async def test_slots_are_given_in_rounds_among_the_waiters():
    limits, order = LocalRateLimiter([(1, 0.1)]), []
    asked = [("eve", 5), ("ana", 2), ("ben", 2)]
    await limits.acquire()

    await asyncio.gather(*(acquiring(order, person, limits) for person, turns in asked for _ in range(turns)))

    assert order[:6] == ["eve", "ana", "ben"] * 2
    assert order[6:] == ["eve"] * 3


@pytest.mark.fault("M10")
async def test_one_person_cannot_use_up_a_rate_of_minutes():
    """If one person used all slots, a colleague would wait until the first are three minutes old."""
    limits, order = LocalRateLimiter([(100, 180.0)]), []
    flood = [asyncio.create_task(acquiring(order, "eve", limits)) for _ in range(200)]
    await until(lambda: len(order) >= 70)
    await asyncio.sleep(0.1)
    taken = len(order)

    async with asyncio.timeout(2.0):
        for _ in range(10):
            await acquiring(order, "ana", limits)
    await cancelled(flood)

    assert 70 <= taken <= 76
    assert order[taken:] == ["ana"] * 10


@pytest.mark.fault("M10")
async def test_however_many_people_use_up_a_rate_some_of_it_is_left_for_the_next():
    limits, order = LocalRateLimiter([(200, 180.0)]), []
    flood = [asyncio.create_task(acquiring(order, f"eve{number % 5}", limits)) for number in range(400)]
    await until(lambda: len(order) >= 180)
    await asyncio.sleep(0.1)
    taken = len(order)

    async with asyncio.timeout(2.0):
        await acquiring(order, "ana", limits)
    await cancelled(flood)

    assert 180 <= taken < 200
    assert order[taken:] == ["ana"]


async def test_a_share_grows_again_as_slots_expire(monkeypatch):
    limits, order = LocalRateLimiter([(40, 11.0)]), []
    flood = [asyncio.create_task(acquiring(order, "eve", limits)) for _ in range(32)]
    await until(lambda: len(order) >= 30)
    later = time.monotonic() + 12.0
    monkeypatch.setattr(limits_module, "time", SimpleNamespace(monotonic=lambda: later))

    await until(lambda: len(order) == 32)

    await asyncio.gather(*flood)


@pytest.mark.fault("M10")
async def test_slots_of_other_processes_reduce_a_persons_share():
    slots = FakeSlots(*[0.0] * 200)
    slots.used = 92
    limits, order = SharedRateLimiter([(100, 180.0)], slots), []
    flood = [asyncio.create_task(acquiring(order, "eve", limits)) for _ in range(50)]
    await until(lambda: len(order) >= 20)
    await asyncio.sleep(0.1)
    taken = len(order)
    await acquiring(order, "ana", limits)
    await cancelled(flood)

    assert 20 <= taken <= 26
    assert order[-1] == "ana"


async def test_a_slot_that_was_given_to_a_cancelled_wait_goes_to_the_next():
    limits, order = LocalRateLimiter([(1, 0.2)]), []
    await limits.acquire()
    gone = asyncio.create_task(acquiring(order, "eve", limits))
    stays = asyncio.create_task(acquiring(order, "ana", limits))
    await asyncio.sleep(0.05)
    began = time.monotonic()

    gone.cancel()
    await stays

    assert order == ["ana"]
    assert time.monotonic() - began < 0.35


async def test_people_who_come_and_go_block_no_other_waiter():
    limits, order = LocalRateLimiter([(5, 0.02)]), []
    tasks = []
    for number in range(200):
        tasks.append(asyncio.create_task(acquiring(order, f"p{number % 7}", limits)))
        if number % 3 == 0:
            await asyncio.sleep(0.001)
            tasks[number // 2].cancel()

    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10.0)

    assert len(order) == sum(not task.cancelled() for task in tasks)
    assert not limits._waiting  # noqa: SLF001 - memory use is not visible from outside


async def bulk_times(limits, turns):
    with working_for("bulk"):
        return await slot_times(limits, turns)


async def test_plans_make_their_calls_evenly():
    """A burst would use up the window, and people would wait for its end."""
    moments = await bulk_times(LocalRateLimiter([(10, 0.5)]), 10)

    assert most_within(moments, 0.1) < 8
    assert max(moments) > 0.2


async def test_while_a_person_waits_for_an_answer_plans_get_half():
    limits = LocalRateLimiter([(20, 1.0)])
    with working_for("U0ANA"):
        await limits.acquire()

    moments = await bulk_times(limits, 12)

    assert max(moments) > 0.6


async def test_a_person_goes_before_plans():
    limits = LocalRateLimiter([(10, 0.5)])
    flood = asyncio.create_task(bulk_times(limits, 30))
    await asyncio.sleep(0.6)

    with working_for("U0ANA"):
        moments = await slot_times(limits, 3)
    flood.cancel()

    assert max(moments) < 0.5

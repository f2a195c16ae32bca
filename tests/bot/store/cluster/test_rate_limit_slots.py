"""Rate-limit slots shared by processes: in order, exact across all of them, and free again when released."""

import asyncio
import sys
import time

import pytest

from bot.store.cluster.rate_limit_slots import RateLimitSlots
from bot.store.database import open_database

TAKING = """
import asyncio, sys, time
from bot.digicert.rate_limits import SharedRateLimiter
from bot.store.database import open_database
from bot.store.cluster.rate_limit_slots import RateLimitSlots

async def take(url, turns):
    database = open_database(url)
    rates = [(5, 0.5), (12, 2.0)]
    limits = SharedRateLimiter(rates, RateLimitSlots(database, rates))
    async def one():
        await limits.acquire()
        print(time.monotonic(), flush=True)
    await asyncio.gather(*(one() for _ in range(turns)))
    await database.close()

asyncio.run(take(sys.argv[1], int(sys.argv[2])))
"""


@pytest.fixture
async def open_server(postgresql_url):
    """Open the database of a server as another process would."""
    opened = []

    def open_it():
        opened.append(open_database(postgresql_url.replace("postgresql:", "postgresql+psycopg:", 1)))
        return opened[-1]

    await open_it().migrate()
    yield open_it
    for database in opened:
        await database.close()


def most_within(moments, seconds):
    return max(sum(start <= moment < start + seconds for moment in moments) for start in moments)


async def test_each_slot_respects_every_rate(open_server):
    slots = RateLimitSlots(open_server(), [(2, 1.0), (3, 10.0)])

    ahead = [(await slots.reserve())[1] for _ in range(5)]

    assert ahead[:2] == [0.0, 0.0]
    assert ahead[2:] == pytest.approx([1.05, 10.05, 10.05], abs=0.3)


async def test_what_is_given_back_is_another_ones(open_server):
    slots = RateLimitSlots(open_server(), [(1, 10.0)])
    await slots.reserve()

    slot, first = await slots.reserve()
    await slots.release(slot)
    _, second = await slots.reserve()

    assert second == pytest.approx(first, abs=0.5)


async def test_slots_of_all_processes_are_counted(open_server):
    rates = [(9, 60.0)]
    first, second = RateLimitSlots(open_server(), rates), RateLimitSlots(open_server(), rates)

    for slots in (first, second, first):
        await slots.reserve()

    assert [await slots.in_use(60.0) for slots in (first, second)] == [3, 3]
    assert await first.in_use(-60.0) == 0


async def test_what_counts_no_longer_is_forgotten(open_server):
    slots = RateLimitSlots(open_server(), [(1, 0.01)])
    for _ in range(3):
        await asyncio.sleep((await slots.reserve())[1])

    await asyncio.sleep(1.1)
    await slots.reserve()
    _, ahead = await slots.reserve()

    assert ahead < 0.1


@pytest.mark.process
async def test_two_processes_respect_the_limits_together_and_waste_none(open_server, postgresql_url):
    url = postgresql_url.replace("postgresql:", "postgresql+psycopg:", 1)
    began = time.monotonic()

    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", TAKING, url, "12", stdout=asyncio.subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [(await process.communicate())[0] for process in processes]
    moments = sorted(float(line) for text in outputs for line in text.split())

    assert len(moments) == 24
    # A busy machine may notice one slot later than the next one.
    assert most_within(moments, 0.4) <= 5
    assert most_within(moments, 1.9) <= 12
    assert moments[-1] - moments[0] < 4.0
    assert moments[-1] - began < 20.0


async def test_plans_of_all_processes_share_one_pace_and_half_of_it_while_a_person_waits(open_server):
    one, other = (RateLimitSlots(open_server(), [(100, 1.0)]) for _ in range(2))
    first = await one.bulk_pause(0.5)
    for slots in (one, other, one, other, one):
        await slots.reserve("bulk")
    alone = await other.bulk_pause(0.5)
    await one.reserve("person")
    shared = await other.bulk_pause(0.5)

    assert first == 0.0
    assert alone == pytest.approx(2.5, abs=0.5)
    assert shared == pytest.approx(5.0, abs=0.6)

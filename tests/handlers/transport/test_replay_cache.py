"""What arrives again does nothing twice, and what failed may come again."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from handlers.transport.replay_cache import ReplayCache

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


class Work:
    """Counts how often it is done; waits until it may end."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.done = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> web.Response:
        self.done += 1
        await self.may_end.wait()
        return web.Response(status=self.statuses.pop(0), text="done")


@pytest.fixture
def now():
    return [NOW]


@pytest.fixture
def replays(now):
    return ReplayCache(lambda: now[0])


async def test_the_second_gets_an_empty_answer_and_does_nothing(replays):
    work = Work(200)

    first = await replays.run_once("a", NOW, work)
    second = await replays.run_once("a", NOW, work)

    assert (first.status, first.text) == (200, "done")
    assert (second.status, second.text) == (200, None)
    assert work.done == 1


@pytest.mark.parametrize(("status", "repeated"), [(200, 200), (404, 200), (503, 503)])
async def test_repeats_that_arrive_meanwhile_get_the_result_of_the_first_one(replays, status, repeated):
    work = Work(status)
    work.may_end.clear()

    together = [asyncio.create_task(replays.run_once("a", NOW, work)) for _ in range(5)]
    await asyncio.sleep(0)
    work.may_end.set()
    first, *others = await asyncio.gather(*together)

    assert first.status == status
    assert [other.status for other in others] == [repeated] * 4
    assert work.done == 1


async def test_what_failed_may_come_again(replays):
    work = Work(503, 200)

    assert (await replays.run_once("a", NOW, work)).status == 503
    assert (await replays.run_once("a", NOW, work)).status == 200
    assert (await replays.run_once("a", NOW, work)).status == 200
    assert work.done == 2


async def test_what_broke_may_come_again(replays):
    async def breaks() -> web.Response:
        raise LookupError("a bug")

    work = Work(200)
    with pytest.raises(LookupError):
        await replays.run_once("a", NOW, breaks)
    await replays.run_once("a", NOW, work)

    assert work.done == 1


async def test_another_signature_is_another_request(replays):
    work = Work(200, 200)

    await replays.run_once("a", NOW, work)
    await replays.run_once("b", NOW, work)

    assert work.done == 2


async def test_what_its_timestamp_keeps_out_is_forgotten_and_nothing_before(replays, now):
    work = Work(200, 200)
    await replays.run_once("a", NOW + timedelta(minutes=5), work)

    now[0] = NOW + timedelta(minutes=5)
    await replays.run_once("a", NOW + timedelta(minutes=5), work)
    kept = work.done
    now[0] += timedelta(seconds=1)
    await replays.run_once("a", NOW + timedelta(minutes=5), work)

    assert (kept, work.done) == (1, 2)

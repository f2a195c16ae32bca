"""The instances on one PostgreSQL database: who leads, who is there, whose turn it is, and who is dead."""

import asyncio
import gc

import psycopg
import pytest

from bot.errors import StoreUnavailable
from bot.store.db import open_database
from bot.store.instances import Instance
from bot.store.presence import Alone, TurnLost

BEAT, DEAD, GONE = 0.05, 1.5, 0.8


@pytest.fixture
async def url(postgresql_url):
    url = postgresql_url.replace("postgresql:", "postgresql+psycopg:", 1)
    database = open_database(url)
    await database.migrate()
    await database.close()
    return url


@pytest.fixture
def tell(postgresql_url):
    """Tell the server something, as somebody else."""

    def ask(statement, *values):
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            answer = connection.execute(statement, values)
            return answer.fetchall() if answer.description else []

    return ask


class Running:
    """An instance as a process runs it, which can be frozen: then it does not show any more that it lives."""

    def __init__(self, instance):
        self.instance = instance
        self.stop = asyncio.Event()
        self._keeping = None

    def thaw(self):
        self._keeping = asyncio.create_task(self.instance.keep(self.stop))

    async def freeze(self):
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)


@pytest.fixture
async def begin(url):
    """Begin instances that have joined, one after another."""
    begun = []

    async def begin(*names):
        for name in names:
            running = Running(Instance(url, name, "a server", BEAT, DEAD, GONE))
            await running.instance.take_name()
            await running.instance.join()
            running.thaw()
            begun.append(running)
        return begun[-len(names) :]

    yield begin
    for running in begun:
        await running.freeze()
        await running.instance.close()


async def until(condition, seconds=10):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(0.02)


async def see(running, count):
    """Wait until an instance sees so many, itself among them."""
    async with asyncio.timeout(10):
        while len(there := await running.instance.executors()) != count:  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(BEAT)
        return there


def leads(running):
    return running.instance.leadership.is_held


async def is_silent(awaitable, seconds=0.3):
    """Whether nothing comes of it for so long."""
    task = asyncio.ensure_future(awaitable)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return not done


async def test_one_of_several_leads_and_all_are_there(begin):
    one, two = await begin("one", "two")

    await asyncio.sleep(5 * BEAT)

    assert [leads(each) for each in (one, two)] == [True, False]
    assert await one.instance.executors() == {one.instance.executor, two.instance.executor}


async def test_two_processes_of_one_name_are_two_executors(begin, url):
    [one] = await begin("one")

    assert Instance(url, "one", "a server").executor != one.instance.executor


async def test_another_one_leads_once_the_leader_has_left(begin):
    one, two = await begin("one", "two")

    await one.freeze()
    await one.instance.leave()
    await one.instance.close()
    await until(lambda: leads(two), 1.0)

    assert not leads(one)
    assert await two.instance.executors() == {two.instance.executor}


async def test_a_frozen_leader_is_struck_out_with_all_it_holds_and_comes_back_as_one_of_many(begin):
    one, two = await begin("one", "two")
    turn = await one.instance.turn("root")

    await one.freeze()
    await until(lambda: leads(two))
    theirs = await two.instance.turn("root")
    gone = await two.instance.executors()
    with pytest.raises(TurnLost):
        await turn.confirm()
    one.thaw()
    await until(lambda: not leads(one))
    there = await see(two, 2)

    assert gone == {two.instance.executor}
    assert there == {one.instance.executor, two.instance.executor}
    assert leads(two)
    await theirs.confirm()


async def renew(running, database):
    async with database.beside() as connection:
        return await running.instance.renew(connection)


@pytest.mark.fault("M4")
async def test_a_sign_of_life_before_a_call_keeps_the_others_from_taking_over(begin, open_database_of, url):
    """All that while the instance shows no life otherwise."""
    one, two = await begin("one", "two")
    database = open_database_of(url)
    await two.freeze()

    alive = []
    for _ in range(3):
        await asyncio.sleep(DEAD * 0.7)
        alive.append(await renew(two, database))
    there = await one.instance.executors()

    assert alive == [True] * 3
    assert there == {one.instance.executor, two.instance.executor}


async def test_one_that_was_struck_out_learns_it_from_its_own_sign_of_life(begin, open_database_of, url):
    one, two = await begin("one", "two")
    database, before = open_database_of(url), two.instance.membership

    await two.freeze()
    await see(one, 1)
    while_away = await renew(two, database)
    two.thaw()
    await see(one, 2)

    assert not while_away
    assert await renew(two, database)
    assert two.instance.membership > before


async def test_a_killed_one_is_dead_sooner_than_a_frozen_one(begin):
    one, two, three = await begin("one", "two", "three")
    began = asyncio.get_running_loop().time()

    await two.freeze()
    await three.freeze()
    await three.instance.close()
    without_three = await see(one, 2)
    await see(one, 1)

    assert without_three == {one.instance.executor, two.instance.executor}
    assert asyncio.get_running_loop().time() - began >= DEAD


async def test_the_times_of_other_clocks_do_not_matter(begin, tell):
    """Rows are only ever compared with themselves: a clock that is set back or forward kills nobody."""
    one, two = await begin("one", "two")
    for hours in (5, -5):
        tell("UPDATE instances SET seen_at = seen_at + make_interval(hours => %s)", hours)
        await asyncio.sleep(5 * BEAT)

    assert len(await one.instance.executors()) == 2
    assert [leads(each) for each in (one, two)] == [True, False]


async def test_after_the_server_ended_every_session_all_are_there_again_and_one_leads(begin, tell):
    one, two = await begin("one", "two")
    executors = await one.instance.executors()

    tell("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dcv-resend instance'")
    await until(lambda: not leads(one))
    await until(lambda: leads(one) != leads(two))
    await asyncio.sleep(GONE)

    assert not one.stop.is_set()
    assert leads(one) != leads(two)
    assert await one.instance.executors() == executors


async def test_work_at_one_key_is_done_by_one_at_a_time(begin):
    one, two = await begin("one", "two")

    mine = await one.instance.turn("root")
    assert await is_silent(two.instance.turn("root"))
    assert await is_silent(one.instance.turn("root"))
    other = await two.instance.turn("another")
    mine.release()
    mine.release()
    theirs = await asyncio.wait_for(two.instance.turn("root"), 5)

    await theirs.confirm()
    await other.confirm()


async def test_whoever_gives_up_waiting_for_a_turn_holds_nothing(begin):
    one, two = await begin("one", "two")
    mine = await one.instance.turn("root")
    waiting = [asyncio.create_task(two.instance.turn("root")) for _ in range(20)]
    await asyncio.sleep(0.2)

    mine.release()
    for task in waiting:
        task.cancel()
        await asyncio.sleep(0)
    held = [turn for turn in await asyncio.gather(*waiting, return_exceptions=True) if hasattr(turn, "release")]
    for turn in held:
        turn.release()

    mine = await asyncio.wait_for(one.instance.turn("root"), 5)
    await mine.confirm()


async def test_without_a_server_nobody_waits_for_a_turn_for_ever(begin):
    [one] = await begin("one")
    await one.freeze()
    await one.instance.close()

    with pytest.raises(StoreUnavailable):
        await one.instance.turn("root")
    with pytest.raises(StoreUnavailable):
        await one.instance.executors()


async def test_a_question_that_nobody_waits_for_any_longer_fails_in_silence(begin, tell, postgresql_url):
    """As after a stop in the middle of it: what asyncio would log as a bug is none."""
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about["message"]))
    [one] = await begin("one")
    await one.freeze()
    [[session]] = tell("SELECT session FROM instances WHERE name = 'one'")
    held = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"

    with psycopg.connect(postgresql_url) as other:
        other.execute("LOCK TABLE instances IN ACCESS EXCLUSIVE MODE")
        asking = asyncio.create_task(one.instance.executors())
        await until(lambda: tell(held, session) == [(1,)])
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        tell("SELECT pg_terminate_backend(%s)", session)
    await until(lambda: tell("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", session) == [(0,)])
    await is_silent(asyncio.Event().wait())
    gc.collect()

    assert complaints == []


async def test_a_process_that_is_alone_leads_while_it_is_there():
    alone = Alone()

    await alone.join()
    led = alone.leadership.is_held
    turn = await alone.turn("root")
    waits = await is_silent(alone.turn("root"))
    turn.release()
    stays = await is_silent(alone.leadership.over(), 0.01)
    await alone.leave()

    assert (led, waits, stays, await alone.executors()) == (True, True, True, {"only"})
    await asyncio.wait_for(alone.leadership.over(), 1)

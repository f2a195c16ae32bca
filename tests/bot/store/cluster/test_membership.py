"""The instances on one PostgreSQL database: leader, members, lock holders, and dead instances."""

import asyncio
import contextlib
import gc
import os
import signal
import sys

import psycopg
import pytest

from bot.errors import ConfigurationError, StoreUnavailable
from bot.store.cluster.join import join_cluster
from bot.store.cluster.membership import LockLost, SingleInstance
from bot.store.database import open_database
from tests.database_link import DatabaseLink

# A busy machine may delay a member's renewal by more than a second.
LEASE = 2.0
RENEWAL = LEASE / 5

# A process with a membership of its own, which can be killed or frozen.
PROCESS = """
import asyncio, sys
from bot.store.cluster.join import join_cluster

async def run(url, name, seconds, *files):
    async with join_cluster(url, name, asyncio.Event(), float(seconds)) as member:
        await member.join()
        for file in files:
            for _ in range(20):
                lock = await member.locks.acquire("root")
                number = int(open(file).read())
                await asyncio.sleep(0.002)
                open(file, "w").write(str(number + 1))
                lock.release()
        if files:
            await member.release()
        else:
            lock = await member.locks.acquire("root")
            print("locked", member.executor, flush=True)
            await asyncio.to_thread(sys.stdin.read)

asyncio.run(run(*sys.argv[1:]))
"""


def driver_url(url):
    return url.replace("postgresql:", "postgresql+psycopg:", 1)


@pytest.fixture
async def url(postgresql_url):
    database = open_database(driver_url(postgresql_url))
    await database.migrate()
    await database.close()
    return driver_url(postgresql_url)


@pytest.fixture
def ask(postgresql_url):
    """Run a query on the server with another connection."""

    def ask(statement, *values):
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            answer = connection.execute(statement, values)
            return answer.fetchall() if answer.description else []

    return ask


class Running:
    """A member behind its own link. When cut off, it can neither renew its leases nor do anything else."""

    def __init__(self, member, link, stop):
        self.member, self.link, self.stop = member, link, stop
        self.cut_off, self.reconnect = link.fall_silent, link.speak

    @property
    def leads(self):
        return self.member.leadership.is_held


@pytest.fixture
async def begin(url, postgresql_url):
    """Return a function that starts joined members, one after another."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(*names, lease=LEASE):
            begun = []
            for name in names:
                link, stop = await stack.enter_async_context(DatabaseLink(postgresql_url)), asyncio.Event()
                joining = join_cluster(driver_url(link.url), name, stop, lease)
                member = await stack.enter_async_context(_unless_replaced(joining))
                stack.push_async_callback(member.release)
                stack.callback(link.speak)
                await member.join()
                begun.append(Running(member, link, stop))
            return begun

        yield begin


@contextlib.asynccontextmanager
async def _unless_replaced(joining):
    """Ignore the error of a replaced member, which has a test of its own."""
    with contextlib.suppress(ConfigurationError):
        async with joining as member:
            yield member


@contextlib.asynccontextmanager
async def a_process(url, name="one", *files, seconds=LEASE):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROCESS, url, name, str(seconds), *map(str, files)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def executor_once_locked(process):
    """Wait until a process holds its lock. Return its executor."""
    while not (line := (await process.stdout.readline()).decode()).startswith("locked "):
        assert line
    return line.split()[1]


async def until(condition, seconds=10):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a server sends no event
            await asyncio.sleep(0.02)


async def until_members(running, *others, seconds=10):
    """Wait until a member sees exactly these others beside itself."""
    expected = {running.member.executor, *(each.member.executor for each in others)}
    async with asyncio.timeout(seconds):
        while await running.member.executors() != expected:  # noqa: ASYNC110 - a server sends no event
            await asyncio.sleep(0.05)


async def is_silent(awaitable, seconds=0.3):
    """Return True if nothing happens for so long."""
    task = asyncio.ensure_future(awaitable)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return not done


def now():
    return asyncio.get_running_loop().time()


async def test_one_of_several_leads_and_all_are_there(begin):
    one, two = await begin("one", "two")

    await asyncio.sleep(5 * RENEWAL)

    assert [one.leads, two.leads] == [True, False]
    assert await one.member.executors() == {one.member.executor, two.member.executor}


async def test_a_clean_stop_hands_over_before_any_lease_has_expired(begin):
    one, two = await begin("one", "two")
    await one.member.locks.acquire("root")

    released_at = now()
    await one.member.release()
    await until(lambda: two.leads)
    await two.member.locks.acquire("root")
    took = now() - released_at

    assert took < LEASE / 2
    assert not one.leads
    assert await two.member.executors() == {two.member.executor}


async def test_a_leader_that_is_cut_off_is_replaced_and_comes_back_as_one_of_many(begin):
    one, two = await begin("one", "two")
    lock, term, cut_at = await one.member.locks.acquire("root"), one.member.term, now()

    one.cut_off()
    await until(lambda: two.leads)
    replaced_after = now() - cut_at
    await until_members(two)
    theirs = await two.member.locks.acquire("root")
    await until(lambda: not one.leads)
    one.reconnect()
    await until_members(two, one)

    with pytest.raises(LockLost):
        await lock.confirm()
    assert replaced_after < 3 * LEASE
    assert (one.leads, two.leads) == (False, True)
    assert one.member.term > term
    await theirs.confirm()


async def test_an_expired_lease_that_no_other_acquired_is_still_its_holders(begin, ask):
    [one] = await begin("one")
    lock = await one.member.locks.acquire("root")

    ask("UPDATE leases SET expires_at = expires_at - interval '1 hour' WHERE name = 'message:root'")

    await lock.confirm()


async def renew(running, database):
    async with database.write_unlocked() as transaction:
        return await running.member.renew(transaction)


@pytest.mark.fault("M4")
async def test_a_renewal_before_a_call_prevents_the_others_from_taking_over(begin, open_database_of, url):
    """The loop of the member cannot renew in this time."""
    one, two = await begin("one", "two")
    await asyncio.sleep(LEASE)
    database = open_database_of(url)
    two.cut_off()

    renewed = []
    for _ in range(4):
        await asyncio.sleep(LEASE / 2)
        renewed.append(await renew(two, database))
    there = await one.member.executors()

    assert renewed == [True] * 4
    assert there == {one.member.executor, two.member.executor}


async def test_one_that_was_removed_learns_it_from_its_own_renewal(begin, open_database_of, url):
    one, two = await begin("one", "two")
    database, term = open_database_of(url), two.member.term

    two.cut_off()
    await until_members(one)
    while_away = await renew(two, database)
    two.reconnect()
    await until_members(one, two)

    assert not while_away
    assert await renew(two, database)
    assert two.member.term > term


async def test_a_lease_is_not_removed_while_its_renewal_is_not_committed(begin, open_database_of, url, ask):
    """The member is late, but it is writing its row before a call at this moment. It is not dead."""
    one, two = await begin("one", "two")
    await asyncio.sleep(LEASE)
    database = open_database_of(url)

    two.cut_off()
    await asyncio.sleep(0.7 * LEASE)
    async with database.write_unlocked() as transaction:
        renewed = await two.member.renew(transaction)
        # Meanwhile the lease expires for all who read it.
        await asyncio.sleep(0.6 * LEASE)
    there = await one.member.executors()

    assert renewed
    assert two.member.executor in there


async def test_a_killed_process_is_removed_and_its_lock_is_free(begin, url):
    [one] = await begin("one")
    async with a_process(url, "two") as process:
        executor = await executor_once_locked(process)
        process.send_signal(signal.SIGKILL)
        killed_at = now()
        there = await one.member.executors()
        await until_members(one)
        await one.member.locks.acquire("root")

    assert there == {one.member.executor, executor}
    assert now() - killed_at < 3 * LEASE


async def test_a_frozen_leader_is_replaced_and_does_not_get_its_name_back_from_another_process(url, begin):
    async with a_process(url, "one") as process:
        await executor_once_locked(process)
        os.kill(process.pid, signal.SIGSTOP)
        one, two = await begin("one", "two")
        await until(lambda: one.leads or two.leads)
        os.kill(process.pid, signal.SIGCONT)
        await asyncio.sleep(4 * RENEWAL)
        there = await one.member.executors()

    assert there == {one.member.executor, two.member.executor}
    assert not one.stop.is_set()


async def test_a_second_process_of_the_same_name_is_refused_after_one_lease_time(url, begin):
    [first] = await begin("one")
    began = now()

    async with join_cluster(url, "one", asyncio.Event(), LEASE) as second:
        with pytest.raises(ConfigurationError, match="another process named one is using") as refused:
            await second.join()
        took = now() - began
        await second.release()

    assert len(refused.value.problems) == 1
    assert LEASE <= took < 3 * LEASE
    assert await first.member.executors() == {first.member.executor}


async def test_a_restart_after_a_kill_acquires_the_name_within_one_lease_time(url, begin):
    async with a_process(url, "one") as process:
        await executor_once_locked(process)
        process.send_signal(signal.SIGKILL)
        await process.wait()

        began = now()
        [one] = await begin("one")
        took = now() - began

    assert took < LEASE + 1.0
    assert one.leads
    # The unfinished work of the killed one may be recovered at once.
    assert await one.member.executors() == {one.member.executor}


async def test_a_member_whose_name_another_process_acquired_stops_and_says_so(url, postgresql_url):
    stop = asyncio.Event()

    async def run(link):
        async with join_cluster(driver_url(link.url), "one", stop, LEASE) as first:
            await first.join()
            link.fall_silent()
            async with join_cluster(url, "one", asyncio.Event(), LEASE) as second:
                await second.join()
                link.speak()
                await asyncio.wait_for(stop.wait(), 10)
                assert await second.executors() == {second.executor}
                await second.release()
            assert not first.leadership.is_held
            await first.release()

    async with DatabaseLink(postgresql_url) as link:
        with pytest.raises(ConfigurationError, match="another process named one took over") as stopped:
            await run(link)

    assert len(stopped.value.problems) == 1


async def test_after_the_server_was_away_for_longer_than_a_lease_all_are_there_as_before(begin):
    """The first member that reaches the server again must not consider the others dead."""
    # Long enough for a busy machine: a member that needs a lease time to connect again would be removed rightly.
    lease = 1.5 * LEASE
    members = await begin("one", "two", "three", lease=lease)
    await asyncio.sleep(lease)
    before = [(each.member.executor, each.member.term) for each in members]

    for each in members:
        each.cut_off()
    await until(lambda: not any(each.leads for each in members))
    await asyncio.sleep(lease)
    members[0].reconnect()
    await until(lambda: members[0].leads)
    await asyncio.sleep(RENEWAL)
    for each in members[1:]:
        each.reconnect()
    await asyncio.sleep(1.5 * lease)

    assert [(each.member.executor, each.member.term) for each in members] == before
    assert await members[0].member.executors() == {each.member.executor for each in members}
    assert [each.leads for each in members].count(True) == 1
    assert not any(each.stop.is_set() for each in members)


@pytest.mark.parametrize("seconds", [20, -20])
async def test_a_jump_of_the_servers_clock_removes_no_member(empty_postgresql_url, seconds):
    # Long enough for a busy machine: a member whose renewal is late by a lease would be removed rightly.
    lease = 2 * LEASE
    url = driver_url(empty_postgresql_url)
    database = open_database(url)
    await database.migrate()
    await database.close()
    name = empty_postgresql_url.rpartition("/")[2].partition("?")[0]
    with psycopg.connect(empty_postgresql_url, autocommit=True) as server:
        server.execute("CREATE SCHEMA skewed CREATE TABLE jump (by interval)")
        server.execute("INSERT INTO skewed.jump VALUES ('0')")
        server.execute(
            "CREATE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE"
            " AS 'SELECT pg_catalog.clock_timestamp() + by FROM skewed.jump'"
        )
        server.execute(f"ALTER DATABASE {name} SET search_path = skewed, pg_catalog, public")
        async with contextlib.AsyncExitStack() as stack:
            members = []
            for each in ("one", "two", "three"):
                members.append(await stack.enter_async_context(join_cluster(url, each, asyncio.Event(), lease)))
                await members[-1].join()
                stack.push_async_callback(members[-1].release)
            await asyncio.sleep(1.5 * lease)
            before = [(each.executor, each.term) for each in members]

            server.execute("UPDATE skewed.jump SET by = make_interval(secs => %s)", (seconds,))
            await asyncio.sleep(2 * lease)
            there = await members[0].executors()

    assert [(each.executor, each.term) for each in members] == before
    assert there == {each.executor for each in members}


async def test_a_member_that_came_a_moment_ago_removes_none(begin, ask):
    """It cannot know whether the others could reach the server before."""
    ask("INSERT INTO leases VALUES ('instance:old', 'old/1', now() - interval '1 hour')")

    [one] = await begin("one")
    await asyncio.sleep(LEASE / 2)
    early = await one.member.executors()
    await until_members(one)

    assert early == {one.member.executor, "old/1"}


async def test_after_the_server_ended_every_session_all_are_there_as_before(begin, ask):
    one, two = await begin("one", "two")
    before = await one.member.executors()

    for _ in range(5):
        ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dcv-resend leases'")
        await asyncio.sleep(RENEWAL)

    assert await one.member.executors() == before
    assert (one.member.term, two.member.term) == (1, 1)
    # The last renewal may have failed, so that the leader waits for its next one.
    await until(lambda: [one.leads, two.leads] == [True, False])


async def test_a_key_is_held_by_one_at_a_time(begin):
    one, two = await begin("one", "two")

    mine = await one.member.locks.acquire("root")
    assert await is_silent(two.member.locks.acquire("root"))
    assert await is_silent(one.member.locks.acquire("root"))
    other = await two.member.locks.acquire("another")
    mine.release()
    mine.release()
    theirs = await asyncio.wait_for(two.member.locks.acquire("root"), 5)

    await theirs.confirm()
    await other.confirm()


async def test_a_lock_is_renewed_for_as_long_as_it_is_held(begin):
    one, two = await begin("one", "two")
    lock = await one.member.locks.acquire("root")

    assert await is_silent(two.member.locks.acquire("root"), 2 * LEASE)
    await lock.confirm()


async def test_a_key_is_exclusive_across_processes(url, tmp_path):
    file = tmp_path / "number"
    file.write_text("0")

    async with (
        a_process(url, "one", file, seconds=10) as one,
        a_process(url, "two", file, seconds=10) as two,
        asyncio.timeout(30),
    ):
        assert [await one.wait(), await two.wait()] == [0, 0]

    assert file.read_text() == "40"


async def test_a_cancelled_waiter_for_a_lock_holds_nothing(begin):
    one, two = await begin("one", "two")
    mine = await one.member.locks.acquire("root")
    waiting = [asyncio.create_task(two.member.locks.acquire("root")) for _ in range(20)]
    await asyncio.sleep(0.2)

    mine.release()
    for task in waiting:
        task.cancel()
        await asyncio.sleep(0)
    acquired = [lock for lock in await asyncio.gather(*waiting, return_exceptions=True) if hasattr(lock, "release")]
    for lock in acquired:
        lock.release()

    began = now()
    mine = await asyncio.wait_for(one.member.locks.acquire("root"), 5)
    await mine.confirm()
    assert now() - began < LEASE


async def test_without_a_server_a_lock_is_an_error_and_lost(begin):
    [one] = await begin("one")
    lock = await one.member.locks.acquire("another")
    one.cut_off()

    with pytest.raises(StoreUnavailable):
        await one.member.locks.acquire("root")
    with pytest.raises(StoreUnavailable):
        await one.member.executors()
    with pytest.raises(LockLost):
        await lock.confirm()


async def test_a_question_that_was_given_up_fails_in_silence(begin, ask):
    """After a stop in the middle of a query, asyncio must log no error."""
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about["message"]))
    [one] = await begin("one")

    one.cut_off()
    asking = asyncio.create_task(one.member.executors())
    await asyncio.sleep(0.1)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    one.reconnect()
    await until_members(one)
    gc.collect()

    assert complaints == []


async def test_a_single_instance_leads_while_it_is_there():
    single = SingleInstance()

    await single.join()
    led = single.leadership.is_held
    lock = await single.locks.acquire("root")
    waits = await is_silent(single.locks.acquire("root"))
    await lock.confirm()
    lock.release()
    stays = await is_silent(single.leadership.lost.wait(), 0.01)
    await single.release()

    assert (led, waits, stays, await single.executors()) == (True, True, True, {"only"})
    await asyncio.wait_for(single.leadership.lost.wait(), 1)

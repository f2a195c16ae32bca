"""PostgreSQL: bounded waits for a server that is gone, silent or busy, and no wrong result."""

import asyncio
import contextlib
import os
import signal
import sys
import time

import psycopg
import pytest
import sqlalchemy as sa

from bot.errors import CommitUnknown, ConfigurationError, StoreUnavailable
from bot.store.database import ANSWER_SECONDS, LOCK_SECONDS, open_database
from bot.store.schema import forms, ledger_head
from bot.workflow_engine import WorkflowEngine

A_FORM = {"id": "f1", "at": "2026-07-01T10:00:00.000000Z", "body": "{}"}
MIGRATING = """
import asyncio, sys
from bot.store.database import open_database

async def migrate():
    database = open_database(sys.argv[1])
    await database.migrate()
    await database.close()

sys.stdin.readline()
asyncio.run(migrate())
"""


@pytest.fixture
def lock_seconds():
    """These tests are about the time limits of production."""
    return LOCK_SECONDS


@pytest.fixture
def database_url(postgresql_url):
    return postgresql_url.replace("postgresql:", "postgresql+psycopg:", 1)


@pytest.fixture
def run(postgresql_url):
    """Return a function that runs a statement on the server as its administrator."""

    def run_it(statement):
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            connection.execute(statement)

    return run_it


@pytest.fixture
def silence(postgresql):
    """Return a function that silences the server's end of a connection until the test resumes it or ends."""
    if postgresql.server is None:
        pytest.skip("The server that TEST_DATABASE_URL names is not ours to stop.")
    unreachable = []

    def silence_it(pid):
        unreachable.append(pid)
        os.kill(pid, signal.SIGSTOP)

    def speak():
        while unreachable:
            os.kill(unreachable.pop(), signal.SIGCONT)

    silence_it.over = speak
    yield silence_it
    speak()


@pytest.fixture
async def deaf_url():
    """Serve a listener that never answers, and return its URL."""
    open_ends = []
    server = await asyncio.start_server(lambda _, writer: open_ends.append(writer), "127.0.0.1", 0)
    yield f"postgresql+psycopg://bot@127.0.0.1:{server.sockets[0].getsockname()[1]}/dcv"
    for end in open_ends:
        end.close()
    server.close()


@contextlib.contextmanager
def within(seconds):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds + 0.7


async def count(database):
    async with database.read() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(forms))


async def pid_of(connection):
    return await connection.scalar(sa.text("SELECT pg_backend_pid()"))


async def write_one(database, **changes):
    async with database.write() as transaction:
        await transaction.execute(sa.insert(forms).values(**{**A_FORM, **changes}))


async def test_connections_that_the_server_ended_are_replaced_unnoticed(database, run):
    await asyncio.gather(*(count(database) for _ in range(3)))
    run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dcv-resend store'")

    await write_one(database)

    assert await count(database) == 1


async def test_a_connection_lost_within_a_transaction_rolls_it_back(database, run):
    async def lose_it():
        async with database.write() as transaction:
            await transaction.execute(sa.insert(forms).values(A_FORM))
            run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dcv-resend store'")
            await transaction.execute(sa.insert(forms).values({**A_FORM, "id": "f2"}))

    with pytest.raises(StoreUnavailable, match="Nothing was sent"):
        await lose_it()

    assert await count(database) == 0


async def test_a_server_that_is_away_is_unavailable_at_once(tmp_path):
    database = open_database(f"postgresql+psycopg://bot@/dcv?host={tmp_path}")

    with within(0), pytest.raises(StoreUnavailable):
        await count(database)
    with within(0), pytest.raises(StoreUnavailable):
        await write_one(database)

    await database.close()


async def test_a_server_that_never_answers_is_waited_for_once(deaf_url):
    database = open_database(deaf_url)

    with within(ANSWER_SECONDS), pytest.raises(StoreUnavailable):
        await count(database)
    with within(0), pytest.raises(StoreUnavailable):
        await write_one(database)

    await database.close()


async def test_a_pooled_connection_that_fell_silent_is_replaced_in_time(database, silence):
    async with database.read() as connection:
        pid = await pid_of(connection)
    silence(pid)

    with within(LOCK_SECONDS):
        assert await count(database) == 0


async def test_a_server_that_falls_silent_within_a_transaction_is_given_up_in_time(database, silence):
    async def wait_for_it():
        async with database.read() as connection:
            silence(await pid_of(connection))
            await connection.scalar(sa.text("SELECT 1"))

    with within(ANSWER_SECONDS), pytest.raises(StoreUnavailable):
        await wait_for_it()


async def test_the_server_cancels_a_statement_that_runs_too_long(database):
    async def dawdle():
        async with database.read() as connection:
            await connection.execute(sa.text("SELECT pg_sleep(10)"))

    with within(LOCK_SECONDS), pytest.raises(StoreUnavailable):
        await dawdle()

    assert await count(database) == 0


async def test_a_commit_whose_answer_is_lost_is_reported_as_unknown(database, open_another, silence):
    async def lose_the_answer():
        async with database.write() as transaction:
            await transaction.execute(sa.insert(forms).values(A_FORM))
            silence(await pid_of(transaction))

    with within(ANSWER_SECONDS), pytest.raises(CommitUnknown, match="may still go through"):
        await lose_the_answer()
    silence.over()

    async with open_another().write() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(forms)) == 1


async def test_what_does_not_fit_into_a_column_is_a_bug_and_no_absence(database):
    with pytest.raises(sa.exc.DataError):
        await write_one(database, id="x" * 33)


@pytest.mark.process
async def test_several_processes_may_migrate_an_empty_database_at_once(empty_postgresql_url):
    url = empty_postgresql_url.replace("postgresql:", "postgresql+psycopg:", 1)
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATING, url, stdin=asyncio.subprocess.PIPE)
        for _ in range(4)
    ]

    await asyncio.gather(*(process.communicate(b"go\n") for process in processes))

    database = open_database(url)
    async with database.read() as connection:
        heads = await connection.scalar(sa.select(sa.func.count()).select_from(ledger_head))
    await database.close()
    assert [process.returncode for process in processes] == [0] * 4
    assert heads == 1


@pytest.mark.parametrize("grant", [None, "GRANT CREATE ON SCHEMA public TO {0}"], ids=["tables", "schema dbos"])
async def test_a_user_who_may_not_make_what_the_bot_needs_stops_the_start_in_one_line(
    empty_postgresql_url, grant, tmp_path
):
    url = sa.make_url(empty_postgresql_url)
    user = url.database.replace("test", "user")
    with psycopg.connect(empty_postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'made-up'")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        if grant:
            connection.execute(grant.format(user))
    poor = url.set(drivername="postgresql+psycopg", username=user, password="made-up")
    poor_url = poor.render_as_string(hide_password=False)
    database = open_database(poor_url)

    async def start():
        await database.migrate()
        engine = WorkflowEngine(poor_url, "only")
        try:
            await engine.launch()
        finally:
            await engine.close(0)

    with pytest.raises(ConfigurationError, match=r"DATABASE_URL: .*permission denied") as refused:
        await start()

    await database.close()
    with psycopg.connect(empty_postgresql_url, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {user}; DROP ROLE {user}")
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize("more", ["sslmod=require", "connect_timeout=2&nothing=1"])
async def test_an_address_that_the_driver_cannot_read_stops_the_start_in_one_line(database_url, more):
    database = open_database(f"{database_url}{'&' if '?' in database_url else '?'}{more}")

    with pytest.raises(ConfigurationError, match=r"DATABASE_URL: .*invalid connection option") as refused:
        await database.migrate()

    await database.close()
    assert len(refused.value.problems) == 1
    assert "made-up" not in str(refused.value)

"""A bot's place on a database: refused where it is taken, free after a crash, on PostgreSQL taken again when lost."""

import asyncio
import contextlib
import sys

import psycopg
import pytest
from sqlalchemy import make_url

from bot.errors import CannotStart
from bot.store.exclusive import describe, present

HOLDING = """
import asyncio, sys
from bot.store.exclusive import present

async def hold():
    async with present(sys.argv[1], "one", asyncio.Event()):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(hold())
"""
LOCKS = "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND {}"
OURS = "datname = current_database() AND pid <> pg_backend_pid()"
KEY = "SELECT classid::text || ', ' || objid::text FROM pg_locks WHERE locktype = 'advisory' LIMIT 1"


@contextlib.asynccontextmanager
async def a_process_that_holds(url):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDING, url, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert await process.stdout.readline() == b"held\n"
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


class Wire:
    """Leads to the server; once cut, the client hears nothing any more, while the server still sees a client."""

    def __init__(self, socket_file):
        self._socket_file = socket_file
        self._clients, self._server_ends, self._tasks = [], [], []

    async def __aenter__(self):
        self._listener = await asyncio.start_server(self._lead, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in (*self._clients, *self._server_ends):
            end.close()
        self._listener.close()

    async def _lead(self, reader, writer):
        server_reader, server_writer = await asyncio.open_unix_connection(self._socket_file)
        self._clients.append(writer)
        self._server_ends.append(server_writer)
        self._tasks += [
            asyncio.create_task(self._pass(reader, server_writer)),
            asyncio.create_task(self._pass(server_reader, writer)),
        ]

    @staticmethod
    async def _pass(reader, writer):
        with contextlib.suppress(ConnectionError):
            while read := await reader.read(65536):
                writer.write(read)

    def cut(self):
        for client in self._clients:
            client.transport.abort()


@pytest.fixture
def look(postgresql_url):
    """Ask the server something, as somebody else."""

    def ask(question):
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            row = connection.execute(question).fetchone()
            return row[0] if row else None

    return ask


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite+aiosqlite:////var/lib/bot.db", "/var/lib/bot.db"),
        ("postgresql+psycopg://bot:secret@db.example/dcv?sslmode=require", "PostgreSQL at db.example/dcv"),
        ("postgresql+psycopg://bot:secret@db.example:6432/dcv", "PostgreSQL at db.example:6432/dcv"),
        ("postgresql+psycopg://bot:secret@/dcv?host=/run/postgresql", "PostgreSQL at /run/postgresql/dcv"),
        ("postgresql+psycopg://bot:secret@/dcv?host=one&host=two", "PostgreSQL at one,two/dcv"),
        ("postgresql+psycopg://bot:secret@db.example", "PostgreSQL at db.example/bot"),
    ],
)
def test_a_database_is_told_without_its_password(url, told):
    assert describe(url) == told


async def test_a_second_bot_is_refused_in_one_line(database_url):
    async with a_process_that_holds(database_url):
        with pytest.raises(CannotStart, match=r"another (bot|process called one) is running on") as refused:
            async with present(database_url, "one", asyncio.Event()):
                pass

    assert len(refused.value.problems) == 1
    assert "made-up" not in str(refused.value)


async def test_a_killed_bot_leaves_the_database_free(database_url):
    async with a_process_that_holds(database_url) as process:
        process.kill()
        await process.wait()

        async with present(database_url, "one", asyncio.Event()):
            pass


async def test_a_bot_that_ended_leaves_the_database_free(database_url):
    for _ in range(2):
        async with present(database_url, "one", asyncio.Event()):
            pass


async def test_another_database_of_the_same_server_may_have_another_bot(postgresql_url, empty_postgresql_url):
    urls = [url.replace("postgresql:", "postgresql+psycopg:", 1) for url in (postgresql_url, empty_postgresql_url)]

    async with present(urls[0], "one", asyncio.Event()), present(urls[1], "one", asyncio.Event()):
        pass


async def test_a_server_that_is_not_there_stops_the_start_in_one_line(tmp_path):
    with pytest.raises(CannotStart, match="DATABASE_URL: the database cannot be opened") as refused:
        async with present(f"postgresql+psycopg://bot@/dcv?host={tmp_path}", "one", asyncio.Event()):
            pass

    assert len(str(refused.value).splitlines()) == 1


async def test_a_lock_that_is_lost_is_taken_again_and_the_bot_goes_on(postgresql_url, look):
    stop = asyncio.Event()
    url = postgresql_url.replace("postgresql:", "postgresql+psycopg:", 1)
    async with present(url, "one", stop, beat_seconds=0.05):
        before = look(LOCKS.format(OURS))
        look(f"SELECT pg_terminate_backend({before})")

        await until(lambda: look(LOCKS.format(OURS)) not in (None, before))

    assert not stop.is_set()


async def test_a_bot_whose_lock_another_one_took_stops_and_says_so(postgresql_url, look):
    url = postgresql_url.replace("postgresql:", "postgresql+psycopg:", 1)

    async def run(other):
        stop = asyncio.Event()
        async with present(url, "one", stop, beat_seconds=0.05):
            before = look(LOCKS.format(OURS))
            taking = asyncio.create_task(other.execute(f"SELECT pg_advisory_lock({look(KEY)})"))
            await until(lambda: look(LOCKS.format("NOT granted")))
            look(f"SELECT pg_terminate_backend({before})")
            await asyncio.wait_for(asyncio.gather(taking, stop.wait()), 20)

    async with await psycopg.AsyncConnection.connect(postgresql_url, autocommit=True) as other:
        with pytest.raises(CannotStart, match="another process called one took over") as stopped:
            await run(other)

    assert len(stopped.value.problems) == 1


async def test_its_own_session_that_the_server_still_sees_is_no_other_bot(postgresql_url, look):
    url = make_url(postgresql_url)
    if not str(url.query.get("host", "")).startswith("/"):
        pytest.skip("The server that TEST_DATABASE_URL names does not listen on a socket of this machine.")
    stop = asyncio.Event()
    async with Wire(f"{url.query['host']}/.s.PGSQL.5432") as wire:
        through = url.set(drivername="postgresql+psycopg", host="127.0.0.1", port=wire.port, query={})
        async with present(through.render_as_string(hide_password=False), "one", stop, beat_seconds=0.05):
            before = look(LOCKS.format(OURS))
            wire.cut()

            await until(lambda: look(LOCKS.format(OURS)) not in (None, before))

    assert not stop.is_set()

"""Joining a database: refused if it is in use, possible after a crash, and on PostgreSQL repeated after a loss."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys

import pytest

from bot.errors import ConfigurationError
from bot.store.cluster.join import describe, join_cluster
from bot.store.database import open_database

LEASE = 1.0

pytestmark = pytest.mark.process

HOLDING = """
import asyncio, sys
from bot.store.cluster.join import join_cluster

async def hold():
    async with join_cluster(sys.argv[1], "one", asyncio.Event(), float(sys.argv[2])) as membership:
        await membership.join()
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(hold())
"""


@contextlib.asynccontextmanager
async def a_process_that_holds(url):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDING, url, str(LEASE)), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        # A log line may come first.
        while (line := await process.stdout.readline()) != b"held\n":
            assert line
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@contextlib.asynccontextmanager
async def joined(url, name="one", stop=None):
    async with join_cluster(url, name, stop or asyncio.Event(), LEASE) as membership:
        try:
            await membership.join()
            yield membership
        finally:
            await membership.release()


@pytest.mark.parametrize(
    ("url", "description"),
    [
        ("sqlite+aiosqlite:////var/lib/bot.db", "/var/lib/bot.db"),
        ("postgresql+psycopg://bot:secret@db.example/dcv?sslmode=require", "PostgreSQL at db.example/dcv"),
        ("postgresql+psycopg://bot:secret@db.example:6432/dcv", "PostgreSQL at db.example:6432/dcv"),
        ("postgresql+psycopg://bot:secret@/dcv?host=/run/postgresql", "PostgreSQL at /run/postgresql/dcv"),
        ("postgresql+psycopg://bot:secret@/dcv?host=one&host=two", "PostgreSQL at one,two/dcv"),
        ("postgresql+psycopg://bot:secret@db.example", "PostgreSQL at db.example/bot"),
    ],
)
def test_a_database_is_named_without_its_password(url, description):
    assert describe(url) == description


async def test_a_second_bot_is_refused_in_one_line(database_url):
    async with a_process_that_holds(database_url):
        with pytest.raises(ConfigurationError, match=r"another (bot|process named one) is using") as refused:
            async with joined(database_url):
                pass

    assert len(refused.value.problems) == 1
    assert "made-up" not in str(refused.value)


async def test_a_killed_bot_releases_the_database(database_url):
    async with a_process_that_holds(database_url) as process:
        process.kill()
        await process.wait()

        async with joined(database_url):
            pass


async def test_a_stopped_bot_releases_the_database(database_url):
    for _ in range(2):
        async with joined(database_url):
            pass


@pytest.fixture
def sqlite_folder(tmp_path):
    """Return a folder with a database in it."""
    folder = tmp_path / "data"
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(folder / "bot.db")) as connection:
        connection.execute("CREATE TABLE anything (at_all)")
    return folder


def _link(folder, monkeypatch):
    (folder.parent / "link.db").symlink_to(folder / "bot.db")
    return folder.parent / "link.db"


def _link_beside(folder, monkeypatch):
    (folder / "link.db").symlink_to("bot.db")
    return folder / "link.db"


def _linked_folder(folder, monkeypatch):
    (folder.parent / "link").symlink_to(folder)
    return folder.parent / "link" / "bot.db"


def _relative(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return "bot.db"


def _roundabout(folder, monkeypatch):
    return folder / ".." / "data" / "bot.db"


def _hard_link(folder, monkeypatch):
    (folder.parent / "hard.db").hardlink_to(folder / "bot.db")
    return folder.parent / "hard.db"


def _renamed(folder, monkeypatch):
    return (folder / "bot.db").rename(folder.parent / "moved.db")


def _mounted(folder, monkeypatch):
    """Return the same file under another name, by a mount as in a container."""
    target = folder.parent / "mounted.db"
    target.touch()
    if subprocess.run(["mount", "--bind", folder / "bot.db", target], capture_output=True, check=False).returncode:  # noqa: S603, S607
        pytest.skip("This user may mount nothing.")
    return target


M8 = pytest.mark.fault("M8")
OTHER_NAMES = [
    pytest.param(_link, marks=M8),
    pytest.param(_link_beside, marks=M8),
    _linked_folder,
    _relative,
    _roundabout,
    pytest.param(_hard_link, marks=M8),
    pytest.param(_renamed, marks=M8),
    pytest.param(_mounted, marks=M8),
]


@pytest.fixture
def unmounted(tmp_path):
    yield
    subprocess.run(["umount", tmp_path / "mounted.db"], capture_output=True, check=False)  # noqa: S603, S607


@pytest.mark.usefixtures("unmounted")
@pytest.mark.parametrize("name", OTHER_NAMES)
async def test_a_file_by_another_name_is_the_same_file(sqlite_folder, monkeypatch, name):
    async with a_process_that_holds(f"sqlite+aiosqlite:///{sqlite_folder}/bot.db"):
        other = f"sqlite+aiosqlite:///{name(sqlite_folder, monkeypatch)}"

        with pytest.raises(ConfigurationError, match=r"another bot is using|a hard link") as refused:
            async with joined(other, "two"):
                pass

    assert len(refused.value.problems) == 1


@M8
async def test_a_file_with_a_hard_link_is_refused_under_either_name(sqlite_folder):
    (sqlite_folder / "second.db").hardlink_to(sqlite_folder / "bot.db")

    for name in ("bot.db", "second.db"):
        with pytest.raises(ConfigurationError, match=rf"{name} has a hard link\. Remove"):
            async with joined(f"sqlite+aiosqlite:///{sqlite_folder}/{name}"):
                pass


@M8
@pytest.mark.parametrize("change", ["moved", "replaced", "removed"])
async def test_a_bot_whose_file_is_removed_stops_and_says_so(sqlite_folder, change):
    file, stop = sqlite_folder / "bot.db", asyncio.Event()

    async def run():
        async with joined(f"sqlite+aiosqlite:///{file}", stop=stop):
            match change:
                case "moved":
                    file.rename(sqlite_folder / "old.db")
                case "replaced":
                    shutil.copy(file, sqlite_folder / "new.db")
                    (sqlite_folder / "new.db").rename(file)
                case "removed":
                    file.unlink()
            await asyncio.wait_for(stop.wait(), 10)

    with pytest.raises(ConfigurationError, match="was moved or replaced while the bot ran"):
        await run()


async def test_while_the_bot_holds_the_file_sqlite_locks_it_as_ever(sqlite_folder):
    """The bot's lock must neither block SQLite nor release SQLite's own lock."""
    file = sqlite_folder / "bot.db"
    async with joined(f"sqlite+aiosqlite:///{file}"):
        with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as ours:
            ours.execute("BEGIN IMMEDIATE")
            writing = f"import sqlite3; sqlite3.connect({str(file)!r}, timeout=0).execute('BEGIN IMMEDIATE')"
            other = await asyncio.create_subprocess_exec(sys.executable, "-c", writing, stderr=asyncio.subprocess.PIPE)
            _, error_output = await other.communicate()
            ours.execute("ROLLBACK")

    assert b"database is locked" in error_output


async def test_another_database_of_the_same_server_may_have_another_bot(
    postgresql_url, empty_postgresql_url, open_database_of
):
    urls = [url.replace("postgresql:", "postgresql+psycopg:", 1) for url in (postgresql_url, empty_postgresql_url)]

    await open_database_of(urls[1]).migrate()

    async with joined(urls[0]), joined(urls[1]):
        pass


async def test_a_server_that_is_not_there_stops_the_start_in_one_line(tmp_path):
    with pytest.raises(ConfigurationError, match="DATABASE_URL: can't open the database") as refused:
        async with joined(f"postgresql+psycopg://bot@/dcv?host={tmp_path}"):
            pass

    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.fault("L2")
async def test_the_files_of_a_database_are_its_owners_alone(sqlite_folder):
    url = f"sqlite+aiosqlite:///{sqlite_folder}/bot.db"
    for file in (sqlite_folder / "bot.db", sqlite_folder / "bot.db.lock"):
        file.touch()
        file.chmod(0o644)

    async with joined(url):
        database = open_database(url)
        await database.migrate()
        modes = {file.name: f"{stat.S_IMODE(file.stat().st_mode):o}" for file in sqlite_folder.iterdir()}
        await database.close()

    assert {"bot.db", "bot.db-wal", "bot.db-shm", "bot.db.lock"} <= modes.keys()
    assert set(modes.values()) == {"600"}


@pytest.mark.fault("L2")
async def test_a_new_database_is_its_owners_alone_from_the_start(tmp_path):
    before = os.umask(0)
    try:
        async with joined(f"sqlite+aiosqlite:///{tmp_path}/bot.db"):
            modes = {file.name: f"{stat.S_IMODE(file.stat().st_mode):o}" for file in tmp_path.iterdir()}
    finally:
        os.umask(before)

    assert modes == {"bot.db": "600", "bot.db.lock": "600"}

"""The inspection of a database: its findings, and that it changes no row and no table."""

import asyncio
import fcntl
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import ConfigurationError
from bot.store.cluster.join import join_cluster
from bot.store.database import open_database
from bot.store.database_file import lock_file, only_one_process
from bot.store.inspection import Tables, inspect

MIGRATION = """
revision = {revision!r}
down_revision = {before!r}


def upgrade():
    raise AssertionError("a look migrates nothing")
"""
KILLED_WHILE_WRITING = """
import os, sqlite3, sys

connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("CREATE TABLE alembic_version AS SELECT '1' AS version_num")
connection.commit()
os._exit(9)
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "bot #1.db"


@pytest.fixture
def url(file):
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture
def migrations(tmp_path):
    """Return two migrations of a bot, of which "2" is the last."""
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    for revision, before in (("1", None), ("2", "1")):
        (versions / f"m{revision}.py").write_text(MIGRATION.format(revision=revision, before=before))
    return versions.parent


@pytest.fixture
def contents(file):
    """Return the content of the database's folder. An empty log and the index of a log hold no data."""

    def read():
        found = {path.name: path.read_bytes() for path in file.parent.iterdir() if not path.name.endswith("-shm")}
        return {name: content for name, content in found.items() if content or name == file.name}

    return read


def write_revision(file, revision):
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"CREATE TABLE alembic_version AS SELECT '{revision}' AS version_num")


async def migrate(url):
    database = open_database(url)
    await database.migrate()
    await database.close()


async def test_a_file_that_is_not_there_is_not_made(file, url, contents):
    inspection = await inspect(url)

    assert (inspection.tables, inspection.revision, inspection.where, inspection.running) == (
        Tables.MISSING,
        None,
        str(file),
        None,
    )
    assert contents() == {}


async def test_a_file_without_tables_is_left_without(file, url, contents):
    file.touch()

    assert (await inspect(url)).tables is Tables.MISSING
    assert contents() == {file.name: b""}


async def test_what_was_migrated_is_up_to_date_and_left_as_it_is(url, contents):
    await migrate(url)
    before = contents()

    inspection = await inspect(url)

    assert inspection.tables is Tables.UP_TO_DATE
    assert inspection.revision == inspection.head
    assert contents() == before


@pytest.mark.parametrize(
    ("revision", "tables"), [("1", Tables.BEHIND), ("2", Tables.UP_TO_DATE), ("3", Tables.UNKNOWN)]
)
async def test_the_tables_are_compared_with_the_migrations(file, url, migrations, revision, tables):
    write_revision(file, revision)

    inspection = await inspect(url, migrations)

    assert (inspection.tables, inspection.revision, inspection.head) == (tables, revision, "2")


async def test_a_database_in_use_is_read_beside_its_log(file, url, migrations, contents):
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE alembic_version AS SELECT '1' AS version_num")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE alembic_version SET version_num = '2'")
        before = contents()

        inspection = await inspect(url, migrations)

        assert inspection.revision == "1"
        assert contents() == before
        writer.execute("COMMIT")
        assert (await inspect(url, migrations)).revision == "2"


@pytest.mark.process
async def test_what_a_killed_process_left_is_read_and_left_as_it_is(file, url, migrations, contents):
    await killed_while_writing(file)
    before = contents()

    inspection = await inspect(url, migrations)

    assert inspection.tables is Tables.BEHIND
    assert contents() == before
    assert len(before[f"{file.name}-wal"]) > 0


@pytest.mark.process
async def test_a_log_without_its_index_is_read(file, url, migrations, contents):
    await killed_while_writing(file)
    file.with_name(f"{file.name}-shm").unlink()
    before = contents()

    assert (await inspect(url, migrations)).revision == "1"
    assert contents() == before


@pytest.mark.process
async def test_a_database_whose_log_cannot_be_opened_asks_for_a_start(file, url, migrations):
    await killed_while_writing(file)
    file.with_name(f"{file.name}-shm").unlink()
    file.with_name(f"{file.name}-shm").symlink_to(file.parent / "absent" / "shm")

    with pytest.raises(ConfigurationError, match="Start the bot once"):
        await inspect(url, migrations)


async def test_a_running_bot_holds_its_lock(file, url):
    with only_one_process(file):
        first, second = await asyncio.gather(inspect(url), inspect(url))

        with pytest.raises(ConfigurationError, match="another bot is using"), only_one_process(file):
            pass

    assert first.running == second.running == f"process {os.getpid()}"


async def test_the_lock_of_a_bot_that_ended_is_nobodys(file, url, contents):
    with only_one_process(file):
        pass
    write_revision(file, "1")
    before = contents()

    assert (await inspect(url)).running is None
    assert contents() == before


def test_an_inspection_does_not_prevent_a_bot_from_starting(file):
    with lock_file(file).open("w") as observer:
        fcntl.flock(observer, fcntl.LOCK_SH)
        end = threading.Timer(0.02, lambda: fcntl.flock(observer, fcntl.LOCK_UN))
        end.start()

        with only_one_process(file):
            end.join()


async def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"DATABASE_URL: the folder .*absent doesn't exist"):
        await inspect(f"sqlite+aiosqlite:///{tmp_path}/absent/bot.db")

    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("what", ["folder", "file", "lock"])
async def test_what_the_bot_may_not_write_to_is_named(file, url, what, monkeypatch):
    file.touch()
    lock_file(file).touch()
    closed = {"folder": file.parent, "file": file, "lock": lock_file(file)}[what]
    # The user who runs the tests may be allowed to write everywhere.
    monkeypatch.setattr("os.access", lambda path, _: Path(path) != closed)

    with pytest.raises(ConfigurationError, match="DATABASE_URL: the bot can't write to") as caught:
        await inspect(url)

    assert f"{closed}. " in str(caught.value)


async def test_a_file_that_is_no_database_is_reported(file, url):
    file.write_bytes(b"no database at all" * 100)

    with pytest.raises(ConfigurationError, match=r"DATABASE_URL: can't open the database \(.*not a database"):
        await inspect(url)


async def test_a_server_that_does_not_answer_is_reported_without_the_password():
    with pytest.raises(ConfigurationError, match="DATABASE_URL: can't open the database") as caught:
        await inspect("postgresql+psycopg://bot:very-secret@127.0.0.1:9/bot")

    assert "very-secret" not in str(caught.value)


async def killed_while_writing(file):
    command = [sys.executable, "-c", KILLED_WHILE_WRITING, str(file)]
    assert (await asyncio.to_thread(subprocess.run, command, check=False)).returncode == 9


async def test_an_empty_database_on_a_server_has_no_tables(empty_postgresql_url):
    found = await inspect(empty_postgresql_url.replace("postgresql:", "postgresql+psycopg:", 1))

    assert (found.tables, found.revision, found.running) == (Tables.MISSING, None, None)
    assert found.where.startswith("PostgreSQL at ")
    assert "made-up" not in found.where


async def test_bots_that_run_on_a_server_are_seen_and_not_disturbed(postgresql_url):
    url = postgresql_url.replace("postgresql:", "postgresql+psycopg:", 1)
    stop = asyncio.Event()
    async with join_cluster(url, "two", stop) as two, join_cluster(url, "one", stop) as one:
        for instance in (one, two):
            await instance.join()
        inspection = await inspect(url)
        again = await inspect(url)
        for instance in (one, two):
            await instance.release()
    after = await inspect(url)

    assert inspection.tables is Tables.UP_TO_DATE
    assert (inspection.running, inspection.instances) == (None, ("one", "two"))
    assert again == inspection
    assert after.instances == ()


async def test_a_server_that_cannot_be_reached_is_reported_to_the_operator(tmp_path):
    with pytest.raises(ConfigurationError, match="DATABASE_URL: can't open the database") as refused:
        await inspect(f"postgresql+psycopg://bot:made-up@/bot?host={tmp_path}")

    assert "made-up" not in str(refused.value)

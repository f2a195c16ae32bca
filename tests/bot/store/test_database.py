"""Read and write transactions: their queue, their rollback, and the errors of an unavailable database."""

import asyncio
import contextlib
import shutil
import threading
import time

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.errors import ConfigurationError, StoreUnavailable
from bot.store.database import LOCK_SECONDS, open_database
from bot.store.schema import forms, metadata

A_FORM = {"id": "f1", "at": "2026-07-01T10:00:00.000000Z", "body": "{}"}


@pytest.fixture
def lock_seconds():
    """These tests are about the time limits of production."""
    return LOCK_SECONDS


async def count(database):
    async with database.read() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(forms))


async def write_one(database, **changes):
    async with database.write() as transaction:
        await transaction.execute(sa.insert(forms).values(**{**A_FORM, **changes}))


@pytest.fixture
def garbage(tmp_path):
    """Return a file that SQLite cannot read."""
    file = tmp_path / "garbage.db"
    file.write_bytes(b"no database at all" * 100)
    return file


async def no_connection_left():
    """Wait until every connection is closed. A failed one is closed a moment after it was given up."""
    for thread in threading.enumerate():
        if "_connection_worker" in thread.name:
            await asyncio.to_thread(thread.join, 10)


async def test_what_is_written_is_there_for_the_next_reader(database, open_another):
    await write_one(database)

    assert await count(database) == 1
    assert await count(open_another()) == 1


async def test_a_write_holds_the_lock_from_its_start(database, open_another):
    other = open_another()
    began = time.monotonic()

    async with database.write():
        with pytest.raises(StoreUnavailable, match="Nothing was sent"):
            await write_one(other)

    assert LOCK_SECONDS - 0.3 < time.monotonic() - began < LOCK_SECONDS + 0.7


async def test_a_second_writer_of_the_same_process_is_turned_away_in_time(database):
    began = time.monotonic()

    async with database.write():
        with pytest.raises(StoreUnavailable):
            await write_one(database)

    assert LOCK_SECONDS - 0.3 < time.monotonic() - began < LOCK_SECONDS + 0.7
    assert await count(database) == 0


@pytest.mark.parametrize("same_process", [True, False])
async def test_a_second_writer_waits_for_the_first(database, open_another, same_process):
    other = database if same_process else open_another()
    async with database.write() as transaction:
        waiting = asyncio.create_task(write_one(other, id="second"))
        for _ in range(3):  # time enough for a writer that is not blocked
            await count(database)
        was_waiting = not waiting.done()
        await transaction.execute(sa.insert(forms).values(A_FORM))

    await waiting

    assert was_waiting
    assert await count(database) == 2


async def test_readers_do_not_wait_for_a_writer_and_see_nothing_half_done(database, open_another):
    async with database.write() as transaction:
        await transaction.execute(sa.insert(forms).values(A_FORM))

        assert await count(database) == 0
        assert await count(open_another()) == 0


async def test_an_exception_rolls_everything_back(database):
    async def fail():
        async with database.write() as transaction:
            await transaction.execute(sa.insert(forms).values(A_FORM))
            await transaction.execute(sa.insert(forms).values({**A_FORM, "id": "f2"}))
            raise LookupError("on our side")

    with pytest.raises(LookupError, match="on our side"):
        await fail()

    assert await count(database) == 0
    await write_one(database)
    assert await count(database) == 1


async def test_a_cancelled_write_rolls_back_and_releases_its_connection(database, open_another):
    inside = asyncio.Event()

    async def write_for_ever():
        async with database.write() as transaction:
            await transaction.execute(sa.insert(forms).values(A_FORM))
            inside.set()
            await asyncio.Event().wait()

    writing = asyncio.create_task(write_for_ever())
    await inside.wait()
    writing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writing

    assert await count(database) == 0
    await write_one(database)
    await write_one(open_another(), id="f2")


async def test_a_broken_rule_of_the_tables_is_a_bug_and_no_absence(database):
    await write_one(database)

    with pytest.raises(sa.exc.IntegrityError):
        await write_one(database)

    assert await count(database) == 1


async def test_a_missing_table_is_a_bug_or_an_absence_but_never_silence(open_empty):
    with pytest.raises((StoreUnavailable, sa.exc.ProgrammingError)):
        await count(open_empty())


async def test_a_database_in_a_removed_folder_is_unavailable(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    database = open_database(f"sqlite+aiosqlite:///{folder}/bot.db")
    await database.migrate()
    await database.close()
    shutil.rmtree(folder)

    with pytest.raises(StoreUnavailable):
        await count(database)
    with pytest.raises(StoreUnavailable):
        await write_one(database)

    await database.close()
    await no_connection_left()


async def test_a_file_that_is_no_database_is_unavailable(garbage):
    database = open_database(f"sqlite+aiosqlite:///{garbage}")

    with pytest.raises(StoreUnavailable):
        await write_one(database)

    await database.close()
    await no_connection_left()


@pytest.mark.parametrize("file", ["missing/bot.db", "garbage.db"])
async def test_a_database_that_cannot_be_opened_stops_the_start_in_one_line(garbage, file):
    database = open_database(f"sqlite+aiosqlite:///{garbage.parent}/{file}")

    with pytest.raises(ConfigurationError, match="DATABASE_URL") as refused:
        await database.migrate()

    assert len(str(refused.value).splitlines()) == 1
    await database.close()
    await no_connection_left()


@pytest.fixture
async def newer_tables(database):
    """Mark the tables as those of a later version."""

    async def call_them(revision):
        async with database.write() as transaction:
            before = await transaction.scalar(sa.text("SELECT version_num FROM alembic_version"))
            await transaction.execute(sa.text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
        return before

    before = await call_them("9999")
    yield database
    await call_them(before)


async def test_tables_of_a_newer_version_stop_the_start_in_one_line(newer_tables, open_another):
    with pytest.raises(ConfigurationError, match="a different version of the bot") as refused:
        await open_another().migrate()

    assert len(str(refused.value).splitlines()) == 1
    async with newer_tables.read() as connection:
        assert await connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == "9999"


async def test_too_many_readers_are_turned_away_in_time(database):
    async with contextlib.AsyncExitStack() as readers:
        for _ in range(10):
            await readers.enter_async_context(database.read())
        began = time.monotonic()

        with pytest.raises(StoreUnavailable):
            await count(database)

    assert time.monotonic() - began < LOCK_SECONDS + 0.7
    assert await count(database) == 0


async def test_sqlite_preserves_commits_even_if_the_power_fails(database):
    if not database.is_sqlite:
        pytest.skip("PostgreSQL does so by itself")

    async with database.read() as connection:
        found = {
            pragma: await connection.scalar(sa.text(f"PRAGMA {pragma}"))
            for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": LOCK_SECONDS * 1000}


async def test_the_migrations_build_the_tables_that_the_code_sees(database):
    def compare(connection):
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with database.read() as connection:
        differences = await connection.run_sync(compare)

    assert differences == []


async def test_several_processes_may_migrate_at_once_and_again(open_empty):
    one, other = open_empty(), open_empty()
    async with one.read() as connection:
        await connection.execute(sa.text("SELECT 1"))

    await asyncio.gather(one.migrate(), other.migrate())
    await one.migrate()

    assert await count(other) == 0


@pytest.mark.fault("M8")
async def test_a_file_that_was_replaced_is_written_to_no_more(tmp_path):
    file = tmp_path / "bot.db"
    database = open_database(f"sqlite+aiosqlite:///{file}")
    await database.migrate()
    await write_one(database)

    shutil.copy(file, tmp_path / "copy.db")
    (tmp_path / "copy.db").rename(file)
    with pytest.raises(StoreUnavailable, match="Nothing was sent"):
        await write_one(database, id="f2")

    await database.close()


@pytest.mark.fault("M10")
async def test_many_writers_of_one_person_delay_no_colleague(database):
    """Behind all of them the colleague would wait for longer than a writer may."""
    from bot.fair_share import working_for

    async def write(person):
        with working_for(person):
            async with database.write():
                await asyncio.sleep(0.02)

    flood = [asyncio.create_task(write("eve")) for _ in range(100)]
    await asyncio.sleep(0.1)

    for _ in range(3):
        await write("ana")

    results = await asyncio.gather(*flood, return_exceptions=True)
    assert any(isinstance(each, StoreUnavailable) for each in results)

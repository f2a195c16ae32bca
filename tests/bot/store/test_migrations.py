"""Migrations: the newest one is known, and a database from before the first one stops the start with one sentence."""

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from bot.errors import ConfigurationError
from bot.store import migrations
from bot.store.migrations import HEAD, revision_of


@pytest.fixture
async def old_database(open_empty):
    """Return a database with the tables of a version that was never released."""
    database = open_empty()
    async with database.write_unlocked() as connection:
        await connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        await connection.execute(sa.text("INSERT INTO alembic_version VALUES ('0006')"))
        await connection.execute(sa.text("CREATE TABLE claims (key VARCHAR(300))"))
    return database


async def test_a_database_of_another_version_stops_the_start_with_one_sentence(old_database):
    with pytest.raises(ConfigurationError) as refused:
        await old_database.migrate()

    (problem,) = refused.value.problems
    assert problem == (
        "DATABASE_URL: its tables are from a different version of the bot (revision 0006). "
        "Run that version, or use an empty database."
    )


async def test_a_refused_database_stays_as_it_is(old_database):
    with pytest.raises(ConfigurationError):
        await old_database.migrate()

    async with old_database.read() as connection:
        assert await connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == "0006"
        assert await connection.scalar(sa.text("SELECT count(*) FROM claims")) == 0


def test_the_newest_migration_is_known():
    (folder,) = migrations.__path__
    assert ScriptDirectory(folder).get_current_head() == HEAD


async def test_a_migrated_database_is_of_the_newest_migration(open_empty):
    database = open_empty()
    async with database.read() as connection:
        assert await connection.run_sync(revision_of) is None

    await database.migrate()

    async with database.read() as connection:
        assert await connection.run_sync(revision_of) == HEAD

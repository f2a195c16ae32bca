"""The shared PostgreSQL, the number of parallel tests, and the chaos summary."""

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from bot.store.database import open_database
from tests.chaos.report import pytest_terminal_summary as pytest_terminal_summary
from tests.postgresql import Databases, Missing, databases, empty
from tests.quick import pytest_addoption as pytest_addoption
from tests.quick import pytest_collection_modifyitems as pytest_collection_modifyitems
from tests.quick import pytest_configure as pytest_configure

# Examples are slow now and then on a busy machine, and that is no fault.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_xdist_auto_num_workers() -> int:
    """Three for each core: most stories wait for a socket, a process or a database more than they calculate."""
    return 3 * (os.cpu_count() or 1)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Databases]:
    """Started once per session, and only if a test asks for it."""
    try:
        with databases() as found:
            yield found
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def _with_tables(postgresql: Databases) -> Iterator[str]:
    """One database for all tests that do not need their own: creating a new one takes ten times as long."""

    async def migrate(url: str) -> None:
        database = open_database(url.replace("postgresql:", "postgresql+psycopg:", 1))
        await database.migrate()
        await database.close()

    with postgresql.create() as url:
        asyncio.run(migrate(url))
        yield url


@pytest.fixture
def empty_postgresql_url(postgresql: Databases) -> Iterator[str]:
    """The address of an empty database of this test's own."""
    with postgresql.create() as url:
        yield url


@pytest.fixture
def postgresql_url(_with_tables: str) -> str:
    """The address of a database whose tables are made, and as empty as new ones."""
    empty(_with_tables)
    return _with_tables

"""A database for each test, a stopped clock, and requests to store."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from bot.models import Actor, Call, Destination, DomainTarget, OrderTarget, Recipient, ResendRequest
from bot.store.database import open_database


class StoppedClock:
    """A clock that returns the same moment until a test advances it."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now

    def advance(self, **length):
        self.now += timedelta(**length)


@pytest.fixture
def clock():
    return StoppedClock(datetime(2026, 7, 1, 10, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def _file_with_tables(tmp_path_factory):
    """Return a SQLite file to copy. Creating its tables takes ten times as long as a copy."""
    file = tmp_path_factory.mktemp("template") / "bot.db"

    async def create():
        database = open_database(f"sqlite+aiosqlite:///{file}")
        await database.migrate()
        await database.close()

    asyncio.run(create())
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """Return the URL of a database of each kind with its tables."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("_file_with_tables"), tmp_path / "bot.db")
        return f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    return request.getfixturevalue("postgresql_url").replace("postgresql:", "postgresql+psycopg:", 1)


@pytest.fixture
def empty_database_url(request, database_url, tmp_path):
    """Return the URL of a database of each kind without tables."""
    if database_url.startswith("sqlite"):
        return f"sqlite+aiosqlite:///{tmp_path}/empty.db"
    return request.getfixturevalue("empty_postgresql_url").replace("postgresql:", "postgresql+psycopg:", 1)


@pytest.fixture
def lock_seconds():
    """Return how long a database may take: longer than in production, as these tests share a busy machine."""
    return 15.0


@pytest.fixture
async def open_database_of(lock_seconds):
    """Open a database as another process would: with connections and a queue of its own."""
    opened = []

    def open_it(url):
        opened.append(open_database(url, lock_seconds=lock_seconds))
        return opened[-1]

    yield open_it
    for database in opened:
        await database.close()


@pytest.fixture
def open_another(open_database_of, database_url):
    """Open the same database as another process would."""
    return partial(open_database_of, database_url)


@pytest.fixture
def open_empty(open_database_of, empty_database_url):
    """Open a database that has no tables, as another process would."""
    return partial(open_database_of, empty_database_url)


@pytest.fixture
async def database(open_another):
    return open_another()


@pytest.fixture
def ana():
    return Actor("U0ANA", "T0HOME")


@pytest.fixture
def order_call():
    return Call(OrderTarget(700001), (Recipient("shop.example.com", "admin@example.com", "example.com"),))


@pytest.fixture
def domain_call():
    recipients = (Recipient("example.org", "admin@example.org"), Recipient("example.org", "pki@example.org"))
    return Call(DomainTarget(1234, "example.org"), recipients)


@pytest.fixture
def make_request(ana, order_call, clock):
    """Return a function that makes a request of Ana's with the given changes."""

    def create(request_id="r1", calls=None, actor=ana, at=None, **changes):
        values = {
            "destination": Destination("C0PKI"),
            "subject": "order 700001",
            "locale": "de",
            "reason": None,
            **changes,
        }
        return ResendRequest(id=request_id, actor=actor, calls=calls or (order_call,), at=at or clock(), **values)

    return create

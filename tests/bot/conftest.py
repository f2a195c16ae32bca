"""A database of its own for each test, a clock that stands still, and requests to put in."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from bot.models import Actor, Call, DomainTarget, OrderTarget, Place, Recipient, ResendRequest
from bot.store.db import open_database


class StoppedClock:
    """Tells the same moment until it is moved on."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now

    def advance(self, **length):
        self.now += timedelta(**length)


@pytest.fixture
def clock():
    return StoppedClock(datetime(2026, 7, 1, 10, 0, tzinfo=UTC))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """The address of a database of each kind: a file to be made, and one whose tables were made for all tests."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    return request.getfixturevalue("postgresql_url").replace("postgresql:", "postgresql+psycopg:", 1)


@pytest.fixture
def empty_database_url(request, database_url):
    """The address of a database of each kind that has no tables."""
    if database_url.startswith("sqlite"):
        return database_url
    return request.getfixturevalue("empty_postgresql_url").replace("postgresql:", "postgresql+psycopg:", 1)


@pytest.fixture
async def open_database_of():
    """Open a database as another process would: with connections and a queue of its own."""
    opened = []

    def open_it(url):
        opened.append(open_database(url))
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
    database = open_another()
    await database.migrate()
    return database


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
    """A request of Ana's; what is named is changed."""

    def make(request_id="r1", calls=None, actor=ana, at=None, **changes):
        values = {
            "place": Place("C0PKI"),
            "subject": "order 700001",
            "locale": "de",
            "reason": None,
            **changes,
        }
        return ResendRequest(id=request_id, actor=actor, calls=calls or (order_call,), at=at or clock(), **values)

    return make

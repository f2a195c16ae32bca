"""A database of its own for each test, a clock that stands still, and requests to put in."""

from datetime import UTC, datetime, timedelta

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


@pytest.fixture(params=["sqlite"])
def database_url(request, tmp_path):
    """The address of an empty database; another engine is one more param."""
    return f"{request.param}+aiosqlite:///{tmp_path}/bot.db"


@pytest.fixture
async def open_another(database_url):
    """Open the same database as another process would: with connections and a queue of its own."""
    opened = []

    def open_it():
        opened.append(open_database(database_url))
        return opened[-1]

    yield open_it
    for database in opened:
        await database.close()


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

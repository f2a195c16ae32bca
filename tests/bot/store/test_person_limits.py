"""Recent requests of a person: accepted ones counted in every time span, and found by an index."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.models import Actor, LedgerEvent
from bot.store.ledger.entries import Entry, append
from bot.store.person_limits import reached_limit

BOB = Actor("U0BOB", "T0HOME")


@pytest.fixture
def write(database, clock):
    """Return a function that writes rows of a user, a second apart."""

    async def write_them(actor, *events):
        for event in events:
            async with database.write() as transaction:
                await append(transaction, Entry(event, clock(), actor, detail={"subject": "order 1"}))
            clock.advance(seconds=1)

    return write_them


@pytest.fixture
def ask(database, clock, ana):
    """Return a function that reads Ana's limit in a transaction, as accepting does."""

    async def ask_now(*rates, actor=ana):
        async with database.write() as transaction:
            return await reached_limit(transaction, actor, rates, clock())

    return ask_now


async def test_a_limit_is_reached_with_as_many_requests_as_it_allows(write, ask, ana, clock):
    began = clock()
    await write(ana, LedgerEvent.ACCEPTED, LedgerEvent.ACCEPTED)
    below = await ask((3, 600.0))
    await write(ana, LedgerEvent.ACCEPTED)

    limit = await ask((3, 600.0))

    assert below is None
    assert (limit.requests, limit.span, limit.until) == (3, timedelta(minutes=10), began + timedelta(minutes=10))


async def test_a_person_can_continue_as_the_oldest_of_them_grows_old(write, ask, ana, clock):
    await write(ana, *[LedgerEvent.ACCEPTED] * 3)
    until = (await ask((3, 600.0))).until

    clock.now = until - timedelta(seconds=1)
    before = await ask((3, 600.0))
    clock.now = until

    assert (before.until, await ask((3, 600.0))) == (until, None)


async def test_only_what_was_accepted_of_this_person_counts(write, ask, ana):
    others = (LedgerEvent.DENIED, LedgerEvent.COOLED_DOWN, LedgerEvent.LIMITED, LedgerEvent.SENDING, LedgerEvent.SENT)
    await write(BOB, *[LedgerEvent.ACCEPTED] * 5)
    await write(ana, LedgerEvent.ACCEPTED, *others, LedgerEvent.ACCEPTED)

    assert await ask((3, 600.0)) is None
    assert (await ask((2, 600.0))).requests == 2
    assert (await ask((5, 600.0), actor=BOB)).requests == 5


async def test_of_several_time_spans_the_one_with_the_longest_wait_counts(write, ask, ana, clock):
    began = clock()
    await write(ana, *[LedgerEvent.ACCEPTED] * 4)

    limit = await ask((2, 60.0), (4, 3600.0), (9, 86400.0))

    assert (limit.requests, limit.until) == (4, began + timedelta(hours=1))
    clock.advance(minutes=2)
    assert (await ask((2, 60.0), (4, 3600.0))).requests == 4
    clock.advance(hours=1)
    assert await ask((2, 60.0), (4, 3600.0)) is None


async def test_it_is_recorded_once_until_the_person_can_continue(write, ask, ana, clock):
    await write(ana, *[LedgerEvent.ACCEPTED] * 2)
    first = await ask((2, 600.0))
    await write(BOB, LedgerEvent.LIMITED)
    of_another = await ask((2, 600.0))
    await write(ana, LedgerEvent.LIMITED)
    recorded = await ask((2, 600.0))
    clock.advance(minutes=11)
    await write(ana, *[LedgerEvent.ACCEPTED] * 2)

    again = await ask((2, 600.0))

    assert [each.is_recorded for each in (first, of_another, recorded, again)] == [False, False, True, False]


async def test_without_limits_none_is_reached(write, ask, ana):
    await write(ana, *[LedgerEvent.ACCEPTED] * 2)

    assert await ask() is None


async def test_a_persons_requests_are_found_by_the_index(database, ana, clock, write):
    """A submit must not scan a ledger of years."""
    await write(ana, *[LedgerEvent.ACCEPTED] * 3)
    statements = []
    engine = database._engine.sync_engine  # noqa: SLF001 - the statements are not visible from outside

    @sa.event.listens_for(engine, "before_cursor_execute")
    def record_statement(_, __, statement, parameters, *more):
        statements.append((statement, parameters))

    async with database.write() as transaction:
        if not database.is_sqlite:
            await transaction.execute(sa.text("SET LOCAL enable_seqscan = off"))
        await reached_limit(transaction, ana, [(2, 600.0)], clock())
        for statement, parameters in [each for each in statements if "FROM ledger" in each[0] and "kind" in each[0]]:
            explained = f"EXPLAIN {'QUERY PLAN ' if database.is_sqlite else ''}{statement}"
            plan = str((await transaction.exec_driver_sql(explained, parameters)).all())
            assert "ledger_begins" in plan or "ledger_pkey" in plan or "PRIMARY KEY" in plan, plan
    sa.event.remove(engine, "before_cursor_execute", record_statement)
    assert statements

"""The ledger: a chain without forks that reveals changed rows, with no attempt or result written twice."""

import asyncio

import pytest
import sqlalchemy as sa

from bot.models import OUTCOMES, CallResult, LedgerEvent
from bot.store.ledger.entries import GENESIS, Entry, Ledger, append, row_hash
from bot.store.retry import until_available
from bot.store.schema import ledger, ledger_checkpoints, ledger_head


async def rows_of(database):
    async with database.read() as connection:
        return [dict(row) for row in (await connection.execute(sa.select(ledger).order_by(ledger.c.seq))).mappings()]


async def head_of(database):
    async with database.read() as connection:
        return (await connection.execute(sa.select(ledger_head.c.seq, ledger_head.c.hash))).one()


def flaws(rows):
    """Return the numbers of the rows that break the chain, recomputed from the first row on."""
    broken, prev = [], GENESIS
    for number, row in enumerate(rows, start=1):
        if row["seq"] != number or row["prev"] != prev or row["hash"] != row_hash(row):
            broken.append(number)
        prev = row["hash"]
    return broken


@pytest.fixture
def entry(clock, ana):
    """Return a row about the first call of a request, with the given changes."""

    def create(event, request_id="r1", call_no=0, attempt=1, at=None, **detail):
        return Entry(event, at or clock(), ana, request_id, call_no, attempt, detail)

    return create


@pytest.fixture
def book(database):
    return Ledger(database)


async def test_each_row_carries_the_hash_of_the_one_before(database, book, entry):
    await book.append(Entry(LedgerEvent.DENIED, entry(LedgerEvent.SENT).at, detail={"text": "größer ☃ <!channel>"}))
    await book.append(entry(LedgerEvent.SENDING))
    await book.append(entry(LedgerEvent.SENT, words="fine"))

    rows = await rows_of(database)

    assert [row["kind"] for row in rows] == ["denied", "sending", "sent"]
    assert rows[0]["prev"] == GENESIS
    assert [row["prev"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]
    assert flaws(rows) == []
    assert tuple(await head_of(database)) == (3, rows[-1]["hash"])


async def test_half_a_character_from_broken_json_can_be_written_down(database, book, entry):
    await book.append(entry(LedgerEvent.REFUSED, words="half \ud83d of \x00 an emoji"))

    assert (await book.attempts("r1", 0)).result.message == "half \ud83d of \x00 an emoji"
    assert flaws(await rows_of(database)) == []


async def test_a_hundred_concurrent_writers_do_not_fork_the_chain(database, open_another, entry):
    books = [Ledger(database), Ledger(open_another()), Ledger(open_another())]

    await asyncio.gather(
        *(
            until_available(books[number % 3].append, entry(LedgerEvent.DENIED, request_id=f"r{number}"))
            for number in range(100)
        )
    )

    rows = await rows_of(database)
    assert len(rows) == 100
    assert {row["request_id"] for row in rows} == {f"r{number}" for number in range(100)}
    assert flaws(rows) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET user_id = 'U0EVE' WHERE seq = 1",
        "UPDATE ledger SET seq = 9 WHERE seq = 2",
        "DELETE FROM ledger WHERE seq = 2",
        "DELETE FROM ledger",
        "INSERT OR REPLACE INTO ledger SELECT * FROM ledger WHERE seq = 1",
        "TRUNCATE ledger",
        "TRUNCATE ledger_checkpoints",
        "UPDATE ledger_checkpoints SET seq = 2",
        "DELETE FROM ledger_checkpoints",
    ],
)
async def test_the_database_refuses_to_change_or_remove_what_was_written(database, book, entry, statement):
    if statement.startswith("INSERT OR REPLACE" if not database.is_sqlite else "TRUNCATE"):
        pytest.skip("the other database's own")
    for event in (LedgerEvent.SENDING, LedgerEvent.SENT):
        await book.append(entry(event))
    async with database.write() as transaction:
        await transaction.execute(sa.insert(ledger_checkpoints).values(seq=0, hash=GENESIS, at="", rows=0))
    before = await rows_of(database)

    with pytest.raises(sa.exc.IntegrityError, match="the ledger is only appended to"):
        async with database.write() as transaction:
            await transaction.execute(sa.text(statement))

    assert await rows_of(database) == before
    assert flaws(before) == []


async def test_only_rows_before_a_checkpoint_can_be_removed(database, book, entry):
    for event in (LedgerEvent.SENDING, LedgerEvent.TURNED_AWAY, LedgerEvent.DENIED):
        await book.append(entry(event))
    async with database.write() as transaction:
        await transaction.execute(sa.insert(ledger_checkpoints).values(seq=2, hash="0" * 64, at="", rows=2))

    for refused in ("DELETE FROM ledger WHERE seq = 3", "UPDATE ledger SET kind = 'sent' WHERE seq = 1"):
        with pytest.raises(sa.exc.IntegrityError, match="the ledger is only appended to"):
            async with database.write() as transaction:
                await transaction.execute(sa.text(refused))
    async with database.write() as transaction:
        await transaction.execute(sa.text("DELETE FROM ledger WHERE seq <= 2"))

    assert [row["seq"] for row in await rows_of(database)] == [3]


async def test_one_try_of_a_call_begins_once(database, book, entry):
    await book.append(entry(LedgerEvent.SENDING, attempt=1))

    with pytest.raises(sa.exc.IntegrityError):
        await book.append(entry(LedgerEvent.SENDING, attempt=1))

    await book.append(entry(LedgerEvent.SENDING, attempt=2))
    await book.append(entry(LedgerEvent.SENDING, call_no=1, attempt=1))
    await book.append(entry(LedgerEvent.SENDING, request_id="r2", attempt=1))
    rows = await rows_of(database)
    assert len(rows) == 4
    assert flaws(rows) == []


@pytest.mark.parametrize("second", OUTCOMES)
async def test_a_call_ends_once(database, book, entry, second):
    await book.append(entry(LedgerEvent.SENT))

    with pytest.raises(sa.exc.IntegrityError):
        await book.append(entry(second, attempt=2))

    await book.append(entry(second, call_no=1))
    await book.append(entry(second, request_id="r2"))
    assert flaws(await rows_of(database)) == []


async def test_a_call_may_be_turned_away_often(book, entry):
    for attempt in (1, 2, 3):
        await book.append(entry(LedgerEvent.SENDING, attempt=attempt))
        await book.append(entry(LedgerEvent.TURNED_AWAY, attempt=attempt))

    assert [attempt.closed for attempt in (await book.attempts("r1", 0)).attempts] == [True, True, True]
    assert (await book.attempts("r1", 0)).result is None


async def test_attempts_show_which_one_is_still_open(book, entry, clock):
    await book.append(entry(LedgerEvent.SENDING, attempt=1))
    await book.append(entry(LedgerEvent.TURNED_AWAY, attempt=1))
    clock.advance(seconds=5)
    await book.append(entry(LedgerEvent.SENDING, attempt=2))
    await book.append(entry(LedgerEvent.SENDING, call_no=1, attempt=1))

    attempts = (await book.attempts("r1", 0)).attempts

    assert [(attempt.number, attempt.closed) for attempt in attempts] == [(1, True), (2, False)]


async def test_results_are_returned_by_call(book, entry, clock):
    await book.append(entry(LedgerEvent.ACCEPTED, call_no=None, attempt=None))
    await book.append(entry(LedgerEvent.SENDING))
    await book.append(entry(LedgerEvent.SENT))
    await book.append(entry(LedgerEvent.REFUSED, call_no=2, words="no such order"))
    await book.append(entry(LedgerEvent.UNKNOWN, request_id="r2"))

    results = await book.results("r1")

    assert results == {
        0: CallResult(LedgerEvent.SENT, "", clock.now),
        2: CallResult(LedgerEvent.REFUSED, "no such order", clock.now),
    }
    assert (await book.attempts("r1", 0)).result == results[0]
    assert (await book.attempts("r1", 1)).result is None


async def test_a_row_that_is_rolled_back_makes_no_gap(database, book, entry):
    async def fail():
        async with database.write() as transaction:
            await append(transaction, entry(LedgerEvent.SENDING))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    await book.append(entry(LedgerEvent.SENDING))

    rows = await rows_of(database)
    assert [row["seq"] for row in rows] == [1]
    assert flaws(rows) == []


async def test_append_returns_the_number_of_its_row(database, entry):
    async with database.write() as transaction:
        numbers = [await append(transaction, entry(event)) for event in (LedgerEvent.SENDING, LedgerEvent.SENT)]

    assert numbers == [1, 2]

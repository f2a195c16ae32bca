"""A database of an older version: what stands in its ledger stays as it is, is guarded, and is found."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from bot.models import LedgerEvent
from bot.store import requests
from bot.store.ledger.entries import GENESIS, Entry, Ledger, row_hash
from bot.store.ledger.history import History
from bot.store.schema import canonical, ledger_subjects

DETAILS = (
    {"subject": "order 7", "calls": [{"target": "order 7", "recipients": {"shop.example.com": ["a@example.com"]}}]},
    {"target": "order 7", "words": "gr\xf6\xdfer \u2603"},
    {"action": "look", "status": "name:example.org"},
)


@pytest.fixture
def old_database(open_empty, monkeypatch):
    """A database of the first version, with these rows."""

    async def make(rows):
        def upgrade(connection):
            config = Config()
            config.set_main_option("script_location", str(database.Path(database.__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")

        database = open_empty()
        with monkeypatch.context() as patched:
            patched.setattr(db, "_upgrade", upgrade)
            await database.migrate()
        async with database.write() as transaction:
            await transaction.execute(sa.insert(sa.table("ledger", *map(sa.column, rows[0]))), rows)
            head = {"seq": rows[-1]["seq"], "hash": rows[-1]["hash"]}
            await transaction.execute(sa.text("UPDATE ledger_head SET seq = :seq, hash = :hash"), head)
        return database

    return make


def rows_of(*details, kinds):
    rows, prev = [], GENESIS
    for seq, (detail, kind) in enumerate(zip(details, kinds, strict=True), start=1):
        row = {"seq": seq, "at": "2026-07-01T10:00:00.000000Z", "kind": kind, "request_id": "r1", "call_no": 0}
        row |= {"attempt": 1, "user_id": "U0ANA", "team_id": "T0HOME", "prev": prev}
        row["detail"] = detail if isinstance(detail, str) else canonical(detail)
        rows.append({**row, "hash": (prev := row_hash(row))})
    return rows


async def standing(database):
    async with database.read() as connection:
        found = await connection.execute(sa.text("SELECT * FROM ledger ORDER BY seq"))
        return [dict(row) for row in found.mappings()]


async def keys_of(database):
    async with database.read() as connection:
        found = await connection.execute(sa.select(ledger_subjects).order_by(ledger_subjects.c.seq))
        return {(row.seq, row.key) for row in found}


async def test_what_stands_there_keeps_its_bytes_and_is_found_and_guarded(old_database, make_request, order_call):
    rows = rows_of(*DETAILS, kinds=["accepted", "sent", "denied"])
    database = await old_database(rows)
    async with database.write() as transaction:
        await requests.add(transaction, make_request())

    await database.migrate()
    await Ledger(database).record(Entry(LedgerEvent.DENIED, make_request().at, detail={"subject": "order 8"}))

    assert (await standing(database))[:3] == rows
    assert await keys_of(database) == {
        (1, "order:7"),
        (1, "name:shop.example.com"),
        (1, "name:example.com"),
        (2, "order:7"),
        (3, "name:example.org"),
        (4, "order:8"),
    }
    assert [each.outcome for each in (await History(database).last([7])).values()] == [LedgerEvent.SENT]
    with pytest.raises(sa.exc.IntegrityError):
        async with database.write() as transaction:
            await transaction.execute(sa.text("DELETE FROM ledger WHERE seq = 1"))


async def test_a_row_that_somebody_spoilt_does_not_stop_the_start(old_database):
    rows = rows_of("no JSON", "[]", DETAILS[1], kinds=["denied"] * 3)
    database = await old_database(rows)

    await database.migrate()

    assert await standing(database) == rows
    assert await keys_of(database) == {(3, "order:7")}


async def test_thousands_of_rows_are_found(old_database):
    details = [{"target": f"order {number}"} for number in range(1, 2502)]
    database = await old_database(rows_of(*details, kinds=["denied"] * len(details)))

    await database.migrate()

    assert len(await keys_of(database)) == 2501

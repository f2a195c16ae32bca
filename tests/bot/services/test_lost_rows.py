"""Rows missing at the end of a restored SQLite database are detected by the file that records the newest row."""

import asyncio
import json
import shutil
from datetime import UTC, datetime

import pytest

from bot.errors import ConfigurationError
from bot.models import Actor, LedgerEvent
from bot.services.operations.ledger_audit import verify
from bot.store.database import open_database
from bot.store.ledger.entries import Entry, Ledger
from bot.store.ledger.hash_chain import ChainBroken

pytestmark = pytest.mark.fault("L3")

AT = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def url(folder):
    return f"sqlite+aiosqlite:///{folder}/bot.db"


async def write(folder, count, who="U0ANA"):
    """Open the database, write rows, and close it. Its last writes are then in the file itself."""
    database = open_database(url(folder))
    await database.migrate()
    await record(database, count, who)
    await database.close()


async def record(database, count, who="U0ANA"):
    for _ in range(count):
        await Ledger(database).append(Entry(LedgerEvent.DENIED, AT, Actor(who, "T0HOME")))


async def until_noted(folder, seq):
    """Wait until the file beside the database records this row."""
    file = folder / "bot.db.head"
    async with asyncio.timeout(5.0):
        while file.exists() and json.loads(file.read_bytes())["seq"] != seq:  # noqa: ASYNC110 - a file sends no event
            await asyncio.sleep(0.005)


async def test_a_copy_without_its_write_ahead_log_lacks_rows(folder, tmp_path):
    await write(folder, 3)
    database = open_database(url(folder))
    await record(database, 2)
    copy = tmp_path / "copy"
    await until_noted(folder, 5)
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    await database.close()

    assert (await verify(url(folder))).rows == 5
    with pytest.raises(ChainBroken, match=r"Row 4 is invalid: it's missing, and .*bot\.db\.head names row 5\."):
        await verify(url(copy))


async def test_an_older_copy_that_was_put_back_lacks_rows(folder, tmp_path):
    await write(folder, 3)
    shutil.copy(folder / "bot.db", tmp_path / "backup.db")
    await write(folder, 2)

    shutil.copy(tmp_path / "backup.db", folder / "bot.db")

    with pytest.raises(ChainBroken, match=r"Row 4 is invalid: it's missing, and .* names row 5\."):
        await verify(url(folder))


async def test_an_older_copy_that_went_on_with_other_rows_shows_too(folder, tmp_path):
    await write(folder, 3)
    shutil.copy(folder / "bot.db", tmp_path / "backup.db")
    await write(folder, 2)
    head = (folder / "bot.db.head").read_bytes() if (folder / "bot.db.head").exists() else b""
    shutil.copy(tmp_path / "backup.db", folder / "bot.db")
    await write(folder, 4, "U0BEN")

    (folder / "bot.db.head").write_bytes(head)

    with pytest.raises(ChainBroken, match=r"Row 5 is invalid: it isn't the row that .* names\."):
        await verify(url(folder))


async def test_a_database_that_is_ahead_of_the_file_is_in_order(folder):
    await write(folder, 3)
    head = (folder / "bot.db.head").read_bytes()
    await write(folder, 2)

    (folder / "bot.db.head").write_bytes(head)

    found = await verify(url(folder))
    assert (found.rows, found.missing_file) == (5, None)


async def test_without_the_file_that_is_said(folder):
    await write(folder, 3)
    (folder / "bot.db.head").unlink()

    assert (await verify(url(folder))).missing_file == folder / "bot.db.head"


@pytest.mark.parametrize("noted", [b"", b"{", b"[]", b"null", b'{"seq": "x", "hash": ""}', b"\xff"])
async def test_a_file_that_cannot_be_read_is_named(folder, noted):
    await write(folder, 1)
    (folder / "bot.db.head").write_bytes(noted)

    with pytest.raises(ConfigurationError, match=r"bot\.db\.head can't be read\. Remove it if you know why"):
        await verify(url(folder))


async def test_the_file_follows_many_writers_at_once(folder):
    database = open_database(url(folder))
    await database.migrate()

    await asyncio.gather(*(record(database, 5) for _ in range(4)))
    await until_noted(folder, 20)
    await database.close()

    assert sorted(file.name for file in folder.iterdir()) == ["bot.db", "bot.db.head"]

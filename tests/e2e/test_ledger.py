"""`dcv-resend ledger`: verified, exported and pruned from a terminal, beside a bot that goes on."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.models import Actor, LedgerEvent
from bot.store.database import open_database
from bot.store.ledger.entries import Entry, Ledger
from bot.store.retry import until_available
from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import ON_BOTH, Rows, is_chained, looking_into, resend, sees_end, start_again
from tests.forked_bot import ForkedBot

ORDER = 700001
TAKES = 30.0
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

MakeBot = Callable[..., BotProcess]


@dataclass(frozen=True)
class Said:
    """What the command said."""

    status: int
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


Terminal = Callable[..., Awaitable[Said]]


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Terminal:
    """Type `dcv-resend ledger …`, with the database's address and no other setting."""
    folder = tmp_path / "auditor"
    folder.mkdir()
    count = iter(range(100))

    async def run(*words: str, url: str = database_url) -> Said:
        log = folder / f"{next(count)}.log"
        process = ForkedBot({"DATABASE_URL": url}, log, ("dcv-resend", "ledger", *words))
        await process.start()
        return Said(await process.wait_for_exit(TAKES), process.log)

    return run


@pytest.fixture
async def old_rows(database_url: str) -> int:
    """Fifty refusals of long ago."""
    url = database_url.replace("sqlite:", "sqlite+aiosqlite:").replace("postgresql:", "postgresql+psycopg:")
    database = open_database(url)
    await database.migrate()
    for _ in range(50):
        await until_available(Ledger(database).append, Entry(LedgerEvent.DENIED, LONG_AGO, Actor("U0EVE", "T0HOME")))
    await database.close()
    return 50


@ON_BOTH
async def test_it_is_verified_exported_and_pruned_beside_a_bot_that_goes_on(
    old_rows: int,
    bot: BotProcess,
    terminal: Terminal,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    certcentral.add_order(ORDER + 1, ["www.example.com"])
    await resend(ana, ORDER, pki)
    await sees_end(slack, pki, ORDER)
    kept = ledger()[-1]["hash"]

    verified = await terminal("verify", "--head", kept)
    asked = await terminal("prune", "--before", "2026-02-01")
    pruned = await terminal("prune", "--before", "2026-02-01", "--yes")
    await resend(ana, ORDER + 1, pki)
    await sees_end(slack, pki, ORDER + 1)
    again = await terminal("verify", "--head", kept)
    exported = await terminal("export")

    rows = ledger()
    assert (verified.status, verified.lines[0]) == (
        0,
        f"OK: {old_rows + 3} rows verified (2026-01-01T00:00:00.000000Z to {rows[2]['at']}). Head: {kept}.",
    )
    assert verified.lines[1].startswith(f"Row {old_rows + 3} has the hash {kept},")
    assert (asked.status, asked.lines) == (
        2,
        [
            f"{old_rows} rows older than 2026-02-01T00:00:00.000000Z can be deleted, up to row {old_rows}.",
            "Nothing was deleted. Add --yes to delete these rows permanently.",
        ],
    )
    assert (pruned.status, pruned.lines[1:]) == (
        0,
        [f"Deleted {old_rows} rows. The chain continues from row {old_rows + 1}."],
    )
    assert [row["kind"] for row in rows] == ["accepted", "sending", "sent", "pruned", "accepted", "sending", "sent"]
    assert (again.status, again.lines[0].split(" (")[0]) == (0, "OK: 7 rows verified")
    assert "Pruned up to row 50" in again.text
    first, *lines, last = map(json.loads, exported.lines)
    assert [{**line, "detail": json.loads(line["detail"])} for line in lines] == rows
    assert (first["after"]["seq"], last["head"]["hash"]) == (old_rows, rows[-1]["hash"])
    assert not is_chained(rows)
    assert bot.log.count("Traceback") == 0
    assert slack.problems == []


@pytest.fixture
async def logging_bot(bot: BotProcess) -> BotProcess:
    """A bot that has logged its first head."""
    await logs_its_head(bot)
    return bot


async def test_the_head_is_in_the_log_from_the_start(
    logging_bot: BotProcess, old_rows: int, make_bot: MakeBot, slack: Slack, ledger: Rows
) -> None:
    assert await logging_bot.stop() == 0
    await slack.wait_for(lambda: slack.sockets == 0, "the socket to close", 20.0)
    second = make_bot()
    await second.start()
    await logs_its_head(second)

    heads = [
        [json.loads(line) for line in each.log.splitlines() if '"ledger head"' in line]
        for each in (logging_bot, second)
    ]

    assert [[(line["seq"], line["hash"]) for line in some] for some in heads] == [
        [(0, "0" * 64)],
        [(old_rows, ledger()[-1]["hash"])],
    ]


async def logs_its_head(bot: BotProcess) -> None:
    async with asyncio.timeout(60.0):
        while "ledger head" not in bot.log:  # noqa: ASYNC110 - a file tells nobody that it grew
            await asyncio.sleep(0.1)


@ON_BOTH
async def test_what_does_not_fit_is_named_and_nothing_of_it_is_pruned(
    old_rows: int, terminal: Terminal, database_url: str
) -> None:
    change_row(database_url, 7)

    answers = [await terminal("verify"), await terminal("prune", "--before", "2026-02-01", "--yes")]

    assert [answer.status for answer in answers] == [1, 1]
    assert answers[0].lines == ["Row 7 is invalid: its content doesn't match its hash, so it was modified."]
    assert answers[1].text == f"{answers[0].lines[0]} Nothing was deleted.\n"
    with looking_into(database_url) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM ledger")) == old_rows


def change_row(database_url: str, seq: int) -> None:
    """Change a row as a user with write access to the tables could."""
    engine = sa.create_engine(database_url.replace("postgresql:", "postgresql+psycopg:", 1), poolclass=sa.NullPool)
    is_sqlite = engine.dialect.name == "sqlite"
    off = "DROP TRIGGER ledger_is_not_changed" if is_sqlite else "ALTER TABLE ledger DISABLE TRIGGER USER"
    with engine.begin() as connection:
        connection.execute(sa.text(off))
        connection.execute(sa.text("UPDATE ledger SET user_id = 'U0ANA' WHERE seq = :seq"), {"seq": seq})


async def test_what_cannot_be_read_or_must_not_go_is_said_without_a_traceback(
    old_rows: int, terminal: Terminal, tmp_path: Path
) -> None:
    lately = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    missing = f"sqlite:///{tmp_path}/missing.db"

    answers = [
        await terminal("verify", url=missing),
        await terminal("export", url="mysql://made-up-password@host"),
        await terminal("prune", "--before", lately, "--yes"),
        await terminal("verify", url="postgresql://bot:made-up-password@127.0.0.1:1/none"),
    ]

    assert [answer.status for answer in answers] == [2, 2, 2, 2]
    assert [len(answer.lines) for answer in answers] == [1, 1, 1, 1]
    assert answers[0].lines == [f"DATABASE_URL: there is no file {tmp_path}/missing.db."]
    assert answers[2].lines[0].startswith("--before must be at least 30 days ago")
    assert not any("made-up-password" in answer.text for answer in answers)
    assert "missing.db" not in os.listdir(tmp_path)


async def test_a_read_command_changes_nothing_in_the_database(
    old_rows: int, terminal: Terminal, tmp_path: Path
) -> None:
    before = files(tmp_path)

    answers = [await terminal("verify"), await terminal("export"), await terminal("prune", "--before", "2026-02-01")]

    assert [answer.status for answer in answers] == [0, 0, 2]
    assert files(tmp_path) == before


def files(folder: Path) -> dict[str, bytes]:
    """All that belongs to the bot's database; an empty log and the index of a log hold no data."""
    found = {path.name: path.read_bytes() for path in folder.glob("bot.db*") if not path.name.endswith("-shm")}
    return {name: content for name, content in found.items() if content or not name.endswith("-wal")}


@pytest.mark.fault("L3")
async def test_rows_that_were_lost_show_at_the_start_and_to_who_verifies(
    bot: BotProcess,
    terminal: Terminal,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    tmp_path: Path,
) -> None:
    for number, name in enumerate(("shop.example.com", "www.example.com")):
        certcentral.add_order(ORDER + number, [name])
    await resend(ana, ORDER, pki)
    await sees_end(slack, pki, ORDER)
    await bot.stop()
    await start_again(bot, slack)
    await resend(ana, ORDER + 1, pki)
    await sees_end(slack, pki, ORDER + 1)
    await bot.kill()
    complete = await terminal("verify")

    for file in ("bot.db-wal", "bot.db-shm"):
        (tmp_path / file).unlink()
    lost = await terminal("verify")
    await start_again(bot, slack)
    await bot.stop()
    still = await terminal("verify")
    (tmp_path / "bot.db.head").unlink()
    accepted = await terminal("verify")

    assert (complete.status, complete.lines[0].split()[:2]) == (0, ["OK:", "6"])
    assert (lost.status, still.status, accepted.status) == (1, 1, 0)
    assert lost.text.startswith("Row 4 is invalid: it's missing, and ")
    assert "bot.db.head names row 6. The database was copied without its -wal file, or" in lost.text
    assert f"There is no file {tmp_path}/bot.db.head, so rows lost at the end can't be detected" in accepted.text
    assert bot.log.count("rows of the audit log were lost") == 1

"""A look at the database from outside, which changes nothing: not a table, not a file, not a running bot's lock."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from bot.errors import CannotStart
from bot.store import postgresql
from bot.store.database_file import another_name, has_another_name, lock_file, sqlite_file, who_holds
from bot.store.db import told_to_the_operator
from bot.store.exclusive import describe
from bot.store.instances import DEAD_SECONDS

_MIGRATIONS = Path(__file__).parent / "migrations"


class Tables(Enum):
    """How the tables stand to this version of the bot."""

    MISSING = auto()
    BEHIND = auto()
    UP_TO_DATE = auto()
    UNKNOWN = auto()
    """Of a newer version of the bot, or of another program."""
    HIDDEN = auto()
    """The last writes wait in a file that cannot be read without writing; only a start can tell."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a look found; `where` names file or host without a password, `running` the process that has the file.

    `instances` are the names of those that run on a server, `revision` is that of the tables, `head` the one that this
    version of the bot makes.
    """

    where: str
    tables: Tables
    revision: str | None
    head: str
    running: str | None = None
    instances: tuple[str, ...] = ()


async def inspect(url: str, migrations: Path = _MIGRATIONS) -> Inspection:
    """Look at the database of an async SQLAlchemy URL; CannotStart where the bot could not use it."""
    scripts = ScriptDirectory(str(migrations))
    file = sqlite_file(url)
    if file is None:
        async with _reading(sa.make_url(url)) as connection:
            revision, names = await connection.run_sync(_revision), await _instances(connection)
        return replace(_found(scripts, describe(url), revision), instances=names)
    _require_writable(file)
    running = who_holds(file)
    if not file.exists():
        return _found(scripts, str(file), None, running)
    if (mode := _harmless_mode(file)) is None:
        return replace(_found(scripts, str(file), None, running), tables=Tables.HIDDEN)
    async with _reading(_read_only(file, mode)) as connection:
        return _found(scripts, str(file), await connection.run_sync(_revision), running)


@asynccontextmanager
async def looking(url: str) -> AsyncIterator[AsyncConnection]:
    """One unchanging view of the database, whatever a bot writes meanwhile; CannotStart where there is none to be had.

    Only of tables of this very version. What SQLite holds is text, or what cannot be read as text with its odd bytes
    marked: a look must not fail over a row that somebody spoilt.
    """
    file = sqlite_file(url)
    readable, before = (_readable(file), _stamp(file)) if file else (sa.make_url(url), None)
    try:
        async with _reading(readable) as connection:
            if file is None:
                await connection.execution_options(isolation_level="REPEATABLE READ")
            else:
                await connection.exec_driver_sql("BEGIN")
            _require_up_to_date(describe(url), await connection.run_sync(_revision))
            yield connection
    finally:
        if file and readable.query.get("immutable") and _stamp(file) != before:
            raise CannotStart([f"DATABASE_URL: a bot began to write to {file} during the look. Look again."])


def _readable(file: Path) -> sa.URL:
    if not file.exists():
        raise CannotStart([f"DATABASE_URL: there is no file {file}."])
    if (mode := _harmless_mode(file)) is None:
        raise CannotStart(
            [f"DATABASE_URL: the last writes to {file} wait in a file that only a start of the bot reads."]
        )
    return _read_only(file, mode)


def _read_only(file: Path, mode: dict[str, str]) -> sa.URL:
    return sa.URL.create("sqlite+aiosqlite", database=f"file:{quote(str(file))}", query={**mode, "uri": "true"})


def _stamp(file: Path) -> tuple[int, int, bool]:
    """What changes when a bot starts on a file."""
    seen = file.stat()
    return seen.st_mtime_ns, seen.st_size, file.with_name(f"{file.name}-wal").exists()


def _require_up_to_date(where: str, revision: str | None) -> None:
    found = _found(ScriptDirectory(str(_MIGRATIONS)), where, revision)
    if found.tables is not Tables.UP_TO_DATE:
        mend = {
            Tables.MISSING: "has no ledger yet",
            Tables.BEHIND: f"is of an older version ({revision}); a start of this bot brings it up to date",
            Tables.UNKNOWN: f"is of a newer version ({revision}) than this program",
        }[found.tables]
        raise CannotStart([f"DATABASE_URL: {where} {mend}."])


def _harmless_mode(file: Path) -> dict[str, str] | None:
    """How to open a file so that SQLite makes no other beside it; None where it would.

    Source: sqlite.org, "Write-Ahead Logging", section 5, "Read-Only Databases".
    """
    log, index = (file.with_name(f"{file.name}-{ending}") for ending in ("wal", "shm"))
    if not log.exists():
        return {"mode": "ro", "immutable": "1"}
    return {"mode": "ro"} if index.exists() else None


@asynccontextmanager
async def _reading(url: sa.URL) -> AsyncIterator[AsyncConnection]:
    server = {} if url.get_backend_name() == "sqlite" else {"connect_args": postgresql.connect_args("look")}
    engine = create_async_engine(url, poolclass=NullPool, **server)
    if not server:
        sa.event.listen(engine.sync_engine, "connect", _take_any_text)
    try:
        with told_to_the_operator():
            async with engine.connect() as connection:
                await connection.execution_options(postgresql_readonly=True)
                yield connection
    finally:
        await engine.dispose()


async def _instances(connection: AsyncConnection) -> tuple[str, ...]:
    """The names of those that showed lately that they live."""
    if await connection.scalar(sa.text("SELECT to_regclass('instances')")) is None:
        return ()
    alive = "SELECT name FROM instances WHERE seen_at > clock_timestamp() - make_interval(secs => :seconds) ORDER BY 1"
    return tuple((await connection.execute(sa.text(alive), {"seconds": DEAD_SECONDS})).scalars())


def _take_any_text(connection: Any, _: Any) -> None:
    connection.driver_connection.text_factory = lambda text: text.decode(errors="surrogateescape")


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _found(scripts: ScriptDirectory, where: str, revision: str | None, running: str | None = None) -> Inspection:
    head = scripts.get_current_head() or ""
    if revision in (None, head):
        tables = Tables.UP_TO_DATE if revision else Tables.MISSING
    else:
        known = {script.revision for script in scripts.walk_revisions()}
        tables = Tables.BEHIND if revision in known else Tables.UNKNOWN
    return Inspection(where, tables, revision, head, running)


def _require_writable(file: Path) -> None:
    if not file.parent.is_dir():
        raise CannotStart([f"DATABASE_URL: the folder {file.parent} is not there. Make it, or name another file."])
    for path in (file.parent, file, lock_file(file)):
        if path.exists() and not os.access(path, os.W_OK):
            raise CannotStart([f"DATABASE_URL: the bot may not write to {path}. Let it, or name another file."])
    if has_another_name(file):
        raise another_name(file)

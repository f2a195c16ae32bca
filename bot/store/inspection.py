"""Read-only inspection of the database, which changes no row and no table and does not disturb a running bot."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from bot.errors import ConfigurationError
from bot.store import postgresql
from bot.store.cluster.join import describe
from bot.store.cluster.leases import INSTANCE
from bot.store.database import NAME_ANOTHER, startup_errors
from bot.store.database_file import another_name, has_another_name, lock_file, sqlite_file, who_holds
from bot.store.migrations import revision_of

_MIGRATIONS = Path(__file__).parent / "migrations"
_START_ONCE = "Start the bot once, and try again while it runs."


class Tables(Enum):
    """The state of the tables for this version of the bot."""

    MISSING = auto()
    BEHIND = auto()
    UP_TO_DATE = auto()
    UNKNOWN = auto()
    """Made by a newer version of the bot, or by another program."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """The result of an inspection.

    `where` names the file or the host, without a password. `running` is the process that uses the file. `instances` are
    the names of the instances that run on a server. `revision` is that of the tables, `head` that of this version.
    """

    where: str
    tables: Tables
    revision: str | None
    head: str
    running: str | None = None
    instances: tuple[str, ...] = ()


async def inspect(url: str, migrations: Path = _MIGRATIONS) -> Inspection:
    """Inspect the database of an async SQLAlchemy URL. Raises ConfigurationError if the bot could not use it."""
    file, running = sqlite_file(url), None
    if file:
        _require_writable(file)
        running = who_holds(file)
        if not file.exists():
            return _found(migrations, describe(url), None, running)
    async with _reading(url, file) as connection:
        revision = await connection.run_sync(revision_of)
        instances = () if file else await _instances(connection)
    return _found(migrations, describe(url), revision, running, instances)


@asynccontextmanager
async def read_snapshot(url: str) -> AsyncIterator[AsyncConnection]:
    """Open one unchanging view of the database, whatever a bot writes meanwhile.

    Bytes that are not UTF-8 in a SQLite file are read as surrogates: one damaged row must not stop the inspection.
    Raises ConfigurationError if the database cannot be opened or its tables are not those of this version.
    """
    file = sqlite_file(url)
    if file and not file.exists():
        raise ConfigurationError([f"DATABASE_URL: there is no file {file}."])
    async with _reading(url, file) as connection:
        if file is None:
            await connection.execution_options(isolation_level="REPEATABLE READ")
        else:
            await connection.exec_driver_sql("BEGIN")
        _require_up_to_date(describe(url), await connection.run_sync(revision_of))
        yield connection


def _require_up_to_date(where: str, revision: str | None) -> None:
    found = _found(_MIGRATIONS, where, revision)
    if found.tables is not Tables.UP_TO_DATE:
        mend = {
            Tables.MISSING: "has no audit log yet",
            Tables.BEHIND: f"is from an older version ({revision}). Start this bot to migrate it",
            Tables.UNKNOWN: f"is from a newer version ({revision}) than this program",
        }[found.tables]
        raise ConfigurationError([f"DATABASE_URL: {where} {mend}."])


@asynccontextmanager
async def _reading(url: str, file: Path | None) -> AsyncIterator[AsyncConnection]:
    """Connect for reading only. SQLite needs the `-wal` and `-shm` files, and creates them if it may.

    Source: sqlite.org, "Write-Ahead Logging", section 5, "Read-Only Databases".
    """
    if file:
        query = {"mode": "ro", "uri": "true"}
        target = sa.URL.create("sqlite+aiosqlite", database=f"file:{quote(str(file))}", query=query)
        engine = create_async_engine(target, poolclass=NullPool)
        sa.event.listen(engine.sync_engine, "connect", _decode_any_text)
    else:
        engine = create_async_engine(url, poolclass=NullPool, connect_args=postgresql.connect_args("look"))
    try:
        with startup_errors(_START_ONCE if file else NAME_ANOTHER):
            async with engine.connect() as connection:
                await connection.execution_options(postgresql_readonly=True)
                yield connection
    finally:
        await engine.dispose()


async def _instances(connection: AsyncConnection) -> tuple[str, ...]:
    """Return the names of the instances whose lease has not expired."""
    if await connection.scalar(sa.text("SELECT to_regclass('leases')")) is None:
        return ()
    names = "SELECT name FROM leases WHERE starts_with(name, :prefix) AND expires_at > clock_timestamp() ORDER BY 1"
    found = (await connection.execute(sa.text(names), {"prefix": INSTANCE})).scalars()
    return tuple(name.removeprefix(INSTANCE) for name in found)


def _decode_any_text(connection: Any, _: Any) -> None:
    connection.driver_connection.text_factory = lambda text: text.decode(errors="surrogateescape")


def _found(
    migrations: Path, where: str, revision: str | None, running: str | None = None, instances: tuple[str, ...] = ()
) -> Inspection:
    # Imported here because Alembic takes long to import, and a bot that serves needs this only to prune its ledger.
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(migrations))
    head = scripts.get_current_head() or ""
    if revision in (None, head):
        tables = Tables.UP_TO_DATE if revision else Tables.MISSING
    else:
        known = {script.revision for script in scripts.walk_revisions()}
        tables = Tables.BEHIND if revision in known else Tables.UNKNOWN
    return Inspection(where, tables, revision, head, running, instances)


def _require_writable(file: Path) -> None:
    if not file.parent.is_dir():
        raise ConfigurationError(
            [f"DATABASE_URL: the folder {file.parent} doesn't exist. Create it, or use a different file."]
        )
    for path in (file.parent, file, lock_file(file)):
        if path.exists() and not os.access(path, os.W_OK):
            raise ConfigurationError(
                [f"DATABASE_URL: the bot can't write to {path}. Change its permissions, or use a different file."]
            )
    if has_another_name(file):
        raise another_name(file)

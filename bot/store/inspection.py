"""A look at the database from outside, which changes nothing: not a table, not a file, not a running bot's lock."""

import fcntl
import os
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from bot.errors import CannotStart
from bot.store.db import lock_file, sqlite_file, told_to_the_operator

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
    """What a look found; `where` names file or host without a password, `running` whom the file's lock belongs to.

    `revision` is that of the tables, `head` the one that this version of the bot makes.
    """

    where: str
    tables: Tables
    revision: str | None
    head: str
    running: str | None = None


async def inspect(url: str, migrations: Path = _MIGRATIONS) -> Inspection:
    """Look at the database of an async SQLAlchemy URL; CannotStart where the bot could not use it."""
    scripts = ScriptDirectory(str(migrations))
    file = sqlite_file(url)
    if file is None:
        return _found(scripts, _host(sa.make_url(url)), await _revision(sa.make_url(url)))
    _require_writable(file)
    if not file.exists():
        return _found(scripts, str(file), None)
    # To read beside a write-ahead log SQLite needs its index and would make one; without a log it needs none.
    if not _beside(file, "wal").exists():
        mode = {"mode": "ro", "immutable": "1"}
    elif _beside(file, "shm").exists():
        mode = {"mode": "ro"}
    else:
        return replace(_found(scripts, str(file), None, _running(file)), tables=Tables.HIDDEN)
    readable = sa.URL.create("sqlite+aiosqlite", database=f"file:{quote(str(file))}", query={**mode, "uri": "true"})
    return _found(scripts, str(file), await _revision(readable), _running(file))


async def _revision(url: sa.URL) -> str | None:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        with told_to_the_operator():
            async with engine.connect() as connection:
                await connection.execution_options(postgresql_readonly=True)
                return await connection.run_sync(lambda it: MigrationContext.configure(it).get_current_revision())
    finally:
        await engine.dispose()


def _found(scripts: ScriptDirectory, where: str, revision: str | None, running: str | None = None) -> Inspection:
    head = scripts.get_current_head() or ""
    if revision in (None, head):
        tables = Tables.UP_TO_DATE if revision else Tables.MISSING
    else:
        known = {script.revision for script in scripts.walk_revisions()}
        tables = Tables.BEHIND if revision in known else Tables.UNKNOWN
    return Inspection(where, tables, revision, head, running)


def _host(url: sa.URL) -> str:
    host = url.host or url.query.get("host") or "this machine"
    port = f":{url.port}" if url.port else ""
    return f"PostgreSQL {url.database or ''} on {host}{port}"


def _require_writable(file: Path) -> None:
    if not file.parent.is_dir():
        raise CannotStart([f"DATABASE_URL: the folder {file.parent} is not there. Make it, or name another file."])
    for path in (file.parent, file, lock_file(file)):
        if path.exists() and not os.access(path, os.W_OK):
            raise CannotStart([f"DATABASE_URL: the bot may not write to {path}. Let it, or name another file."])


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(f"{file.name}-{ending}")


def _running(file: Path) -> str | None:
    """The process id of the bot that runs on a file; None where nobody holds its lock."""
    try:
        lock = lock_file(file).open(encoding="ascii")
    except FileNotFoundError:
        return None
    with lock:
        try:
            # Shared and for a moment: two who look do not see each other, and a bot that starts now tries again.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return lock.read(20).strip()
    return None

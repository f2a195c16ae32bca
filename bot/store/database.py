"""The database: one engine, its migrations, and its transactions (`write`, `read` and `write_unlocked`)."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import CommitUnknown, ConfigurationError, DatabaseUnavailable, StoreUnavailable
from bot.fair_share import FairLock
from bot.store import postgresql
from bot.store.database_file import SameFile, pinned, sqlite_file
from bot.store.head_file import HeadFile
from bot.store.migrations import HEAD, revision_of

# A writer may wait this long twice: for the writers of this process, then for those of others. A submit has 2 s in all.
LOCK_SECONDS = 0.95
ANSWER_SECONDS = 2 * LOCK_SECONDS
# The key under which a connection's `info` holds the newest ledger row that its transaction wrote.
NEWEST = "newest row"
_MIGRATION_LOCK = 0x6463765F7265
# A migration may wait for that of another process, and may take long itself.
_MIGRATION_SECONDS = 60.0
_UNHURRIED = {
    "lock_timeout": f"{_MIGRATION_SECONDS:.0f}s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
# PostgreSQL's states for a user who may not create tables. None is the driver's, for an address that it cannot parse.
_NOT_ALLOWED = ("42501", "3F000", None)
_SQLITE_IS_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
NAME_ANOTHER = "Use one that the bot can open."
_BUGS = (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError)
_SORRY = "Nothing was sent, because the database didn't respond. Try again in a moment."
_IN_DOUBT = (
    "I lost the database while saving your request, so it may still go through. "
    "Wait a minute, and check the channel before you try again."
)


# The type that `write()` and `read()` yield, for modules that only pass it on.
Transaction = AsyncConnection


class Database:
    """One SQLite file or one PostgreSQL database. Every statement of the bot runs in one of its transactions."""

    def __init__(self, engine: AsyncEngine, file: SameFile | None, lock_seconds: float) -> None:
        self._engine = engine
        self._lock_seconds = lock_seconds
        self._file = file
        self.head_file = HeadFile(file.path) if file else None
        self._writing = FairLock()
        self._silent_until = 0.0

    @property
    def is_sqlite(self) -> bool:
        """True if the database is a file on this host."""
        return self._engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that holds the write lock from its start, so that what it reads cannot change meanwhile.

        On SQLite it begins with BEGIN IMMEDIATE. On PostgreSQL it locks the ledger's head row. Never call the workflow
        engine in here: on SQLite that would wait for this very lock. Raises StoreUnavailable if the database does not
        answer in time, CommitUnknown if the connection is lost before the server has confirmed the commit.
        """
        until = asyncio.get_running_loop().time() + 2 * self._lock_seconds
        async with self._writer_lock(), self._begin(until, writes=True) as connection:
            yield connection

    @asynccontextmanager
    async def read(self, seconds: float | None = None) -> AsyncIterator[AsyncConnection]:
        """Open a transaction for reading. On PostgreSQL it is aborted after `seconds`, or after those of a write.

        Raises StoreUnavailable if the database does not answer in time.
        """
        until = asyncio.get_running_loop().time() + (seconds or 2 * self._lock_seconds)
        async with self._begin(until, writes=False) as connection:
            yield connection

    async def rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """Return the rows of a query, in a transaction of its own. Raises StoreUnavailable, as `read` does."""
        async with self.read() as connection:
            found: Sequence[sa.Row[Any]] = (await connection.execute(query)).all()
        return found

    async def run(self, *statements: sa.Executable) -> None:
        """Run statements without results in one transaction, all or none. Raises the errors of `write`."""
        async with self.write() as transaction:
            for statement in statements:
                await transaction.execute(statement)

    @asynccontextmanager
    async def write_unlocked(self, seconds: float | None = None) -> AsyncIterator[AsyncConnection]:
        """Open a PostgreSQL transaction without the ledger's write lock, so that it waits for no other writer.

        Only for tables that no row of the ledger depends on.
        """
        async with self.read(seconds) as connection:
            yield connection

    async def migrate(self) -> None:
        """Bring the tables up to date. Several processes may do so at once.

        Raises ConfigurationError if the database cannot be opened, DatabaseUnavailable if that may be temporary.
        """
        with startup_errors():
            await self._migrate()

    async def _migrate(self) -> None:
        async with self._engine.connect() as connection:
            await connection.execution_options(writes=True)
            if self.is_sqlite:
                await _wait_for_others(connection, _MIGRATION_SECONDS)
            async with connection.begin():
                if not self.is_sqlite:
                    await connection.execute(sa.text(postgresql.settings(_UNHURRIED, for_transaction=True)))
                    await connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
                await connection.run_sync(_upgrade)
            if self.is_sqlite:
                await _wait_for_others(connection, self._lock_seconds)

    async def connect(self) -> None:
        """Connect once, to check the address.

        Raises ConfigurationError if the database cannot be opened, DatabaseUnavailable if that may be temporary.
        """
        with startup_errors():
            async with asyncio.timeout(3 * postgresql.CONNECT_SECONDS), self._engine.connect():
                return

    async def close(self) -> None:
        """Close every connection, and wait until the head file is written."""
        await self._engine.dispose()
        if self.head_file:
            await self.head_file.close()

    @asynccontextmanager
    async def _writer_lock(self) -> AsyncIterator[None]:
        """Queue the writers of this process in memory, fairly by person: SQLite itself only polls for the lock."""
        try:
            async with asyncio.timeout(self._lock_seconds):
                await self._writing.acquire()
        except TimeoutError as error:
            raise StoreUnavailable(_SORRY) from error
        try:
            yield
        finally:
            self._writing.release()

    @asynccontextmanager
    async def _begin(self, until: float, *, writes: bool) -> AsyncIterator[AsyncConnection]:
        with _translated():
            async with self._connected(until, writes=writes) as connection, connection.begin() as transaction:
                if writes and not self.is_sqlite:
                    await connection.execute(sa.text("SELECT 1 FROM ledger_head FOR UPDATE"))
                connection.info.pop(NEWEST, None)
                yield connection
                newest = connection.info.pop(NEWEST, None)
                with _commit_unknown() if writes else nullcontext():
                    await transaction.commit()
            if newest and self.head_file:
                self.head_file.save_in_background(newest)

    @asynccontextmanager
    async def _connected(self, until: float, *, writes: bool) -> AsyncIterator[AsyncConnection]:
        """Yield a connection of the pool. On PostgreSQL it is aborted at `until`, even if the server is silent."""
        connection = self._engine.connect()
        async with AsyncExitStack() as stack:
            if self.is_sqlite:
                await stack.enter_async_context(connection)
                if self._file and not self._file.is_in_place():
                    # Old connections would write to the moved file, and new ones to the file that replaced it.
                    raise StoreUnavailable(_SORRY)
            else:
                stack.callback((await self._start(connection, until)).cancel)
                stack.push_async_exit(connection)
            await connection.execution_options(writes=writes)
            yield connection

    async def _start(self, connection: AsyncConnection, until: float) -> asyncio.TimerHandle:
        """Connect, and return the timer that aborts the connection at `until`.

        After a timeout, raise TimeoutError at once for a while: a submit opens several transactions, and must not
        wait for a silent server in each.
        """
        loop = asyncio.get_running_loop()

        def end(raw: Any = None) -> None:
            self._silent_until = loop.time() + self._lock_seconds
            if raw:
                postgresql.abort(raw)

        if loop.time() < self._silent_until:
            raise TimeoutError
        try:
            async with asyncio.timeout_at(until):
                await connection.start()
        except TimeoutError:
            end()
            raise
        return loop.call_at(until, end, (await connection.get_raw_connection()).driver_connection)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the errors of a database that is locked, unreachable or shutting down into StoreUnavailable."""
    try:
        yield
    except (PoolTimeout, OSError) as error:
        raise StoreUnavailable(_SORRY) from error
    except DBAPIError as error:
        if isinstance(error, _BUGS):
            raise
        raise StoreUnavailable(_SORRY) from error


@contextmanager
def _commit_unknown() -> Iterator[None]:
    """Turn a connection that is lost during COMMIT into CommitUnknown: the server may have carried it out."""
    try:
        yield
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise CommitUnknown(_IN_DOUBT) from error


@contextmanager
def startup_errors(mend: str = NAME_ANOTHER) -> Iterator[None]:
    """Turn a failure to open the database into ConfigurationError, or DatabaseUnavailable if it may be temporary."""
    try:
        yield
    except (DBAPIError, OSError) as error:
        if isinstance(error, _BUGS) and getattr(error.orig, "sqlstate", None) not in _NOT_ALLOWED:
            raise
        reason = (
            str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
            or "it didn't respond in time"
        )
        if "SSL was required" in reason:
            mend = "Turn on TLS at the server, or set DATABASE_TLS=off."
        problem = f"DATABASE_URL: can't open the database ({reason}). {mend}"
        raise (DatabaseUnavailable if _may_pass(error) else ConfigurationError)([problem]) from error


def _may_pass(error: DBAPIError | OSError) -> bool:
    """Return True if a server restarts, is unreachable or full, or if another program has locked a SQLite file."""
    if isinstance(error, OSError):
        return True
    if getattr(error.orig, "sqlite_errorname", "").startswith(_SQLITE_IS_BUSY):
        return True
    return error.connection_invalidated or postgresql.is_away(error.orig)


def open_database(
    url: str, purpose: str = "store", connections: int = 10, lock_seconds: float = LOCK_SECONDS
) -> Database:
    """Create the engine for an async SQLAlchemy URL. Nothing is connected yet."""
    file, parsed = sqlite_file(url), pinned(url)
    more = {} if file else {"connect_args": postgresql.connect_args(purpose), "use_native_hstore": False}
    engine = create_async_engine(parsed, pool_size=connections, max_overflow=0, pool_timeout=lock_seconds, **more)
    milliseconds = f"{int(lock_seconds * 1000)}"
    if file:
        sa.event.listen(engine.sync_engine, "connect", partial(_prepare_sqlite, milliseconds))
        sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return Database(engine, SameFile(file), lock_seconds)
    bounds = {"lock_timeout": milliseconds, "statement_timeout": milliseconds}
    postgresql.configure_sessions(engine.sync_engine, {**bounds, "idle_in_transaction_session_timeout": "5s"})
    postgresql.pre_ping(engine.sync_engine, lock_seconds)
    return Database(engine, None, lock_seconds)


def _prepare_sqlite(busy_milliseconds: str, connection: Any, _: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={busy_milliseconds}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def _wait_for_others(connection: AsyncConnection, seconds: float) -> None:
    """Set how long SQLite waits for another process's lock."""
    # Through the driver, since SQLAlchemy would open a transaction first.
    raw = (await connection.get_raw_connection()).driver_connection
    if raw is not None:
        await raw.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _upgrade(connection: sa.Connection) -> None:
    revision = revision_of(connection)
    if revision == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision and revision not in known:
        problem = f"DATABASE_URL: its tables are from a different version of the bot (revision {revision})."
        raise ConfigurationError([f"{problem} Run that version, or use an empty database."])
    command.upgrade(config, "head")

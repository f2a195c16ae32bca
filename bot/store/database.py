"""The database: opened once, brought up to date, and entered by two doors only, `write()` and `read()`."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
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

# A writer may wait so long twice, for the writers of this process and then for others; a submit has 2 s in all.
LOCK_SECONDS = 0.95
ANSWER_SECONDS = 2 * LOCK_SECONDS
# Under which a transaction keeps in mind the newest row of the ledger that it wrote.
NEWEST = "newest row"
_MIGRATION_LOCK = 0x6463765F7265
_HURRIED = {
    "lock_timeout": f"{int(LOCK_SECONDS * 1000)}",
    "statement_timeout": f"{int(LOCK_SECONDS * 1000)}",
    "idle_in_transaction_session_timeout": "5s",
}
# A migration may wait for another process's, and take its time.
_MIGRATION_SECONDS = 60.0
_UNHURRIED = {
    "lock_timeout": f"{_MIGRATION_SECONDS:.0f}s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
# What PostgreSQL says to a user who may not make tables; None is the driver's, to an address that it cannot read.
_NOT_ALLOWED = ("42501", "3F000", None)
_SQLITE_IS_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
NAME_ANOTHER = "Name one that the bot may use."
_BUGS = (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError)
_SORRY = "The bot's database did not answer in time. Nothing was sent; try again in a moment."
_IN_DOUBT = (
    "The bot's database broke off just as this was written down, so it may be carried out all the same. "
    "Wait a minute, and look in the channel before you try again."
)


# What `write()` and `read()` give, for those who pass it on.
Transaction = AsyncConnection


class Database:
    """One SQLite file or one PostgreSQL database; every statement of the bot goes through its two doors."""

    def __init__(self, engine: AsyncEngine, file: SameFile | None = None) -> None:
        self._engine = engine
        self._file = file
        self.head_file = HeadFile(file.path) if file else None
        self._writing = FairLock()
        self._silent_until = 0.0

    @property
    def is_sqlite(self) -> bool:
        """Whether the ledger lives in one file of this host."""
        return self._engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that holds the write lock from its start; StoreUnavailable when it has to wait too long.

        On SQLite it begins with BEGIN IMMEDIATE, on PostgreSQL it locks the ledger's head row: nothing it reads
        can be overtaken. Never call the durable engine in here: on SQLite that would wait for this very lock.
        CommitUnknown where the server went away before it had confirmed the commit.
        """
        until = asyncio.get_running_loop().time() + ANSWER_SECONDS
        async with self._writer_lock(), self._begin(until, writes=True) as connection:
            yield connection

    @asynccontextmanager
    async def read(self, seconds: float = ANSWER_SECONDS) -> AsyncIterator[AsyncConnection]:
        """One plain transaction for reading; a server has so many seconds for all of it."""
        until = asyncio.get_running_loop().time() + seconds
        async with self._begin(until, writes=False) as connection:
            yield connection

    async def rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """Return the rows of a query that needs no other one, in a transaction of its own."""
        async with self.read() as connection:
            found: Sequence[sa.Row[Any]] = (await connection.execute(query)).all()
        return found

    async def run(self, *statements: sa.Executable) -> None:
        """Carry out statements that need no answer, all or none."""
        async with self.write() as transaction:
            for statement in statements:
                await transaction.execute(statement)

    @asynccontextmanager
    async def write_unlocked(self, seconds: float = ANSWER_SECONDS) -> AsyncIterator[AsyncConnection]:
        """One transaction of a server that writes what no row of the ledger depends on; it waits for no writer."""
        async with self.read(seconds) as connection:
            yield connection

    async def migrate(self) -> None:
        """Bring the tables up to date; several processes may try at once. ConfigurationError where there is no
        database.
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
                await _wait_for_others(connection, LOCK_SECONDS)

    async def connect(self) -> None:
        """Connect once. Raises ConfigurationError if the database cannot be opened, DatabaseUnavailable if that may
        pass.
        """
        with startup_errors():
            async with asyncio.timeout(3 * postgresql.CONNECT_SECONDS), self._engine.connect():
                return

    async def close(self) -> None:
        """Give every connection back."""
        await self._engine.dispose()
        if self.head_file:
            await self.head_file.close()

    @asynccontextmanager
    async def _writer_lock(self) -> AsyncIterator[None]:
        """Queue the writers of this process in memory, in rounds: SQLite's own queue is a poll."""
        try:
            async with asyncio.timeout(LOCK_SECONDS):
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
                self.head_file.note(newest)

    @asynccontextmanager
    async def _connected(self, until: float, *, writes: bool) -> AsyncIterator[AsyncConnection]:
        """A connection of the pool; on PostgreSQL it ends at `until`, whatever the server does or does not say."""
        connection = self._engine.connect()
        async with AsyncExitStack() as stack:
            if self.is_sqlite:
                await stack.enter_async_context(connection)
                if self._file and not self._file.is_in_place():
                    # Some connections would write to the file of before, and others to the one that took its place.
                    raise StoreUnavailable(_SORRY)
            else:
                stack.callback((await self._start(connection, until)).cancel)
                stack.push_async_exit(connection)
            await connection.execution_options(writes=writes)
            yield connection

    async def _start(self, connection: AsyncConnection, until: float) -> asyncio.TimerHandle:
        """Connect, and return the timer that ends the connection at `until`.

        After a server was silent for so long, it is not asked again for a moment: a submit asks several times.
        """
        loop = asyncio.get_running_loop()

        def end(raw: Any = None) -> None:
            self._silent_until = loop.time() + LOCK_SECONDS
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
    """A database that is locked, gone or shutting down is one error to everybody above."""
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
    """A server that went away before it had answered a COMMIT may have carried it out."""
    try:
        yield
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise CommitUnknown(_IN_DOUBT) from error


@contextmanager
def startup_errors(mend: str = NAME_ANOTHER) -> Iterator[None]:
    """A database that cannot be opened is for the operator to mend; DatabaseUnavailable if that may pass by itself."""
    try:
        yield
    except (DBAPIError, OSError) as error:
        if isinstance(error, _BUGS) and getattr(error.orig, "sqlstate", None) not in _NOT_ALLOWED:
            raise
        reason = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0] or "no answer in time"
        if "SSL was required" in reason:
            mend = "Switch TLS on at the server, or set DATABASE_TLS=off."
        problem = f"DATABASE_URL: the database cannot be opened ({reason}). {mend}"
        raise (DatabaseUnavailable if _may_pass(error) else ConfigurationError)([problem]) from error


def _may_pass(error: DBAPIError | OSError) -> bool:
    """If a server restarts, is out of reach or has no room, or if another program has locked a SQLite file."""
    if isinstance(error, OSError):
        return True
    if getattr(error.orig, "sqlite_errorname", "").startswith(_SQLITE_IS_BUSY):
        return True
    return error.connection_invalidated or postgresql.is_away(error.orig)


def open_database(url: str, purpose: str = "store", connections: int = 10) -> Database:
    """Make the engine for an async SQLAlchemy URL; nothing is connected yet."""
    file, parsed = sqlite_file(url), pinned(url)
    more = {} if file else {"connect_args": postgresql.connect_args(purpose), "use_native_hstore": False}
    engine = create_async_engine(parsed, pool_size=connections, max_overflow=0, pool_timeout=LOCK_SECONDS, **more)
    if file:
        sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return Database(engine, SameFile(file))
    postgresql.configure_sessions(engine.sync_engine, _HURRIED)
    postgresql.pre_ping(engine.sync_engine, LOCK_SECONDS)
    return Database(engine)


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={int(LOCK_SECONDS * 1000)}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def _wait_for_others(connection: AsyncConnection, seconds: float) -> None:
    """How long SQLite waits for the lock of another process; told to the driver, since a transaction would begin."""
    raw = (await connection.get_raw_connection()).driver_connection
    if raw is not None:
        await raw.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    revision = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision and revision not in known:
        problem = f"DATABASE_URL: its tables are of another version of the bot (revision {revision})."
        raise ConfigurationError([f"{problem} Start that version again, or name an empty database."])
    command.upgrade(config, "head")

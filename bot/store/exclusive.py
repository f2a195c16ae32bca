"""One bot per database, whichever database it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bot.errors import CannotStart
from bot.store import postgresql
from bot.store.db import only_one_process, sqlite_file, told_to_the_operator

log = structlog.get_logger(__name__)

# A bot that was killed a moment ago may still seem to be there.
PATIENCE = 2.0
LOOK_SECONDS = 2.0
_AGAIN_SECONDS = 0.2
_KEY = 0x6463765F6F6E65
# Who holds the lock, asked by anybody who may connect.
HOLDER = f"""
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32) | objid::bigint = {_KEY}
"""  # noqa: S608 - a number of ours


def describe(url: str) -> str:
    """The database of a URL as a log may name it: a file, or host and name without user and password."""
    return str(sqlite_file(url) or postgresql.where(sa.make_url(url)))


@asynccontextmanager
async def only_one_bot(url: str, stop: asyncio.Event, look_seconds: float = LOOK_SECONDS) -> AsyncIterator[None]:
    """Hold a database while the bot runs; CannotStart where another bot holds it. It ends with the process.

    On SQLite a lock on a file beside it, which nothing can take away. On PostgreSQL a session's advisory lock, on a
    connection of its own; with that connection the lock is lost, so it is looked after every `look_seconds` and taken
    again, for as long as the server is away. The bot does not stop for that: a request that is under way would end
    as unknown for no reason, and while the server is away nobody else can take the lock either. Only where another
    bot was faster, `stop` is set, and CannotStart is raised at the end. For the moments in which two may run, the
    ledger's unique rows keep every call at one.
    """
    if file := sqlite_file(url):
        with only_one_process(file):
            yield
        return
    lock = _Lock(url, look_seconds)
    try:
        await lock.take_first()
        keeping = asyncio.create_task(lock.keep(stop))
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
    finally:
        await lock.close()
    if lock.taken_over:
        raise CannotStart([f"DATABASE_URL: another bot has taken over {describe(url)}, so this one stopped."])


class _Lock:
    """A session on a PostgreSQL server that holds the bot's advisory lock."""

    def __init__(self, url: str, look_seconds: float) -> None:
        self.taken_over = False
        self._look_seconds = look_seconds
        self._where = describe(url)
        self._engine: AsyncEngine = create_async_engine(
            url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=postgresql.connect_args("lock")
        )
        postgresql.tell_each_connection(self._engine.sync_engine, {"statement_timeout": "5s"})
        self._session: AsyncConnection | None = None
        self._held_by: object = None

    async def take_first(self) -> None:
        """Take it for the first time; CannotStart where there is no server, or another bot holds it."""
        with told_to_the_operator():
            async with asyncio.timeout(3 * postgresql.CONNECT_SECONDS):
                await self._connect()
            for _ in range(int(PATIENCE / _AGAIN_SECONDS)):
                if await self._taken():
                    return
                await asyncio.sleep(_AGAIN_SECONDS)
        mend = "Stop it first, or give this one its own database."
        raise CannotStart([f"DATABASE_URL: another bot is running on {self._where}. {mend}"])

    async def keep(self, stop: asyncio.Event) -> None:
        """Look after the lock for ever, or until another bot has it; then set `stop`."""
        while not self.taken_over:
            await asyncio.sleep(self._look_seconds)
            try:
                await self._ask("SELECT 1")
            except DBAPIError as error:
                log.warning("the connection that holds the database is lost", error=_first_line(error))
                self.taken_over = not await self._retaken()
        log.critical("another bot has taken over the database; stopping", database=self._where)
        stop.set()

    async def close(self) -> None:
        """Let go of the lock."""
        await self._disconnect()
        await self._engine.dispose()

    async def _retaken(self) -> bool:
        """Take it again once the server answers; False where somebody else holds it."""
        while True:
            try:
                await self._disconnect()
                await self._connect()
                taken = await self._taken_again()
            except (DBAPIError, OSError):
                await asyncio.sleep(self._look_seconds)
            else:
                if taken:
                    log.warning("the database is back, and held again")
                return taken

    async def _taken_again(self) -> bool:
        """Take it, ending our own session of before where the server has not noticed yet that it is gone."""
        for _ in range(int(PATIENCE / _AGAIN_SECONDS)):
            if await self._taken():
                return True
            if await self._ask(HOLDER) == self._held_by:
                await self._ask(f"SELECT pg_terminate_backend({self._held_by})")
            await asyncio.sleep(_AGAIN_SECONDS)
        return False

    async def _taken(self) -> bool:
        if await self._ask(f"SELECT pg_try_advisory_lock({_KEY})"):
            self._held_by = await self._ask("SELECT pg_backend_pid()")
            return True
        return False

    async def _connect(self) -> None:
        self._session = await self._engine.connect()

    async def _disconnect(self) -> None:
        if session := self._session:
            self._session = None
            with suppress(DBAPIError, OSError):
                await session.close()

    async def _ask(self, question: str) -> object:
        if self._session is None:
            raise ConnectionError("There is no session.")
        return await self._session.scalar(sa.text(question))


def _first_line(error: Exception) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]

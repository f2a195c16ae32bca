"""The instances on a PostgreSQL database: each holds its name and shows that it lives, and one of them leads."""

import asyncio
import secrets
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bot.errors import CannotStart, StoreUnavailable
from bot.store import postgresql
from bot.store.db import told_to_the_operator
from bot.store.patience import until_begun
from bot.store.presence import Leadership, LocalTurn, LocalTurns, Turn, TurnLost

log = structlog.get_logger(__name__)

# How often an instance shows that it lives, and after how long a silence the others take it for dead: one that is
# still connected may be frozen or slow, one that is not was killed or cut off, and would have connected again by now.
BEAT_SECONDS = 2.0
DEAD_SECONDS = 10.0
GONE_SECONDS = 6.0
# A bot that was killed a moment ago may still seem to be there.
PATIENCE = 2.0
# A server that restarts together with the bot is waited for; an address at which none is ends the start soon.
FIRST_SECONDS = 5.0
_AGAIN_SECONDS = 0.2
_TURN_AGAIN_SECONDS = 0.05
_ANSWER_SECONDS = 3.0
_LEAVE_SECONDS = 1.0
_PURPOSE = "instance"

# Keys of advisory locks: who leads, held before there were several by the only bot; and spaces for names and turns.
LEADER = 0x6463765F6F6E65
_NAMES = 0x64637601
_TURNS = 0x64637602

_TRY = "SELECT pg_try_advisory_lock(:space, :number)"
_UNLOCK = "SELECT pg_advisory_unlock(:space, :number)"
_TRY_TO_LEAD = f"SELECT pg_try_advisory_lock({LEADER})"
_HOLDER = """
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid::bigint = :space AND objid::bigint = :number
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_JOIN = """
    INSERT INTO instances (name, executor, session, seen_at)
    VALUES (:name, :executor, pg_backend_pid(), clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET executor = excluded.executor, session = excluded.session,
        seen_at = excluded.seen_at
"""
_BEAT = """
    UPDATE instances SET seen_at = clock_timestamp(), session = pg_backend_pid() WHERE executor = :executor
    RETURNING executor
"""
_RENEW = "UPDATE instances SET seen_at = clock_timestamp() WHERE executor = :executor"
_ALL = """
    SELECT executor, seen_at, EXISTS (
        SELECT 1 FROM pg_stat_activity
        WHERE pid = session AND datname = current_database() AND backend_start <= seen_at
    ) AS connected
    FROM instances
"""
_LEAVE = "DELETE FROM instances WHERE executor = :executor"
_EXPEL = "DELETE FROM instances WHERE executor = :executor AND seen_at = :seen_at RETURNING session"
# Not another session that was given the same number since.
_END_SESSION = f"""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = :session AND datname = current_database() AND backend_start <= :seen_at
      AND application_name = 'dcv-resend {_PURPOSE}'
"""  # noqa: S608 - a word of ours
_AWAY = "The bot's database did not answer in time."


class Instance:
    """This process among the instances that share a PostgreSQL database.

    All of it hangs on one session of its own: its advisory locks are this instance's name, the leadership, and the keys
    that it works at. With the session they are free at once. A session whose process does not show that it lives is
    ended by the others, so a frozen process holds nothing for long. No host's clock counts: an instance is dead when
    its row did not change for `dead_seconds` of whoever looks, without a gap in looking; `gone_seconds` where its
    session is gone.
    """

    def __init__(
        self,
        url: str,
        name: str,
        where: str,
        beat_seconds: float = BEAT_SECONDS,
        dead_seconds: float = DEAD_SECONDS,
        gone_seconds: float = GONE_SECONDS,
    ) -> None:
        self.taken_over = False
        self._name = name
        self._where = where
        self._executor = f"{name}/{secrets.token_hex(4)}"
        self._beat_seconds = beat_seconds
        self._watch = _Watch(dead_seconds, gone_seconds)
        # Before the others may take us for dead.
        self._leads_for = dead_seconds * 2 / 3
        self._session = _Session(url)
        self._held_by: object = None
        self._leadership = Leadership()
        self._stepping_down: asyncio.TimerHandle | None = None
        self._joined = False
        self._joins = 0
        self._turns = LocalTurns()
        self._letting_go: set[asyncio.Task[None]] = set()

    @property
    def executor(self) -> str:
        """Of this process alone: what stands under it is nobody's once this process is gone."""
        return self._executor

    @property
    def leadership(self) -> Leadership:
        """Ours while the session that holds it was seen alive lately."""
        return self._leadership

    async def take_name(self) -> None:
        """Take the name; CannotStart if there is no server for FIRST_SECONDS, or if another process has the name."""
        if await until_begun(self._opened, FIRST_SECONDS):
            return
        mend = "Stop it first, or give each instance a name of its own."
        raise CannotStart([f"DCV_INSTANCE: another process called {self._name} is running on {self._where}. {mend}"])

    async def _opened(self) -> bool:
        with told_to_the_operator():
            async with asyncio.timeout(3 * postgresql.CONNECT_SECONDS):
                await self._session.close()
                await self._session.open()
            return await self._takes_name()

    async def keep(self, stop: asyncio.Event) -> None:
        """Hold what is held, and show that we live, for ever; set `stop` where another process took the name.

        While the server is away it is asked again and again: the bot does not stop for that, since a request that is
        under way would end as unknown for no reason.
        """
        while not self.taken_over:
            try:
                await self._beat()
            except (DBAPIError, OSError) as error:
                self._leadership.drop()
                log.warning("this instance could not show that it lives", error=_first_line(error))
                if not self._session.is_open:
                    self._watch.begin_anew()
                    self.taken_over = not await self._retaken()
                    continue
            await asyncio.sleep(self._beat_seconds)
        log.critical("another process has taken this instance's name; stopping", instance=self._name)
        stop.set()

    async def join(self) -> None:
        """Show to the others that this process is there. CannotStart where the database does not answer."""
        with told_to_the_operator():
            await self._join()
            self._joined = True
            await self._beat()

    async def _join(self) -> None:
        # Before the row is there again: what was begun under the row before is the others' to end.
        self._joins += 1
        await self._session.ask(_JOIN, name=self._name, executor=self._executor)

    async def leave(self) -> None:
        """Show that it is not there any more; while the server is away the others find out by themselves."""
        self._leadership.drop()
        self._joined = False
        with suppress(DBAPIError, OSError):
            async with asyncio.timeout(_LEAVE_SECONDS):
                await self._session.ask(_LEAVE, executor=self._executor)

    async def close(self) -> None:
        """Let go of everything."""
        self._leadership.drop()
        await self._session.end()

    async def executors(self) -> frozenset[str]:
        """All that are there; StoreUnavailable where the database does not answer."""
        try:
            return frozenset(row.executor for row in await self._session.ask(_ALL))
        except (DBAPIError, OSError) as error:
            raise StoreUnavailable(_AWAY) from error

    @property
    def membership(self) -> int:
        """A number that changes when this process joins again, after the others took it for dead."""
        return self._joins

    async def renew(self, connection: AsyncConnection) -> bool:
        """Show in this transaction that the process lives; False if its row is gone.

        Another instance strikes out a row only while its time is the one that it has seen for too long, so after the
        commit this row stays for `gone_seconds` at least.
        """
        renewed = await connection.execute(sa.text(_RENEW), {"executor": self._executor})
        return renewed.rowcount == 1

    async def turn(self, key: str) -> Turn:
        """Wait until nobody else works at this key; StoreUnavailable where the database does not answer."""
        local, number = await self._turns.turn(key), _number(key)
        try:
            while not await self._takes_turn(number):  # noqa: ASYNC110 - a server tells nobody
                await asyncio.sleep(_TURN_AGAIN_SECONDS)
        except (DBAPIError, OSError) as error:
            local.release()
            raise StoreUnavailable(_AWAY) from error
        except BaseException:
            local.release()
            raise
        return _SharedTurn(self, local, number, self._session.number)

    async def confirm(self, session: int) -> None:
        """Return if the session of this number is still there, and with it its locks; TurnLost otherwise."""
        try:
            await self._session.ask("SELECT 1")
        except (DBAPIError, OSError) as error:
            raise TurnLost(_AWAY) from error
        if session != self._session.number:
            raise TurnLost(_AWAY)

    def let_go(self, number: int, session: int, local: LocalTurn | None = None) -> None:
        """Unlock a key in the session of this number, and then within this process."""
        task = asyncio.create_task(self._unlock(number, session, local))
        self._letting_go.add(task)
        task.add_done_callback(self._letting_go.discard)

    async def _unlock(self, number: int, session: int, local: LocalTurn | None) -> None:
        try:
            if session == self._session.number:
                with suppress(DBAPIError, OSError):
                    await self._session.ask(_UNLOCK, space=_TURNS, number=number)
        finally:
            if local:
                local.release()

    async def _takes_turn(self, number: int) -> bool:
        """Try once; a try that nobody waits for any longer is undone."""
        session = self._session.number
        asking = asyncio.create_task(self._session.ask(_TRY, space=_TURNS, number=number))
        try:
            return bool((await asyncio.shield(asking))[0][0])
        except asyncio.CancelledError:
            asking.add_done_callback(lambda done: self.let_go(number, session) if _is_true(done) else None)
            raise

    async def _beat(self) -> None:
        if not self._joined:
            await self._session.ask("SELECT 1")
            return
        if not await self._session.ask(_BEAT, executor=self._executor) and self._joined:
            await self._join()
            log.warning("the others took this instance for dead; it is back", instance=self._name)
        for row in self._watch.dead(await self._session.ask(_ALL), asyncio.get_running_loop().time()):
            await self._expel(row.executor, row.seen_at)
        if self._leadership.is_held or (await self._session.ask(_TRY_TO_LEAD))[0][0]:
            self._lead()

    def _lead(self) -> None:
        if not self._joined:
            return
        if not self._leadership.is_held:
            log.info("this instance does the work in background now", instance=self._name)
        self._leadership.take()
        if self._stepping_down:
            self._stepping_down.cancel()
        self._stepping_down = asyncio.get_running_loop().call_later(self._leads_for, self._leadership.drop)

    async def _expel(self, executor: str, seen_at: datetime) -> None:
        """Strike out an instance that shows no life, and end its session with all it holds."""
        for row in await self._session.ask(_EXPEL, executor=executor, seen_at=seen_at):
            log.warning("an instance shows no life; its work goes on elsewhere", executor=executor)
            await self._session.ask(_END_SESSION, session=row.session, seen_at=seen_at)

    async def _retaken(self) -> bool:
        """Take the name again once the server answers; False where another process has it."""
        while True:
            try:
                await self._session.close()
                await self._session.open()
                taken = await self._takes_name()
            except (DBAPIError, OSError):
                await asyncio.sleep(self._beat_seconds)
            else:
                if taken:
                    log.warning("the database is back, and this instance's name is held again", instance=self._name)
                return taken

    async def _takes_name(self) -> bool:
        """Take the name, ending our own session of before where the server has not noticed yet that it is gone."""
        lock = {"space": _NAMES, "number": _number(self._name)}
        for _ in range(int(PATIENCE / _AGAIN_SECONDS)):
            if (await self._session.ask(_TRY, **lock))[0][0]:
                self._held_by = await self._session.pid()
                return True
            holder = await self._session.ask(_HOLDER, **lock)
            if holder and holder[0][0] == self._held_by:
                await self._session.ask("SELECT pg_terminate_backend(:pid)", pid=self._held_by)
            await asyncio.sleep(_AGAIN_SECONDS)
        return False


class _Session:
    """One connection, asked one question at a time; one whose server is silent is cut."""

    def __init__(self, url: str) -> None:
        self.number = 0
        """Counts the connections that were made; another one holds no lock of the one before."""
        self._engine: AsyncEngine = create_async_engine(
            url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=postgresql.connect_args(_PURPOSE)
        )
        postgresql.tell_each_connection(self._engine.sync_engine, {"statement_timeout": "2s"})
        self._connection: AsyncConnection | None = None
        self._asking = asyncio.Lock()
        self._asked: Any = None
        """The driver's connection while an answer is waited for."""

    @property
    def is_open(self) -> bool:
        """Whether it was not lost since it was made."""
        return self._connection is not None

    async def open(self) -> None:
        """Connect."""
        self._connection = await self._engine.connect()
        self.number += 1

    async def close(self) -> None:
        """End the connection, whatever state it is in."""
        if connection := self._connection:
            self._connection = None
            with suppress(DBAPIError, OSError):
                await connection.close()

    async def end(self) -> None:
        """End it for good, also while its server is silent."""
        if self._asked:
            postgresql.cut(self._asked)
        await self.close()
        await self._engine.dispose()

    async def pid(self) -> object:
        """The number by which the server knows it."""
        return (await self.ask("SELECT pg_backend_pid()"))[0][0]

    async def ask(self, question: str, **values: Any) -> Sequence[Any]:
        """The rows of an answer. It is waited for to its end, even where the caller goes away."""
        asking = asyncio.create_task(self._ask(question, values))
        # Where nobody waits any longer, nobody would hear of an error, and asyncio would log it as a bug.
        asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(asking)

    async def _ask(self, question: str, values: Mapping[str, Any]) -> Sequence[Any]:
        async with self._asking:
            if self._connection is None:
                raise ConnectionError("There is no session.")
            raw = (await self._connection.get_raw_connection()).driver_connection
            silent = asyncio.get_running_loop().call_later(_ANSWER_SECONDS, postgresql.cut, raw)
            self._asked = raw
            try:
                result = await self._connection.execute(sa.text(question), values)
                return result.all() if result.returns_rows else []
            except DBAPIError as error:
                if error.connection_invalidated:
                    await self.close()
                raise
            finally:
                self._asked = None
                silent.cancel()


class _SharedTurn:
    """A key that this session of this instance has locked."""

    def __init__(self, instance: Instance, local: LocalTurn, number: int, session: int) -> None:
        self._instance = instance
        self._local: LocalTurn | None = local
        self._number = number
        self._session = session

    async def confirm(self) -> None:
        """Return if the lock is still ours; TurnLost where it may not be."""
        await self._instance.confirm(self._session)

    def release(self) -> None:
        """Let others have the key, soon; safe to repeat."""
        if self._local:
            self._instance.let_go(self._number, self._session, self._local)
            self._local = None


@dataclass(frozen=True, slots=True)
class _Seen:
    at: datetime
    """As the database wrote it; only ever compared with itself."""
    since: float


class _Watch:
    """Which rows did not change for how long, by the clock of this process alone."""

    def __init__(self, dead_seconds: float, gone_seconds: float) -> None:
        self._dead_seconds = dead_seconds
        self._gone_seconds = gone_seconds
        self._seen: dict[str, _Seen] = {}
        self._looked = 0.0

    def begin_anew(self) -> None:
        """Judge nobody by what was seen before: they may have been cut off together with us."""
        self._seen = {}

    def dead(self, rows: Sequence[Any], now: float) -> list[Any]:
        """The rows that stayed as they are for too long; after a gap in looking it begins anew."""
        if now - self._looked > self._gone_seconds / 2:
            self.begin_anew()
        self._looked = now
        self._seen = {row.executor: self._since(row, now) for row in rows}
        return [row for row in rows if now - self._seen[row.executor].since >= self._patience(row)]

    def _since(self, row: Any, now: float) -> _Seen:
        seen = self._seen.get(row.executor)
        return seen if seen and seen.at == row.seen_at else _Seen(row.seen_at, now)

    def _patience(self, row: Any) -> float:
        return self._dead_seconds if row.connected else self._gone_seconds


def _number(name: str) -> int:
    """A name as the second half of an advisory lock's key; two that share one wait for each other for nothing."""
    return zlib.crc32(name.encode()) & 0x7FFFFFFF


def _is_true(done: asyncio.Task[Sequence[Any]]) -> bool:
    return not done.cancelled() and done.exception() is None and bool(done.result()[0][0])


def _first_line(error: Exception) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]

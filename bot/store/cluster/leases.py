"""Leases: rows on PostgreSQL that give one holder an exclusive right until a time of the database's clock."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from bot.errors import StoreUnavailable
from bot.store.database import ANSWER_SECONDS, Database, Transaction

log = structlog.get_logger(__name__)

LEASE_SECONDS = 10.0
RENEWALS_PER_LEASE = 5
# After a gap between renewals of more than this share of a lease, others' leases are not removed for one lease time.
LONGEST_GAP = 0.5
INSTANCE = "instance:"

_ACQUIRE = sa.text("""
    INSERT INTO leases (name, holder, expires_at)
    VALUES (:name, :holder, clock_timestamp() + make_interval(secs => :seconds))
    ON CONFLICT (name) DO UPDATE
    SET holder = excluded.holder, expires_at = clock_timestamp() + make_interval(secs => :seconds)
    WHERE leases.holder = excluded.holder OR leases.expires_at < clock_timestamp()
""")
_RENEW = sa.text("""
    UPDATE leases SET expires_at = clock_timestamp() + make_interval(secs => :seconds)
    WHERE holder = :holder AND name = ANY(:names) RETURNING name, expires_at
""")
# SKIP LOCKED: a locked row is one that its holder renews at this moment.
_REMOVE_EXPIRED = sa.text("""
    DELETE FROM leases WHERE name IN (SELECT name FROM leases WHERE expires_at < :at FOR UPDATE SKIP LOCKED)
    RETURNING name, holder
""")
_RELEASE = sa.text("DELETE FROM leases WHERE holder = :holder AND name = ANY(:names)")
_INSTANCES = sa.text("SELECT holder FROM leases WHERE starts_with(name, :prefix)")


class Leases:
    """The leases of one holder.

    Others may acquire or remove a lease that has expired. Until one of them does, its holder may still renew it, as no
    other holder had it in between.
    """

    def __init__(self, database: Database, holder: str, seconds: float) -> None:
        self.seconds = seconds
        self.held: set[str] = set()
        self._database = database
        self._holder = holder
        self._releasing: set[asyncio.Task[None]] = set()
        # When the last renewal expires, and the first of those before it without a gap.
        self._last: datetime | None = None
        self._first: datetime | None = None

    async def acquire(self, name: str) -> bool:
        """Acquire a free or expired lease, or renew an own one. Return False if another holder has it.

        Raises StoreUnavailable if the database does not answer. The lease then counts as held, as it may be.
        """
        self.held.add(name)
        async with self._database.write_unlocked() as transaction:
            values = {"name": name, "holder": self._holder, "seconds": self.seconds}
            is_acquired = (await transaction.execute(_ACQUIRE, values)).rowcount == 1
        if not is_acquired:
            self.held.discard(name)
        return is_acquired

    async def renew(self) -> Collection[str]:
        """Renew all leases that were acquired and not released. Return the names of those that are not lost."""
        async with self._database.write_unlocked() as transaction:
            renewed = await self.renew_in(transaction, self.held)
        last, longest = max(renewed.values(), default=None), timedelta(seconds=self.seconds * LONGEST_GAP)
        if not last or not self._last or not timedelta(0) <= last - self._last <= longest:
            self._first = last
        self._last = last
        return renewed.keys()

    async def confirm(self, name: str) -> bool:
        """Renew one lease. Return False if it is lost."""
        async with self._database.write_unlocked() as transaction:
            return name in await self.renew_in(transaction, [name])

    async def renew_in(self, transaction: Transaction, names: Collection[str]) -> dict[str, datetime]:
        """Renew leases in a transaction. Return those that are not lost, and when they expire."""
        values = {"names": list(names), "holder": self._holder, "seconds": self.seconds}
        return {row.name: row.expires_at for row in await transaction.execute(_RENEW, values)}

    async def remove_expired(self) -> None:
        """Remove all leases that had expired when this holder last renewed its own: they cannot be renewed any more.

        After a gap between renewals it does nothing for one lease time. The others may have had the same gap: the
        database was unavailable, its clock jumped, or all processes were suspended together.
        """
        lease = timedelta(seconds=self.seconds)
        if not self._last or not self._first or self._last - self._first < lease:
            return
        async with self._database.write_unlocked() as transaction:
            removed = (await transaction.execute(_REMOVE_EXPIRED, {"at": self._last - lease})).all()
        for executor in (row.holder for row in removed if row.name.startswith(INSTANCE)):
            log.warning("an instance sent no heartbeat; another one continues its work", executor=executor)

    async def executors(self) -> frozenset[str]:
        """Return the holders of all instance leases that were not removed."""
        async with self._database.read() as connection:
            return frozenset((await connection.execute(_INSTANCES, {"prefix": INSTANCE})).scalars())

    async def release(self, *names: str, seconds: float = ANSWER_SECONDS) -> None:
        """Release leases. If the database does not answer, they expire by themselves."""
        self.held.difference_update(names)
        with suppress(StoreUnavailable):
            async with self._database.write_unlocked(seconds) as transaction:
                await transaction.execute(_RELEASE, {"names": list(names), "holder": self._holder})

    def release_soon(self, name: str, then: Callable[[], None]) -> None:
        """Release a lease in the background, and then call `then`, also after a failure."""
        task = asyncio.create_task(self.release(name))
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)
        task.add_done_callback(lambda _: then())

"""When calls to DigiCert may go: moments within its limits that all instances on a PostgreSQL database share."""

from collections.abc import Sequence

import sqlalchemy as sa

from bot.store.database import Database
from bot.store.schema import rate_limit_slots

# Calls do not take the same time to arrive: two of them may be closer there than they were here.
MARGIN_SECONDS = 0.05
_LOCK = sa.text(f"SELECT pg_advisory_xact_lock({0x6463765F736C})")


class RateLimitSlots:
    """One row per call that may count at DigiCert now, or will; its time is the database's, and may be to come.

    `rates` are pairs of calls and seconds. Each row stands so far behind the one that many calls before it as every
    rate wants, and behind all others: whichever rows are given back, no window holds too many.
    """

    def __init__(self, database: Database, rates: Sequence[tuple[int, float]]) -> None:
        self._database = database
        newest = rate_limit_slots.c.at.desc(), rate_limit_slots.c.id.desc()
        earliest = [
            sa.select(rate_limit_slots.c.at + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds + MARGIN_SECONDS))
            .order_by(*newest)
            .offset(calls - 1)
            .limit(1)
            .scalar_subquery()
            for calls, seconds in rates
        ]
        last = sa.select(sa.func.max(rate_limit_slots.c.at)).scalar_subquery()
        next_one = sa.func.greatest(sa.func.clock_timestamp(), last, *earliest)
        ahead = sa.extract("epoch", rate_limit_slots.c.at - sa.func.clock_timestamp())
        self._take = sa.insert(rate_limit_slots).values(at=next_one).returning(rate_limit_slots.c.id, ahead)
        longest = sa.func.make_interval(0, 0, 0, 0, 0, 0, max(seconds for _, seconds in rates) + 1.0)
        self._forget = sa.delete(rate_limit_slots).where(rate_limit_slots.c.at < sa.func.clock_timestamp() - longest)

    async def reserve(self) -> tuple[int, float]:
        """The id of the next free moment, and in how many seconds it is; StoreUnavailable in vain."""
        async with self._database.write_unlocked() as connection:
            await connection.execute(_LOCK)
            # A statement of its own, so that it sees what was written before the lock was given to us.
            slot, ahead = (await connection.execute(self._take)).one()
            await connection.execute(self._forget)
        return int(slot), max(0.0, float(ahead))

    async def in_use(self, seconds: float) -> int:
        """Return how many moments from the last seconds on are taken; StoreUnavailable in vain."""
        since = sa.func.clock_timestamp() - sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        async with self._database.write_unlocked() as connection:
            counted = sa.select(sa.func.count()).select_from(rate_limit_slots).where(rate_limit_slots.c.at > since)
            return int(await connection.scalar(counted) or 0)

    async def release(self, slot: int) -> None:
        """Let others have a moment that will not be used; StoreUnavailable in vain."""
        async with self._database.write_unlocked() as connection:
            await connection.execute(sa.delete(rate_limit_slots).where(rate_limit_slots.c.id == slot))

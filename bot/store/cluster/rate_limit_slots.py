"""Rate limit slots: the times at which calls may go, shared by all instances on a PostgreSQL database."""

from collections.abc import Sequence

import sqlalchemy as sa

from bot.fair_share import BULK, PERSON, PERSON_SECONDS
from bot.store.database import Database
from bot.store.schema import edit_slots, rate_limit_slots

# Calls differ in how long they take to arrive: two of them may be closer together there than they were here.
MARGIN_SECONDS = 0.05
# The pace of plans holds over so many of their calls, so that small delays do not add up.
_PACED = 5
_LOCKS = {rate_limit_slots: 0x6463765F736C, edit_slots: 0x6463765F6564}


class RateLimitSlots:
    """One row per call that counts now or will. Its time is the database's, and may be in the future.

    `table` has the calls to DigiCert, or the edits in Slack. `rates` are pairs of calls and seconds. A new slot is
    later than all others. For each rate it is also at least `seconds` later than the slot `calls` places before it. So
    no window has too many, whichever slots are released.
    """

    def __init__(
        self, database: Database, rates: Sequence[tuple[int, float]], table: sa.Table = rate_limit_slots
    ) -> None:
        self._database = database
        self._table = table
        self._lock = sa.text(f"SELECT pg_advisory_xact_lock({_LOCKS[table]})")
        newest = table.c.at.desc(), table.c.id.desc()
        earliest = [
            sa.select(table.c.at + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds + MARGIN_SECONDS))
            .order_by(*newest)
            .offset(calls - 1)
            .limit(1)
            .scalar_subquery()
            for calls, seconds in rates
        ]
        last = sa.select(sa.func.max(table.c.at)).scalar_subquery()
        next_one = sa.func.greatest(sa.func.clock_timestamp(), last, *earliest)
        ahead = sa.extract("epoch", table.c.at - sa.func.clock_timestamp())
        self._next_one, self._ahead = next_one, ahead
        longest = sa.func.make_interval(0, 0, 0, 0, 0, 0, max(seconds for _, seconds in rates) + 1.0)
        self._prune = sa.delete(table).where(table.c.at < sa.func.clock_timestamp() - longest)

    async def reserve(self, kind: str = "") -> tuple[int, float]:
        """Reserve the next free slot. Return its id, and the seconds until its time. `kind` is BULK, PERSON, or empty.

        Raises StoreUnavailable if the database does not answer.
        """
        async with self._database.write_unlocked() as connection:
            await connection.execute(self._lock)
            # A separate statement, so that its snapshot has the slots that others inserted before we got the lock.
            new = sa.insert(self._table).values(at=self._next_one, kind=kind)
            slot, ahead = (await connection.execute(new.returning(self._table.c.id, self._ahead))).one()
            await connection.execute(self._prune)
        return int(slot), max(0.0, float(ahead))

    async def bulk_pause(self, interval: float) -> float:
        """Return the seconds until plans may make their next call, if they make one in each `interval` of seconds.

        The interval is twice as long if a person made a call in the last PERSON_SECONDS, in any process. Raises
        StoreUnavailable if it cannot be read.
        """
        earlier = (
            sa.select(self._table.c.at)
            .where(self._table.c.kind == BULK)
            .order_by(self._table.c.at.desc(), self._table.c.id.desc())
            .offset(_PACED - 1)
            .limit(1)
            .scalar_subquery()
        )
        lately = sa.func.clock_timestamp() - sa.func.make_interval(0, 0, 0, 0, 0, 0, PERSON_SECONDS)
        person = sa.exists().where(self._table.c.kind == PERSON, self._table.c.at > lately)
        passed = sa.extract("epoch", sa.func.clock_timestamp() - earlier)
        async with self._database.write_unlocked() as connection:
            seconds, is_shared = (await connection.execute(sa.select(passed, person))).one()
        if seconds is None:
            return 0.0
        return max(0.0, _PACED * interval * (2 if is_shared else 1) - float(seconds))

    async def in_use(self, seconds: float) -> int:
        """Return how many slots are reserved from `seconds` ago on. Raises StoreUnavailable if it cannot be read."""
        since = sa.func.clock_timestamp() - sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        async with self._database.write_unlocked() as connection:
            counted = sa.select(sa.func.count()).select_from(self._table).where(self._table.c.at > since)
            return int(await connection.scalar(counted) or 0)

    async def release(self, slot: int) -> None:
        """Release a slot that will not be used. Raises StoreUnavailable if the database does not answer."""
        async with self._database.write_unlocked() as connection:
            await connection.execute(sa.delete(self._table).where(self._table.c.id == slot))

"""Membership of this process among the instances on its database: its name, the leadership, and locks by key."""

import asyncio
import secrets
from weakref import WeakValueDictionary

import structlog

from bot.errors import ConfigurationError, StoreUnavailable
from bot.store.cluster.leases import INSTANCE, RENEWALS_PER_LEASE, Leases
from bot.store.database import ANSWER_SECONDS, Database, Transaction

log = structlog.get_logger(__name__)

LEADER = "leader"
_LOCK_RETRY_SECONDS = 0.05
_NAME_RETRY_SECONDS = 0.2
_RELEASE_SECONDS = 1.0


class LockLost(StoreUnavailable):
    """Another instance may have held the lock since this one acquired it."""


class Leadership:
    """The leadership: the leader does the work that only one process may do at a time. Has an event for each change."""

    def __init__(self) -> None:
        self.held, self.lost = asyncio.Event(), asyncio.Event()
        self.lose()

    @property
    def is_held(self) -> bool:
        """True if this process leads, as far as it knows."""
        return self.held.is_set()

    def gain(self) -> None:
        """Become the leader."""
        self.lost.clear()
        self.held.set()

    def lose(self) -> None:
        """Stop being the leader."""
        self.held.clear()
        self.lost.set()


class KeyLock:
    """One acquired lock."""

    def __init__(self, local: asyncio.Lock, name: str, leases: Leases | None) -> None:
        self._local = local
        self._name = name
        self._leases = leases
        self._is_released = False

    async def confirm(self) -> None:
        """Return if no other instance can have held the lock meanwhile. Raises LockLost otherwise."""
        try:
            is_held = self._leases is None or await self._leases.confirm(self._name)
        except StoreUnavailable as error:
            raise LockLost(str(error)) from error
        if not is_held:
            raise LockLost("The bot didn't respond for some seconds, so another instance took over.")

    def release(self) -> None:
        """Release the lock in the background. Safe to repeat."""
        if not self._is_released and self._leases:
            self._leases.release_soon(self._name, self._local.release)
        elif not self._is_released:
            self._local.release()
        self._is_released = True


class KeyLocks:
    """Exclusive locks by key: within this process and, given `leases`, among all instances."""

    def __init__(self, leases: Leases | None = None) -> None:
        self._leases = leases
        self._locals: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def acquire(self, key: str) -> KeyLock:
        """Wait for the lock, without a limit. Raises StoreUnavailable if the database does not answer."""
        local, name = self._locals.setdefault(key, asyncio.Lock()), f"message:{key}"
        await local.acquire()
        lock = KeyLock(local, name, self._leases)
        try:
            while self._leases and not await self._leases.acquire(name):  # noqa: ASYNC110 - no event from a server
                await asyncio.sleep(_LOCK_RETRY_SECONDS)
        except BaseException:
            lock.release()
            raise
        return lock


class SingleInstance:
    """The only process on its database: it leads from the moment it joins."""

    # A constant, so that a bot resumes its own work even if the name of its host has changed.
    executor = "only"
    term = 0

    def __init__(self) -> None:
        self.leadership = Leadership()
        self.locks = KeyLocks()

    async def join(self) -> None:
        """Become the leader."""
        self.leadership.gain()

    async def release(self) -> None:
        """Stop being the leader."""
        self.leadership.lose()

    async def executors(self) -> frozenset[str]:
        """Return the executor of this process."""
        return frozenset({self.executor})

    async def renew(self, transaction: Transaction) -> bool:
        """Return True: there is no other process that could have removed this one."""
        return True


class ClusterMember:
    """One of the instances that share a PostgreSQL database.

    Its rights depend on leases: its name, the leadership, and the messages that it publishes. One loop renews them. If
    the process is killed, frozen or cut off, the leases expire, and other instances continue its work.
    """

    def __init__(self, database: Database, where: str, name: str, stop: asyncio.Event, lease_seconds: float) -> None:
        # Unique to this process: a later process of the same name does not own its unfinished work.
        self.executor = f"{name}/{secrets.token_hex(4)}"
        self.leadership = Leadership()
        self.term = 0
        """Changes when this process joins again, after others removed its lease."""
        self.was_replaced = False
        self._name = name
        self._where = where
        self._lease = INSTANCE + name
        self._leases = Leases(database, self.executor, lease_seconds)
        self.locks = KeyLocks(self._leases)
        self._stop = stop
        self._closing = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None

    async def join(self) -> None:
        """Acquire the instance's name, and become the leader if there is none.

        Waits up to one lease time for the name, as the process that had it may have been killed a moment ago. Raises
        ConfigurationError if another process still has it then.
        """
        self.term += 1
        loop = asyncio.get_running_loop()
        until = loop.time() + self._leases.seconds + 2 * _NAME_RETRY_SECONDS
        while not await self._leases.acquire(self._lease):
            if loop.time() > until:
                problem = f"another process named {self._name} is using {self._where}."
                raise ConfigurationError([f"DCV_INSTANCE: {problem} Stop it, or give each instance its own name."])
            await asyncio.sleep(_NAME_RETRY_SECONDS)
        self._closing.clear()
        await self._renew()
        self._renewing = asyncio.create_task(self._run())

    async def release(self) -> None:
        """Release every lease, so that others continue at once. If the database does not answer, the leases expire."""
        self.leadership.lose()
        self._closing.set()
        if self._renewing:
            # Not cancelled: a lease that its statement acquires would stay held.
            await asyncio.wait({self._renewing}, timeout=ANSWER_SECONDS)
        await self._leases.release(*self._leases.held, seconds=_RELEASE_SECONDS)

    async def executors(self) -> frozenset[str]:
        """Return the executors of all instances. Raises StoreUnavailable if the database does not answer."""
        return await self._leases.executors()

    async def renew(self, transaction: Transaction) -> bool:
        """Renew the instance's lease in this transaction. Return False if others have removed it.

        After the commit, other instances wait for one lease time before they recover the work of this process.
        """
        return bool(await self._leases.renew_in(transaction, [self._lease]))

    async def _run(self) -> None:
        while not self._closing.is_set():
            try:
                async with asyncio.timeout(self._leases.seconds / RENEWALS_PER_LEASE):
                    await self._closing.wait()
            except TimeoutError:
                await self._try_to_renew()

    async def _try_to_renew(self) -> None:
        try:
            await self._renew()
        except StoreUnavailable as error:
            reason = str(error.__cause__ or error).partition("\n")[0]
            log.warning("this instance could not renew its leases", error=reason)
            self.leadership.lose()
        except Exception:
            log.exception("this instance failed to renew its leases")

    async def _renew(self) -> None:
        renewed = await self._leases.renew()
        if self._lease not in renewed and not await self._join_again():
            return
        if LEADER not in renewed and not await self._leases.acquire(LEADER):
            self.leadership.lose()
        elif not self.leadership.is_held and not self._closing.is_set():
            log.info("this instance does the background work now", instance=self._name)
            self.leadership.gain()
        await self._leases.remove_expired()

    async def _join_again(self) -> bool:
        """Acquire the name again that others removed. Stop the bot if another process has it."""
        # Before the row exists again: the other instances end the calls that began in the previous term.
        self.term += 1
        self.was_replaced = not await self._leases.acquire(self._lease)
        if self.was_replaced:
            log.critical("another process has taken this instance's name; stopping", instance=self._name)
            self.leadership.lose()
            self._closing.set()
            self._stop.set()
        else:
            log.warning("other instances considered this one dead; it is back", instance=self._name)
        return not self.was_replaced


Membership = SingleInstance | ClusterMember

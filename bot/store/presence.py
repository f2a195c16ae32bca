"""What a running bot knows of the others on its database: whether it leads, who is there, and whose turn it is."""

import asyncio
from typing import Protocol
from weakref import WeakValueDictionary

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StoreUnavailable


class TurnLost(StoreUnavailable):
    """This process was frozen or cut off while it worked at a key; another one may have done so meanwhile."""


class Leadership:
    """Whether this process does what only one may do; told to whoever waits for a change."""

    def __init__(self) -> None:
        self._held, self._free = asyncio.Event(), asyncio.Event()
        self._free.set()

    @property
    def is_held(self) -> bool:
        """Whether it is ours, as far as is known now."""
        return self._held.is_set()

    def take(self) -> None:
        """It is ours from now on."""
        self._free.clear()
        self._held.set()

    def drop(self) -> None:
        """It may be another's from now on."""
        self._held.clear()
        self._free.set()

    async def begun(self) -> None:
        """Return while it is ours."""
        await self._held.wait()

    async def over(self) -> None:
        """Return while it is not."""
        await self._free.wait()


class Turn(Protocol):
    """A key that nobody else works at, in this process or another, until it is released."""

    async def confirm(self) -> None:
        """Return if that still holds; TurnLost where it may not."""

    def release(self) -> None:
        """Let others have the key, soon; safe to repeat."""


class Turns(Protocol):
    """Whatever lets one work at a key at a time."""

    async def turn(self, key: str) -> Turn:
        """Wait until nobody else works at this key; StoreUnavailable where the database does not answer."""


class Presence(Turns, Protocol):
    """This process among those that share its database."""

    @property
    def executor(self) -> str:
        """The name under which this process carries out flows; on a server, of this one process and no later one."""

    @property
    def leadership(self) -> Leadership:
        """Whether this process does what only one may do."""

    async def join(self) -> None:
        """Show to the others that this process is there; before it carries out anything. CannotStart in vain."""

    async def leave(self) -> None:
        """Show to the others that it is not there any more, so that they go on with its work at once."""

    async def executors(self) -> frozenset[str]:
        """All that are there; StoreUnavailable where the database does not answer."""

    @property
    def membership(self) -> int:
        """A number that changes when this process joins again, after the others took it for dead."""

    async def renew(self, connection: AsyncConnection) -> bool:
        """Show in this transaction that the process lives; False if the others have taken it for dead.

        After the commit the others wait as long as after any other sign of life before they take over its work.
        """


class LocalTurns:
    """One at a time at each key, within this process."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def turn(self, key: str) -> "LocalTurn":
        """Wait until nobody else of this process works at this key, first come, first served."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        await lock.acquire()
        return LocalTurn(lock)


class LocalTurn:
    """A key within this process."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock: asyncio.Lock | None = lock

    async def confirm(self) -> None:
        """It cannot be lost."""

    def release(self) -> None:
        """Let the next one have the key."""
        if self._lock:
            self._lock.release()
            self._lock = None


class Alone(LocalTurns):
    """The only process on its database: it leads from the moment it joins, and nobody else is there."""

    def __init__(self) -> None:
        super().__init__()
        self._leadership = Leadership()

    @property
    def executor(self) -> str:
        """A constant, so that a bot resumes its own work, whatever its host is called today."""
        return "only"

    @property
    def leadership(self) -> Leadership:
        """Its own for as long as it is there."""
        return self._leadership

    async def join(self) -> None:
        """Lead."""
        self._leadership.take()

    async def leave(self) -> None:
        """Lead no longer."""
        self._leadership.drop()

    async def executors(self) -> frozenset[str]:
        """Itself."""
        return frozenset({self.executor})

    @property
    def membership(self) -> int:
        """Return a constant: there is no other process that could take this one for dead."""
        return 0

    async def renew(self, connection: AsyncConnection) -> bool:
        """Return True, for the same reason."""
        return True

"""Fair shares: for whom something is done, and queues in which people take rounds."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

EVERYBODY = "everybody"
_person: ContextVar[str] = ContextVar("person", default=EVERYBODY)

_Item = TypeVar("_Item")


@contextmanager
def working_for(person: str = EVERYBODY) -> Iterator[None]:
    """Count what is done inside as this person's, or as everybody's. A task that is begun inside inherits it."""
    token = _person.set(person)
    try:
        yield
    finally:
        _person.reset(token)


def current_person() -> str:
    """Return for whom something is done now."""
    return _person.get()


class FairQueue(Generic[_Item]):
    """A queue for each person; the order of the people is that of a round."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[_Item]] = {}

    def __bool__(self) -> bool:
        return bool(self._queues)

    @property
    def people(self) -> list[str]:
        """Those who wait, the next of the round first."""
        return list(self._queues)

    def add(self, person: str, item: _Item) -> None:
        """Let an item wait behind the others of this person."""
        self._queues.setdefault(person, deque()).append(item)

    def first(self) -> _Item | None:
        """Return the item that is next; None if none waits."""
        return next(iter(self._queues.values()))[0] if self._queues else None

    def pop(self, person: str) -> _Item:
        """Remove and return the oldest item of a person, who is the last of the round then."""
        queue = self._queues.pop(person)
        item = queue.popleft()
        if queue:
            self._queues[person] = queue
        return item

    def remove(self, person: str, item: _Item) -> None:
        """Remove an item that waits no longer, if it is there."""
        queue = self._queues.get(person)
        if queue and item in queue:
            queue.remove(item)
            if not queue:
                del self._queues[person]


class FairLock:
    """A lock that people have in rounds, so that many who wait for one person delay that person alone."""

    def __init__(self) -> None:
        self._waiting: FairQueue[asyncio.Future[None]] = FairQueue()
        self._is_held = False

    async def acquire(self) -> None:
        """Wait for the lock and hold it; a cancelled wait holds nothing."""
        if not self._is_held:
            self._is_held = True
            return
        person, waiter = current_person(), asyncio.get_running_loop().create_future()
        self._waiting.add(person, waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            self._waiting.remove(person, waiter)
            if waiter.done() and not waiter.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Let the next one hold it."""
        while self._waiting:
            waiter = self._waiting.pop(self._waiting.people[0])
            if not waiter.done():
                waiter.set_result(None)
                return
        self._is_held = False

"""Fair sharing: the person that work is done for, and queues in which people take turns."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

EVERYBODY = "everybody"
# The items of all plans together. People who wait for an answer go first.
BULK = "bulk"
# Work for one person, in counts that need not say for whom. It counts as work that they wait for for so many seconds.
PERSON = "person"
PERSON_SECONDS = 5.0
_person: ContextVar[str] = ContextVar("person", default=EVERYBODY)

_Item = TypeVar("_Item")


@contextmanager
def working_for(person: str = EVERYBODY) -> Iterator[None]:
    """Attribute the work inside to this person, or to everybody. A task that is started inside inherits that."""
    token = _person.set(person)
    try:
        yield
    finally:
        _person.reset(token)


def current_person() -> str:
    """Return the person that the current work is done for."""
    return _person.get()


class FairQueue(Generic[_Item]):
    """A queue for each person. The people take turns."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[_Item]] = {}

    def __bool__(self) -> bool:
        return bool(self._queues)

    @property
    def people(self) -> list[str]:
        """The people who have an item in a queue, the next one first."""
        return list(self._queues)

    def add(self, person: str, item: _Item) -> None:
        """Add an item behind the others of this person."""
        self._queues.setdefault(person, deque()).append(item)

    def first(self) -> _Item | None:
        """Return the next item; None if there is none."""
        return next(iter(self._queues.values()))[0] if self._queues else None

    def pop(self, person: str) -> _Item:
        """Remove and return the oldest item of a person. The person is then the last in turn."""
        queue = self._queues.pop(person)
        item = queue.popleft()
        if queue:
            self._queues[person] = queue
        return item

    def remove(self, person: str, item: _Item) -> None:
        """Remove an item that no longer waits. Does nothing if it is not there."""
        queue = self._queues.get(person)
        if queue and item in queue:
            queue.remove(item)
            if not queue:
                del self._queues[person]


class FairLock:
    """A lock that people get in turns, so that many waits of one person delay only that person."""

    def __init__(self) -> None:
        self._waiting: FairQueue[asyncio.Future[None]] = FairQueue()
        self._is_held = False

    async def acquire(self) -> None:
        """Wait for the lock. A cancelled wait does not hold it."""
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
                # The lock was granted at the same time as the cancellation: pass it on.
                self.release()
            raise

    def release(self) -> None:
        """Pass the lock to the next in turn."""
        while self._waiting:
            waiter = self._waiting.pop(self._waiting.people[0])
            if not waiter.done():
                waiter.set_result(None)
                return
        self._is_held = False

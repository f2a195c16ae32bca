"""A condition that tests wait for with a deadline, instead of sleeping."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Found = TypeVar("Found")


class Condition:
    """A condition variable that is notified whenever the state of a local server changes."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def notify_all(self) -> None:
        """Wake every task that waits for a change."""
        for event in self._waiting:
            event.set()

    @contextmanager
    def notifying(self, event: asyncio.Event) -> Iterator[None]:
        """Set `event` at every change. One event may be attached to several servers."""
        self._waiting.add(event)
        try:
            yield
        finally:
            self._waiting.discard(event)

    async def wait_for(self, predicate: Callable[[], Found | None], *, what: str, timeout: float = 20.0) -> Found:  # noqa: ASYNC109 - the deadline is the contract here
        """Return the first truthy result of `predicate`.

        Raises TimeoutError, which names `what`, after `timeout` seconds.
        """
        changed = asyncio.Event()
        with self.notifying(changed):
            try:
                async with asyncio.timeout(timeout):
                    # The event is attached before the first look, so a change in between is not missed.
                    while not (found := predicate()):
                        await changed.wait()
                        changed.clear()
                    return found
            except TimeoutError:
                raise TimeoutError(f"waited {timeout:g} s for {what}") from None

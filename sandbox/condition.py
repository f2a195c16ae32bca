"""Waiting for something to become true in a local server, with a deadline instead of a nap."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Found = TypeVar("Found")


class Condition:
    """Wakes those who wait whenever the state of a server changed."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def notify_all(self) -> None:
        """Tell everybody that something changed."""
        for event in self._waiting:
            event.set()

    @contextmanager
    def notifying(self, event: asyncio.Event) -> Iterator[None]:
        """Set `event` at every change; it may wait for other servers as well."""
        self._waiting.add(event)
        try:
            yield
        finally:
            self._waiting.discard(event)

    async def wait_for(self, predicate: Callable[[], Found | None], *, what: str, timeout: float = 20.0) -> Found:  # noqa: ASYNC109 - the deadline is the contract here
        """Return the first truthy thing that `look` finds; TimeoutError says `what` was missing after `timeout` s."""
        changed = asyncio.Event()
        with self.notifying(changed):
            try:
                async with asyncio.timeout(timeout):
                    while not (found := predicate()):
                        await changed.wait()
                        changed.clear()
                    return found
            except TimeoutError:
                raise TimeoutError(f"waited {timeout:g} s for {what}") from None

"""The limiter of edits. Slack allows about 50 calls of chat.update a minute for a workspace: its rate limit tier 3."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.errors import StoreUnavailable

log = structlog.get_logger(__name__)

# Slack counts by its own clock, so a part is left free.
MOST = 45
# Background work, which only the leader does, leaves the rest to what a person is waiting for.
MOST_IN_BACKGROUND = 30


class EditSlots(Protocol):
    """The times at which edits may go, shared by several instances."""

    async def reserve(self) -> tuple[int, float]:
        """Reserve the next free slot. Return its id, and the seconds until its time.

        Raises StoreUnavailable if the database does not answer.
        """

    async def release(self, slot: int) -> None:
        """Release a slot that will not be used. Raises StoreUnavailable if the database does not answer."""


@dataclass(eq=False, slots=True)
class _Edit:
    """An edit that counts, and its slot among all instances if there is one."""

    at: float
    slot: int | None = None


class EditLimiter:
    """A limiter of all instances together: at most MOST edits within `seconds`, of which background work gets a part.

    Without `slots`, and while the database is unavailable, this process limits only itself.
    """

    def __init__(self, seconds: float = 60.0, slots: EditSlots | None = None) -> None:
        self._seconds = seconds
        self._slots = slots
        self._made: deque[_Edit] = deque()
        self._releasing: set[asyncio.Task[None]] = set()

    async def acquire(self, *, is_urgent: bool) -> None:
        """Wait until one more edit is allowed. A cancelled wait uses up nothing."""
        most = MOST if is_urgent else MOST_IN_BACKGROUND
        while pause := self._pause(most):  # noqa: ASYNC110 - nothing happens but that time passes
            await asyncio.sleep(pause)
        edit = _Edit(asyncio.get_running_loop().time())
        self._made.append(edit)
        try:
            await self._wait_for_slot(edit)
        except asyncio.CancelledError:
            self._remove(edit)
            raise

    def release(self) -> None:
        """Give back the newest edit, which was not made."""
        if self._made:
            self._remove(self._made[-1])

    async def _wait_for_slot(self, edit: _Edit) -> None:
        if self._slots is None:
            return
        try:
            edit.slot, seconds = await self._slots.reserve()
        except StoreUnavailable as error:
            log.warning("only this process observes the limit of edits", error=str(error))
            return
        await asyncio.sleep(seconds)

    def _remove(self, edit: _Edit) -> None:
        with suppress(ValueError):
            self._made.remove(edit)
        if self._slots and edit.slot is not None:
            task = asyncio.create_task(self._release(self._slots, edit.slot))
            self._releasing.add(task)
            task.add_done_callback(self._releasing.discard)

    async def _release(self, slots: EditSlots, slot: int) -> None:
        with suppress(StoreUnavailable):
            await slots.release(slot)

    def _pause(self, most: int) -> float:
        """Return the seconds until fewer than `most` edits are counted; 0 if that is so now."""
        now = asyncio.get_running_loop().time()
        while self._made and self._made[0].at <= now - self._seconds:
            self._made.popleft()
        return 0.0 if len(self._made) < most else max(0.001, self._made[-most].at + self._seconds - now)

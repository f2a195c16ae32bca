"""The limiter of edits. Slack allows about 50 calls of chat.update a minute for a workspace: its rate limit tier 3."""

import asyncio
from collections import deque

# Slack counts by its own clock, and other instances edit too, so a part is left free.
MOST = 45
# Background work leaves the rest to what a person is waiting for.
MOST_IN_BACKGROUND = 30


class EditLimiter:
    """A limiter of one process: at most MOST edits within `seconds`, of which background work gets a part."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._made: deque[float] = deque()

    async def acquire(self, *, is_urgent: bool) -> None:
        """Wait until one more edit is allowed. A cancelled wait uses up nothing."""
        most = MOST if is_urgent else MOST_IN_BACKGROUND
        while pause := self._pause(most):  # noqa: ASYNC110 - nothing happens but that time passes
            await asyncio.sleep(pause)
        self._made.append(asyncio.get_running_loop().time())

    def release(self) -> None:
        """Give back the newest edit, which was not made."""
        if self._made:
            self._made.pop()

    def _pause(self, most: int) -> float:
        """Return the seconds until fewer than `most` edits are counted; 0 if that is so now."""
        now = asyncio.get_running_loop().time()
        while self._made and self._made[0] <= now - self._seconds:
            self._made.popleft()
        return 0.0 if len(self._made) < most else max(0.001, self._made[-most] + self._seconds - now)

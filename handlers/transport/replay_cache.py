"""Protection against replayed requests: the same signature is handled once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from aiohttp import web

from bot.clock import Clock

WORKED = 200
FAILED = 503


class ReplayCache:
    """Cache of the signatures seen within their validity window. Only requests signed by Slack take space."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[datetime, asyncio.Future[int]]] = {}

    async def run_once(
        self, signature: str, until: datetime, work: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Run `work` for a new signature. Answer a repeated one with an empty 200 or, if the first one failed, 503.

        A repeat waits for the first one to end. A request that ended with a 5xx is forgotten, so Slack may retry it.
        """
        self._evict()
        if first := self._seen.get(signature):
            # Shielded: a repeat whose client disconnects must not cancel the future that others await.
            status = await asyncio.shield(first[1])
            return web.Response(status=WORKED if status < 500 else FAILED)
        ended = asyncio.get_running_loop().create_future()
        self._seen[signature] = (until, ended)
        status = FAILED
        try:
            response = await work()
            status = response.status
        finally:
            if status >= 500:
                del self._seen[signature]
            ended.set_result(status)
        return response

    def _evict(self) -> None:
        """Evict signatures whose timestamp alone is rejected by now. Insertion order is close to expiry order."""
        now = self._clock()
        while self._seen and next(iter(self._seen.values()))[0] < now:
            del self._seen[next(iter(self._seen))]

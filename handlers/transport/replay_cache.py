"""Requests that arrive again: the same one does nothing twice."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from aiohttp import web

from bot.clock import Clock

WORKED = 200
FAILED = 503


class ReplayCache:
    """What arrived within the window in which its signature counts; at most what Slack itself signed is kept."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._observation: dict[str, tuple[datetime, asyncio.Future[int]]] = {}

    async def run_once(
        self, signature: str, until: datetime, work: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Answer by `work`, or with an empty 200 where the same signature was answered before or is being answered.

        What ended with a 5xx is forgotten, and may come again.
        """
        self._forget()
        if known := self._observation.get(signature):
            status = await asyncio.shield(known[1])
            return web.Response(status=WORKED if status < 500 else FAILED)
        ended = asyncio.get_running_loop().create_future()
        self._observation[signature] = (until, ended)
        status = FAILED
        try:
            response = await work()
            status = response.status
        finally:
            if status >= 500:
                del self._observation[signature]
            ended.set_result(status)
        return response

    def _forget(self) -> None:
        """Drop what its timestamp alone keeps out now; they stand nearly in the order in which they end."""
        now = self._clock()
        while self._observation and next(iter(self._observation.values()))[0] < now:
            del self._observation[next(iter(self._observation))]

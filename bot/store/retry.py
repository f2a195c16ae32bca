"""Retries while the database is unavailable, for facts that must not be lost and for the start of the bot."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina
import structlog

from bot.errors import DatabaseUnavailable, StoreUnavailable

log = structlog.get_logger(__name__)

_PAUSES = (0.5, 1.0, 2.0, 5.0)

Begun = TypeVar("Begun")

until_available = stamina.AsyncRetryingCaller(attempts=None, timeout=None, wait_initial=0.2, wait_max=5.0).on(
    StoreUnavailable
)


async def until_begun(begin: Callable[[], Awaitable[Begun]], seconds: float = float("inf")) -> Begun:
    """Return what `begin` returns, repeated while the database is unavailable.

    Raises its last error after `seconds`. Without a limit it logs each wait.
    """
    loop, tries = asyncio.get_running_loop(), 0
    until = loop.time() + seconds
    while True:
        try:
            return await begin()
        except (StoreUnavailable, DatabaseUnavailable) as error:
            pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
            if loop.time() + pause > until:
                raise
            if until == float("inf"):
                log.warning("the database is unreachable; the start is delayed", error=str(error), seconds=pause)
        await asyncio.sleep(pause)
        tries += 1

"""What an instance left unfinished that is gone: handed on to those that are there."""

import asyncio

import structlog

from bot.engine import Engine
from bot.store.presence import Presence

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 30.0


class Adopting:
    """Looks who is there, and lets the flows of everybody else go on."""

    def __init__(self, presence: Presence, engine: Engine) -> None:
        self._presence = presence
        self._engine = engine
        self._there: frozenset[str] = frozenset()
        self._sweep_at = 0.0

    async def look(self) -> None:
        """Adopt where somebody came or went, and every half minute; StoreUnavailable in vain."""
        there, now = await self._presence.executors(), asyncio.get_running_loop().time()
        if there == self._there and now < self._sweep_at:
            return
        owners = await self._engine.owners()
        # Asked anew: whoever owned a flow at that moment had shown before that it is there.
        if gone := owners - await self._presence.executors():
            log.info("going on with the work of instances that are gone", executors=sorted(gone))
            await self._engine.adopt(gone)
        self._there, self._sweep_at = there, now + SWEEP_SECONDS

"""Health checks of the bot's dependencies. Each answers yes or no, and never raises."""

import asyncio

import structlog
from attrs import define

from bot.clock import Clock
from bot.digicert.client import CertCentral
from bot.errors import BotError, StoreUnavailable
from bot.models import Backlog
from bot.slack.client import Client, accepted
from bot.store.backlog import BacklogReader
from bot.timings import PRODUCTION, Timings
from bot.workflow_engine import WorkflowEngine

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 1.0


@define(eq=False, repr=False, slots=False)
class HealthChecks:
    """One check per dependency, each with the cheapest call that it has."""

    _slack: Client
    _depth: BacklogReader
    _engine: WorkflowEngine
    _certcentral: CertCentral
    _clock: Clock
    _timings: Timings = PRODUCTION

    async def slack(self) -> bool:
        """Return True if Slack's Web API answers and accepts the bot's token.

        Calls Slack only if the most recent call does not prove it.
        """
        return await accepted(self._slack, ANSWER_SECONDS, self._timings.slack_health_ttl)

    async def database(self) -> bool:
        """Return True if the bot's tables can be read."""
        try:
            await self._depth.refresh()
        except StoreUnavailable:
            return False
        return True

    async def engine(self) -> bool:
        """Return True if the workflow engine runs and reaches its tables."""
        return await self._engine.is_healthy()

    async def digicert(self) -> bool:
        """Return True if DigiCert answers within ANSWER_SECONDS and accepts the API key.

        Calls for users have priority.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._certcentral.check_key()
        except (BotError, TimeoutError):
            return False
        return True

    async def depths(self) -> Backlog | None:
        """Return the backlog of the queues, or None if the database does not answer."""
        try:
            return await self._depth.read(self._clock())
        except StoreUnavailable:
            return None

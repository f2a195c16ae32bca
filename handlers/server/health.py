"""Health: whether the process lives, whether it can serve, and what it counts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from aiohttp import web
from attrs import define

from bot.metrics import CONTENT_TYPE, Metrics
from bot.models import Backlog
from bot.services.operations.health import HealthChecks
from bot.timings import PRODUCTION, Timings

PATIENCE_SECONDS = 1.0
# How long a yes of our own parts counts.
OURS_SECONDS = 1.0

NEEDED = ("slack", "database", "engine")

Answer = TypeVar("Answer")


@define(eq=False, repr=False, slots=False)
class CachedCheck(Generic[Answer]):
    """Asked once at a time, however many wait for the answer; what is no yes is asked anew for the next one."""

    _ask: Callable[[], Awaitable[Answer]]
    _counts_for: float = OURS_SECONDS
    _patience: float = PATIENCE_SECONDS

    def __attrs_post_init__(self) -> None:
        self._last: Answer | None = None
        self._until = float("-inf")
        self._asking: asyncio.Task[Answer] | None = None

    async def answer(self) -> Answer | None:
        """What was answered within `counts_for` seconds, or is within `patience`; None where that takes too long."""
        if asyncio.get_running_loop().time() < self._until:
            return self._last
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._answered())
        # Never cancelled: whoever is asked ends by itself, and a connection to the database would be thrown away.
        await asyncio.wait({self._asking}, timeout=self._patience)
        return self._asking.result() if self._asking.done() else None

    async def _answered(self) -> Answer:
        asked_at = asyncio.get_running_loop().time()
        self._last = await self._ask()
        if self._last:
            self._until = asked_at + self._counts_for
        return self._last


class Health:
    """The routes; what is asked becomes known once the bot serves, and is no longer asked when it stops."""

    def __init__(self, metrics: Metrics, timings: Timings = PRODUCTION) -> None:
        self._metrics = metrics
        self._timings = timings
        self._questions: Mapping[str, CachedCheck[bool]] = {}
        self._depths: CachedCheck[Backlog | None] | None = None

    @property
    def routes(self) -> list[web.RouteDef]:
        """What the site serves for it."""
        return [
            web.get("/healthz", self.liveness),
            web.get("/readyz", self.readiness),
            web.get("/metrics", self.metrics),
        ]

    def begin(self, slack: Callable[[], Awaitable[bool]], health_checks: HealthChecks) -> None:
        """From now on readiness is asked; `slack` says whether it reaches the bot."""
        self._questions = {
            "slack": CachedCheck(slack),
            "database": CachedCheck(health_checks.database),
            "engine": CachedCheck(health_checks.engine),
            "digicert": CachedCheck(health_checks.digicert, self._timings.digicert_health_ttl),
        }
        self._depths = CachedCheck(health_checks.depths)

    def end(self) -> None:
        """From now on nothing is ready, and nobody is asked."""
        self._questions, self._depths = {}, None

    async def liveness(self, _: web.Request) -> web.Response:
        """200 as long as the loop turns."""
        return web.Response(text="alive\n")

    async def readiness(self, _: web.Request) -> web.Response:
        """200 where Slack, the database and the engine are there, else 503; DigiCert is told beside them."""
        questions = self._questions
        answers = await asyncio.gather(*(question.answer() for question in questions.values()))
        told = dict.fromkeys((*NEEDED, "digicert"), False) | dict(zip(questions, map(bool, answers), strict=True))
        # A stop that began meanwhile counts.
        ready = self._questions is questions and all(told[name] for name in NEEDED)
        return web.json_response({"ready": ready, **told}, status=200 if ready else 503)

    async def metrics(self, _: web.Request) -> web.Response:
        """Prometheus' text format; what the database cannot tell within a second is NaN."""
        depths = await self._depths.answer() if self._depths else None
        return web.Response(body=self._metrics.render(depths), headers={"Content-Type": CONTENT_TYPE})

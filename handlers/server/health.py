"""HTTP endpoints for liveness, readiness and metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from aiohttp import web
from attrs import define

from bot.metrics import CONTENT_TYPE, Metrics
from bot.models import Backlog
from bot.services.operations.health import HealthChecks
from bot.timings import PRODUCTION, Timings

TIMEOUT_SECONDS = 1.0
# Time to live of a positive result about the database, the engine and Slack.
TTL_SECONDS = 1.0

NEEDED = ("slack", "database", "engine")

Answer = TypeVar("Answer")


@define(eq=False, repr=False, slots=False)
class CachedCheck(Generic[Answer]):
    """Coalesces concurrent checks and caches positive results for a while. Negative results are not cached."""

    _run_check: Callable[[], Awaitable[Answer]]
    _ttl: float = TTL_SECONDS
    _timeout: float = TIMEOUT_SECONDS

    def __attrs_post_init__(self) -> None:
        self._last: Answer | None = None
        self._until = float("-inf")
        self._running: asyncio.Task[Answer] | None = None

    async def answer(self) -> Answer | None:
        """Return the cached or a new result, or None if the check takes longer than the timeout."""
        if asyncio.get_running_loop().time() < self._until:
            return self._last
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        # Not cancelled on timeout: each check ends by itself, and a cancelled one would discard a database connection.
        await asyncio.wait({self._running}, timeout=self._timeout)
        return self._running.result() if self._running.done() else None

    async def _run(self) -> Answer:
        started_at = asyncio.get_running_loop().time()
        self._last = await self._run_check()
        if self._last:
            self._until = started_at + self._ttl
        return self._last


class Health:
    """The health routes. The checks are known only between `begin` and `end`, while the bot serves."""

    def __init__(self, metrics: Metrics, timings: Timings = PRODUCTION) -> None:
        self._metrics = metrics
        self._timings = timings
        self._checks: Mapping[str, CachedCheck[bool]] = {}
        self._backlog: CachedCheck[Backlog | None] | None = None

    @property
    def routes(self) -> list[web.RouteDef]:
        """Return the routes for the bot's HTTP server."""
        return [
            web.get("/healthz", self.liveness),
            web.get("/readyz", self.readiness),
            web.get("/metrics", self.metrics),
        ]

    def begin(self, slack: Callable[[], Awaitable[bool]], health_checks: HealthChecks) -> None:
        """Enable the checks. `slack` returns if Slack can reach the bot."""
        self._checks = {
            "slack": CachedCheck(slack),
            "database": CachedCheck(health_checks.database),
            "engine": CachedCheck(health_checks.engine),
            "digicert": CachedCheck(health_checks.digicert, self._timings.digicert_health_ttl),
        }
        self._backlog = CachedCheck(health_checks.depths)

    def end(self) -> None:
        """Report not ready from now on, and run no more checks."""
        self._checks, self._backlog = {}, None

    async def liveness(self, _: web.Request) -> web.Response:
        """Answer 200 as long as the event loop runs."""
        return web.Response(text="alive\n")

    async def readiness(self, _: web.Request) -> web.Response:
        """Answer 200 if Slack, the database and the engine are available, else 503.

        The answer includes DigiCert's state, which does not count for readiness.
        """
        checks = self._checks
        answers = await asyncio.gather(*(check.answer() for check in checks.values()))
        states = dict.fromkeys((*NEEDED, "digicert"), False) | dict(zip(checks, map(bool, answers), strict=True))
        # `end` may have been called while the checks ran.
        ready = self._checks is checks and all(states[name] for name in NEEDED)
        return web.json_response({"ready": ready, **states}, status=200 if ready else 503)

    async def metrics(self, _: web.Request) -> web.Response:
        """Answer in Prometheus' text format. A queue length that the database does not return in time is NaN."""
        backlog = await self._backlog.answer() if self._backlog else None
        return web.Response(body=self._metrics.render(backlog), headers={"Content-Type": CONTENT_TYPE})

"""Rejected HTTP requests: a status, a log line and a counter for each, but never its content."""

import time
from collections.abc import Callable

import structlog
from aiohttp import web

from bot.metrics import Metrics

log = structlog.get_logger(__name__)

# Anyone can send any number of requests, and the log must not grow with them. The counters include all of them.
LINES = 100
MINUTE = 60.0


class RequestRejected(Exception):
    """A request that is rejected with an HTTP status. `reason` is one word for the log and the metric."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class LogBudget:
    """Limiter of log lines per minute."""

    def __init__(self, lines: int, now: Callable[[], float] = time.monotonic) -> None:
        self._lines = lines
        self._now = now
        self._began = float("-inf")
        self._written = 0
        self._left_out = 0

    def spend(self) -> dict[str, int] | None:
        """Return None if the line must not be logged, else fields with the number of lines omitted before it."""
        if self._now() - self._began >= MINUTE:
            self._began, self._written = self._now(), 0
        if self._written >= self._lines:
            self._left_out += 1
            return None
        self._written += 1
        left_out, self._left_out = self._left_out, 0
        return {"not_logged_before": left_out} if left_out else {}


class Rejections:
    """Counter and log of rejections: at most LINES requests and one dropped connection a minute are logged."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._requests = LogBudget(LINES)
        self._connections = LogBudget(1)

    def respond(self, error: RequestRejected) -> web.Response:
        """Record the rejection, and return its response, which also closes the connection."""
        self.record(error)
        response = web.Response(status=error.status)
        response.force_close()
        return response

    def record(self, error: RequestRejected) -> None:
        """Count a request, and log it."""
        self._metrics.record_http_rejection(error.reason)
        if (more := self._requests.spend()) is not None:
            log.warning("an HTTP request was rejected", status=error.status, reason=error.reason, **more)

    def dropped(self, reason: str) -> None:
        """Count a connection that was closed without an answer, and log it."""
        self._metrics.record_http_rejection(reason)
        if (more := self._connections.spend()) is not None:
            log.warning("an HTTP connection was closed", reason=reason, **more)

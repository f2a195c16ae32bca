"""HTTP requests that are turned away: told by a status, one line of the log and a count, never by what they hold."""

import structlog
from aiohttp import web

from bot.metrics import Metrics

log = structlog.get_logger(__name__)


class Rejected(Exception):
    """A request that nothing comes of; `reason` is one word."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def answer(error: Rejected, metrics: Metrics) -> web.Response:
    """Log and count it; the connection is closed behind the answer, whatever else was on its way."""
    note(error, metrics)
    response = web.Response(status=error.status)
    response.force_close()
    return response


def note(error: Rejected, metrics: Metrics) -> None:
    """Log and count it."""
    log.warning("an HTTP request was turned away", status=error.status, reason=error.reason)
    metrics.rejected(error.reason)

"""The bot's HTTP server: health beside either door, and the HTTP door itself."""

import errno
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.errors import CannotStart
from bot.metrics import Metrics
from handlers.doors.refusals import Rejected, answer, note

log = structlog.get_logger(__name__)

# A moment to take in the rest of what was turned away, so that whoever still sends can read why.
LINGER_SECONDS = 1.0
STOP_SECONDS = 0.5

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def open_site(host: str, port: int, routes: Sequence[web.RouteDef], metrics: Metrics) -> AsyncIterator[None]:
    """Listen while the context lasts; CannotStart where that is not possible.

    Bodies are left as they came: whoever unpacks one must know how long it gets.
    """
    app = web.Application(middlewares=[_turning_away(metrics)])
    app.add_routes(routes)
    options: dict[str, Any] = {"auto_decompress": False, "lingering_time": LINGER_SECONDS, "access_log": None}
    runner = web.AppRunner(app, logger=_logger(metrics), shutdown_timeout=STOP_SECONDS, **options)
    await runner.setup()
    try:
        await _listen(runner, host, port)
        log.info("listening", host=host, port=port)
        yield
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            problem = f"PORT: {port} is taken on {host}. Stop what listens there, or choose another port."
        else:
            problem = f"HOST, PORT: nothing can listen on {host}, port {port}. Choose an address of this machine."
        raise CannotStart([problem]) from error


def _turning_away(metrics: Metrics) -> Any:
    @web.middleware
    async def turn_away(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPMethodNotAllowed as error:
            response = answer(Rejected(405, "method"), metrics)
            response.headers["Allow"] = error.headers["Allow"]
            return response
        except web.HTTPNotFound:
            return answer(Rejected(404, "path"), metrics)

    return turn_away


def _logger(metrics: Metrics) -> logging.Logger:
    """What the server logs by; of a request that is no HTTP it would show a part, some of them at DEBUG alone."""

    def is_ours(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            note(Rejected(400, "malformed"), metrics)
            return False
        return record.levelno >= logging.WARNING

    logger = logging.Logger("aiohttp.server", logging.DEBUG)
    logger.parent = logging.getLogger("aiohttp")
    logger.addFilter(is_ours)
    return logger

"""The bot's HTTP server: health endpoints with either transport, and Slack's requests in HTTP mode."""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.errors import ConfigurationError
from bot.metrics import Metrics
from handlers.transport.connection_limits import (
    BACKLOG,
    CONNECTIONS,
    IDLE_SECONDS,
    SILENT_SECONDS,
    Connections,
    connection_limit,
)
from handlers.transport.rejections import LINES, LogBudget, Rejections, RequestRejected

log = structlog.get_logger(__name__)

# After a rejection, read the rest of the request for a moment: a client that is still sending could not read why.
LINGER_SECONDS = 1.0
STOP_SECONDS = 0.5

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serve_http(host: str, port: int, routes: Sequence[web.RouteDef], metrics: Metrics) -> AsyncIterator[None]:
    """Listen while the context lasts. Raises ConfigurationError if the address cannot be used.

    Bodies are not decompressed: a small compressed body could expand beyond every size limit.
    """
    rejections = Rejections(metrics)
    limit = connection_limit()
    connections = Connections(limit, rejections)
    app = web.Application(middlewares=[connections.watch, _rejecting(rejections)])
    app[CONNECTIONS] = connections
    app.add_routes(routes)
    options: dict[str, Any] = {
        "auto_decompress": False,
        "lingering_time": LINGER_SECONDS,
        "keepalive_timeout": IDLE_SECONDS,
        "access_log": None,
    }
    runner = web.AppRunner(app, logger=_logger(rejections), shutdown_timeout=STOP_SECONDS, **options)
    await runner.setup()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup)
        stack.callback(connections.close)
        listeners = [stack.enter_context(listener) for listener in await _listen(host, port)]
        accepting = [asyncio.create_task(connections.accept(listener, _protocols(runner))) for listener in listeners]
        stack.push_async_callback(_cancel, accepting)
        log.info("listening", host=host, port=port, connections=limit)
        yield


async def _listen(host: str, port: int) -> list[socket.socket]:
    """Return a listening socket for each address of the host. Raises ConfigurationError if one cannot be opened."""
    loop = asyncio.get_running_loop()
    with ExitStack() as opened:
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            # A host may resolve to the same address several times, which could be bound only once.
            addresses = dict.fromkeys((family, address[:2]) for family, *_, address in found)
            listeners = [opened.enter_context(_listener(*each)) for each in addresses]
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                problem = (
                    f"PORT: port {port} of {host} is in use. Stop the program that uses it, or choose a different port."
                )
            else:
                problem = f"HOST, PORT: can't listen on {host}, port {port}. Use an address of this machine."
            raise ConfigurationError([problem]) from error
        opened.pop_all()
    return listeners


def _listener(family: int, address: tuple[Any, ...]) -> socket.socket:
    listener = socket.create_server(address, family=family, backlog=BACKLOG)
    listener.setblocking(False)
    # Linux only: connections that send nothing never reach `accept`.
    if defer := getattr(socket, "TCP_DEFER_ACCEPT", None):
        with suppress(OSError):
            listener.setsockopt(socket.IPPROTO_TCP, defer, SILENT_SECONDS)
    return listener


def _protocols(runner: web.AppRunner) -> web.Server:
    """Return aiohttp's server, which is a factory of one protocol per connection."""
    if runner.server is None:
        raise RuntimeError("the runner is not set up")
    return runner.server


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _rejecting(rejections: Rejections) -> Any:
    @web.middleware
    async def reject(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPMethodNotAllowed as error:
            response = rejections.respond(RequestRejected(405, "method"))
            response.headers["Allow"] = error.headers["Allow"]
            return response
        except web.HTTPNotFound:
            return rejections.respond(RequestRejected(404, "path"))

    return reject


def _logger(rejections: Rejections) -> logging.Logger:
    """Return aiohttp's logger with a filter that counts malformed requests and limits other lines.

    aiohttp would quote parts of a malformed request in the log.
    """

    def is_ours(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            rejections.record(RequestRejected(400, "malformed"))
            return False
        return record.levelno >= logging.WARNING and budget.spend() is not None

    budget = LogBudget(LINES)

    logger = logging.Logger("aiohttp.server", logging.DEBUG)
    logger.parent = logging.getLogger("aiohttp")
    logger.addFilter(is_ours)
    return logger

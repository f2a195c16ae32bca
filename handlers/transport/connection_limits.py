"""Limits of the HTTP server's TCP connections: their number, their time, and which one to close to make room."""

import asyncio
import resource
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from aiohttp import web

from handlers.transport.rejections import Rejections

# Slack waits three seconds in all for an answer, so its own requests stay far below both limits.
REQUEST_SECONDS = 5.0
ANSWER_SECONDS = 15.0
# Longer than proxies usually keep an idle connection: a request sent on a closing connection would be lost.
IDLE_SECONDS = 75.0
MOST_CONNECTIONS = 256
FEWEST_CONNECTIONS = 16
# File descriptors for databases, Slack and DigiCert at the same time. The idle bot needs about forty.
BOT_DESCRIPTORS = 192
WANTED_DESCRIPTORS = 4096
ACCEPT_PAUSE_SECONDS = 0.1
# Linux holds back a connection without data for this long (TCP_DEFER_ACCEPT), so it takes no place meanwhile.
SILENT_SECONDS = 1
BACKLOG = 512

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def connection_limit() -> int:
    """Return the number of connections that leaves the bot enough file descriptors for its own work.

    Raises the process's soft limit of descriptors first, as far as the hard limit permits.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < WANTED_DESCRIPTORS and soft != resource.RLIM_INFINITY:
        wanted = WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(WANTED_DESCRIPTORS, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    free = MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else soft - BOT_DESCRIPTORS
    return max(FEWEST_CONNECTIONS, min(MOST_CONNECTIONS, free))


class _Trust(IntEnum):
    """Trust in a connection. To make room, less trusted ones are closed first, and ANSWERING_SLACK ones never."""

    NONE = 0
    SIGNED_BEFORE = 1
    """An earlier request on it was signed by Slack, so it belongs to Slack or to a proxy that forwards its requests."""
    ANSWERING_SLACK = 2


@dataclass(eq=False)
class _Connection:
    """One open connection, and the timer that closes it if it is idle."""

    transport: asyncio.Transport
    network: str
    timer: asyncio.TimerHandle
    trust: _Trust = _Trust.NONE

    @property
    def holds_descriptor(self) -> bool:
        """Return True until the socket is closed. A transport with unsent data counts as closing earlier than that."""
        return bool(self.transport.get_extra_info("socket").fileno() >= 0)

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""
        self.timer.cancel()
        self.transport.abort()


class Connections:
    """The open connections of one server, at most `limit`.

    A new connection is always accepted, because it may be Slack's. If the limit is reached, one is closed that never
    carried a request signed by Slack: in the network with most connections, the one that has been idle for longest.
    """

    def __init__(self, limit: int, rejections: Rejections) -> None:
        self._limit = limit
        self._rejections = rejections
        # Ordered by last activity, the longest idle first.
        self._open: dict[Any, _Connection] = {}

    async def accept(self, listener: socket.socket, factory: Callable[[], asyncio.Protocol]) -> None:
        """Accept connections, at most one in each turn of the event loop, until cancelled.

        asyncio's own server logs a traceback for each accept that fails, thousands of them in a second.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listener)
            except OSError:
                # The process or the host is out of descriptors, and the bot's own work needs some too: close half.
                dropped = [self._drop("descriptors", self._next_to_go()) for _ in range(1 + len(self._open) // 2)]
                await asyncio.sleep(0.0 if any(dropped) else ACCEPT_PAUSE_SECONDS)
                continue
            try:
                await self._admit(accepted, str(address[0]), factory)
            except OSError:
                # The client disconnected before it was admitted.
                accepted.close()
            await asyncio.sleep(0)

    @web.middleware
    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Limit the time of each answer, and then the time until the next request of the same connection."""
        self._extend(request.transport, ANSWER_SECONDS)
        seconds = REQUEST_SECONDS
        try:
            response = await handler(request)
            if request.keep_alive and response.keep_alive is not False:
                # aiohttp closes an idle connection itself, but waits forever for a client that reads no answer.
                seconds += IDLE_SECONDS
            return response
        finally:
            self._extend(request.transport, seconds)

    @contextmanager
    def answering_slack(self, request: web.Request) -> Iterator[None]:
        """Protect the connection while a request signed by Slack is handled, and trust it more afterwards."""
        connection = self._open.get(request.transport)
        try:
            if connection:
                connection.trust = _Trust.ANSWERING_SLACK
            yield
        finally:
            if connection:
                connection.trust = _Trust.SIGNED_BEFORE

    def close(self) -> None:
        """Cancel every timer. The server closes the connections."""
        for connection in self._open.values():
            connection.timer.cancel()
        self._open.clear()

    async def _admit(self, accepted: socket.socket, address: str, factory: Callable[[], asyncio.Protocol]) -> None:
        self._open = {each: connection for each, connection in self._open.items() if connection.holds_descriptor}
        if len(self._open) >= self._limit and not self._drop("connections", self._next_to_go()):
            accepted.close()
            return
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_accepted_socket(factory, accepted)
        timer = loop.call_later(REQUEST_SECONDS, self._close_late, transport)
        self._open[transport] = _Connection(transport, _network(address), timer)

    def _extend(self, transport: asyncio.BaseTransport | None, seconds: float) -> None:
        """Record activity on a connection, and restart its timer with `seconds`."""
        if connection := self._open.pop(transport, None):
            connection.timer.cancel()
            connection.timer = asyncio.get_running_loop().call_later(seconds, self._close_late, connection.transport)
            self._open[connection.transport] = connection

    def _close_late(self, transport: asyncio.BaseTransport) -> None:
        connection = self._open.pop(transport, None)
        if connection and connection.holds_descriptor:
            self._drop("late", connection)

    def _next_to_go(self) -> _Connection | None:
        """Return the connection to close for a new one, or None if all of them are answering Slack."""
        for trust in (_Trust.NONE, _Trust.SIGNED_BEFORE):
            if others := [each for each in self._open.values() if each.trust is trust]:
                ((most, _),) = Counter(each.network for each in others).most_common(1)
                return next(each for each in others if each.network == most)
        return None

    def _drop(self, reason: str, connection: _Connection | None) -> bool:
        """Close a connection and log it with its reason. Return False if there is none to close."""
        self._rejections.dropped(reason)
        if connection is None:
            return False
        self._open.pop(connection.transport, None)
        connection.abort()
        return True


CONNECTIONS = web.AppKey("connections", Connections)


def _network(address: str) -> str:
    """Return the network that a single client may control: a single IPv4 address, or an IPv6 /64 (RFC 6177)."""
    parsed = ip_address(address.partition("%")[0])
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address

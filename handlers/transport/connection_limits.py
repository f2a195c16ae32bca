"""The TCP connections of the HTTP server: how many there may be, how long each may wait, and which one makes room."""

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

# Slack waits three seconds in all for an answer, so its own requests come close to neither.
REQUEST_SECONDS = 5.0
ANSWER_SECONDS = 15.0
# Longer than proxies usually hold an idle connection: a request that meets a closing connection would be lost.
IDLE_SECONDS = 75.0
MOST_CONNECTIONS = 256
FEWEST_CONNECTIONS = 16
# For databases, Slack and DigiCert at the same time; at rest the bot needs about forty.
BOT_DESCRIPTORS = 192
WANTED_DESCRIPTORS = 4096
ACCEPT_PAUSE_SECONDS = 0.1
# How long Linux may withhold a connection on which nothing was sent yet: it takes no place beside one with a request.
SILENT_SECONDS = 1
BACKLOG = 512

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def connection_limit() -> int:
    """Return how many connections leave the bot enough file descriptors for its own work.

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
    """What a connection has shown so far: one that has shown more is closed later to make room, the last one never."""

    NONE = 0
    SIGNED_BEFORE = 1
    """An earlier request on it was signed by Slack: it is Slack's, or of a proxy in front of Slack's requests."""
    ANSWERING_SLACK = 2


@dataclass(eq=False)
class _Connection:
    """One open connection, and the timer that closes it unless something happens on it."""

    transport: asyncio.Transport
    network: str
    timer: asyncio.TimerHandle
    trust: _Trust = _Trust.NONE

    @property
    def holds_descriptor(self) -> bool:
        """True until the socket is closed; a transport that still has something to send begins to close earlier."""
        return bool(self.transport.get_extra_info("socket").fileno() >= 0)

    def abort(self) -> None:
        """Close it at once, whatever is still to be sent."""
        self.timer.cancel()
        self.transport.abort()


class Connections:
    """The open connections of one server, at most `limit`.

    A new connection is always let in, because it may be Slack's. If every place is taken, one closes that never carried
    a request signed by Slack: of the network with most of them, the one on which nothing has happened for longest.
    """

    def __init__(self, limit: int, denial_log: Rejections) -> None:
        self._limit = limit
        self._denial_log = denial_log
        # In the order in which something last happened on them.
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
                # The process or the host is out of descriptors, and the bot's own work needs some too.
                dropped = [self._drop("descriptors", self._next_to_go()) for _ in range(1 + len(self._open) // 2)]
                await asyncio.sleep(0.0 if any(dropped) else ACCEPT_PAUSE_SECONDS)
                continue
            try:
                await self._admit(accepted, str(address[0]), factory)
            except OSError:
                # The client was gone before it was let in.
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
                # The server itself closes an idle connection, but waits for ever for a client that reads no answer.
                seconds += IDLE_SECONDS
            return response
        finally:
            self._extend(request.transport, seconds)

    @contextmanager
    def answering_slack(self, request: web.Request) -> Iterator[None]:
        """Protect the connection of a request that Slack signed; trust it more than others afterwards."""
        connection = self._open.get(request.transport)
        try:
            if connection:
                connection.trust = _Trust.ANSWERING_SLACK
            yield
        finally:
            if connection:
                connection.trust = _Trust.SIGNED_BEFORE

    def close(self) -> None:
        """Cancel every timer; the server itself closes the connections."""
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
        """Note that something happened on a connection, and give it so many seconds from now on."""
        if connection := self._open.pop(transport, None):
            connection.timer.cancel()
            connection.timer = asyncio.get_running_loop().call_later(seconds, self._close_late, connection.transport)
            self._open[connection.transport] = connection

    def _close_late(self, transport: asyncio.BaseTransport) -> None:
        connection = self._open.pop(transport, None)
        if connection and connection.holds_descriptor:
            self._drop("late", connection)

    def _next_to_go(self) -> _Connection | None:
        """Return the connection that makes room for a new one; None if Slack is being answered on all of them."""
        for trust in (_Trust.NONE, _Trust.SIGNED_BEFORE):
            if others := [each for each in self._open.values() if each.trust is trust]:
                ((most, _),) = Counter(each.network for each in others).most_common(1)
                return next(each for each in others if each.network == most)
        return None

    def _drop(self, reason: str, connection: _Connection | None) -> bool:
        """Close a connection, if there is one, and say so in the log."""
        self._denial_log.dropped(reason)
        if connection is None:
            return False
        self._open.pop(connection.transport, None)
        connection.abort()
        return True


CONNECTIONS = web.AppKey("connections", Connections)


def _network(address: str) -> str:
    """Return what one client can be expected to hold: an IPv4 address, or a network of IPv6 (RFC 6177)."""
    parsed = ip_address(address.partition("%")[0])
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address

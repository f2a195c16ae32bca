"""Which connection makes room for a new one, and how many there may be."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from bot.metrics import Metrics

pytestmark = pytest.mark.fault("M1")

MANY, FEW, SLACK = "127.0.0.2", "127.0.0.3", "127.0.0.4"


class Served(asyncio.Protocol):
    """One connection as the server has it."""

    made: list["Served"]
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.made.append(self)

    def connection_lost(self, _: Exception | None) -> None:
        self.made.remove(self)


class LimitedServer:
    """Real sockets around `Connections`."""

    def __init__(self, limit: int) -> None:
        from handlers.transport.connection_limits import Connections
        from handlers.transport.rejections import Rejections

        self.connections = Connections(limit, Rejections(Metrics()))
        self.made: list[Served] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.clients: list[socket.socket] = []

    def protocol(self) -> Served:
        served = Served()
        served.made = self.made
        return served

    async def connect(self, *addresses: str) -> None:
        """Connect from each address, one after another; an address may be served twice."""
        for address in addresses:
            client = socket.create_connection(self.listener.getsockname(), source_address=(address, 0))
            self.clients.append(client)
            port = client.getsockname()[1]
            async with asyncio.timeout(5.0):
                while port not in self.ports:  # noqa: ASYNC110 - a server tells nobody
                    await asyncio.sleep(0.001)
            await asyncio.sleep(0.01)

    @property
    def ports(self) -> list[int]:
        return [served.transport.get_extra_info("peername")[1] for served in self.made]

    @property
    def addresses(self) -> list[str]:
        """Return the addresses of the open connections, the oldest first."""
        return [served.transport.get_extra_info("peername")[0] for served in self.made]

    def request(self, number: int) -> Any:
        """A request on the connection that was made as this one, of those that are open."""
        return SimpleNamespace(transport=self.made[number].transport)


@asynccontextmanager
async def serving(limit: int) -> AsyncIterator[LimitedServer]:
    server = LimitedServer(limit)
    accepting = asyncio.create_task(server.connections.accept(server.listener, server.protocol))
    try:
        yield server
    finally:
        accepting.cancel()
        await asyncio.gather(accepting, return_exceptions=True)
        server.connections.close()
        for served in list(server.made):
            served.transport.abort()
        await asyncio.sleep(0.01)
        for each in (server.listener, *server.clients):
            each.close()


async def test_the_network_with_most_connections_loses_its_oldest():
    async with serving(4) as server:
        await server.connect(FEW, MANY, MANY, MANY)
        first_of_many = server.ports[1]

        await server.connect(SLACK)

        assert server.addresses == [FEW, MANY, MANY, SLACK]
        assert first_of_many not in server.ports


async def test_a_flood_from_one_network_closes_no_other():
    async with serving(4) as server:
        await server.connect(FEW, SLACK)

        await server.connect(*[MANY] * 20)

        assert server.addresses == [FEW, SLACK, MANY, MANY]


async def test_of_connections_from_everywhere_the_oldest_goes():
    async with serving(3) as server:
        await server.connect("127.0.0.5", "127.0.0.6", "127.0.0.7")

        await server.connect("127.0.0.8")

        assert server.addresses == ["127.0.0.6", "127.0.0.7", "127.0.0.8"]


async def test_a_connection_that_carried_a_signed_request_is_closed_after_all_others():
    async with serving(3) as server:
        await server.connect(SLACK, SLACK, FEW)
        for number in (0, 1):
            with server.connections.answering_slack(server.request(number)):
                pass

        await server.connect(MANY, FEW)

        assert server.addresses == [SLACK, SLACK, FEW]


async def test_while_slack_is_answered_on_every_connection_none_of_them_is_closed():
    async with serving(1) as server:
        await server.connect(SLACK)
        with server.connections.answering_slack(server.request(0)):
            client = socket.create_connection(server.listener.getsockname())
            server.clients.append(client)
            client.setblocking(False)
            async with asyncio.timeout(5.0):
                refused = await asyncio.get_running_loop().sock_recv(client, 1)

        assert refused == b""
        assert server.addresses == [SLACK]


@pytest.mark.parametrize(
    ("limits", "after", "connections"),
    [
        ((256, 256), 256, 64),
        ((128, 128), 128, 16),
        ((1024, 1024), 1024, 256),
        ((256, 1024), 1024, 256),
        ((1024, 8192), 4096, 256),
        ((8192, 8192), 8192, 256),
    ],
)
def test_the_limit_leaves_descriptors_to_the_bot(monkeypatch, limits, after, connections):
    from handlers.transport.connection_limits import connection_limit

    process = {"limits": limits}
    monkeypatch.setattr(resource, "getrlimit", lambda _: process["limits"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: process.update(limits=wanted))

    assert connection_limit() == connections
    assert process["limits"] == (after, limits[1])

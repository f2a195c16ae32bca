"""The check right before a request is sent, and that nothing is sent if it fails."""

import asyncio
import contextlib
import socket

import pytest
from pydantic import SecretStr

from bot.digicert.client import CertCentral, open_http
from bot.digicert.rate_limits import LocalRateLimiter
from bot.digicert.send_guard import HELD_SECONDS
from bot.errors import CaUnavailable

DONE = b"HTTP/1.1 204 No Content\r\n\r\n"


class ReceivingServer:
    """A server that records its connections and the bytes it received."""

    def __init__(self):
        self.connections, self.data, self.closed = 0, b"", asyncio.Event()

    async def serve(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65536):
                self.data += chunk
                if self.data.endswith(b"}"):
                    writer.write(DONE)
                    self.data += b"|"
        writer.close()
        self.closed.set()


@pytest.fixture
async def receiver(no_environment):
    receiver = ReceivingServer()
    async with await asyncio.start_server(receiver.serve, "127.0.0.1", 0) as server:
        receiver.port = server.sockets[0].getsockname()[1]
        yield receiver


@pytest.fixture
async def client(receiver):
    async with open_http(f"http://127.0.0.1:{receiver.port}", SecretStr("0123456789ABCDEF")) as http:
        yield CertCentral(http, LocalRateLimiter([(100, 1.0)]))


class CallForbidden(Exception):
    """The call must not be made."""


async def resend(client, confirm):
    await client.resend_domain(1, "a.example", ["admin@a.example"], "en", confirm)


async def test_it_is_asked_once_the_connection_is_there_and_before_any_byte_is_written(client, receiver):
    states_before_send = []

    async def confirm():
        await asyncio.sleep(0.05)
        states_before_send.append((receiver.connections, receiver.data))

    await resend(client, confirm)

    assert states_before_send[0] == (1, b"")
    assert len(states_before_send) == 2
    assert receiver.data.startswith(b"PUT /domain/1/dcv/emails HTTP/1.1\r\n")


async def test_if_the_check_fails_not_a_byte_is_written(client, receiver):
    async def confirm():
        raise CallForbidden

    with pytest.raises(CallForbidden):
        await resend(client, confirm)
    async with asyncio.timeout(5):
        await receiver.closed.wait()

    assert (receiver.connections, receiver.data) == (1, b"")


async def test_if_the_check_fails_after_the_head_the_body_is_never_written(client, receiver):
    answers = [None, CallForbidden]

    async def confirm():
        if error := answers.pop(0):
            raise error

    with pytest.raises(CaUnavailable, match="broken off") as raised:
        await resend(client, confirm)
    async with asyncio.timeout(5):
        await receiver.closed.wait()

    assert raised.value.may_have_arrived
    assert receiver.data.endswith(b"\r\n\r\n")
    assert b"admin@a.example" not in receiver.data


async def test_a_connection_that_was_used_before_is_asked_about_as_well(client, receiver):
    async def yes():
        pass

    async def no():
        raise CallForbidden

    await resend(client, yes)
    written = receiver.data

    with pytest.raises(CallForbidden):
        await resend(client, no)

    assert (receiver.connections, receiver.data) == (1, written)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux has it.")
async def test_the_kernel_drops_what_it_cannot_deliver_within_seconds(client, receiver, monkeypatch):
    asked = []
    set_it = socket.socket.setsockopt
    monkeypatch.setattr(socket.socket, "setsockopt", lambda *words: (asked.append(words[1:]), set_it(*words)))

    async def confirm():
        pass

    await resend(client, confirm)

    assert (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, HELD_SECONDS * 1000) in asked

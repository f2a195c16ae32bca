"""Right before a request is written: what is asked then, and that nothing was written where the answer is no."""

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


class Heard:
    """What a server got: its connections, and the bytes on them."""

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
async def heard(no_environment):
    heard = Heard()
    async with await asyncio.start_server(heard.serve, "127.0.0.1", 0) as server:
        heard.port = server.sockets[0].getsockname()[1]
        yield heard


@pytest.fixture
async def client(heard):
    async with open_http(f"http://127.0.0.1:{heard.port}", SecretStr("0123456789ABCDEF")) as http:
        yield CertCentral(http, LocalRateLimiter([(100, 1.0)]))


class No(Exception):
    """The call must not be made."""


async def resend(client, confirm):
    await client.resend_domain(1, "a.example", ["admin@a.example"], "en", confirm)


async def test_it_is_asked_once_the_connection_is_there_and_before_any_byte_is_written(client, heard):
    observation = []

    async def confirm():
        await asyncio.sleep(0.05)
        observation.append((heard.connections, heard.data))

    await resend(client, confirm)

    assert observation[0] == (1, b"")
    assert len(observation) == 2
    assert heard.data.startswith(b"PUT /domain/1/dcv/emails HTTP/1.1\r\n")


async def test_where_the_answer_is_no_not_a_byte_is_written(client, heard):
    async def confirm():
        raise No

    with pytest.raises(No):
        await resend(client, confirm)
    async with asyncio.timeout(5):
        await heard.closed.wait()

    assert (heard.connections, heard.data) == (1, b"")


async def test_where_the_answer_changes_after_the_head_the_body_is_never_written(client, heard):
    answers = [None, No]

    async def confirm():
        if error := answers.pop(0):
            raise error

    with pytest.raises(CaUnavailable, match="broken off") as raised:
        await resend(client, confirm)
    async with asyncio.timeout(5):
        await heard.closed.wait()

    assert raised.value.may_have_arrived
    assert heard.data.endswith(b"\r\n\r\n")
    assert b"admin@a.example" not in heard.data


async def test_a_connection_that_was_used_before_is_asked_about_as_well(client, heard):
    async def yes():
        pass

    async def no():
        raise No

    await resend(client, yes)
    written = heard.data

    with pytest.raises(No):
        await resend(client, no)

    assert (heard.connections, heard.data) == (1, written)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux has it.")
async def test_the_kernel_drops_what_it_cannot_deliver_within_seconds(client, heard, monkeypatch):
    asked = []
    set_it = socket.socket.setsockopt
    monkeypatch.setattr(socket.socket, "setsockopt", lambda *words: (asked.append(words[1:]), set_it(*words)))

    async def confirm():
        pass

    await resend(client, confirm)

    assert (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, HELD_SECONDS * 1000) in asked

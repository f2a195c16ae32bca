"""`dcv-resend serve`: the same bot behind a request URL, which turns away whatever Slack did not just send."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import stalls
from sandbox.slack import Channel, Form, Person, Slack
from tests.e2e.kit import Rows, free_port, locked, open_form, put, puts, sees_end, serving, tells

ORDER = 700001
PATH = "/slack/events"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
STOPPED_WITHIN = 10.0
MEBIBYTE = 1 << 20
MakeBot = Callable[..., BotProcess]
Ask = Callable[[str], Awaitable[Form]]


@pytest.fixture
def ops(slack: Slack) -> Channel:
    """A channel of alerts."""
    return slack.add_channel("ops")


@pytest.fixture
async def bot(make_bot: MakeBot, slack: Slack, certcentral: CertCentral, ops: Channel) -> BotProcess:
    """A bot that serves over HTTP, and something that waits for it."""
    certcentral.add_order(ORDER, ["shop.example.com"])
    bot = make_bot("serve", DCV_ALERT_CHANNELS=ops.id)
    slack.request_url = f"http://127.0.0.1:{bot.settings['PORT']}{PATH}"
    await bot.start()
    await serving(bot)
    return bot


@dataclass(frozen=True)
class Told:
    """What a raw socket heard: the status, and whether the connection was closed behind it."""

    status: int
    closed: bool


class Wire:
    """Speaks HTTP/1.1 by hand, as somebody would who is not Slack."""

    def __init__(self, bot: BotProcess, slack: Slack) -> None:
        self._bot, self._slack = bot, slack

    def signed(self, body: bytes, content_type: str = JSON, *, ago: float = 0.0, secret: str = "") -> dict[str, str]:
        """The headers with which Slack would send this body, `ago` seconds ago."""
        before, self._slack.mint.clock = self._slack.mint.clock, lambda: time.time() - ago
        kept, self._slack.signing_secret = self._slack.signing_secret, secret or self._slack.signing_secret
        try:
            return dict(self._slack.requests.sign(body, content_type).headers)
        finally:
            self._slack.mint.clock, self._slack.signing_secret = before, kept

    async def send(
        self,
        body: bytes = b"",
        headers: Mapping[str, str | list[str]] | None = None,
        *,
        method: str = "POST",
        path: str = PATH,
        length: int | None = None,
        chunked: bool = False,
    ) -> Told:
        """Send a request and read the answer; with `length` the body that is announced never comes in full."""
        lines = [f"{method} {path} HTTP/1.1", "Host: bot.example"]
        for name, values in (headers or {}).items():
            lines += [f"{name}: {value}" for value in ([values] if isinstance(values, str) else values)]
        lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body) if length is None else length}")
        if chunked:
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in _parts(body))
        head = "\r\n".join((*lines, "", "")).encode("latin-1")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self._bot.settings["PORT"]))
        with closing(writer):
            writer.write(head + body)
            async with asyncio.timeout(20.0):
                status = int((await reader.readuntil(b"\r\n\r\n")).split()[1])
                closed = await _ends(reader)
        return Told(status, closed)


def _parts(body: bytes) -> list[bytes]:
    return [body[start : start + 65536] for start in range(0, len(body), 65536)]


async def _ends(reader: asyncio.StreamReader) -> bool:
    """Whether the other side closes the connection soon; what it still says is read."""
    try:
        async with asyncio.timeout(2.0):
            await reader.read()
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


@pytest.fixture
def wire(bot: BotProcess, slack: Slack) -> Wire:
    return Wire(bot, slack)


async def test_slack_may_save_the_address(bot: BotProcess, slack: Slack) -> None:
    assert await slack.requests.verify()


async def test_one_line_and_its_result(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: Person, pki: Channel
) -> None:
    delivery = await ana.command("/dcv-resend", f"{ORDER} to admin@shop.example.com because payload", pki)
    root = await sees_end(slack, pki, ORDER)

    assert delivery.acked
    assert tells(root) == "sent"
    assert puts(certcentral, ORDER) == 1
    assert slack.problems == []

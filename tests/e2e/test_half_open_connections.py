"""Strangers may hold as many connections as they like: Slack is answered, and the log stays small."""

import asyncio
import json
import os
import resource
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import aiohttp
import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import answers_with, asks, free_port, puts, sees_end, serving, tells
from tests.forked_bot import ForkedBot

ORDER = 700001
DESCRIPTORS = 256
STRANGERS = 300
# What a full log of asyncio's tracebacks reaches within a second.
SMALL_LOG = 100_000
STOPPED_WITHIN = 10.0
MakeBot = Callable[..., BotProcess]


def _with_few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    ForkedBot.main()


class PoorBot(ForkedBot):
    """The bot with few file descriptors, as some platforms start it."""

    main = staticmethod(_with_few_descriptors)


@pytest.fixture
def process() -> type[BotProcess]:
    return PoorBot


@pytest.fixture
async def bot(make_bot: MakeBot, slack: Slack, certcentral: CertCentral) -> BotProcess:
    certcentral.add_order(ORDER, ["shop.example.com"])
    bot = make_bot("serve")
    slack.request_url = f"http://127.0.0.1:{bot.settings['PORT']}/slack/events"
    await bot.start()
    await serving(bot)
    return bot


def beginnings(slack: Slack) -> list[bytes]:
    """The beginnings of requests that a stranger never completes: nothing, half of a header, half of a body."""
    head = b"POST /slack/events HTTP/1.1\r\nHost: bot.example\r\nContent-Type: application/json\r\n"
    stamp = f"X-Slack-Request-Timestamp: {int(time.time())}\r\nX-Slack-Signature: v0={'0' * 64}\r\n".encode()
    return [b"", head, head + stamp + b"Content-Length: 100000\r\n\r\n{"]


@asynccontextmanager
async def opened(bot: BotProcess, part: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which something was sent; it is closed at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(bot.settings["PORT"]))
    try:
        writer.write(part)
        yield reader
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def held(bot: BotProcess, parts: list[bytes]) -> AsyncIterator[None]:
    """Connections on which something was sent, and nothing more comes."""
    async with AsyncExitStack() as stack:
        for number in range(STRANGERS):
            await stack.enter_async_context(opened(bot, parts[number % len(parts)]))
        yield


async def _reconnect(bot: BotProcess, part: bytes) -> None:
    """Hold a connection, and open another one as soon as it is closed."""
    while True:
        with suppress(OSError):
            async with opened(bot, part) as reader:
                await reader.read()
        await asyncio.sleep(0)


@asynccontextmanager
async def reconnecting(bot: BotProcess, parts: list[bytes]) -> AsyncIterator[None]:
    """Connections that are opened again whenever they are closed."""
    tasks = [asyncio.create_task(_reconnect(bot, parts[each % len(parts)])) for each in range(STRANGERS)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.fault("M1")
async def test_slack_is_answered_beside_more_strangers_than_descriptors(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    async with held(bot, beginnings(slack)):
        delivery = await ana.command("/dcv-resend", f"{ORDER} to admin@shop.example.com", pki)
        root = await sees_end(slack, pki, ORDER)
        alive = await answers_with(bot, "/healthz", 200, 5.0)

    assert delivery.acked
    assert tells(root) == "sent"
    assert puts(certcentral, ORDER) == 1
    assert alive == "alive\n"
    assert len(bot.log) < SMALL_LOG
    assert slack.problems == []


@pytest.mark.fault("M1")
async def test_slack_is_answered_beside_strangers_who_come_back_at_once(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    async with reconnecting(bot, beginnings(slack)):
        delivery = await ana.command("/dcv-resend", f"{ORDER} to admin@shop.example.com", pki)
        root = await sees_end(slack, pki, ORDER)
        again = [await ana.command("/dcv-resend", "help", pki) for _ in range(20)]
        await slack.wait_for_events()
        problems = list(slack.problems)

    assert [each.acked for each in (delivery, *again)] == [True] * 21
    assert tells(root) == "sent"
    assert puts(certcentral, ORDER) == 1
    assert len(bot.log) < SMALL_LOG
    assert problems == []


@pytest.mark.fault("M1")
async def test_the_bot_beside_socket_mode_works_beside_as_many_strangers(
    make_bot: MakeBot, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    bot = make_bot(PORT=str(free_port()))
    await bot.start()
    await slack.wait_for_connection(60.0)
    await serving(bot)

    async with held(bot, [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"]):
        delivery = await ana.command("/dcv-resend", f"{ORDER} to admin@shop.example.com", pki)
        root = await sees_end(slack, pki, ORDER)
        ready, _ = await asks(bot, "/readyz")

    assert (delivery.acked, tells(root), ready) == (True, "sent", 200)
    assert len(bot.log) < SMALL_LOG


@pytest.mark.fault("M1")
async def test_a_request_that_does_not_come_in_full_ends_its_connection(bot: BotProcess, slack: Slack) -> None:
    async def ends(part: bytes) -> bool:
        """Send it, and then nothing, until the connection is closed."""
        async with opened(bot, part) as reader:
            try:
                async with asyncio.timeout(12.0):
                    await reader.read()
            except TimeoutError:
                return False
            except ConnectionError:
                pass
            return True

    assert await asyncio.gather(*map(ends, beginnings(slack))) == [True, True, True]


async def test_a_connection_that_is_kept_alive_serves_one_request_after_another(bot: BotProcess, slack: Slack) -> None:
    made, reused = [], []
    trace = aiohttp.TraceConfig()

    async def note_made(*_: object) -> None:
        made.append(1)

    async def note_reused(*_: object) -> None:
        reused.append(1)

    trace.on_connection_create_end.append(note_made)
    trace.on_connection_reuseconn.append(note_reused)
    url = f"http://127.0.0.1:{bot.settings['PORT']}"
    statuses = []
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        for number in range(3):
            async with session.get(f"{url}/healthz") as response:
                statuses.append(response.status)
            body = b'{"type": "event_callback", "event": {"type": "message", "number": %d}}' % number
            signed = slack.requests.sign(body, "application/json")
            async with session.post(f"{url}/slack/events", data=body, headers=dict(signed.headers)) as response:
                statuses.append(response.status)

    assert statuses == [200] * 6
    assert (len(made), len(reused)) == (1, 5)


async def test_a_stop_waits_for_no_stranger(bot: BotProcess, slack: Slack) -> None:
    async with reconnecting(bot, beginnings(slack)):
        await asks(bot, "/healthz")
        began = time.monotonic()
        status = await bot.stop()

    assert status == 0
    assert time.monotonic() - began < STOPPED_WITHIN


@pytest.mark.fault("M1")
async def test_out_of_descriptors_strangers_make_room_and_the_log_says_so_once(bot: BotProcess, slack: Slack) -> None:
    in_use = len(os.listdir(f"/proc/{bot.pid}/fd"))
    resource.prlimit(bot.pid, resource.RLIMIT_NOFILE, (in_use + 6, in_use + 6))

    async with held(bot, beginnings(slack)[1:]):
        alive = await answers_with(bot, "/healthz", 200, 5.0)

    rows = [json.loads(line) for line in bot.log.splitlines()]
    assert alive == "alive\n"
    assert [row["reason"] for row in rows if row["event"] == "an HTTP connection was closed"] == ["descriptors"]
    assert len(bot.log) < SMALL_LOG

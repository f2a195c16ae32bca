"""The link to Slack: what it says of itself, and what becomes of envelopes that come at a bad moment."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from bot.errors import ConfigurationError
from handlers.transport.reconnector import Reconnector
from handlers.transport.websocket import Message, WebSocket
from sandbox.faults import answers
from sandbox.slack import Slack


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack() as slack:
        yield slack


@asynccontextmanager
async def _running(slack: Slack) -> AsyncIterator[tuple[Reconnector, "asyncio.Task[None]"]]:
    """Yield a link that acknowledges everything, and the task that runs it."""
    async with aiohttp.ClientSession() as session:

        async def dial() -> WebSocket:
            return await WebSocket.open(session, slack.web_api.open_socket_url(), None)

        async def answer(envelope: Message) -> str | None:
            return json.dumps({"envelope_id": envelope["envelope_id"]})

        link = Reconnector(dial, answer)
        task = asyncio.create_task(link.run())
        await _until(lambda: link.is_open, 5.0)
        try:
            yield link, task
        finally:
            await _stop(link, task)


async def _stop(link: Reconnector, task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await link.close()


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a link does not announce its state
            await asyncio.sleep(0.02)


async def test_a_link_is_open_only_while_its_socket_lives(slack: Slack) -> None:
    async with _running(slack) as (link, task):
        opened = link.is_open
        slack.faults.plan("socket", answers(503), times=None)
        slack.freeze_sockets()
        await _until(lambda: not link.is_open, 7.0)
        slack.faults.clear()
        await _until(lambda: link.is_open, 10.0)
        await _stop(link, task)

        assert opened
        assert not link.is_open


async def test_an_envelope_that_crosses_the_parting_is_acknowledged_over_another_socket(slack: Slack) -> None:
    ana = slack.add_person("ana")
    slack.close_notice_seconds = 0.3
    async with _running(slack) as (link, task):
        first = slack.socket_mode.sockets[0]
        stopping = asyncio.create_task(_stop(link, task))
        await slack.wait_for(lambda: first.ws.close_code is not None, "the link to part", 5.0)
        crossing = await ana.command("/dcv-resend")
        await stopping

    assert crossing.acked
    assert (slack.sockets, slack.problems) == (0, [])


async def test_nothing_is_left_of_a_link_that_had_many_sockets(slack: Slack) -> None:
    before = len(asyncio.all_tasks())
    async with _running(slack):
        with_one = len(asyncio.all_tasks())
        for _ in range(5):
            old = slack.socket_mode.sockets[0]
            await slack.disconnect("warning")
            await slack.wait_for(
                lambda old=old: slack.sockets == 1 and old not in slack.socket_mode.sockets, "another", 9.0
            )
        await _until(lambda: len(asyncio.all_tasks()) <= with_one, 5.0)

    await _until(lambda: len(asyncio.all_tasks()) <= before, 5.0)


class Line(WebSocket):
    """A connection over which one envelope comes; a cut one counts as open although nothing can be sent."""

    def __init__(self, *, is_cut: bool) -> None:
        self.over, self.goodbye = asyncio.Event(), None
        self.sent: list[str] = []
        self._is_cut, self._tries = is_cut, 0

    @property
    def is_open(self) -> bool:
        return True

    @property
    def age(self) -> float:
        return 60.0

    async def send(self, text: str) -> bool:
        self._tries += 1
        if self._tries > 10:
            raise AssertionError("It is asked again and again.")
        self.sent += [] if self._is_cut else [text]
        return not self._is_cut

    async def read(self, receive: Callable[[Message], None]) -> None:
        if self._is_cut:
            receive({"envelope_id": "1"})
            await asyncio.sleep(0.05)
            self.over.set()
        await self.over.wait()

    async def close_gracefully(self) -> None:
        self.over.set()


async def test_an_ack_that_cannot_be_sent_waits_for_the_next_socket_and_holds_up_nobody() -> None:
    lines = [Line(is_cut=True), Line(is_cut=False)]
    waiting = iter(lines)

    async def dial() -> WebSocket:
        return next(waiting)

    async def answer(envelope: Message) -> str | None:
        return json.dumps(envelope)

    link = Reconnector(dial, answer)
    task = asyncio.create_task(link.run())
    try:
        await _until(lambda: lines[1].sent != [], 5.0)
    finally:
        await _stop(link, task)

    assert [line.sent for line in lines] == [[], ['{"envelope_id": "1"}']]


async def test_a_token_that_is_revoked_while_it_leaves_fails_nothing_and_leaves_nothing_behind() -> None:
    lines = iter([Line(is_cut=True)])
    tried, ended = asyncio.Event(), asyncio.Event()

    async def dial() -> WebSocket:
        if line := next(lines, None):
            return line
        tried.set()
        raise ConfigurationError(["SLACK_APP_TOKEN: Slack does not accept it."])

    async def answer(_: Message) -> str | None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    link = Reconnector(dial, answer)
    task = asyncio.create_task(link.run())
    await _until(lambda: link.is_open, 5.0)
    await _stop(link, task)

    assert tried.is_set()
    assert ended.is_set()

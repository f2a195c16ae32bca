"""Reconnection of Socket Mode: one socket after another, without a gap if Slack allows it, and no envelope unacked."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from bot.clock import ends_within
from bot.errors import ConfigurationError, SlackUnavailable
from bot.timings import PRODUCTION, Timings
from handlers.transport.transport import ACK_SECONDS
from handlers.transport.websocket import Message, WebSocket

log = structlog.get_logger(__name__)

QUIET_SECONDS = 1.5
# For these reasons Slack wants fewer sockets, so close the old one before opening another.
CLOSE_FIRST = frozenset({"too_many_websockets", "link_disabled", "socket_mode_disabled"})
SWITCHED_OFF = CLOSE_FIRST - {"too_many_websockets"}

Dial = Callable[[], Awaitable[WebSocket]]
Answer = Callable[[Message], Awaitable[str | None]]


class Reconnector:
    """The current connection, with the tasks that read older connections or handle envelopes.

    `dial` opens a connection. It raises SlackUnavailable, or ConfigurationError if a retry cannot help.
    `answer` returns the ack of an envelope, or None if it must not be acknowledged.
    """

    def __init__(self, dial: Dial, answer: Answer, timings: Timings = PRODUCTION) -> None:
        self._dial = dial
        self._answer = answer
        self._timings = timings
        self._connection: WebSocket | None = None
        self._opened = asyncio.Event()
        self._sockets: set[asyncio.Task[None]] = set()
        self._envelopes: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """Return True if envelopes can arrive now."""
        return self._connection is not None and self._connection.is_open

    async def run(self) -> None:
        """Connect, and reconnect whenever Slack requests it or a socket dies, until cancelled.

        Reconnect at once after a stable connection, else with exponential backoff (1 to 2 s, then 2 to 4 s), and never
        before Slack's Retry-After. Raises what `dial` raises, except SlackUnavailable.
        """
        failures = 0
        while True:
            try:
                connection = await self._open()
                await self._until_over(connection)
                failures = 0 if connection.age >= self._timings.stable_after else failures + 1
                pause = self._pause(failures - 1)
            except SlackUnavailable as error:
                failures += 1
                pause = max(error.retry_after, self._pause(failures))
                log.warning("cannot connect to Slack; trying again", error=str(error), seconds=round(pause, 1))
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Close for good after every envelope has been acknowledged, within ACK_SECONDS.

        Envelopes that arrive after our close frame cannot be acknowledged on that socket. A temporary socket is opened
        for their acks, and closed in the same way.
        """
        try:
            await ends_within(ACK_SECONDS, self._drain())
        except ConfigurationError as error:
            # The process ends anyway, and the next start reports a wrong token.
            log.warning("an envelope could not be acknowledged, because Slack opens no socket", problems=error.problems)
        finally:
            remaining = [*self._sockets, *self._envelopes]
            for task in remaining:
                task.cancel()
            await asyncio.gather(*remaining, return_exceptions=True)

    async def _open(self) -> WebSocket:
        connection = await self._dial()
        before, self._connection = self._connection, connection
        self._opened.set()
        _start(self._sockets, connection.read(lambda message: self._receive(connection, message)))
        if before:
            _start(self._sockets, before.close_gracefully())
        log.info("connected to Slack")
        return connection

    async def _until_over(self, connection: WebSocket) -> None:
        await connection.over.wait()
        log.info("another socket is needed", reason=connection.goodbye or "the connection to Slack is lost")
        if connection.goodbye in SWITCHED_OFF:
            log.error("Socket Mode is off", mend="Turn on Socket Mode in the settings of your Slack app.")
        if connection.goodbye in CLOSE_FIRST:
            await connection.close_gracefully()

    async def _drain(self) -> None:
        while True:
            if self._connection and self._connection.is_open:
                await self._quiet()
                await self._connection.close_gracefully()
            await _all(self._sockets)
            if not self._envelopes:
                return
            try:
                await self._open()
            except SlackUnavailable:
                await asyncio.sleep(self._pause(1))

    async def _quiet(self) -> None:
        """Wait until no envelope is being handled, at most QUIET_SECONDS."""
        await ends_within(QUIET_SECONDS, _all(self._envelopes))

    def _receive(self, connection: WebSocket, message: Message) -> None:
        if message.get("envelope_id"):
            _start(self._envelopes, self._acknowledge(connection, message))

    async def _acknowledge(self, connection: WebSocket, envelope: Message) -> None:
        until = asyncio.get_running_loop().time() + ACK_SECONDS
        ack = await self._answer(envelope)
        if ack is None:
            return
        try:
            async with asyncio.timeout_at(until):
                while not await connection.send(ack):
                    connection = await self._next(connection)
        except TimeoutError:
            log.warning("an envelope could not be acknowledged, because no socket is open", kind=envelope.get("type"))

    async def _next(self, failed: WebSocket) -> WebSocket:
        """Return the open connection, or wait for the next one. Slack accepts an ack on any of the app's sockets.

        `failed` is never returned: it may appear open until its reader has processed its end, and a caller that
        retries it in a loop would keep that reader from running.
        """
        while self._connection is None or self._connection is failed or not self._connection.is_open:
            self._opened.clear()
            await self._opened.wait()
        return self._connection

    def _pause(self, failures: int) -> float:
        """Return the seconds until the next attempt, with jitter so that not all bots reconnect at the same time."""
        first, longest = self._timings.reconnect_delays
        bound = min(longest, first * 2.0 ** (failures - 1)) if failures > 0 else 0.0
        return bound * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


def _start(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _all(tasks: set[asyncio.Task[None]]) -> None:
    """Wait until all tasks have ended, including tasks added meanwhile."""
    while tasks:
        await asyncio.wait(tasks)

"""One WebSocket to Slack, monitored by pings and closed without losing messages that are in transit."""

import asyncio
import contextlib
import json
import struct
from collections.abc import Callable
from typing import Any, Self

import aiohttp
from aiohttp import ClientWebSocketResponse, ClientWSTimeout, WSCloseCode, WSMsgType

from bot.clock import ends_within
from bot.errors import SlackUnavailable
from bot.timings import PRODUCTION, Timings

DISCONNECT = "disconnect"
_CLOSE = struct.pack("!H", WSCloseCode.OK)

Message = dict[str, Any]


class WebSocket:
    """A connection that lasts until Slack, a missing pong or `close_gracefully` ends it.

    `over` is set as soon as a new connection is needed. `goodbye` is Slack's reason, if it sent one.
    Source: Slack's "Using Socket Mode".
    """

    def __init__(self, ws: ClientWebSocketResponse, first: Message, timings: Timings = PRODUCTION) -> None:
        self._ws = ws
        self._first = first
        self._timings = timings
        self._is_closing = False
        self._ended = asyncio.Event()
        self._began = asyncio.get_running_loop().time()
        self.over = asyncio.Event()
        self.goodbye: str | None = None

    @classmethod
    async def open(
        cls, session: aiohttp.ClientSession, url: str, proxy: str | None, timings: Timings = PRODUCTION
    ) -> Self:
        """Connect and wait for Slack's first message. Raises SlackUnavailable if none arrives within the timeout.

        An address is valid for one attempt, even a failed one.
        """
        try:
            async with asyncio.timeout(timings.handshake_timeout):
                timeout = ClientWSTimeout(ws_close=timings.close_timeout)
                ws = await session.ws_connect(url, heartbeat=timings.ping_interval, proxy=proxy, timeout=timeout)
                first = await _first_message(ws)
        except (aiohttp.ClientError, OSError, TimeoutError, TypeError, ValueError) as error:
            # Without the error's message, which contains the secret address.
            raise SlackUnavailable(f"Slack opened no socket ({_reason(error)}).") from error
        if first.get("type") == DISCONNECT:
            await ws.close()
            raise SlackUnavailable(f"Slack opened a socket only to close it ({first.get('reason')}).")
        return cls(ws, first, timings)

    @property
    def is_open(self) -> bool:
        """Return True if messages can be sent. Turns False at the latest when a pong is missing."""
        return not (self._ws.closed or self._is_closing)

    @property
    def age(self) -> float:
        """Return the seconds since the connection was opened."""
        return asyncio.get_running_loop().time() - self._began

    async def send(self, text: str) -> bool:
        """Send one text message. Return False if the socket is no longer open."""
        if not self.is_open:
            return False
        try:
            await self._ws.send_str(text)
        except (aiohttp.ClientError, ConnectionError):
            return False
        return True

    async def read(self, receive: Callable[[Message], None]) -> None:
        """Pass each message to `receive` until the socket ends."""
        try:
            receive(self._first)
            async for frame in self._ws:
                self._handle_frame(_parsed(frame.data) if frame.type is WSMsgType.TEXT else {}, receive)
        finally:
            self.over.set()
            self._ended.set()
            await self._ws.close()

    async def close_gracefully(self) -> None:
        """Send a close frame, and wait until every message that Slack sent before its own one has been read.

        aiohttp's own close would discard those messages. If Slack does not answer within the close timeout, the
        connection is aborted.
        """
        if self.is_open:
            self._is_closing = True
            with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                await self._ws.send_frame(_CLOSE, WSMsgType.CLOSE)
        await ends_within(self._timings.close_timeout, self._ended.wait())
        await self._ws.close()

    def _handle_frame(self, message: Message, receive: Callable[[Message], None]) -> None:
        if message.get("type") == DISCONNECT:
            self.goodbye = str(message.get("reason"))
            self.over.set()
        elif message:
            receive(message)


async def _first_message(ws: ClientWebSocketResponse) -> Message:
    try:
        return _parsed(await ws.receive_str())
    except BaseException:
        await ws.close()
        raise


def _parsed(text: str) -> Message:
    """Return the JSON object, or an empty one for anything else, which Slack does not send."""
    try:
        message = json.loads(text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _reason(error: Exception) -> str:
    return f"HTTP {error.status}" if isinstance(error, aiohttp.ClientResponseError) else type(error).__name__

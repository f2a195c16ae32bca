"""One WebSocket to Slack, from its address to its end: watched by pings, and left without losing what is on its way."""

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
    """Open until Slack, silence or `leave` ends it; `over` is set as soon as another one is needed.

    `goodbye` is the reason that Slack gave for it, if it gave one. Source: Slack's "Using Socket Mode".
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
        """Connect and wait for Slack's first message; SlackUnavailable if there is none within the handshake timeout.

        The address opens nothing a second time, whatever came of the first.
        """
        try:
            async with asyncio.timeout(timings.handshake_timeout):
                timeout = ClientWSTimeout(ws_close=timings.close_timeout)
                ws = await session.ws_connect(url, heartbeat=timings.ping_interval, proxy=proxy, timeout=timeout)
                first = await _first_message(ws)
        except (aiohttp.ClientError, OSError, TimeoutError, TypeError, ValueError) as error:
            # Without its words, which hold the address.
            raise SlackUnavailable(f"Slack opened no socket ({_reason(error)}).") from error
        if first.get("type") == DISCONNECT:
            await ws.close()
            raise SlackUnavailable(f"Slack opened a socket only to close it ({first.get('reason')}).")
        return cls(ws, first, timings)

    @property
    def is_open(self) -> bool:
        """Whether something can be sent: false at the latest when a pong is missing."""
        return not (self._ws.closed or self._is_closing)

    @property
    def age(self) -> float:
        """Seconds since it was opened."""
        return asyncio.get_running_loop().time() - self._began

    async def send(self, text: str) -> bool:
        """Hand one text over; False where the socket is no longer open."""
        if not self.is_open:
            return False
        try:
            await self._ws.send_str(text)
        except (aiohttp.ClientError, ConnectionError):
            return False
        return True

    async def read(self, hear: Callable[[Message], None]) -> None:
        """Hand on each message until the socket ends."""
        try:
            hear(self._first)
            async for frame in self._ws:
                self._handle_frame(_parsed(frame.data) if frame.type is WSMsgType.TEXT else {}, hear)
        finally:
            self.over.set()
            self._ended.set()
            await self._ws.close()

    async def close_gracefully(self) -> None:
        """Tell Slack that nothing more will be sent here, and wait until all that it sent before was read.

        aiohttp's own close would throw that away. Where Slack does not answer within the close timeout it is cut off.
        """
        if self.is_open:
            self._is_closing = True
            with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                await self._ws.send_frame(_CLOSE, WSMsgType.CLOSE)
        await ends_within(self._timings.close_timeout, self._ended.wait())
        await self._ws.close()

    def _handle_frame(self, message: Message, hear: Callable[[Message], None]) -> None:
        if message.get("type") == DISCONNECT:
            self.goodbye = str(message.get("reason"))
            self.over.set()
        elif message:
            hear(message)


async def _first_message(ws: ClientWebSocketResponse) -> Message:
    try:
        return _parsed(await ws.receive_str())
    except BaseException:
        await ws.close()
        raise


def _parsed(text: str) -> Message:
    """A JSON object; an empty one for anything else, which Slack does not send."""
    try:
        message = json.loads(text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _reason(error: Exception) -> str:
    return f"HTTP {error.status}" if isinstance(error, aiohttp.ClientResponseError) else type(error).__name__

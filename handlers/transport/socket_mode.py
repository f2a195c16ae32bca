"""Socket Mode: WebSockets that the bot opens to Slack, so that it needs no public address."""

import asyncio
import contextlib
from functools import partial

import aiohttp
import structlog
from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.errors import SlackRejected, SlackUnavailable
from bot.settings import SocketModeSettings, proxy_for
from bot.slack.client import APP_TOKEN_IS_BAD, Client, open_socket_url, refuse_redirects
from bot.timings import PRODUCTION, Timings
from handlers.transport.app_token import app_token_rejected, request_socket_url
from handlers.transport.envelopes import answer
from handlers.transport.reconnector import Reconnector
from handlers.transport.websocket import WebSocket

log = structlog.get_logger(__name__)


class SocketMode:
    """The transport over WebSockets. A socket is replaced whenever Slack requests it or stops responding."""

    def __init__(self, settings: SocketModeSettings, timings: Timings = PRODUCTION) -> None:
        self._settings = settings
        self._timings = timings
        self._link: Reconnector | None = None

    @property
    def is_open(self) -> bool:
        """Return True if Slack can reach the bot now. A dead socket is detected within six seconds."""
        return self._link is not None and self._link.is_open

    @property
    def drain_seconds(self) -> float:
        """Return 0: closing the socket informs Slack at once."""
        return 0.0

    @property
    def routes(self) -> list[web.RouteDef]:
        """Return no routes: Slack sends nothing over HTTP."""
        return []

    async def check(self, slack: Client) -> None:
        """Verify the app token.

        Raises ConfigurationError if Slack rejects it, SlackUnavailable if it cannot be reached.
        """
        await request_socket_url(self._settings.slack_app_token, slack)

    async def serve(self, app: AsyncApp, slack: Client) -> None:
        """Dispatch every envelope to the app until cancelled.

        Raises ConfigurationError if Slack rejects the app token twice. When this returns, every envelope that arrived
        has been acknowledged, as far as Slack allowed that within three seconds.
        """
        async with aiohttp.ClientSession(middlewares=[refuse_redirects]) as session:
            link = Reconnector(partial(self._dial, session, slack), partial(answer, app), self._timings)
            try:
                self._link = link
                await link.run()
            finally:
                self._link = None
                await link.close()

    async def _dial(self, session: aiohttp.ClientSession, slack: Client) -> WebSocket:
        url = await self._address(slack)
        return await WebSocket.open(session, url, proxy_for(url), self._timings)

    async def _address(self, slack: Client) -> str:
        """Return a new socket address. Raises ConfigurationError if Slack rejects the app token twice in a row."""
        with contextlib.suppress(SlackRejected):
            return await self._request_address(slack)
        log.error("Slack rejected the app token; checking again")
        await asyncio.sleep(self._timings.token_recheck_delay)
        try:
            return await self._request_address(slack)
        except SlackRejected as error:
            raise app_token_rejected(error) from error

    async def _request_address(self, slack: Client) -> str:
        """Return a new socket address. Raises SlackRejected if the token is bad, else SlackUnavailable on failure."""
        try:
            async with asyncio.timeout(self._timings.address_timeout):
                return await open_socket_url(slack, self._settings.slack_app_token.get_secret_value())
        except TimeoutError as error:
            raise SlackUnavailable("Slack returned no address in time.") from error
        except SlackRejected as error:
            if error.code in APP_TOKEN_IS_BAD:
                raise
            raise SlackUnavailable(str(error)) from error

"""The Socket Mode door: WebSockets that the bot opens to Slack, so that nothing of it can be reached from outside."""

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
    """Hears Slack over a socket that is replaced whenever Slack asks for it or is silent."""

    def __init__(self, settings: SocketModeSettings, timings: Timings = PRODUCTION) -> None:
        self._settings = settings
        self._timings = timings
        self._link: Reconnector | None = None

    @property
    def is_open(self) -> bool:
        """Whether Slack can reach the bot now; a socket that has died shows within six seconds."""
        return self._link is not None and self._link.is_open

    @property
    def drain_seconds(self) -> float:
        """None: Slack is told by the socket itself."""
        return 0.0

    @property
    def routes(self) -> list[web.RouteDef]:
        """Nothing is asked of it over HTTP."""
        return []

    async def check(self, slack: Client) -> None:
        """Try the app token; ConfigurationError where Slack does not accept it, SlackUnavailable where it is silent."""
        await request_socket_url(self._settings.slack_app_token, slack)

    async def serve(self, app: AsyncApp, slack: Client) -> None:
        """Hand every envelope to the app, until it is cancelled; ConfigurationError where Slack keeps refusing the app
        token.

        Once it ends, every envelope that arrived was acknowledged, as far as Slack let it within three seconds.
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
        """A fresh address; ConfigurationError where Slack refuses the app token and, asked again, says the same."""
        with contextlib.suppress(SlackRejected):
            return await self._ask(slack)
        log.error("Slack refused the app token; asking whether it is so")
        await asyncio.sleep(self._timings.token_recheck_delay)
        try:
            return await self._ask(slack)
        except SlackRejected as error:
            raise app_token_rejected(error) from error

    async def _ask(self, slack: Client) -> str:
        """A fresh address; SlackRejected where the token is to blame, SlackUnavailable for whatever else there is."""
        try:
            async with asyncio.timeout(self._timings.address_timeout):
                return await open_socket_url(slack, self._settings.slack_app_token.get_secret_value())
        except TimeoutError as error:
            raise SlackUnavailable("Slack did not tell an address in time.") from error
        except SlackRejected as error:
            if error.code in APP_TOKEN_IS_BAD:
                raise
            raise SlackUnavailable(str(error)) from error

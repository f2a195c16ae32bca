"""The Socket Mode door: a WebSocket that the bot opens to Slack, kept alive by the SDK and watched by us."""

import asyncio
from typing import Any

import structlog
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.settings import SocketModeSettings, proxy_for
from bot.slack.client import Client
from handlers.checks import open_address

log = structlog.get_logger(__name__)

SILENT_SECONDS = 30.0


class SocketMode:
    """Hears Slack over a socket; nothing of the bot can be reached from outside."""

    def __init__(self, settings: SocketModeSettings) -> None:
        self._settings = settings
        self._is_open = False

    @property
    def is_open(self) -> bool:
        """Whether Slack can reach the bot now."""
        return self._is_open

    @property
    def routes(self) -> list[web.RouteDef]:
        """Nothing is asked of it over HTTP."""
        return []

    async def check(self, slack: Client) -> None:
        """Try the app token; CannotStart where Slack does not accept it, SlackUnavailable where it is silent."""
        await open_address(self._settings.slack_app_token, slack)

    async def serve(self, app: AsyncApp, slack: Client) -> None:
        """Hand every envelope to the app, until it is cancelled.

        Looks five times a second: after SILENT_SECONDS without a connection it asks for a new address. The SDK alone
        would try the address it has for ever, although its ticket is used up.
        """
        handler = Envelopes(app, self._settings.slack_app_token.get_secret_value(), web_client=slack)
        handler.client.proxy = proxy_for(self._settings.slack_api_url)
        handler.client.message_listeners.append(_mend_shape)
        connecting = asyncio.create_task(handler.connect_async())  # type: ignore[no-untyped-call]
        silent = 0.0
        try:
            while True:
                connected = await handler.client.is_connected()
                if connected != self._is_open:
                    log.info("connected to Slack" if connected else "connection to Slack lost")
                self._is_open = connected
                silent = 0.0 if connected else silent + 0.2
                if silent >= SILENT_SECONDS:
                    silent = 0.0
                    handler.client.wss_uri = None
                await asyncio.sleep(0.2)
        finally:
            self._is_open = False
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
            await handler.close_async()  # type: ignore[no-untyped-call]


async def _mend_shape(_client: object, envelope: dict[str, Any], _frame: str | None = None) -> None:
    """Empty a payload that is no object: the SDK gives up on it before the envelope can be acknowledged."""
    if not isinstance(envelope.get("payload", {}), dict):
        envelope["payload"] = {}


class Envelopes(AsyncSocketModeHandler):
    """Hands each envelope to the app, and acknowledges also one that Bolt cannot read."""

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """Let Bolt answer; where a part is not what Slack makes it, Bolt fails in code of its own and has not yet."""
        try:
            await super().handle(client, req)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            log.warning("an envelope was not understood", error=type(error).__name__, words=str(error))
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))

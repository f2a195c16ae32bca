"""The Socket Mode door: every envelope is acknowledged, also one that Bolt cannot read."""

import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

log = structlog.get_logger(__name__)


class Envelopes(AsyncSocketModeHandler):
    """Hands each envelope to the app."""

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """Let Bolt answer; where a part is not what Slack makes it, Bolt fails in code of its own and has not yet."""
        try:
            await super().handle(client, req)
        except (AttributeError, LookupError, TypeError) as error:
            log.warning("an envelope was not understood", error=type(error).__name__, words=str(error))
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))

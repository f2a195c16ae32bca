"""Envelopes of Socket Mode: handed to the app, whose answer becomes the acknowledgement."""

import logging
import time

import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from handlers.transport.websocket import Message

log = structlog.get_logger(__name__)


async def answer(app: AsyncApp, envelope: Message) -> str | None:
    """What acknowledges an envelope, as it goes over the socket; None where Slack is to deliver it again.

    One that Bolt cannot read is acknowledged as well: where a part is not what Slack makes it, Bolt fails in code of
    its own and has not answered yet.
    """
    said = _Said()
    try:
        if request := SocketModeRequest.from_dict({"type": "", "payload": {}, **envelope}):
            response = await run_async_bolt_app(app, request)
            await send_async_response(said, request, response, time.time())
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        log.warning("an envelope was not understood", error=type(error).__name__)
        await said.send_socket_mode_response(SocketModeResponse(envelope_id=str(envelope["envelope_id"])))
    return said.text


class _Said(AsyncBaseSocketModeClient):
    """Where Bolt's adapter says its answer."""

    def __init__(self) -> None:
        self.logger = logging.getLogger("slack_bolt.socket_mode")
        self.text: str | None = None

    async def send_message(self, message: str) -> None:
        """Keep it; over which socket it goes is not for Bolt to know."""
        self.text = message

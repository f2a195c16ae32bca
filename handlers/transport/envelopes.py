"""Dispatch of Socket Mode envelopes to the app, whose response becomes the acknowledgement."""

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
    """Return the ack of an envelope as JSON text, or None if Slack should deliver it again.

    Acknowledge a malformed envelope as well: Bolt raises in its own parsing code before it has answered.
    """
    recorder = _AckRecorder()
    try:
        if request := SocketModeRequest.from_dict({"type": "", "payload": {}, **envelope}):
            response = await run_async_bolt_app(app, request)
            await send_async_response(recorder, request, response, time.time())
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        log.warning("an envelope could not be read", error=type(error).__name__)
        await recorder.send_socket_mode_response(SocketModeResponse(envelope_id=str(envelope["envelope_id"])))
    return recorder.text


class _AckRecorder(AsyncBaseSocketModeClient):
    """A Socket Mode client that records the answer of Bolt's adapter instead of sending it."""

    def __init__(self) -> None:
        self.logger = logging.getLogger("slack_bolt.socket_mode")
        self.text: str | None = None

    async def send_message(self, message: str) -> None:
        """Record the message. The reconnector chooses the socket to send it on."""
        self.text = message

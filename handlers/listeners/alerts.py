"""Messages in channels of alerts, and the buttons of the offers that come of them."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.response import BoltResponse

from bot.errors import StoreUnavailable
from bot.services.alerts.ingest import Intake
from bot.services.alerts.offers import Offering
from bot.services.resend.form import Dialog
from bot.slack.chat import Chat
from bot.views import alert_offers, resend_form
from bot.wiring import Services
from handlers.listeners.error_boundary import Answering
from handlers.listeners.payloads import Payload, read_choice, read_message_origin, read_thread, read_trigger

log = structlog.get_logger(__name__)

NEW = (None, "bot_message", "file_share", "me_message")
OFFERED = "what was offered"


class AlertChannels:
    """Listeners for new messages, and for *Resend DCV email* and *Not now* below an offer."""

    def __init__(self, intake: Intake, offering: Offering, dialog: Dialog, chat: Chat, answering: Answering) -> None:
        self._intake = intake
        self._offering = offering
        self._dialog = dialog
        self._chat = chat
        self._answering = answering

    async def keep(self, body: dict[str, Any], next_: Callable[[], Awaitable[None]]) -> BoltResponse | None:
        """Before the ack, which Bolt sends by itself: what counts as delivered must be written down."""
        if message := read_new_message(body):
            try:
                await self._intake.take(str(message["channel"]), message)
            except StoreUnavailable as error:
                log.warning("an alert could not be written down; Slack delivers it again", error=str(error))
                return BoltResponse(status=503)
        await next_()
        return None

    async def hear(self) -> None:
        """All that must be done was done before the ack; the rest happens in the background."""

    async def resend(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form of what was offered; its result goes to the alert's thread."""
        origin = read_message_origin(body)
        await ack()
        async with self._answering.to(origin):
            key = read_choice(body) or ""
            form = await self._dialog.start(origin.actor, read_thread(body), key)
            view_id = await self._chat.open_form(read_trigger(body), resend_form.looking_up(form.id, OFFERED))
            if view_id:
                await self._chat.update_form(view_id, await self._dialog.choose(form, key))

    async def not_now(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Let it rest; the offer says who wanted that."""
        origin = read_message_origin(body)
        await ack()
        async with self._answering.to(origin):
            await self._offering.not_now(origin.actor, read_choice(body) or "")


def read_new_message(body: Payload) -> dict[str, Any] | None:
    """The message of an event that tells of a new one at the top of a channel; None for all other events.

    Edits, unfurls, joins and their like have a subtype of their own, replies a thread; strangers read along where
    Slack says that the channel is shared with another organization.
    """
    message = body.get("event")
    if not isinstance(message, dict) or body.get("is_ext_shared_channel") or message.get("hidden"):
        return None
    ts, channel = message.get("ts"), message.get("channel")
    if not _is_ts(ts) or not isinstance(channel, str) or message.get("subtype") not in NEW:
        return None
    return message if message.get("thread_ts") in (None, ts) else None


def _is_ts(ts: object) -> bool:
    seconds, _, rest = ts.partition(".") if isinstance(ts, str) else ("", "", "")
    return seconds.isascii() and seconds.isdecimal() and len(seconds) < 12 and rest.isascii() and rest.isdecimal()


def register(app: AsyncApp, services: Services, answering: Answering) -> None:
    """Attach this feature's listeners."""
    channels = AlertChannels(services.intake, services.offering, services.dialog, services.chat, answering)
    app.event("message", middleware=[channels.keep])(channels.hear)
    app.action(alert_offers.RESEND)(channels.resend)
    app.action(alert_offers.NOT_NOW)(channels.not_now)

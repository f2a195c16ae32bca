"""Messages in alert channels, and the buttons below the offers that the bot posts for them."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.response import BoltResponse

from bot.errors import StoreUnavailable
from bot.services.alerts.ingest import AlertIngester
from bot.services.alerts.offers import OfferWorker
from bot.services.resend.form import ResendFormService
from bot.slack.chat import Chat
from bot.views import alert_offers, resend_form
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import Payload, read_choice, read_message_interaction, read_thread, read_trigger

log = structlog.get_logger(__name__)

NEW = (None, "bot_message", "file_share", "me_message")
OFFERED = "what was offered"


class AlertChannels:
    """Listeners for new messages, and for *Resend DCV email* and *Not now* below an offer."""

    def __init__(
        self,
        alert_ingester: AlertIngester,
        offer_worker: OfferWorker,
        form_service: ResendFormService,
        chat: Chat,
        boundary: ErrorBoundary,
    ) -> None:
        self._alert_ingester = alert_ingester
        self._offer_worker = offer_worker
        self._form_service = form_service
        self._chat = chat
        self._boundary = boundary

    async def ingest(self, body: dict[str, Any], next_: Callable[[], Awaitable[None]]) -> BoltResponse | None:
        """Store a new alert before Bolt acknowledges the event: Slack does not deliver an acknowledged event again.

        Answer with 503 if the database is unavailable, so that Slack retries.
        """
        if message := read_new_message(body):
            try:
                await self._alert_ingester.ingest(str(message["channel"]), message)
            except StoreUnavailable as error:
                log.warning("an alert could not be written down; Slack delivers it again", error=str(error))
                return BoltResponse(status=503)
        await next_()
        return None

    async def handle_message(self) -> None:
        """Do nothing: `ingest` has stored the alert before the ack, and the offer worker does the rest."""

    async def resend(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form for the offered target. The result goes to the alert's thread."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            key = read_choice(body) or ""
            form = await self._form_service.start(interaction.actor, read_thread(body), key)
            view_id = await self._chat.open_form(read_trigger(body), resend_form.loading(form.id, OFFERED))
            if view_id:
                await self._chat.update_form(view_id, await self._form_service.choose(form, key))

    async def snooze(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Snooze the offer. Its message then names the person who pressed *Not now*."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            await self._offer_worker.snooze(interaction.actor, read_choice(body) or "")


def read_new_message(body: Payload) -> dict[str, Any] | None:
    """Return the message of an event that announces a new top-level message, or None for any other event.

    Edits, unfurls and joins have a subtype of their own, and replies have a thread. A channel that is shared with
    another organization is ignored, because its members would read the offer.
    """
    message = body.get("event")
    if not isinstance(message, dict) or body.get("is_ext_shared_channel") or message.get("hidden"):
        return None
    ts, channel = message.get("ts"), message.get("channel")
    if not _is_ts(ts) or not isinstance(channel, str) or message.get("subtype") not in NEW:
        return None
    return message if message.get("thread_ts") in (None, ts) else None


def _is_ts(ts: object) -> bool:
    # Message ids are "seconds.fraction" in ASCII digits. A forged payload may hold anything here.
    seconds, _, rest = ts.partition(".") if isinstance(ts, str) else ("", "", "")
    return seconds.isascii() and seconds.isdecimal() and len(seconds) < 12 and rest.isascii() and rest.isdecimal()


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    channels = AlertChannels(
        services.alert_ingester, services.offer_worker, services.form_service, services.chat, boundary
    )
    app.event("message", middleware=[channels.ingest])(channels.handle_message)
    app.action(alert_offers.RESEND)(channels.resend)
    app.action(alert_offers.NOT_NOW)(channels.snooze)

"""Messages in alert channels, and the buttons below the offers that the bot posts for them."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.response import BoltResponse

from bot.errors import StoreUnavailable
from bot.models import Destination, Interaction, OfferTarget, TargetKey
from bot.parsing.mentions import Mention
from bot.parsing.targets import DomainRef, OrderRef
from bot.services.alerts.ingest import AlertIngester
from bot.services.alerts.offers import OfferWorker
from bot.services.reports.status import StatusReport
from bot.services.resend.form import ResendFormService
from bot.slack.chat import Chat
from bot.views import alert_offers, resend_form
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import Payload, read_choice, read_message_interaction, read_thread, read_trigger

log = structlog.get_logger(__name__)

NEW = (None, "bot_message", "file_share", "me_message")
OFFERED = "this suggestion"


@define(eq=False, repr=False, slots=False)
class AlertChannels:
    """Listeners for new messages, and for the buttons below an offer and below the summary of further alerts."""

    _alert_ingester: AlertIngester
    _offer_worker: OfferWorker
    _form_service: ResendFormService
    _status: StatusReport
    _chat: Chat
    _boundary: ErrorBoundary

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

    async def choose(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form with a choice of the targets that got no button of their own."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            form = await self._form_service.start(interaction.actor, read_thread(body), "an alert")
            view_id = await self._chat.open_form(read_trigger(body), resend_form.loading(form.id, OFFERED))
            if view_id:
                rest = await self._offer_worker.without_button(read_choice(body) or "")
                mentions = [_mention(target) for target in rest]
                await self._chat.update_form(view_id, await self._form_service.from_message(form, mentions))

    async def show_pending(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Send this person the list of what is pending, as `/dcv-status` does."""
        pressed = read_message_interaction(body)
        channel = Destination(read_thread(body).channel_id)
        await ack()
        async with self._boundary.respond_to(pressed):
            report = await self._status.report(pressed.actor, channel, None)
            await self._chat.send_ephemeral(Interaction(pressed.actor, channel), report)

    async def snooze(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Snooze the offer. Its message then names the person who pressed *Not now*."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            await self._offer_worker.snooze(interaction.actor, read_choice(body) or "")


def _mention(target: OfferTarget) -> Mention:
    """Return a target of an offer as if the alert named nothing else."""
    order_id = TargetKey.parse(target.key).order_id
    return Mention(OrderRef(order_id) if order_id else DomainRef(target.names[0]), True, "the alert")


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
        services.alert_ingester,
        services.offer_worker,
        services.form_service,
        services.status_report,
        services.chat,
        boundary,
    )
    app.event("message", middleware=[channels.ingest])(channels.handle_message)
    app.action(re.compile(rf"{alert_offers.RESEND}\d"))(channels.resend)
    app.action(alert_offers.CHOOSE)(channels.choose)
    app.action(alert_offers.SHOW_PENDING)(channels.show_pending)
    app.action(alert_offers.NOT_NOW)(channels.snooze)

"""*Ask them to resend* below a refusal, and *Review and resend…* below the question that the bot then posts."""

from dataclasses import replace
from typing import Any

from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import StaleInteraction
from bot.models import Actor, Destination
from bot.services.resend.asks import ResendAskService
from bot.services.resend.form import ResendFormService
from bot.slack.chat import Chat
from bot.views import resend_asks, resend_form
from bot.views.blocks import Message
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import (
    read_actor,
    read_button_interaction,
    read_choice,
    read_form_id,
    read_message_interaction,
    read_thread,
    read_trigger,
    read_view,
    read_view_id,
)

ASKED = "what was asked for"


@define(eq=False, repr=False, slots=False)
class ResendAskButtons:
    """Listeners for asking, and for the answer to a question."""

    _asks: ResendAskService
    _form_service: ResendFormService
    _chat: Chat
    _boundary: ErrorBoundary

    async def ask(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Ask those who may resend in the channel of the refusal, which the confirmation replaces."""
        if read_view(body):
            await self._ask_from_form(ack, body)
            return
        interaction = replace(read_button_interaction(body), replaces=True)
        await ack()
        async with self._boundary.respond_to(interaction):
            done = await self._ask(interaction.actor, interaction.destination, body)
            await self._chat.send_ephemeral(interaction, done)

    async def _ask_from_form(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Ask in the channel from which the form was opened, and show the confirmation in the form."""
        actor, form_id = read_actor(body), read_form_id(body)
        await ack()
        interaction = await self._form_service.interaction(actor, form_id)
        async with self._boundary.respond_to(interaction):
            done = await self._ask(actor, interaction.destination, body)
            await self._chat.update_form(read_view_id(body), resend_form.answered(form_id, done))

    async def _ask(self, actor: Actor, destination: Destination | None, body: dict[str, Any]) -> Message:
        if destination is None:
            raise StaleInteraction("form")
        return await self._asks.ask(actor, destination, f"ask:{read_trigger(body)}", read_choice(body) or "")

    async def review(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the filled form for a user who may resend. The result goes to the thread of the question."""
        interaction = read_message_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            ask, wanted = await self._asks.find(read_choice(body) or "")
            form = await self._form_service.start(interaction.actor, read_thread(body), ask.target, wanted)
            form = form.answering(ask)
            if wanted is None:
                await self._form_service.save(form)
            view_id = await self._chat.open_form(read_trigger(body), resend_form.loading(form.id, ASKED))
            if view_id and wanted:
                await self._chat.update_form(view_id, await self._form_service.find_target(form, wanted))


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    buttons = ResendAskButtons(services.resend_asks, services.form_service, services.chat, boundary)
    app.action(resend_asks.ASK)(buttons.ask)
    app.action(resend_asks.REVIEW)(buttons.review)

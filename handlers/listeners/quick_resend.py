"""The button *Resend to admin@…* of a status row: send after a confirmation, or open the form."""

from typing import Any

from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.models import Destination, Interaction
from bot.services.publishing.result_routes import ResultRoutes
from bot.services.resend.form import ResendFormService
from bot.services.resend.quick_resend import QuickResend
from bot.slack.chat import Chat
from bot.views import quick_resend, resend_form
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import (
    Payload,
    read_choice,
    read_form_destination,
    read_screen_interaction,
    read_trigger,
)

ROW = "this row"


@define(eq=False, repr=False, slots=False)
class QuickResendButton:
    """Listener for the button, in an ephemeral message and on Home."""

    _quick_resend: QuickResend
    _form_service: ResendFormService
    _routes: ResultRoutes
    _chat: Chat
    _boundary: ErrorBoundary

    async def press(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Send what the dialog said, or open the form if that is not possible in time, or not exactly."""
        interaction, destination = read_screen_interaction(body), read_form_destination(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            cause, value = f"trigger:{read_trigger(body)}", read_choice(body) or ""
            prepared = self._quick_resend.prepare(interaction.actor, destination, cause, value)
            if sent := await self._quick_resend.send(prepared):
                await self._routes.explain(interaction, sent.subject)
            else:
                await self._open(interaction, destination, body)

    async def _open(self, interaction: Interaction, destination: Destination, body: Payload) -> None:
        key = (read_choice(body) or "").partition("|")[0]
        form = await self._form_service.start(
            interaction.actor, destination, key, response_url=interaction.response_url
        )
        view_id = await self._chat.open_form(read_trigger(body), resend_form.loading(form.id, ROW))
        if view_id:
            await self._chat.update_form(view_id, await self._form_service.choose(form, key))


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    button = QuickResendButton(
        services.quick_resend, services.form_service, services.result_routes, services.chat, boundary
    )
    app.action(quick_resend.QUICK_RESEND)(button.press)

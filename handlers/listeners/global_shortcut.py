"""The global shortcut *Resend DCV email*: open the search form from anywhere in Slack."""

from typing import Any

from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.models import Destination, Interaction
from bot.services.resend.form import ResendFormService
from bot.slack.chat import Chat
from bot.views import resend_form
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import read_actor, read_trigger

CALLBACK = "dcv_resend_global"


@define(eq=False, repr=False, slots=False)
class GlobalShortcut:
    """Listener for the shortcut. Slack sends no channel, so every answer is a direct message."""

    _form_service: ResendFormService
    _chat: Chat
    _boundary: ErrorBoundary

    async def handle(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form in which the user searches for an order or domain. The result is a direct message."""
        actor = read_actor(body)
        await ack()
        async with self._boundary.respond_to(Interaction(actor, None)):
            # A post to a user's id opens the direct message. No rule for a channel matches it.
            form = await self._form_service.start(actor, Destination(actor.user_id), "global shortcut")
            await self._form_service.save(form)
            await self._chat.open_form(read_trigger(body), resend_form.empty(form.id))


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    shortcut = GlobalShortcut(services.form_service, services.chat, boundary)
    app.global_shortcut(CALLBACK)(shortcut.handle)

"""The message shortcut *Resend DCV email*: open the form, prefilled with the targets that the message names."""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.models import Interaction
from bot.parsing.mentions import find_mentions
from bot.services.resend.form import ResendFormService
from bot.slack.chat import Chat
from bot.views import resend_form
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import read_actor, read_shortcut_thread, read_trigger

CALLBACK = "dcv_resend_message"
MESSAGE = "what the message names"


class ResendShortcut:
    """Listener for the shortcut. Slack includes the message in the payload, so the bot need not be in the channel."""

    def __init__(self, form_service: ResendFormService, chat: Chat, boundary: ErrorBoundary) -> None:
        self._form_service = form_service
        self._chat = chat
        self._boundary = boundary

    async def handle(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open a loading form at once, because a trigger expires after three seconds. Then update it from DigiCert."""
        actor, destination = read_actor(body), read_shortcut_thread(body)
        await ack()
        async with self._boundary.respond_to(Interaction(actor, destination)):
            form = await self._form_service.start(actor, destination, "a message")
            view_id = await self._chat.open_form(read_trigger(body), resend_form.loading(form.id, MESSAGE))
            if view_id:
                # In a thread: parsing the longest messages would block the event loop for some hundredths of a second.
                mentions = await asyncio.to_thread(find_mentions, body.get("message"))
                await self._chat.update_form(view_id, await self._form_service.from_message(form, mentions))


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    shortcut = ResendShortcut(services.form_service, services.chat, boundary)
    app.message_shortcut(CALLBACK)(shortcut.handle)

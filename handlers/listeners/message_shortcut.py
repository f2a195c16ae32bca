"""The message shortcut *Resend DCV email*: open the form, filled in with what the message names."""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.models import Origin
from bot.parsing.mentions import read_candidates
from bot.services.resend.form import Dialog
from bot.slack.chat import Chat
from bot.views import resend_form
from bot.wiring import Services
from handlers.listeners.error_boundary import Answering
from handlers.listeners.payloads import read_actor, read_shortcut_thread, read_trigger

CALLBACK = "dcv_resend_message"
MESSAGE = "what the message names"


class ResendShortcut:
    """Listener for the shortcut; it reads the message that Slack sends along, so the bot need not be in the channel."""

    def __init__(self, dialog: Dialog, chat: Chat, answering: Answering) -> None:
        self._dialog = dialog
        self._chat = chat
        self._answering = answering

    async def hear(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A form first, since a trigger lives three seconds; then what DigiCert says of what the message names."""
        actor, place = read_actor(body), read_shortcut_thread(body)
        await ack()
        async with self._answering.to(Origin(actor, place)):
            form = await self._dialog.start(actor, place, "a message")
            view_id = await self._chat.open_form(read_trigger(body), resend_form.looking_up(form.id, MESSAGE))
            if view_id:
                # In a thread, since the longest messages take some hundredths of a second.
                candidates = await asyncio.to_thread(read_candidates, body.get("message"))
                await self._chat.update_form(view_id, await self._dialog.named(form, candidates))


def register(app: AsyncApp, services: Services, answering: Answering) -> None:
    """Attach this feature's listeners."""
    shortcut = ResendShortcut(services.dialog, services.chat, answering)
    app.message_shortcut(CALLBACK)(shortcut.hear)

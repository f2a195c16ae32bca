"""The buttons below `/dcv-resend history`, which turn its pages; the command itself is heard in `commands`."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.services.reports.history import Chronicle
from bot.slack.chat import Chat
from bot.views import history as views
from bot.wiring import Services
from handlers.listeners.error_boundary import Answering
from handlers.listeners.payloads import read_choice, read_whisper_origin


class HistoryPages:
    """Listener for the buttons."""

    def __init__(self, chronicle: Chronicle, chat: Chat, answering: Answering) -> None:
        self._chronicle = chronicle
        self._chat = chat
        self._answering = answering

    async def turn(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Another page, in place of the whisper whose button was pressed."""
        origin = read_whisper_origin(body)
        await ack()
        async with self._answering.to(origin):
            message = await self._chronicle.turn(origin.actor, origin.place, read_choice(body) or "")
            await self._chat.whisper(origin, message, replace=True)


def register(app: AsyncApp, services: Services, answering: Answering) -> None:
    """Attach this feature's listeners."""
    pages = HistoryPages(services.chronicle, services.chat, answering)
    for button in (views.NEWER, views.OLDER):
        app.action(button)(pages.turn)

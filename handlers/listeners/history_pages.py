"""The paging buttons below `/dcv-resend history`. The command itself is handled in `resend_command`."""

from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.services.reports.history import HistoryReport
from bot.slack.chat import Chat
from bot.views import history as views
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import read_choice, read_ephemeral_interaction


class HistoryPages:
    """Listener for the paging buttons."""

    def __init__(self, history_report: HistoryReport, chat: Chat, boundary: ErrorBoundary) -> None:
        self._history_report = history_report
        self._chat = chat
        self._boundary = boundary

    async def show_page(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Replace the ephemeral message whose button was pressed with another page."""
        interaction = replace(read_ephemeral_interaction(body), replaces=True)
        await ack()
        async with self._boundary.respond_to(interaction):
            message = await self._history_report.page(
                interaction.actor, interaction.destination, read_choice(body) or ""
            )
            await self._chat.send_ephemeral(interaction, message)


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    pages = HistoryPages(services.history_report, services.chat, boundary)
    for button in (views.NEWER, views.OLDER):
        app.action(button)(pages.show_page)

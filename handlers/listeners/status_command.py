"""`/dcv-status`: a read-only report of pending targets and their last resends, visible to the user alone."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.parsing.commands import ShowStatus, read_status
from bot.services.reports.status import StatusReport
from bot.slack.chat import Chat
from bot.views import status as views
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.help import Help
from handlers.listeners.payloads import read_choice, read_command_interaction, read_ephemeral_interaction

HELP = Help(
    "/dcv-status",
    "Tells you alone how it stands: each name's method and state, since when, and who had a mail resent last to whom. "
    "Name an order or a domain, or nothing to see every pending order. It only looks, and changes nothing.",
    examples=("/dcv-status", "/dcv-status 700001", "/dcv-status shop.example.com"),
)


class StatusCommand:
    """Listeners for the slash command and for the buttons below its answers."""

    def __init__(self, status: StatusReport, chat: Chat, boundary: ErrorBoundary) -> None:
        self._status = status
        self._chat = chat
        self._boundary = boundary

    async def handle(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Ack at once, then send the report as an ephemeral message."""
        interaction = read_command_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            match read_status(str(body.get("text") or "")):
                case ShowStatus(wanted):
                    await self._chat.send_ephemeral(
                        interaction, await self._status.report(interaction.actor, interaction.destination, wanted)
                    )
                case _:
                    await self._chat.send_ephemeral(interaction, HELP.message())

    async def show_page(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Replace the ephemeral message whose button was pressed with another page, or with a refreshed one."""
        interaction = read_ephemeral_interaction(body)
        await ack()
        async with self._boundary.respond_to(interaction):
            message = await self._status.page(interaction.actor, interaction.destination, read_choice(body) or "")
            await self._chat.send_ephemeral(interaction, message, replace=True)


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    command = StatusCommand(services.status, services.chat, boundary)
    app.command(HELP.command)(command.handle)
    for button in (views.PREVIOUS, views.NEXT, views.AGAIN):
        app.action(button)(command.show_page)

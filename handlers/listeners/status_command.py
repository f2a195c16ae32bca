"""`/dcv-status`: only looks, and whispers what waits and who was mailed last."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.parsing.commands import LookAt, read_status
from bot.services.reports.status import Status
from bot.slack.chat import Chat
from bot.views import status as views
from bot.wiring import Services
from handlers.listeners.error_boundary import Answering
from handlers.listeners.help import Help
from handlers.listeners.payloads import read_choice, read_command_origin, read_whisper_origin

HELP = Help(
    "/dcv-status",
    "Tells you alone how it stands: each name's method and state, since when, and who had a mail resent last to whom. "
    "Name an order or a domain, or nothing to see every pending order. It only looks, and changes nothing.",
    examples=("/dcv-status", "/dcv-status 700001", "/dcv-status shop.example.com"),
)


class StatusCommand:
    """Listeners for the slash command and for the buttons below its answers."""

    def __init__(self, status: Status, chat: Chat, answering: Answering) -> None:
        self._status = status
        self._chat = chat
        self._answering = answering

    async def hear(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Ack at once; the answer is whispered."""
        origin = read_command_origin(body)
        await ack()
        async with self._answering.to(origin):
            match read_status(str(body.get("text") or "")):
                case LookAt(wanted):
                    await self._chat.whisper(origin, await self._status.of(origin.actor, origin.place, wanted))
                case _:
                    await self._chat.whisper(origin, HELP.message())

    async def turn(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Another page, or the same question again, in place of the whisper whose button was pressed."""
        origin = read_whisper_origin(body)
        await ack()
        async with self._answering.to(origin):
            message = await self._status.again(origin.actor, origin.place, read_choice(body) or "")
            await self._chat.whisper(origin, message, replace=True)


def register(app: AsyncApp, services: Services, answering: Answering) -> None:
    """Attach this feature's listeners."""
    command = StatusCommand(services.status, services.chat, answering)
    app.command(HELP.command)(command.hear)
    for button in (views.PREVIOUS, views.NEXT, views.AGAIN):
        app.action(button)(command.turn)
